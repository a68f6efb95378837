"""Strategies that know all their candidates beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..strategy import Told, Work


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
