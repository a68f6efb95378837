"""The meter: snapshots of all sources at the edges of windows."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from timeit import repeat
from typing import NamedTuple, Never

from .calibration.stored import load_calibration
from .counter import IntegratedSource
from .observed import Observed, Watch
from .reading import (
    SHORT_WINDOW_PERIODS,
    ComponentReading,
    Reading,
    ShortWindows,
    billed_ids,
)
from .sampler import Sampler
from .snapshot import Snapshot, bound_of, doubt_of
from .source import Kind, PowerSource, Scope, Source, SourceInfo
from .sources.resolve import Machine, resolve

NOTABLE_SLEEP_S = 1.0  # a machine that was suspended for less is not worth a word


class _Bill(NamedTuple):
    """Which sources are added up, by id and with their places."""

    in_use: list[bool]
    ids: frozenset[str]
    sources: list[tuple[int, Observed]]


def suspended_s() -> float:
    """Seconds that the machine has been suspended since its start; 0 where that is not told."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class EnergyMeter:
    """Meters this process and its hardware by reading counters at window edges.

        with perjoule.EnergyMeter() as meter:
            train()
        print(meter.reading)

    Args:
        sources: ``"auto"`` (measured where possible, else modelled), names joined by commas
            (``"rapl,nvml"``, ``"cpu_time"``, ``"cpu_time:6.5"`` for 6.5 W per core, ``"model"``),
            or source objects.
        synchronize: Called before each snapshot, to let queued GPU work finish.
        gpus: UUIDs of the GPUs in use; None for all that this process may see, empty for none.
        shared: Whether several metered workers use the same processors at once.
        series_period_s: Record all sources this often into ``series``; None records nothing.
        clock: Monotonic seconds.
        asleep_clock: Seconds that the machine has been suspended.

    Raises:
        ConfigurationError: The text cannot be used.
        MeterError: A source named explicitly, or a GPU of ``gpus``, cannot be read here.
        TypeError: An object is no source.
    """

    def __init__(
        self,
        sources: str | Iterable[Source | PowerSource] = "auto",
        *,
        synchronize: Callable[[], None] | None = None,
        gpus: Sequence[str] | None = None,
        shared: bool = False,
        series_period_s: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
        asleep_clock: Callable[[], float] = suspended_s,
    ) -> None:
        own = isinstance(sources, str)
        found = resolve(sources, Machine(gpus), shared=shared) if own else sources
        self._sources = [_counter_of(source, clock) for source in found]
        self.sources: tuple[SourceInfo, ...] = tuple(source.info for source in self._sources)
        self.operations = 0.0  # counted so far
        self.clock = clock
        self._observed = [Observed(source, clock) for source in self._sources]
        self.asleep_clock = asleep_clock
        self._bill = self._make_bill()
        self.idle_w = _idle_powers_w(self.sources)  # of each source; None where it is not known
        self.synchronize = synchronize
        self._whole: Window | None = None
        self.series: Series | None = None  # the recorded time series, if one was asked for
        if series_period_s is not None:
            from .series import Series

            self.series = Series(self._sources, series_period_s, clock)
        self.watch = Watch(self._observed, clock)
        # On another clock time does not pass by itself: whoever has it may look.
        tasks = [self.watch.look] if self.watch and clock is time.perf_counter else []
        tasks += [task for source in self._sources for task in source.tasks()]
        self._sampler = Sampler(tasks if self.series is None else [*tasks, self.series.sample])
        self.watch.wake = self._sampler.wake
        # A meter that is merely dropped ends them too.
        self._end = weakref.finalize(self, _end, self._sampler, self._sources if own else [])
        # Seconds that one reading of all sources takes.
        self.read_cost_s = min(repeat(lambda: self.snapshot(synchronize=False), number=1))

    @property
    def counters(self) -> Sequence[Source]:
        """The sources as cumulative counters, in the order of ``sources``."""
        return self._sources

    @property
    def counts_search(self) -> bool:
        """Whether the energy of a search algorithm is in the readings."""
        return all(info.counts_search for info in self.sources)

    def count_operations(self, operations: float) -> None:
        """Count what was computed; the deterministic ``model`` source makes its joules of it."""
        self.operations += operations
        for source in self._sources:
            source.count_operations(operations)

    def caused_by(self, thread: int) -> list[float | None]:
        """Joules that a thread has caused so far, by source; None where that is not known."""
        return [source.caused_by(thread) for source in self._sources]

    def snapshot(self, *, synchronize: bool = True) -> Snapshot:
        """Read all sources now. Never raises: a failed reading is kept as its reason."""
        if synchronize and self.synchronize is not None:
            with contextlib.suppress(Exception):
                self.synchronize()
        self._sampler.ensure_alive()
        now = self.clock()
        values = tuple([each.read() for each in self._observed])
        resets = tuple([source.resets for source in self._sources])
        seen = tuple([each.seen for each in self._observed])
        return Snapshot(now, self.clock(), values, resets, seen, self.asleep_clock())

    def between(self, start: Snapshot, end: Snapshot) -> Reading:
        """Energy between two snapshots of this meter, the second one just taken."""
        parts = [self._component(index, start, end) for index in range(len(self._sources))]
        return Reading(tuple(parts), end.time_s - start.time_s, self._billed().ids)

    def joules_since(self, start: Snapshot) -> float | None:
        """Billed joules since a snapshot, fast and unsynchronized; None if a source is lost."""
        total_j = 0.0
        billed = self._billed().sources
        for index, each in billed:
            before, after = start.values[index], each.read()
            if isinstance(before, str) or isinstance(after, str) or after < before:
                return None
            if each.source.resets != start.resets[index]:
                return None
            total_j += after - before
        return total_j if billed else None

    @property
    def power_w(self) -> float:
        """Present power of what is billed, by the latest moves of its counters; 0 if not known."""
        return sum(each.power_w for _, each in self._billed().sources)

    def pending_j(self, now: float) -> float:
        """Joules that were drawn by now and that counters of slow steps do not show yet."""
        return sum(each.pending_j(now) for _, each in self._billed().sources)

    def window(self) -> Window:
        """Open a window now; windows nest and overlap freely, in any thread."""
        return Window(self)

    def close(self) -> None:
        """Stop the background thread, if there is one, and what sources were found by name."""
        if self.series is not None and self._end.alive:
            self.series.sample()
        self._end()

    def __copy__(self) -> EnergyMeter:
        return self  # hardware is not copied along with what holds its meter

    def __deepcopy__(self, memo: dict[int, object]) -> EnergyMeter:
        return self

    def __reduce__(self) -> Never:
        raise TypeError(
            "an EnergyMeter cannot be sent to another process: make one there; `metered` without a "
            "meter does that by itself"
        )

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
        observed = self._observed[index]
        stood_s = observed.stood_s(start.time_s, end.time_s)
        doubt = doubt_of(info, index, start, end, stood_s)
        lost = ComponentReading(info.component, info.id, None, Kind.UNAVAILABLE, info.scope)
        if doubt or isinstance(before, str) or isinstance(after, str):
            return replace(lost, warnings=(doubt,))
        duration_s, period_s = end.time_s - start.time_s, info.update_period_s
        warnings = info.warnings + source.notes
        if duration_s < SHORT_WINDOW_PERIODS * period_s:
            warnings += (str(ShortWindows(info.id, f"{period_s:.3g}", duration_s)),)
        gap_s = source.largest_gap_s(start.time_s, end.time_s)
        if gap_s:
            warnings += (f"{info.id}: no power was read for {gap_s:.3g} s",)
        slept_s = end.asleep_s - start.asleep_s
        if slept_s > NOTABLE_SLEEP_S:
            warnings += (f"the machine was suspended for {slept_s:.3g} s within the window",)
        idle_w = self.idle_w[index]
        return replace(
            lost,
            energy_j=after - before,
            kind=info.kind,
            share_of=info.share_of,
            bound_j=bound_of(info, index, start, end, observed.power_w, gap_s + stood_s),
            gain_error=info.gain_error,
            largest_gap_s=gap_s,
            warnings=warnings,
            idle_j=None if idle_w is None else idle_w * self._idle_s(start, end),
        )

    @property
    def _judged(self) -> tuple[SourceInfo, ...]:
        """By what it is decided which sources are billed."""
        return self.sources

    def _idle_s(self, start: Snapshot, end: Snapshot) -> float:
        """Seconds between two snapshots of which the idle power is taken for what is metered."""
        return end.time_s - start.time_s

    def _billed(self) -> _Bill:
        """What is billed now: hardware comes in once this process uses it."""
        if self._bill.in_use != [source.in_use for source in self._sources]:
            self._bill = self._make_bill()
        return self._bill

    def _make_bill(self) -> _Bill:
        in_use = [source.in_use for source in self._sources]
        judged = zip(self._judged, in_use, strict=True)
        ids = billed_ids(info for info, used in judged if used)
        entries = enumerate(self._observed)
        return _Bill(in_use, ids, [e for e in entries if in_use[e[0]] and e[1].name in ids])


class Window:
    """Two snapshots of a meter; the second is taken by ``close`` or at the end of ``with``."""

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter
        self._start = self._lap = meter.snapshot()
        self._closed: Reading | None = None
        meter.watch.open(self)

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
        self._meter.watch.close(self)
        return self._closed

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _idle_powers_w(sources: Iterable[SourceInfo]) -> list[float | None]:
    """Idle power of each source: calibrated, or none at all for a model of our own activity."""
    calibration = load_calibration()
    return [
        0.0
        if info.kind is Kind.MODELLED and info.scope is Scope.PROCESS
        else calibration.idle_power_w(info.id)
        if calibration is not None
        else None
        for info in sources
    ]


def _counter_of(source: Source | PowerSource, clock: Callable[[], float]) -> Source:
    """The source itself, or its power integrated."""
    if isinstance(source, Source):
        return source
    if isinstance(source, PowerSource):
        return IntegratedSource(source, clock)
    raise TypeError(
        f"{source!r} is no energy source: derive its class from perjoule.energy.Source or "
        "PowerSource"
    )


def _end(sampler: Sampler, sources: list[Source]) -> None:
    sampler.stop()
    for source in sources:
        with contextlib.suppress(Exception):  # nothing may raise into what was metered
            source.close()
