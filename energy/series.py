"""Power over time: all sources of a meter read again and again, kept as a table."""

from __future__ import annotations

import math
import os
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..files.writing import check_new, write_whole
from ..version import __version__
from .counter import PossibleSteps
from .forksafe import Guard
from .sampler import try_read
from .source import Source, SourceInfo

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MAX_VALUES = 5_000_000  # readings kept, 12 bytes each: eight sources for a week at one a second


class Series:
    """A time series of the power of some sources, with a sample every ``period_s``.

    Beyond ``max_values`` readings of all sources together every second sample is dropped and the
    period doubled, as often as that is needed.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        period_s: float = 1.0,
        clock: Callable[[], float] = time.perf_counter,
        *,
        max_values: int = MAX_VALUES,
    ) -> None:
        if not 0 < period_s < math.inf:
            raise ConfigurationError(f"series period {period_s!r}: give seconds above zero")
        self.period_s = period_s  # from one sample to the next, at present
        self._first_period_s = period_s
        self._clock = clock
        self._max_samples = max(max_values // max(len(sources), 1), 2)
        self._tracks = [_Track(source) for source in sources]
        self._times = array("d")
        self._start_us = 0
        self._guard = Guard()

    def sample(self) -> float:
        """Read all sources once; return the seconds until that is due again."""
        with self._guard:
            now, times = self._clock(), self._times
            # First, so that an interrupt while reading leaves no half of a sample.
            readings = [track.read(now) for track in self._tracks]
            if not times:
                self._start_us = time.time_ns() // 1_000
            # Counters move in steps: between two close samples there is no power worth the name.
            if len(times) > 1 and min(now - times[-1], times[-1] - times[-2]) < self.period_s / 2:
                times.pop()
                for track in self._tracks:
                    track.drop_latest()
            elif len(times) >= self._max_samples:
                self.period_s *= 2
                self._times = times = times[::2]
                for track in self._tracks:
                    track.thin_out()
            times.append(now)
            for track, reading in zip(self._tracks, readings, strict=True):
                track.add(*reading)
            return self.period_s

    def table(self) -> pa.Table:
        """All samples so far, source by source.

        Columns: ``time_s`` since the first sample; ``at``, the same in UTC; ``source``,
        ``component``, ``kind`` and ``scope``; ``energy_j`` since the first sample, null where the
        reading failed and after count was lost; ``power_w``, the mean since the source's last good
        sample, null where either is missing or count was lost between; ``note``, why a reading
        or its energy is null.
        """
        import pyarrow as pa

        schema, tables = self._tables()
        return pa.concat_tables([schema.empty_table(), *tables])

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write ``table()`` as Parquet, whole or not at all; sampling may go on meanwhile.

        Raises:
            OutputError: The file cannot be written, or is there and ``force`` is not given.
        """
        import pyarrow.parquet as pq

        path = Path(path)
        check_new(path, force=force)
        schema, tables = self._tables()

        def fill(part: Path) -> None:
            with pq.ParquetWriter(part, schema) as writer:
                for table in tables:
                    writer.write_table(table)

        write_whole(path, fill)

    def _tables(self) -> tuple[pa.Schema, Iterator[pa.Table]]:
        """The schema, and the rows of one source after the other."""
        import numpy as np

        with self._guard:  # only to copy
            times = np.array(self._times)
            tracks = [track.copy() for track in self._tracks]
            start_us, period_s = self._start_us, self.period_s
        time_s = times - times[0] if len(times) else times
        at_us = start_us + np.rint(time_s * 1e6).astype(np.int64)
        schema = _schema(period_s, self._first_period_s)
        return schema, (_table(schema, time_s, at_us, *track) for track in tracks)


class _Track:
    """What was read of one source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.info = source.info
        self.energy_j = array("d")  # NaN where the reading failed
        self.losses = array("I")  # how often count had been lost by then
        self.reasons: dict[int, str] = {}  # why a reading failed
        self._steps = PossibleSteps(self.info.max_power_w, self.info.update_period_s)

    def read(self, now: float) -> tuple[float | str, int]:
        """Read the source and say how often it has lost count so far."""
        value = try_read(self._source, self.info.id)
        if not isinstance(value, str):
            self._steps.judge(value, now, now)
        return value, self._steps.losses + self._source.resets

    def add(self, value: float | str, losses: int) -> None:
        if isinstance(value, str):
            self.reasons[len(self.energy_j)] = sys.intern(value)
            value = math.nan
        self.energy_j.append(value)
        self.losses.append(losses)

    def drop_latest(self) -> None:
        self.energy_j.pop()
        self.losses.pop()
        self.reasons.pop(len(self.energy_j), None)

    def thin_out(self) -> None:
        self.energy_j, self.losses = self.energy_j[::2], self.losses[::2]
        self.reasons = {n // 2: reason for n, reason in self.reasons.items() if n % 2 == 0}

    def copy(self) -> tuple[SourceInfo, np.ndarray, np.ndarray, dict[int, str]]:
        """What the rows are made of."""
        import numpy as np

        return self.info, np.array(self.energy_j), np.array(self.losses), dict(self.reasons)


def _schema(period_s: float, first_period_s: float) -> pa.Schema:
    import pyarrow as pa

    columns: dict[str, Any] = {"time_s": pa.float64(), "at": pa.timestamp("us", tz="UTC")}
    columns |= dict.fromkeys(("source", "component", "kind", "scope"), pa.string())
    columns |= {"energy_j": pa.float64(), "power_w": pa.float64(), "note": pa.string()}
    about = {"perjoule.version": __version__, "perjoule.period_s": str(period_s)}
    if period_s != first_period_s:
        about["perjoule.resolution"] = (
            f"one sample in {period_s / first_period_s:g} kept, of one every {first_period_s:g} s"
        )
    return pa.schema(list(columns.items()), metadata=about)


def _table(
    schema: pa.Schema,
    time_s: np.ndarray,
    at_us: np.ndarray,
    info: SourceInfo,
    counted_j: np.ndarray,
    losses: np.ndarray,
    reasons: dict[int, str],
) -> pa.Table:
    """The rows of one source."""
    import numpy as np
    import pyarrow as pa

    good = ~np.isnan(counted_j)
    since_first = good & good[:1] & (losses == losses[:1])
    energy_j = np.where(since_first, counted_j - counted_j[:1], np.nan)

    read = np.flatnonzero(good)
    passed_s = np.diff(time_s[read])
    known = (np.diff(losses[read]) == 0) & (passed_s > 0)
    power_w = np.full(len(time_s), np.nan)
    power_w[read[1:][known]] = np.diff(counted_j[read])[known] / passed_s[known]

    lost = f"{info.id}: energy since the first sample is not known (it failed, or count was lost)"
    notes = [lost if unknown else None for unknown in good & ~since_first]
    for sample, reason in reasons.items():
        notes[sample] = reason

    texts = [str(text) for text in (info.id, info.component, info.kind, info.scope)]
    columns = [
        pa.array(time_s),
        pa.array(at_us, pa.timestamp("us", tz="UTC")),
        *(pa.repeat(text, len(time_s)) for text in texts),
        pa.array(energy_j, mask=np.isnan(energy_j)),
        pa.array(power_w, mask=np.isnan(power_w)),
        pa.array(notes, pa.string()),
    ]
    return pa.table(columns, schema=schema)
