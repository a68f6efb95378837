"""Strategies that know all their candidates beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ..strategy import Told, Work, resembles

LOOK_AHEAD = 4_096  # candidates


class InOrder:
    """Proposes candidates in a given order, each for its own epochs; learns nothing.

    The order must depend on the strategy's arguments alone: a rebuilt one goes through it again.
    """

    def __init__(self, candidates: Iterator[Mapping[str, Any]]) -> None:
        self._candidates = candidates
        self.why_done = "all its candidates were tried"  # see `Strategy`
        self._next: Mapping[str, Any] | None = None

    def ask(self, spent_j: float) -> Work | None:
        """The next candidate, the same one until it is told; None if there is no other."""
        if self._next is None:
            self._next = next(self._candidates, None)
        return None if self._next is None else Work(self._next, int(self._next["epochs"]))

    def tell(self, result: Told) -> None:
        """Go on to the next candidate."""
        if self._next is None:  # a rebuilt strategy is told without being asked
            next(self._candidates, None)
        self._next = None


class OutOfOrder(InOrder):
    """The same, but for candidates that come earlier since they resemble others (`ask_like`)."""

    def __init__(self, candidates: Iterator[Mapping[str, Any]]) -> None:
        super().__init__(candidates)
        self._ahead: list[Mapping[str, Any]] = []  # drawn and not tried

    def ask(self, spent_j: float) -> Work | None:
        """The first candidate that was not tried; None if there is none."""
        return self.ask_like(spent_j, {})

    def ask_like(self, spent_j: float, shared: Mapping[str, Any]) -> Work | None:
        """The first of the next `LOOK_AHEAD` candidates that has these values; None if none has."""
        found = self._find(shared)
        return None if found is None else Work(found, int(found["epochs"]))

    def tell(self, result: Told) -> None:
        """Leave out what was tried."""
        if (tried := self._find(result.params)) is not None:
            self._ahead.remove(tried)

    def _find(self, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        seen = 0
        while seen < LOOK_AHEAD:
            if seen == len(self._ahead):
                self._ahead += islice(self._candidates, 1)
                if seen == len(self._ahead):
                    return None
            candidate = self._ahead[seen]
            if resembles(candidate, values):
                return candidate
            seen += 1
        return None
