"""What a strategy is told of slices that are still being trained, when it is asked for another.

A strategy is a function of its seed and of what it was told. Where several trials of a run are
trained at once it is rebuilt from the results, and then told a guess of each slice in flight. So it
proposes none of them again, and proposals that are seeded by the number of results differ.

    >>> from perjoule.models.outcome import State
    >>> history = [Told({}, State.COMPLETE, score, 2.0) for score in (0.5, 0.7, 0.9)]
    >>> guess = lie(Work({"width": 8}, until=4), 3, history)
    >>> guess.score, guess.energy_j, guess.pending
    (0.7, 2.0, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from ..models.outcome import RESULTS, State
from .strategy import Strategy, Told, Work, check_work, restore

Pending = tuple[int, Work]
"""The number of a trial in flight, and what is being trained of it."""


def lie(work: Work, trial: int, history: Sequence[Told]) -> Told:
    """What a strategy is told of a slice in flight.

    A whole training is said to have given the median score so far: the constant liar of
    Ginsbourger, Le Riche and Carraro, 2010 (doi:10.1007/978-3-642-10701-6_6), neither hopeful nor
    afraid. A slice that will pause, or goes on with a trial, is said to be cut short without a
    score: so it is not gone on with, and its rung is judged by true scores alone. Its joules are
    those that were predicted, else the median of a slice so far.
    """
    earlier = [told for told in history if told.trial == trial]
    joules = [told.energy_j for told in history if told.energy_j is not None]
    known_j = median(joules) if joules else None
    energy_j = known_j if work.predicted_j is None else work.predicted_j
    if work.pause or work.trial is not None:
        epochs = earlier[-1].epochs if earlier else 0
        state, score = State.TRUNCATED, None
    else:
        scores = [t.score for t in history if t.score is not None and t.state in RESULTS]
        epochs, state, score = work.until, State.COMPLETE, median(scores) if scores else None
    return Told(work.params, state, score, energy_j, trial=trial, epochs=epochs, pending=True)


def ask_beside(
    strategy: Strategy, history: Sequence[Told], pending: Iterable[Pending], spent_j: float
) -> Work | None:
    """Ask a new strategy for work beside what is in flight; None if it has none now.

    Args:
        strategy: Made for the run, and not told anything yet; it is of no use afterwards.
        history: What the run's slices gave, in the order in which they ended.
        pending: The slices in flight, in the order in which they began.
        spent_j: Joules that the run has spent, without those of slices in flight.

    Raises:
        TypeError: It gives no work.
        ValueError: It goes on with a trial that is not paused, or is in flight.
    """
    lies = [lie(work, trial, history) for trial, work in pending]
    told = [*history, *lies]
    restore(strategy, told)
    work = strategy.ask(spent_j + sum(each.energy_j or 0.0 for each in lies))
    check_work(work, told)
    return work
