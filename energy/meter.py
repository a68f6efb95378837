"""The meter: snapshots of all sources at the edges of windows.

with EnergyMeter() as meter:
    with meter.window() as window:
        train()
print(window.reading)
"""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .counter import IntegratedSource
from .reading import SHORT_WINDOW_PERIODS, ComponentReading, Reading, billed_ids
from .sampler import Sampler, try_read
from .source import Kind, PowerSource, Source, SourceInfo
from .sources import resolve

STANDSTILL_S = 1.0
"""Measured hardware that drew nothing for so long is not being measured."""
TIMER_S = 1e-3
"""Slack of clocks and counters in judging what power is possible."""


class Snapshot(NamedTuple):
    """All sources at one moment.

    Attributes:
        time_s: When the reading began, on the meter's clock.
        read_by_s: When it was done.
        values: Cumulative joules of each source, or the reason why there are none.
        resets: How often each source had lost count.
        moved_s: When each value was first seen.
    """

    time_s: float
    read_by_s: float
    values: tuple[float | str, ...]
    resets: tuple[int, ...]
    moved_s: tuple[float, ...]


class EnergyMeter:
    """Meters this process and its hardware by reading counters at window edges.

    Args:
        sources: ``"auto"`` (measured where possible, else modelled), names joined by commas
            (``"rapl,nvml"``, ``"cpu_time"``, ``"cpu_time:6.5"`` for 6.5 W per core, ``"model"``),
            or source objects.
        synchronize: Called before each snapshot, to let queued GPU work finish.
        gpus: UUIDs of the GPUs in use; None for all that this process may see, empty for none.
        shared: Whether several metered workers use the same processors at once.
        clock: Monotonic seconds.

    Raises:
        ConfigurationError: The text cannot be used.
        MeterError: A source named explicitly, or a GPU of ``gpus``, cannot be read here.
    """

    def __init__(
        self,
        sources: str | Iterable[Source | PowerSource] = "auto",
        *,
        synchronize: Callable[[], None] | None = None,
        gpus: Sequence[str] | None = None,
        shared: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        found = resolve(sources, gpus, shared=shared) if isinstance(sources, str) else sources
        self._sources = [
            source if isinstance(source, Source) else IntegratedSource(source, clock)
            for source in found
        ]
        self.sources: tuple[SourceInfo, ...] = tuple(source.info for source in self._sources)
        """Identity of every source."""
        self.clock = clock
        self._billed_ids = billed_ids(self.sources)
        self._billed = [
            (index, source, source.info.id)
            for index, source in enumerate(self._sources)
            if source.info.id in self._billed_ids
        ]
        counts = (getattr(source, "count_operations", None) for source in self._sources)
        self._operation_counters = [count for count in counts if count is not None]
        self._synchronize = synchronize or (lambda: None)
        self._whole: Window | None = None
        self._sampler = Sampler(self._sources)
        weakref.finalize(self, self._sampler.stop)  # a meter that is merely dropped ends it too
        self._moved: list[tuple[float | str, float]] = [("never read", 0.0)] * len(self._sources)
        self._first = self.snapshot(synchronize=False)
        self.read_cost_s = min(self._time_read() for _ in range(5))
        """Seconds that one reading of all sources takes."""

    @property
    def counts_search(self) -> bool:
        """Whether the energy of a search algorithm is in the readings."""
        return all(info.counts_search for info in self.sources)

    def count_operations(self, operations: float) -> None:
        """Tell the deterministic ``model`` source what was computed; others ignore it."""
        for count in self._operation_counters:
            count(operations)

    def snapshot(self, *, synchronize: bool = True) -> Snapshot:
        """Read all sources now. Never raises: a failed reading is kept as its reason."""
        if synchronize:
            with contextlib.suppress(Exception):
                self._synchronize()
        now = self.clock()
        values = tuple([try_read(source, source.info.id) for source in self._sources])
        resets = tuple([getattr(source, "resets", 0) for source in self._sources])
        for index, value in enumerate(values):
            if value != self._moved[index][0]:
                self._moved[index] = (value, now)
        moved_s = tuple([moved_s for _, moved_s in self._moved])
        return Snapshot(now, self.clock(), values, resets, moved_s)

    def between(self, start: Snapshot, end: Snapshot) -> Reading:
        """Energy between two snapshots of this meter, the second one just taken."""
        parts = [self._component(index, start, end) for index in range(len(self._sources))]
        return Reading(tuple(parts), end.time_s - start.time_s, self._billed_ids)

    def joules_since(self, start: Snapshot) -> float | None:
        """Billed joules since a snapshot, without provenance or waiting for queued GPU work.

        A few microseconds, for budget checks inside a training; None if a source is lost.
        """
        total_j = 0.0
        for index, source, name in self._billed:
            before, after = start.values[index], try_read(source, name)
            if isinstance(before, str) or isinstance(after, str) or after < before:
                return None
            if getattr(source, "resets", 0) != start.resets[index]:
                return None
            total_j += after - before
        return total_j if self._billed else None

    def window(self) -> Window:
        """Open a window now; windows nest and overlap freely, in any thread."""
        return Window(self)

    def close(self) -> None:
        """Stop the background thread, if there is one."""
        self._sampler.stop()

    def __enter__(self) -> EnergyMeter:
        self._whole = self.window()
        return self

    def __exit__(self, *_: object) -> None:
        if self._whole is not None:
            self._whole.close()
        self.close()

    @property
    def reading(self) -> Reading:
        """What was used since the ``with`` block of this meter began.

        Raises:
            RuntimeError: The meter was not used as a context manager.
        """
        if self._whole is None:
            raise RuntimeError("use `with EnergyMeter() as meter:`, or open a window")
        return self._whole.reading

    def _component(self, index: int, start: Snapshot, end: Snapshot) -> ComponentReading:
        """What two snapshots say of one source."""
        source, info = self._sources[index], self.sources[index]
        before, after = start.values[index], end.values[index]
        doubt = self._doubt(index, start, end)
        if doubt or isinstance(before, str) or isinstance(after, str):
            return ComponentReading(
                info.component, info.id, None, Kind.UNAVAILABLE, info.scope, warnings=(doubt,)
            )
        energy_j, duration_s = after - before, end.time_s - start.time_s
        period_s, warnings = info.update_period_s, info.warnings
        if duration_s < SHORT_WINDOW_PERIODS * period_s:
            warnings += (
                f"{info.id}: window of {duration_s:.3g} s is below {SHORT_WINDOW_PERIODS} update "
                f"periods of {period_s:.3g} s",
            )
        gap_s = 0.0
        if isinstance(source, IntegratedSource):
            gap_s = source.largest_gap_s(start.time_s, end.time_s)
            if gap_s:
                warnings += (f"{info.id}: no power was read for {gap_s:.3g} s",)
        # A short window may hold no step of the counter, so take the power before it then.
        power_w = _power_w(start, end, index) or _power_w(self._first, end, index)
        return ComponentReading(
            info.component,
            info.id,
            energy_j,
            info.kind,
            info.scope,
            bound_j=power_w * period_s if power_w or not period_s else None,
            gain_error=info.gain_error,
            largest_gap_s=gap_s,
            warnings=warnings,
        )

    def _doubt(self, index: int, start: Snapshot, end: Snapshot) -> str:
        """Why a source is not to be believed between two snapshots; empty if it is."""
        info, before, after = self.sources[index], start.values[index], end.values[index]
        if isinstance(before, str):
            return before
        if isinstance(after, str):
            return after
        if start.resets[index] != end.resets[index]:
            return f"{info.id}: lost count within the window (it was reset, or not read for long)"
        energy_j, duration_s = after - before, end.time_s - start.time_s
        # A step of the counter may hold the energy of one update period before the window.
        longest_s = end.read_by_s - start.time_s + info.update_period_s + TIMER_S
        if not 0 <= energy_j <= info.max_power_w * longest_s:
            return f"{info.id}: {energy_j:.6g} J in {duration_s:.3g} s is impossible"
        if energy_j == 0 and info.kind in (Kind.MEASURED, Kind.INTEGRATED):
            still_s = end.time_s - end.moved_s[index]
            if still_s >= max(STANDSTILL_S, SHORT_WINDOW_PERIODS * info.update_period_s):
                return f"{info.id}: stood still for {still_s:.3g} s, as a dead counter does"
        return ""

    def _time_read(self) -> float:
        started = time.perf_counter()
        self.snapshot(synchronize=False)
        return time.perf_counter() - started


class Window:
    """Two snapshots of a meter; the second is taken by ``close`` or at the end of ``with``."""

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter
        self._start = self._lap = meter.snapshot()
        self._closed: Reading | None = None

    @property
    def reading(self) -> Reading:
        """Energy of the closed window, or up to now while it is open."""
        return self._closed or self._meter.between(self._start, self._meter.snapshot())

    def lap(self) -> Reading:
        """Energy since the last lap (or the start); laps share edges, so they add up exactly."""
        last, self._lap = self._lap, self._meter.snapshot()
        return self._meter.between(last, self._lap)

    def close(self) -> Reading:
        """Take the closing snapshot, once, and return the reading."""
        self._closed = self.reading
        return self._closed

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _power_w(start: Snapshot, end: Snapshot, index: int) -> float:
    """Mean power of a source between two snapshots; 0 if it is not known."""
    before, after, duration_s = start.values[index], end.values[index], end.time_s - start.time_s
    if isinstance(before, str) or isinstance(after, str) or duration_s <= 0:
        return 0.0
    return max(after - before, 0.0) / duration_s
