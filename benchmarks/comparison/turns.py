"""Whose turn it is: of the runs with the fewest trials in flight, the one that has spent least.

Only runs that something happened to are looked at again, however many there are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from .run import Run


class _Place(NamedTuple):
    """A run's place in the queue."""

    n_flying: int
    spent_j: float
    order: int  # of equals the first one
    run: str


class Turns:
    """The runs that may get a job, as a queue.

    Args:
        runs: All runs by name.
        flying: Says how many jobs a run has in flight; None if it may have no further one now.
    """

    def __init__(self, runs: Mapping[str, Run], flying: Callable[[Run], int | None]) -> None:
        self._runs, self._flying = runs, flying
        self._order = {name: order for order, name in enumerate(runs)}
        self._places: dict[str, _Place] = {}
        self._queue: list[_Place] = []
        self._changed: set[str] = set()
        self.touch(runs)

    def touch(self, names: Iterable[str]) -> None:
        """Something happened to these runs that may have changed their place."""
        self._changed.update(names)

    def next(self, machine: str | None = None) -> Run | None:
        """The run whose turn it is; None if no run may get a job.

        Args:
            machine: The one that is free, where there are several: of the runs with the fewest
                trials in flight it is the turn of the one that has spent least on it, so that all
                strategies have their share of every machine.
        """
        for name in self._changed:
            self._place(self._runs[name])
        self._changed.clear()
        if machine is not None:
            places = self._places.values()
            first = min(places, key=lambda place: self._on(machine, place), default=None)
            return None if first is None else self._runs[first.run]
        while self._queue and self._places.get(self._queue[0].run) is not self._queue[0]:
            heapq.heappop(self._queue)
        return self._runs[self._queue[0].run] if self._queue else None

    def _on(self, machine: str, place: _Place) -> tuple[float, ...]:
        on_it_j = self._runs[place.run].on_machine_j.get(machine, 0.0)
        return place.n_flying, on_it_j, place.spent_j, place.order

    def _place(self, run: Run) -> None:
        self._places.pop(run.name, None)
        n_flying = None if run.end is not None else self._flying(run)
        if n_flying is not None:
            place = _Place(n_flying, run.spent_j or 0.0, self._order[run.name], run.name)
            self._places[run.name] = place
            heapq.heappush(self._queue, place)
