"""A meter of work that is done for several at once: its joules are split evenly among them.

Candidates that are trained as one stack share every kernel, so no counter tells them apart. Each of
them takes an equal part of every joule that is spent while it is in the stack:

    >>> from perjoule.energy import EnergyMeter
    >>> meter = EnergyMeter("model:1")
    >>> with SplitMeter(meter, parts=2) as split:
    ...     window = split.window()
    ...     split.count_operations(10)
    ...     both = window.lap()
    ...     split.leave()
    ...     split.count_operations(4)
    ...     alone = window.lap()
    >>> both.total_j, alone.total_j, both.kind
    (5.0, 4.0, 'apportioned+modelled')
"""

from __future__ import annotations

from dataclasses import replace

from .forksafe import Guard
from .meter import EnergyMeter
from .snapshot import Snapshot
from .source import Kind, Source, SourceInfo, Task


class SplitSource(Source):
    """The part that each of several has in a counter's joules."""

    def __init__(self, source: Source, parts: int) -> None:
        self._source, self._parts, self._guard = source, parts, Guard()
        self._last_j: float | None = None
        self._energy_j, self._lost = 0.0, 0
        info = source.info
        self.info = replace(
            info,
            kind=Kind.APPORTIONED,
            detail=f"{info.detail}; split evenly among what is trained as one stack",
            moves=info.always_moves,
            share_of=info.share_of or info.kind,
            warnings=(*info.warnings, f"{info.id}: split evenly within a stack of candidates"),
        )

    @property
    def resets(self) -> int:
        """How often the counter lost count, or could not be read when the parts changed."""
        return self._source.resets + self._lost

    @property
    def in_use(self) -> bool:
        """Whether this process uses the hardware."""
        return self._source.in_use

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings of the moment of the counter."""
        return self._source.notes

    def read(self) -> float:
        """Joules of one part since the first reading."""
        with self._guard:
            return self._split()

    def change(self, parts: int) -> None:
        """Split what comes from now on in so many parts."""
        with self._guard:
            try:
                self._split()
            except Exception:  # noqa: BLE001 - whose the joules since the last reading are is lost
                self._lost += 1
            self._parts = parts

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """As of the counter."""
        return self._source.largest_gap_s(start_s, end_s)

    def tasks(self) -> list[Task]:
        """None: the meter that has the counter does what it needs."""
        return []

    def _split(self) -> float:
        now_j = self._source.read()
        if self._last_j is not None:
            self._energy_j += (now_j - self._last_j) / self._parts
        self._last_j = now_j
        return self._energy_j


class SplitMeter(EnergyMeter):
    """Meters one of several that share all work, and its every reading is the part of one.

    Args:
        meter: What meters them all; it stays open.
        parts: How many there are at first.

    Raises:
        ValueError: There are none.
    """

    def __init__(self, meter: EnergyMeter, parts: int) -> None:
        if parts < 1:
            raise ValueError(f"joules cannot be split in {parts} parts")
        self._whole_meter, self._parts = meter, parts
        self._changes = [(meter.clock(), parts)]
        self._split = [SplitSource(source, parts) for source in meter.counters]
        super().__init__(
            self._split,
            synchronize=meter.synchronize,
            clock=meter.clock,
            asleep_clock=meter.asleep_clock,
        )
        self.idle_w = meter.idle_w

    def leave(self) -> None:
        """One of them is done: what comes is of the others alone, if there are any."""
        if self._parts == 1:
            return
        self._parts -= 1
        if self.synchronize is not None:
            self.synchronize()
        self._changes.append((self.clock(), self._parts))
        for source in self._split:
            source.change(self._parts)

    def count_operations(self, operations: float) -> None:
        """Count what was computed, for all of them."""
        self.operations += operations
        self._whole_meter.count_operations(operations)

    @property
    def _judged(self) -> tuple[SourceInfo, ...]:
        return self._whole_meter.sources  # a model of what is measured stays one when it is split

    def _idle_s(self, start: Snapshot, end: Snapshot) -> float:
        """Seconds between two snapshots, each split among those that were there."""
        edges = [*self._changes[1:], (end.time_s, self._parts)]
        shared_s = 0.0
        for (since_s, parts), (until_s, _) in zip(self._changes, edges, strict=True):
            within_s = min(until_s, end.time_s) - max(since_s, start.time_s)
            shared_s += max(within_s, 0.0) / parts
        return shared_s
