"""A run without its joules: a strategy spends a virtual budget on an objective that is looked up.

The rules are those of a comparison, its worker and its objective:

- A new trial gets the next number; a paused one goes on where it stopped, and is built anew.
- A slice ends at its epochs (`Work.until`), at the first validated epoch by which the trial has
  spent its joules (`Work.until_j`), or, truncated, at an epoch's end after which another such epoch
  would not fit. An epoch that the budget cuts short costs all that was left, for nothing.
- Every slice is charged, failed ones too. Searching is charged as told by `search_j`; no clock
  enters unless `watts` asks for it.
- The run is over when what is left fits no epoch of the cheapest candidate, after three truncated
  slices or twenty failed ones in a row, or when the strategy has no more work.

    >>> from perjoule.benchmarks.replay.synthetic import SURFACES
    >>> from perjoule.tuners.registry import RECIPES
    >>> surface = SURFACES["scaling"]
    >>> strategy = RECIPES["random"].build(surface.space, 0, task_of(surface, 500.0))
    >>> slices = simulate(strategy, surface, 500.0)
    >>> slices[-1].spent_j <= 500.0
    True
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ...models.outcome import CurvePoint, State
from ...models.space import Space
from ...tuners.strategy import Strategy, Task, Told, Work
from ..comparison.run import ASK_MARGIN, MOST_FAILED_IN_A_ROW, MOST_TRUNCATED_IN_A_ROW

if TYPE_CHECKING:
    import pandas as pd

Curve = tuple[float, Sequence[tuple[float, float]]]
"""Joules of building a network, then joules and validation accuracy of each epoch of training it.

An accuracy that is NaN is an epoch in which the trial fails; so does one that goes past the end.
"""


class Simulated(Protocol):
    """An objective that knows what training would cost and give."""

    @property
    def space(self) -> Space:
        """What may be chosen."""
        ...

    @property
    def n_samples(self) -> int:
        """Images of one epoch."""
        ...

    @property
    def cheapest_j(self) -> float:
        """Joules of building the cheapest candidate and training it for an epoch."""
        ...

    @property
    def cost_of(self) -> Callable[[Mapping[str, Any]], tuple[float, float]] | None:
        """Operations of the forward pass of one image, and parameters, of a candidate.

        None where they are not known.
        """
        ...

    def curve(self, params: Mapping[str, Any], trial: int, seed: int) -> Curve:
        """What each epoch of a trial costs and gives, as far as it is known."""
        ...


class Slice(NamedTuple):
    """A simulated slice.

    Attributes:
        strategy: Name of the strategy.
        seed: Seed of the run.
        trial: Number of the trial.
        state: How the slice ended.
        accuracy: Last validation accuracy of the slice; NaN if there is none or it failed.
        energy_j: Joules of the slice, its search included.
        epochs: Whole epochs that the trial has behind it.
        spent_j: Joules of the run up to the end of the slice.
        search_j: Joules of its ask and tell.
        search_s: CPU-seconds that its ask and tell really took.
        params: The candidate's hyperparameters.
    """

    strategy: str
    seed: int
    trial: int
    state: State
    accuracy: float
    energy_j: float
    epochs: int
    spent_j: float
    search_j: float
    search_s: float
    params: Mapping[str, Any]


def task_of(objective: Simulated, budget_j: float, fidelity: str = "epochs") -> Task:
    """What a strategy may know of a simulated run.

    Args:
        objective: What is searched.
        budget_j: Joules of the run.
        fidelity: As in `Task`.
    """
    return Task(budget_j, fidelity, objective.cost_of, objective.n_samples)


def simulate(
    strategy: Strategy,
    objective: Simulated,
    budget_j: float,
    *,
    seed: int = 0,
    name: str = "",
    search_j: float | Callable[[int], float] = 0.0,
    watts: float = 0.0,
    max_trials: int | None = None,
) -> list[Slice]:
    """Let a strategy spend a virtual budget.

    Args:
        strategy: A new strategy, made for the objective's space.
        objective: What is searched.
        budget_j: Joules of the run.
        seed: Seed of the run, for the objective.
        name: Name of the strategy, for the table.
        search_j: Joules that an ask costs, with its tell; or a function from the number of slices
            told before to these joules.
        watts: What each CPU-second that asks and tells really take is charged besides.
        max_trials: Begin no further slice once there are so many trials; None has no such end.

    Returns:
        The slices in their order.

    Raises:
        ValueError: The strategy goes on with a trial that is not paused.
    """
    run = _Run(strategy, objective, budget_j, seed, name, search_j, watts)
    while not run.is_over and (max_trials is None or run.n_trials < max_trials):
        if not run.step():
            break
    return run.slices


def table(slices: Iterable[Slice]) -> pd.DataFrame:
    """The slices as `benchmarks.statistics` reads them: column `run` added, one row per slice.

    Paused slices stand as complete, since their accuracy counts too.
    """
    import pandas as pd

    frame = pd.DataFrame(list(slices), columns=list(Slice._fields)).drop(columns="params")
    frame["state"] = frame["state"].astype(str).replace("paused", "complete")
    frame.insert(0, "run", frame["strategy"] + "-" + frame["seed"].astype(str))
    return frame


@dataclass(slots=True)
class _Trial:
    """A trial, as far as it has come."""

    number: int
    params: Mapping[str, Any]
    setup_j: float
    points: Sequence[tuple[float, float]]
    epochs: int = 0
    energy_j: float = 0.0
    state: State = State.PAUSED


class _Run:
    """What a run knows between its slices."""

    def __init__(
        self,
        strategy: Strategy,
        objective: Simulated,
        budget_j: float,
        seed: int,
        name: str,
        search_j: float | Callable[[int], float],
        watts: float,
    ) -> None:
        self.slices: list[Slice] = []
        self.n_trials = 0
        self._strategy, self._objective = strategy, objective
        self._budget_j, self._seed, self._name = budget_j, seed, name
        self._search_j, self._watts = search_j, watts
        self._cheapest_j = objective.cheapest_j
        self._spent_j = self._ask_j = 0.0
        self._trials: dict[int, _Trial] = {}
        self._n_failed = self._n_truncated = 0

    @property
    def is_over(self) -> bool:
        """Whether the loop of a comparison would give this run no further work."""
        return (
            self._spent_j >= self._budget_j
            or self._spent_j + ASK_MARGIN * self._ask_j + self._cheapest_j > self._budget_j
            or self._n_truncated >= MOST_TRUNCATED_IN_A_ROW
            or self._n_failed >= MOST_FAILED_IN_A_ROW
        )

    def step(self) -> bool:
        """Ask, train, tell; False if there is no work."""
        started_s = time.process_time()
        work = self._strategy.ask(self._spent_j)
        ask_s = time.process_time() - started_s
        if work is None:
            return False
        modelled = self._search_j
        modelled_j = modelled(len(self.slices)) if callable(modelled) else modelled
        self._ask_j = modelled_j + self._watts * ask_s
        trial = self._trial(work)
        state, curve, used_j = _train(trial, work, self._budget_j - self._spent_j - self._ask_j)
        accuracy = curve[-1].accuracy if curve else None
        energy_j = self._ask_j + used_j
        trial.state = state
        told = Told(
            trial.params,
            state,
            accuracy,
            energy_j,
            trial=trial.number,
            epochs=trial.epochs,
            curve=tuple(curve),
        )
        started_s = time.process_time()
        self._strategy.tell(told)
        tell_s = time.process_time() - started_s
        tell_j = self._watts * tell_s
        trial.energy_j += energy_j
        self._record(trial, accuracy, energy_j + tell_j, self._ask_j + tell_j, ask_s + tell_s)
        return True

    def _trial(self, work: Work) -> _Trial:
        if work.trial is None:
            number = self.n_trials
            curve = self._objective.curve(work.params, number, self._seed)
            self._trials[number] = _Trial(number, work.params, *curve)
            self.n_trials += 1
            return self._trials[number]
        trial = self._trials.get(work.trial)
        if trial is None or trial.state is not State.PAUSED:
            raise ValueError(f"ask wants to go on with trial {work.trial}, which is not paused")
        return trial

    def _record(
        self,
        trial: _Trial,
        accuracy: float | None,
        energy_j: float,
        search_j: float,
        search_s: float,
    ) -> None:
        failed = trial.state is State.FAILED
        self._n_failed = self._n_failed + 1 if failed else 0
        self._n_truncated = self._n_truncated + 1 if trial.state is State.TRUNCATED else 0
        self._spent_j += energy_j
        if trial.state is not State.PAUSED:
            del self._trials[trial.number]
        self.slices.append(
            Slice(
                self._name,
                self._seed,
                trial.number,
                trial.state,
                math.nan if failed or accuracy is None else accuracy,
                energy_j,
                trial.epochs,
                self._spent_j,
                search_j,
                search_s,
                trial.params,
            )
        )


def _train(trial: _Trial, work: Work, left_j: float) -> tuple[State, list[CurvePoint], float]:
    """Go on with a trial as the objective does; returns the end, the curve and the joules."""
    until_j = math.inf if work.until_j is None else work.until_j - trial.energy_j
    used_j, before_j = trial.setup_j, 0.0
    curve: list[CurvePoint] = []
    while trial.epochs < work.until:
        if trial.epochs == len(trial.points):
            return State.FAILED, curve, used_j
        epoch_j, accuracy = trial.points[trial.epochs]
        if used_j + epoch_j > left_j:
            return State.TRUNCATED, curve, max(used_j, left_j)
        used_j += epoch_j
        if math.isnan(accuracy):
            return State.FAILED, curve, used_j
        trial.epochs += 1
        # The error rate stands in for the loss, which nobody selects by.
        curve.append(CurvePoint(trial.epochs, used_j, accuracy, 1 - accuracy))
        if used_j >= until_j:
            break
        if trial.epochs < work.until and used_j + (used_j - before_j) > left_j:
            return State.TRUNCATED, curve, used_j
        before_j = used_j
    paused = work.pause and (work.until_j is None or trial.epochs < work.until)
    return State.PAUSED if paused else State.COMPLETE, curve, used_j
