"""What a worker keeps of a run between its jobs, so that it goes on from there.

A run's jobs may go to many workers. Whatever one of them keeps stands at some number of results and
takes those that came since, each once; it is made anew only where the record went another way.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...models.foresight import Steps
from ...tuners.strategy import Strategy, Told, restore
from .history import Past


class Kept:
    """A strategy, and what it was told."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self._count, self._told_j = 0, 0.0
        self._last: tuple[object, ...] | None = None

    def is_of(self, past: Past) -> bool:
        """Whether what it was told is the beginning of this."""
        if self._count > len(past):
            return False
        return self._last is None or self._last == _mark(past[self._count - 1])

    def catch_up(self, past: Past) -> None:
        """Tell it what it was not told yet; raises what the strategy raises."""
        restore(self.strategy, past.since(self._count), self._told_j)
        self._told_j = sum((told.energy_j or 0.0 for told in past.since(self._count)), self._told_j)
        if len(past) > self._count:
            self._count, self._last = len(past), _mark(past[-1])

    def tell(self, told: Told) -> None:
        """Tell it a result, which the record will have as its next; raises what it raises."""
        self.strategy.tell(told)
        self._count, self._told_j = self._count + 1, self._told_j + (told.energy_j or 0.0)
        self._last = _mark(told)


class Experience:
    """What the first steps of a run's trials cost, and of some that were trained before it."""

    def __init__(self, before: Iterable[Told]) -> None:
        self.train, self.validate, self._count = Steps(), Steps(), 0
        for told in before:
            self._add(told)

    def is_of(self, past: Past) -> bool:
        """Whether it knows no more than this."""
        return self._count <= len(past)

    def catch_up(self, past: Past) -> None:
        """Take what it does not know yet."""
        for told in past.since(self._count):
            self._add(told)
        self._count = len(past)

    def _add(self, told: Told) -> None:
        if told.train_step:
            self.train.add(told.train_step)
        if told.validate_step:
            self.validate.add(told.validate_step)


def _mark(told: Told) -> tuple[object, ...]:
    """What tells one result from another, the same told by a worker and by the ledger."""
    return told.trial, told.state, told.score
