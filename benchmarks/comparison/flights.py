"""Jobs in flight: which runs have them, and which of them have come back.

However many there are, a look at them costs the same.
"""

from __future__ import annotations

from collections.abc import KeysView
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import NamedTuple

from .messages import Job, Outcome

Answer = Future[tuple[Outcome, ...]]


class Flight(NamedTuple):
    """The jobs that a worker has at once, all of one run, and when it got them."""

    jobs: tuple[Job, ...]
    submitted_s: float

    @property
    def run(self) -> str:
        """The run's name."""
        return self.jobs[0].run


class Flights:
    """What workers have, by futures."""

    def __init__(self) -> None:
        self._flights: dict[Answer, Flight] = {}
        self._by_run: dict[str, dict[Answer, Flight]] = {}
        self._done: SimpleQueue[Answer] = SimpleQueue()

    def add(self, future: Answer, flight: Flight) -> None:
        """Take what was given away."""
        self._flights[future] = flight
        self._by_run.setdefault(flight.run, {})[future] = flight
        future.add_done_callback(self._done.put)

    def wait(self, timeout_s: float) -> list[Answer]:
        """Those that have come back, in that order; none if none does for so long."""
        found: list[Answer] = []
        try:
            found.append(self._done.get(timeout=timeout_s))
            while True:
                found.append(self._done.get_nowait())
        except Empty:
            return [future for future in found if future in self._flights]

    def pop(self, future: Answer) -> Flight:
        """Forget what came back, or never will."""
        flight = self._flights.pop(future)
        own = self._by_run[flight.run]
        del own[future]
        if not own:
            del self._by_run[flight.run]
        return flight

    def clear(self) -> None:
        """Forget all."""
        self._flights.clear()
        self._by_run.clear()

    def of(self, run: str) -> list[Job]:
        """The jobs of a run, in the order in which they began."""
        return [job for flight in self._by_run.get(run, {}).values() for job in flight.jobs]

    @property
    def futures(self) -> KeysView[Answer]:
        """Of all that is in flight."""
        return self._flights.keys()

    def __contains__(self, future: Answer) -> bool:
        return future in self._flights

    def __len__(self) -> int:
        return len(self._flights)
