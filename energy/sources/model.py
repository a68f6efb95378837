"""A deterministic meter: joules from counted operations, for tests and reproducible runs."""

from __future__ import annotations

import threading

from ..source import CountedJoules, Kind, Scope, Source, SourceInfo

JOULES_PER_OPERATION = 1e-10  # of the order of a CPU core: 4 W at 40 GFLOP/s


class ModelSource(Source):
    """Counted operations (a multiply-add is two) times joules per operation."""

    def __init__(self, joules_per_operation: float = JOULES_PER_OPERATION) -> None:
        self._joules_per_operation = joules_per_operation
        self._by_thread: dict[int, int] = {}  # parts of operations; each changes its own alone
        self.info = SourceInfo(
            id="model",
            component="cpu",
            kind=Kind.MODELLED,
            scope=Scope.PROCESS,
            detail=f"operations of the network x {joules_per_operation:g} J per operation",
            max_power_w=float("inf"),
            counts_search=False,
            warnings=("model: counted operations of networks only; searching costs nothing here",),
        )

    def count_operations(self, operations: float) -> None:
        """Add operations that were just computed."""
        thread = threading.get_ident()
        parts = round(operations * CountedJoules.PARTS)
        self._by_thread[thread] = self._by_thread.get(thread, 0) + parts

    def read(self) -> float:
        """Joules of all operations counted so far."""
        return CountedJoules.of(sum(list(self._by_thread.values())), self._joules_per_operation)

    def caused_by(self, thread: int) -> float:
        """Joules of the operations that a thread counted so far."""
        return CountedJoules.of(self._by_thread.get(thread, 0), self._joules_per_operation)
