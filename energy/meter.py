"""The meter: snapshots of all sources at the edges of windows.

with EnergyMeter() as meter:
    with meter.window() as window:
        train()
print(window.reading)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType

from ..errors import SourceError
from .counter import IntegratedSource
from .reading import SHORT_WINDOW_PERIODS, ComponentReading, Reading, billed
from .source import Kind, PowerSource, Source, SourceInfo
from .sources import resolve

SAMPLE_PERIOD_S = 0.1
"""How often power-only sources are read."""
KEEP_ALIVE_S = 30.0
"""How often counters are read so that no wrap is missed."""


@dataclass(frozen=True)
class Snapshot:
    """All sources at one moment: joules, or the reason why there are none."""

    time_s: float
    values: tuple[float | str, ...]
    resets: tuple[int, ...]


class EnergyMeter:
    """Meters this process and its hardware by reading counters at window edges.

    Args:
        sources: ``"auto"`` (measured where possible, else modelled), names joined by commas
            (``"rapl,nvml"``, ``"cpu_time"``, ``"cpu_time:6.5"`` for 6.5 W per core, ``"model"``),
            or source objects.
        synchronize: Called before each snapshot, to let queued GPU work finish.
        gpus: UUIDs of the GPUs in use; None for all that this process may see, empty for none.
        shared: Whether several metered workers use the same processors at once.

    Raises:
        MeterError: A source named explicitly cannot be read here.
    """

    def __init__(
        self,
        sources: str | Iterable[Source | PowerSource] = "auto",
        *,
        synchronize: Callable[[], None] | None = None,
        gpus: Sequence[str] | None = None,
        shared: bool = False,
    ) -> None:
        found = resolve(sources, gpus, shared=shared) if isinstance(sources, str) else list(sources)
        self._sources = [
            source if isinstance(source, Source) else IntegratedSource(source) for source in found
        ]
        self._billed = billed(source.info for source in self._sources)
        self._synchronize = synchronize or (lambda: None)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._whole: Window | None = None
        self._start_thread()
        self.read_cost_s = min(self._time_read() for _ in range(3))

    @property
    def sources(self) -> tuple[SourceInfo, ...]:
        """Identity of every source."""
        return tuple(source.info for source in self._sources)

    @property
    def counts_search(self) -> bool:
        """Whether the energy of a search algorithm is in the readings."""
        return all(info.counts_search for info in self.sources)

    def count_operations(self, operations: float) -> None:
        """Tell the deterministic ``model`` source what was computed; others ignore it."""
        for source in self._sources:
            count = getattr(source, "count_operations", None)
            if count is not None:
                count(operations)

    def snapshot(self, *, synchronize: bool = True) -> Snapshot:
        """Read all sources now. Never raises: a failed reading is kept as its reason."""
        if synchronize:
            with contextlib.suppress(Exception):
                self._synchronize()
        now = time.perf_counter()
        values = tuple(_read(source) for source in self._sources)
        return Snapshot(now, values, tuple(getattr(s, "resets", 0) for s in self._sources))

    def between(self, start: Snapshot, end: Snapshot) -> Reading:
        """Energy between two snapshots of this meter."""
        duration_s = end.time_s - start.time_s
        return Reading.of(
            (self._component(index, start, end) for index in range(len(self._sources))), duration_s
        )

    def joules_since(self, start: Snapshot) -> float | None:
        """Billed joules since a snapshot, without provenance or waiting for queued GPU work.

        A few microseconds, for budget checks inside a training; None if a source is lost.
        """
        now = self.snapshot(synchronize=False)
        if start.resets != now.resets:
            return None
        total_j = 0.0
        for source, before, after in zip(self._sources, start.values, now.values, strict=True):
            if source.info.id in self._billed:
                if isinstance(before, str) or isinstance(after, str):
                    return None
                total_j += after - before
        return total_j

    def window(self) -> Window:
        """Open a window now; windows nest and overlap freely, in any thread."""
        return Window(self)

    def close(self) -> None:
        """Stop the sampling thread, if there is one."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

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
        source, info = self._sources[index], self._sources[index].info
        before, after = start.values[index], end.values[index]
        duration_s = end.time_s - start.time_s

        def lost(reason: str) -> ComponentReading:
            return ComponentReading(
                info.component, info.id, None, Kind.UNAVAILABLE, info.scope, warnings=(reason,)
            )

        if isinstance(before, str):
            return lost(before)
        if isinstance(after, str):
            return lost(after)
        if start.resets[index] != end.resets[index]:
            return lost(f"{info.id}: the counter was reset within the window")
        energy_j = after - before
        # One update period of slack: a step of the counter may land just inside the window.
        most_j = info.max_power_w * (duration_s + info.update_period_s + 1e-3)
        if not 0 <= energy_j <= most_j:
            return lost(f"{info.id}: {energy_j:.6g} J in {duration_s:.3g} s is impossible")
        warnings = info.warnings
        if duration_s < SHORT_WINDOW_PERIODS * info.update_period_s:
            warnings = (
                *warnings,
                f"{info.id}: window of {duration_s:.3g} s is below {SHORT_WINDOW_PERIODS} update "
                f"periods of {info.update_period_s:.3g} s",
            )
        return ComponentReading(
            info.component,
            info.id,
            energy_j,
            info.kind,
            info.scope,
            bound_j=energy_j / duration_s * info.update_period_s if duration_s > 0 else 0.0,
            gain_error=info.gain_error,
            largest_gap_s=source.largest_gap_s(start.time_s, end.time_s)
            if isinstance(source, IntegratedSource)
            else 0.0,
            warnings=warnings,
        )

    def _time_read(self) -> float:
        started = time.perf_counter()
        self.snapshot()
        return time.perf_counter() - started

    def _start_thread(self) -> None:
        """Start the one daemon thread where a source needs it."""
        powers = [s for s in self._sources if isinstance(s, IntegratedSource)]
        wrapping = [s for s in self._sources if getattr(s, "wraps", False)]
        if not powers and not wrapping:
            return
        period_s = SAMPLE_PERIOD_S if powers else KEEP_ALIVE_S

        def keep_reading() -> None:
            kept_alive = time.perf_counter()
            while not self._stop.wait(period_s):
                due = time.perf_counter() - kept_alive >= KEEP_ALIVE_S
                kept_alive = time.perf_counter() if due else kept_alive
                for source in powers + (wrapping if due or not powers else []):
                    _read(source)

        self._thread = threading.Thread(target=keep_reading, name="perjoule-meter", daemon=True)
        self._thread.start()


class Window:
    """Two snapshots of a meter; the second is taken by ``close`` or at the end of ``with``."""

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter
        self._start = self._lap = meter.snapshot()
        self._end: Snapshot | None = None

    @property
    def reading(self) -> Reading:
        """Energy of the closed window, or up to now while it is open."""
        return self._meter.between(self._start, self._end or self._meter.snapshot())

    def joules_so_far(self) -> float | None:
        """Billed joules up to now, cheaply (see ``EnergyMeter.joules_since``)."""
        return self._meter.joules_since(self._start)

    def lap(self) -> Reading:
        """Energy since the last lap (or the start); laps share edges, so they add up exactly."""
        last, self._lap = self._lap, self._meter.snapshot()
        return self._meter.between(last, self._lap)

    def close(self) -> Reading:
        """Take the closing snapshot, once, and return the reading."""
        if self._end is None:
            self._end = self._meter.snapshot()
        return self.reading

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def _read(source: Source) -> float | str:
    try:
        return source.read()
    except SourceError as error:
        return f"{source.info.id}: {error}"
    except Exception as error:  # noqa: BLE001 - a meter never ends the training
        return f"{source.info.id}: unexpected {type(error).__name__}: {error}"
