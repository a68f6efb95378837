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

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from numbers import Integral
from statistics import median
from typing import Any

from ..errors import ConfigurationError
from ..models.outcome import RESULTS, State
from .strategy import Strategy, Told, Work, check_work, resembles, restore

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


def ask_batch(
    strategy: Strategy,
    history: Sequence[Told],
    count: int,
    spent_j: float,
    pending: Iterable[Pending] = (),
    shared_of: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = None,
) -> list[Work]:
    """Ask a new strategy for several slices to be trained at the same time.

        >>> import perjoule
        >>> from perjoule.models.outcome import State
        >>> from perjoule.models.space import Space
        >>> from perjoule.tuners.registry import find_recipe
        >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 9})
        >>> history = [
        ...     perjoule.Told({"width": width, "epochs": 9}, State.PAUSED, score, 2.0, trial=trial,
        ...                   epochs=1)
        ...     for trial, (width, score) in enumerate([(8, 0.5), (32, 0.8), (16, 0.6)])
        ... ]
        >>> strategy = find_recipe("asha").build(space, seed=0)
        >>> batch = perjoule.ask_batch(strategy, history, count=3, spent_j=6.0)
        >>> [(work.trial, work.until) for work in batch]  # the best goes on, and two begin
        [(1, 3), (None, 1), (None, 1)]

    New trials get the next numbers, in the order of the batch. The strategy is brought up to date
    once, whatever the count, and then told a guess of each slice before it is asked for the next.

    Args:
        strategy: Made for the run, and not told anything yet; it is of no use afterwards.
        history: What the run's slices gave, in the order in which they ended.
        count: How many slices are wanted. There are fewer if the strategy waits for a result, or
            has no more work: none with nothing in flight is the end of its search.
        spent_j: Joules that the run has spent, without those of slices in flight.
        pending: The slices in flight already, in the order in which they began.
        shared_of: What the candidates of a batch must have in common with its first one, such as
            what decides the shape of a network; None of one that is to be alone. Strategies without
            ``ask_like`` give one slice at a time then. None lets them differ in all.

    Raises:
        ConfigurationError: The count is no whole number above zero.
        TypeError: The strategy gives no work.
        ValueError: The strategy goes on with a trial that is not paused, or is in flight.
    """
    if not isinstance(count, Integral) or count < 1:
        raise ConfigurationError(f"a batch of {count!r} slices is none: ask for one at least")
    batch: list[Work] = []
    shared: Mapping[str, Any] = {}
    told = [*history, *(lie(work, trial, history) for trial, work in pending)]
    restore(strategy, told)
    ask = strategy.ask
    while True:
        flying_j = sum(each.energy_j or 0.0 for each in told[len(history) :])
        work = ask(spent_j + flying_j)
        check_work(work, told)
        if work is None or not resembles(work.params, shared):
            return batch
        batch.append(work)
        if len(batch) == 1 and shared_of is not None:
            found, ask_like = shared_of(work.params), getattr(strategy, "ask_like", None)
            if found is None or ask_like is None:
                return batch
            shared, ask = found, partial(ask_like, shared=found)
        if len(batch) == count:
            return batch
        new = max((each.trial for each in told), default=-1) + 1
        told.append(lie(work, new if work.trial is None else work.trial, history))
        strategy.tell(told[-1])


def ask_beside(
    strategy: Strategy, history: Sequence[Told], pending: Iterable[Pending], spent_j: float
) -> Work | None:
    """Ask a new strategy for one slice beside what is in flight; None if it has none now.

    Arguments and errors are as of `ask_batch`.
    """
    return next(iter(ask_batch(strategy, history, 1, spent_j, pending)), None)
