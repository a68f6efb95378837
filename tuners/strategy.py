"""The seam between searching and training: a strategy is asked for work and told what it gave.

A proposal is a function of the seed and of what was told, so a strategy can be rebuilt from the
record anywhere and at any time (see `restore`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from ..models.metric import ACCURACY, Metric
from ..models.outcome import CurvePoint, State, StepCost


class Forecast(NamedTuple):
    """What a strategy expects of the score at the end of a slice: the ends of an 80 % interval.

    Scores are oriented, as in `Told`.
    """

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Earlier:
    """A trial of an earlier search of the same space, which a strategy may learn from.

    Attributes:
        params: The candidate's hyperparameters.
        scores: Validation scores by epoch, oriented as in `Told`.
        energies_j: Joules so far by epoch, as far as they are known.
    """

    params: Mapping[str, Any]
    scores: Mapping[int, float]
    energies_j: Mapping[int, float]


@dataclass(frozen=True)
class Work:
    """What a strategy wants done next: a slice of one candidate's training.

    Attributes:
        params: All hyperparameters of the candidate.
        until: Epochs of the trial at which the slice ends.
        until_j: Joules of the trial at which it ends, if that comes first; None if there are none.
        pause: Whether the trial may be continued later; its state is kept then.
        trial: An earlier, paused trial to go on with; None begins a new one.
        predicted_j: Joules that the slice is predicted to take, None if the strategy predicts none;
            the record keeps them beside the true ones.
        predicted_score: What it expects of the score at the end of the slice, None if it forecasts
            none; the benchmark of strategies prints how often scores lay inside.
    """

    params: Mapping[str, Any]
    until: int
    until_j: float | None = None
    pause: bool = False
    trial: int | None = None
    predicted_j: float | None = None
    predicted_score: Forecast | None = None


@dataclass(frozen=True)
class Told:
    """What a strategy learns of a finished slice.

    Strategies always maximise: scores are oriented, so that greater is better. Of a metric that is
    minimised they are the negatives (`oriented`), and its bounds change places with it.

    Attributes:
        params: The candidate's hyperparameters.
        state: How the slice ended.
        score: Last validation score, None if there is none.
        energy_j: Joules of the trial, its search included; None if unavailable.
        train_step: What its first training step cost; None if it took none.
        validate_step: What its first validation step cost; None if it took none.
        trial: Number of the trial.
        epochs: Whole epochs that the trial has behind it.
        curve: One point per validated epoch of this slice; its joules count from the slice's start.
        pending: Whether it is still being trained; state, score and joules are guesses then.
    """

    params: Mapping[str, Any]
    state: State
    score: float | None
    energy_j: float | None
    train_step: StepCost | None = None
    validate_step: StepCost | None = None
    trial: int = 0
    epochs: int = 0
    curve: tuple[CurvePoint, ...] = ()
    pending: bool = False

    def oriented(self, metric: Metric) -> Told:
        """The same with scores that are in the metric's unit turned so that greater is better."""
        if metric.maximised:
            return self
        return replace(
            self,
            score=None if self.score is None else metric.oriented(self.score),
            curve=tuple(p._replace(score=metric.oriented(p.score)) for p in self.curve),
        )


@dataclass(frozen=True)
class Task:
    """What a strategy may know of the search it is made for.

    Attributes:
        budget_j: Joules that its run may spend.
        fidelity: What rungs are made of: ``"epochs"``, or ``"joules"``, with which cheap networks
            get more epochs.
        cost_of: Operations of the forward pass of one image, and parameters, of a candidate's
            network; None where networks cannot be built.
        n_samples: Images of one epoch.
        shared: What strategies of all runs may keep here: functions of space and networks alone.
        metric: What scores are of; `Metric.oriented_bounds` are those of what is told.
        energy_of: Joules of all training steps of a candidate, by an energy model of the machine;
            None of one whose network cannot be built. None where no such model is stored.
        stop_early: Score that is worth the whole budget: a run may end when nothing promises that
            for its joules. None spends the budget.
        earlier: Earlier searches of the same space, one tuple of trials each.
    """

    budget_j: float = math.inf
    fidelity: str = "epochs"
    cost_of: Callable[[Mapping[str, Any]], tuple[float, float]] | None = None
    n_samples: int = 1
    shared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    metric: Metric = ACCURACY
    energy_of: Callable[[Mapping[str, Any]], float | None] | None = None
    stop_early: float | None = None
    earlier: tuple[tuple[Earlier, ...], ...] = field(default=(), repr=False)


class Strategy(Protocol):
    """Proposes candidates and learns from their results.

    A strategy is rebuilt from its seed and the results it was told: ``tell`` is called once for
    each, without ``ask`` (see `restore`). A class whose proposals also depend on its own asks, such
    as one that keeps a random generator, sets the attribute ``replays_tells = False``: it is then
    asked before each tell again. Without the attribute it counts as True.

    Where several trials of a run are trained at once, results come in the order in which they end,
    and a rebuilt one is also told guesses of those in flight, marked ``pending`` (see `pending`;
    `perjoule.ask_batch` asks for several slices at once).
    None from its ``ask`` then means that it waits for a result.

    Candidates that differ in some hyperparameters only may be trained together, for fewer joules
    each. A strategy that can propose such has a method ``ask_like(spent_j, shared)``: the next
    work for a candidate that has the shared values, or None. It is called after ``ask``, and
    after a guess of the first candidate's result was told.

    A strategy that gave no work may say why in an attribute ``why_done``, a clause such as
    ``"nothing is worth its joules"``. It is recorded as the reason of its run's end.
    """

    def ask(self, spent_j: float) -> Work | None:
        """The next work, or None if there is none left.

        Args:
            spent_j: Joules that the run has spent so far.
        """
        ...

    def tell(self, result: Told) -> None:
        """Learn the result of the last asked work."""
        ...


def why_done(strategy: Strategy) -> str:
    """Why a strategy gave no work, as far as it says so; empty if it does not."""
    said = getattr(strategy, "why_done", "")
    return said if isinstance(said, str) else ""


def restore(strategy: Strategy, history: Iterable[Told], spent_j: float = 0.0) -> Strategy:
    """Bring a new strategy to where one with this history stands, or an older one to the end of it.

    A strategy with ``replays_tells = False`` is asked again before each tell; its answers, which
    are the recorded ones, are dropped.

    Args:
        strategy: The strategy.
        history: Results that it was not told yet.
        spent_j: Joules of those that it was told.
    """
    asks_again = not getattr(strategy, "replays_tells", True)
    for result in history:
        if asks_again:
            strategy.ask(spent_j)
        strategy.tell(result)
        spent_j += result.energy_j or 0.0
    return strategy


def resembles(candidate: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a candidate has these values."""
    return all(candidate.get(name) == value for name, value in values.items())


def ask_seed(seed: int, number: int) -> int:
    """A seed for one ask of one run, from the run's seed and the number of results so far."""
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def check_work(work: Any, history: Sequence[Told]) -> None:
    """Make sure that what a strategy asks for can be done.

    Raises:
        TypeError: It is no work.
        ValueError: It goes on with a trial that is not paused.
    """
    if not isinstance(work, Work | None):
        raise TypeError(f"ask returned {work!r}, neither a perjoule.Work nor None")
    if work is None or work.trial is None:
        return
    last = next((told for told in reversed(history) if told.trial == work.trial), None)
    if last is None or last.state is not State.PAUSED:
        raise ValueError(f"ask wants to go on with trial {work.trial}, which is not paused")
