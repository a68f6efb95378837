"""A run without its joules: a strategy spends a virtual budget on an objective that is looked up.

The rules are those of a comparison, its worker and its objective:

- A new trial gets the next number; a paused one goes on where it stopped, and is built anew.
- A slice ends at its epochs (`Work.until`), at the first validated epoch by which the trial has
  spent its joules (`Work.until_j`), or, truncated, at the end of an epoch after which another such
  epoch would not fit. An epoch that the budget cuts short costs all that was left, for nothing.
- Every slice is charged, failed ones too. Searching is charged by `search_j`; a clock enters only
  if `watts` is given.
- A run is over by the rules of a comparison (`comparison.run`), or when its strategy has no more
  work or fails.

    >>> from perjoule.benchmarks.replay.synthetic import SURFACES
    >>> from perjoule.tuners.registry import find_recipe
    >>> run = play(find_recipe("random").build, SURFACES["scaling"], Terms(budget_j=500.0))
    >>> run.end.value, run.slices[-1].spent_j <= 500.0
    ('spent', True)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from ...models.importing import describe_error
from ...models.outcome import CurvePoint, State
from ...tuners.registry import Builder
from ...tuners.strategy import (
    Earlier,
    Forecast,
    Strategy,
    Task,
    Told,
    Work,
    check_work,
    why_done,
)
from ..comparison.events import End
from ..comparison.run import ASK_MARGIN, Tally
from .objective import Simulated


@dataclass(frozen=True)
class Terms:
    """What a simulated run is given."""

    budget_j: float  # joules that it may spend
    seed: int = 0  # its seed
    name: str = ""  # name of its strategy, for tables
    # Joules that an ask costs, with its tell; or a function from the number of slices told before
    # to these joules.
    search_j: float | Callable[[int], float] = 0.0
    watts: float = 0.0  # what each CPU-second that asks and tells really take is charged besides
    # Begin no further slice once there are so many trials; None has no such end.
    max_trials: int | None = None
    parallel_trials: int = (
        1  # in flight at once; more than one take a virtual time (`side_by_side`)
    )
    stop_early: float | None = None  # score that is worth the budget; None spends it
    earlier: tuple[tuple[Earlier, ...], ...] = field(default=(), repr=False)  # earlier searches


class Slice(NamedTuple):
    """A simulated slice."""

    trial: int
    state: State
    score: float  # last validation score; NaN if there is none or the slice failed
    energy_j: float  # search included
    epochs: int  # whole epochs that the trial has behind it
    spent_j: float  # of the run up to the end of the slice
    search_j: float
    search_s: float  # CPU-seconds that its ask and tell really took
    predicted_j: float | None  # by the strategy; None if it did not
    # Of the score at the end, by the strategy, oriented; None if it did not.
    predicted_score: Forecast | None
    params: Mapping[str, Any]


class Simulation(NamedTuple):
    """What came of a simulated run: its slices in their order, why it is over and more of that."""

    terms: Terms
    slices: list[Slice]
    end: End
    message: str = ""

    @property
    def error(self) -> str:
        """How its strategy failed; empty if it did not."""
        return self.message if self.end is End.STRATEGY_ERROR else ""


def task_of(objective: Simulated, budget_j: float, fidelity: str = "epochs") -> Task:
    """What a strategy may know of a simulated run of so many joules."""
    cost_of, n_samples, metric = objective.cost_of, objective.n_samples, objective.metric
    return Task(budget_j, fidelity, cost_of, n_samples, metric=metric)


def play(
    build: Builder,
    objective: Simulated,
    terms: Terms,
    *,
    fidelity: str = "epochs",
    shared: dict[Any, Any] | None = None,
) -> Simulation:
    """Make a strategy and let it search an objective; a fault of its own ends the run.

    Fidelity, and what strategies of all runs may share, are as in `Task`.
    """
    try:
        strategy = maker(build, objective, terms, fidelity=fidelity, shared=shared)()
    except Exception as error:  # noqa: BLE001 - of whatever library
        return Simulation(terms, [], *fault(error))
    return simulate(strategy, objective, terms)


def maker(
    build: Builder,
    objective: Simulated,
    terms: Terms,
    *,
    fidelity: str = "epochs",
    shared: dict[Any, Any] | None = None,
) -> Callable[[], Strategy]:
    """What makes the strategy of a run; arguments as of `play`."""
    task = task_of(objective, terms.budget_j, fidelity)
    task = replace(task, stop_early=terms.stop_early, earlier=terms.earlier)
    if shared is not None:
        task = replace(task, shared=shared)
    return partial(build, objective.space, terms.seed, task)


def simulate(strategy: Strategy, objective: Simulated, terms: Terms) -> Simulation:
    """Let a new strategy, made for the objective's space, spend a virtual budget."""
    return Run(strategy, objective, terms).play()


@dataclass(slots=True)
class Training:
    """A trial, as far as it has come."""

    number: int
    params: Mapping[str, Any]
    setup_j: float
    points: Sequence[tuple[float, float]]
    epochs: int = 0
    energy_j: float = 0.0
    told: Told | None = None


class Run:
    """A run between its slices."""

    def __init__(self, strategy: Strategy, objective: Simulated, terms: Terms) -> None:
        self._strategy, self._objective, self._terms = strategy, objective, terms
        self._cheapest_j = objective.cheapest_j
        self._tally = Tally()
        self._spent_j = self._ask_j = 0.0
        self._n_trials = 0
        self._paused: dict[int, Training] = {}
        self._slices: list[Slice] = []

    def play(self) -> Simulation:
        """Go on until the run is over."""
        while (end := self._why_over() or self._step()) is None:
            continue
        return Simulation(self._terms, self._slices, *end)

    def _why_over(self) -> tuple[End, str] | None:
        most = self._terms.max_trials
        if most is not None and self._n_trials >= most:
            return End.NO_WORK, f"there are {most} trials"
        ask_j = ASK_MARGIN * self._ask_j
        return self._tally.why_over(self._terms.budget_j, ask_j, self._cheapest_j)

    def _step(self) -> tuple[End, str] | None:
        """Ask, train, tell; returns why the run is over if that ends it."""
        started_s = time.process_time()
        try:
            work = self._strategy.ask(self._spent_j)
            search_s = time.process_time() - started_s
            if work is None:
                return End.NO_WORK, why_done(self._strategy)
            trial = self._begin(work)
        except Exception as error:  # noqa: BLE001 - of whatever library
            return fault(error)
        self._ask_j = self._price_ask(len(self._slices), search_s)
        left_j = self._terms.budget_j - self._spent_j - self._ask_j
        told, energy_j = self._train(trial, work, left_j)
        started_s = time.process_time()
        end = None
        try:
            self._strategy.tell(told.oriented(self._objective.metric))
        except Exception as error:  # noqa: BLE001 - of whatever library
            end = fault(error)
        tell_s = time.process_time() - started_s
        tell_j = self._terms.watts * tell_s
        self._keep(trial, told, energy_j)
        self._record(told, energy_j + tell_j, self._ask_j + tell_j, search_s + tell_s, work)
        return end

    def _price_ask(self, n_slices: int, search_s: float) -> float:
        """Joules of the ask that so many slices were begun before, and that took such a time."""
        modelled = self._terms.search_j
        modelled_j = modelled(n_slices) if callable(modelled) else modelled
        return modelled_j + self._terms.watts * search_s

    def _train(self, trial: Training, work: Work, left_j: float) -> tuple[Told, float]:
        """Train a slice for at most so many joules; returns what it gave and took, ask included."""
        state, curve, used_j = _train(trial, work, left_j)
        energy_j = self._ask_j + used_j
        told = Told(
            trial.params,
            state,
            curve[-1].score if curve else None,
            energy_j,
            trial=trial.number,
            epochs=trial.epochs,
            curve=tuple(curve),
        )
        return told, energy_j

    def _keep(self, trial: Training, told: Told, energy_j: float) -> None:
        """A slice of a trial has ended; if it is paused, it may be gone on with."""
        trial.energy_j += energy_j
        if told.state is State.PAUSED:
            trial.told = told
            self._paused[trial.number] = trial

    def _begin(self, work: Work) -> Training:
        """The trial that the work goes on with, or a new one; faulty work is refused."""
        paused = self._paused.get(getattr(work, "trial", -1))
        check_work(work, [paused.told] if paused and paused.told else [])
        if paused:
            return self._paused.pop(paused.number)
        number = self._n_trials
        curve = self._objective.curve(work.params, number, self._terms.seed)
        self._n_trials += 1
        return Training(number, work.params, *curve)

    def _record(
        self, told: Told, energy_j: float, search_j: float, search_s: float, work: Work
    ) -> None:
        self._tally.charge(energy_j)
        self._tally.count(told.state, "a failure of the recorded trial")
        self._spent_j += energy_j
        score = None if told.state is State.FAILED else told.score
        self._slices.append(
            Slice(
                told.trial,
                told.state,
                math.nan if score is None else score,
                energy_j,
                told.epochs,
                self._spent_j,
                search_j,
                search_s,
                work.predicted_j,
                work.predicted_score,
                told.params,
            )
        )


def fault(error: Exception) -> tuple[End, str]:
    """How a run ends whose strategy raised an error."""
    return End.STRATEGY_ERROR, describe_error(error)


def _train(trial: Training, work: Work, left_j: float) -> tuple[State, list[CurvePoint], float]:
    """Go on with a trial as the objective does; returns the end, the curve and the joules."""
    until_j = math.inf if work.until_j is None else work.until_j - trial.energy_j
    used_j, before_j = trial.setup_j, 0.0
    curve: list[CurvePoint] = []
    while trial.epochs < work.until:
        if trial.epochs == len(trial.points):
            return State.FAILED, curve, used_j
        epoch_j, score = trial.points[trial.epochs]
        if used_j + epoch_j > left_j:
            return State.TRUNCATED, curve, max(used_j, left_j)
        used_j += epoch_j
        if math.isnan(score):
            return State.FAILED, curve, used_j
        trial.epochs += 1
        # The loss was not looked up: nobody selects by it.
        curve.append(CurvePoint(trial.epochs, used_j, score, math.nan))
        if used_j >= until_j:
            break
        if trial.epochs < work.until and used_j + (used_j - before_j) > left_j:
            return State.TRUNCATED, curve, used_j
        before_j = used_j
    paused = work.pause and (work.until_j is None or trial.epochs < work.until)
    return State.PAUSED if paused else State.COMPLETE, curve, used_j
