"""Recorded power and energy as a source: traces of nvidia-smi, of wattmeters, of this project.

Spec texts::

    replay:trace.csv               the one power or energy column of the file
    replay:trace.csv#power_w       a column
    replay:gpus.csv#1              one of several GPUs, by its index, UUID or name
    replay:gpus.csv#power_w@1      a column of one GPU
    replay:series.parquet#nvml:GPU-1   a source of a recorded time series

::

    trace = Trace.read("trace.csv")
    trace.energy_j()                                       # all of it
    trace.energy_j(3.0, trace.duration_s - 3.0)            # both edges interpolated
    trace.between(3.0, trace.duration_s - 3.0).energy_j()  # only readings inside
"""

from __future__ import annotations

import csv
import math
import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median

from ...errors import DataError, SourceError
from ..quantities import JOULES_PER_UNIT
from ..source import Kind, Scope, SourceInfo

GAP_PERIODS = 3.0
"""Two readings further apart than this many times the usual have a gap between them."""
SCOPES = {"gpu": Scope.BOARD, "cpu": Scope.PACKAGE, "dram": Scope.PACKAGE, "node": Scope.NODE}

_Rows = list[tuple[str, list[str]]]
"""Where each row stands, for messages, and its cells."""
_WATTS = {"W": 1.0, "mW": 1e-3, "kW": 1e3, "MW": 1e6, "watts": 1.0}
_JOULES = {**JOULES_PER_UNIT, "uJ": 1e-6, "µJ": 1e-6, "joules": 1.0}
_UNITS = {unit: (factor, True) for unit, factor in _WATTS.items()}
_UNITS |= {unit: (factor, False) for unit, factor in _JOULES.items()}
_UNITS |= {unit.lower(): known for unit, known in _UNITS.items() if unit[0] not in "MG"}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_LATEST_S = 1e11
"""Above any time in seconds since 1970, below any of now in milliseconds."""
_NOT_DRAWN = {"max", "min", "limit", "cap", "default", "enforced", "state", "management"}
_TIME = re.compile(
    r"(?:t|time|timestamp|datetime|elapsed|epoch|seconds)(?:[ _]?[\[(]?(s|ms|us|ns)[\])]?)?"
)
_DEVICE = re.compile(r"(?:gpu[ ._]?)?(?:index|id|uuid|serial|name)|.*bus_id|gpu|source")
_VALUE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)")
_MISSING = re.compile(r"\[.*\]|n/?a|nan|none|null|")
_COMPONENTS = (
    ("dram", r"dram"),
    ("node", r"psys"),
    ("gpu", r"gpu|nvml|nvidia|power\.draw"),
    ("cpu", r"cpu|rapl|package"),
)


@dataclass(frozen=True)
class Trace:
    """Readings of a power, or of an energy counter, over time.

    Attributes:
        times_s: When each reading was taken, from 0 on, never falling; two or more.
        power_w: The power at each, taken as a line in between; empty for a counter.
        counter_j: The state of a counter at each, never falling; empty for a power.
        component: ``"gpu"``, ``"cpu"``, ``"dram"`` or ``"node"``.
        counter_kind: How the counter's joules became known when they were recorded.
        name: What was recorded, such as ``"trace.csv#power_w"``.

    Raises:
        DataError: The readings are no trace.
    """

    times_s: tuple[float, ...]
    power_w: tuple[float, ...] = ()
    counter_j: tuple[float, ...] = ()
    component: str = "node"
    counter_kind: Kind = Kind.MEASURED
    name: str = "trace"

    def __post_init__(self) -> None:
        n_readings = len(self.times_s)
        if n_readings < 2 or {len(self.power_w), len(self.counter_j)} != {0, n_readings}:
            raise DataError(
                f"{self.name}: {n_readings} times, {len(self.power_w)} powers and "
                f"{len(self.counter_j)} counter states: give two or more times with either"
            )
        if self.times_s[0] != 0 or any(b < a for a, b in pairwise(self.times_s)):
            raise DataError(f"{self.name}: times must start at 0 and never fall")
        if any(b < a for a, b in pairwise(self.counter_j)):
            raise DataError(f"{self.name}: the counter falls: cut the trace where it was reset")

    @classmethod
    def read(cls, path: str | Path, column: str | None = None) -> Trace:
        """Read a CSV or Parquet file.

        CSV: a time column (``time_s``, ``timestamp``, …: seconds, or dates with or without a zone)
        and a column of power or energy whose name or values tell the unit (``power_w``,
        ``power.draw [W]``, ``energy_uj``, ``119.17 W``). Values such as ``[N/A]`` are left out.
        Parquet: columns ``time_s``, ``source`` and ``energy_j`` (cumulative), as a meter's own
        time series has them.

        Args:
            path: The file.
            column: The column, or in a Parquet file the source; ``"1"``, ``"power_w@1"`` for one
                of several GPUs. None where there is only one.

        Raises:
            DataError: The file cannot be read, or is no such trace.
        """
        path = Path(path)
        load = _parquet_rows if path.suffix == ".parquet" else _csv_rows
        try:
            header, rows = load(path)
        except (OSError, ValueError, csv.Error) as error:  # pyarrow's errors are ValueErrors
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{path}: cannot be read: {reason}; give a recorded trace") from error
        return _trace(path, header, rows, column or "")

    @property
    def kind(self) -> Kind:
        """How the joules became known."""
        return Kind.INTEGRATED if self.power_w else self.counter_kind

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the trace."""
        mean_s = self.duration_s / (len(self.times_s) - 1)
        n_close = sum(b - a <= mean_s / 10 for a, b in pairwise(self.times_s))
        odd = f"{n_close} readings come right after the one before: are several devices in it?"
        return (odd,) if n_close > len(self.times_s) / 4 else ()

    @property
    def duration_s(self) -> float:
        """Seconds from the first reading to the last."""
        return self.times_s[-1]

    @cached_property
    def period_s(self) -> float:
        """Median time between two readings."""
        return median(b - a for a, b in pairwise(self.times_s))

    def energy_j(self, start_s: float = 0.0, end_s: float | None = None) -> float:
        """Joules between two moments, both interpolated: the exact integral of the lines.

        Args:
            start_s: Seconds after the first reading.
            end_s: Seconds after the first reading; None for the last reading.

        Raises:
            DataError: A moment is not in the trace, or the end is before the start.
        """
        end_s = self.duration_s if end_s is None else end_s
        self._check(start_s, end_s)
        return self._until_j(end_s) - self._until_j(start_s)

    def between(self, start_s: float, end_s: float) -> Trace:
        """The part whose readings lie within two moments, starting with the first of them.

        Raises:
            DataError: A moment is not in the trace, or fewer than two readings are left.
        """
        self._check(start_s, end_s)
        inside = slice(bisect_left(self.times_s, start_s), bisect_right(self.times_s, end_s))
        kept_s = self.times_s[inside]
        times_s = tuple([at - kept_s[0] for at in kept_s])
        powers, counter = self.power_w[inside], self.counter_j[inside]
        return replace(self, times_s=times_s, power_w=powers, counter_j=counter)

    def largest_gap_s(self, start_s: float = 0.0, end_s: float = math.inf) -> float:
        """Longest time without a reading that touches the window, 0 if none stands out."""
        touching = (b - a for a, b in self._gaps if b >= start_s and a <= end_s)
        return max(touching, default=0.0)

    @cached_property
    def _gaps(self) -> list[tuple[float, float]]:
        least_s = GAP_PERIODS * self.period_s
        return [(a, b) for a, b in pairwise(self.times_s) if b - a > least_s]

    @cached_property
    def _cumulative_j(self) -> Sequence[float]:
        """Joules from the first reading to each."""
        if self.counter_j:
            return [energy_j - self.counter_j[0] for energy_j in self.counter_j]
        steps = zip(pairwise(self.times_s), pairwise(self.power_w), strict=True)
        pieces_j = ((b - a) * (p + q) / 2 for (a, b), (p, q) in steps)
        return list(accumulate(pieces_j, initial=0.0))

    def _until_j(self, at_s: float) -> float:
        index = min(bisect_right(self.times_s, at_s), len(self.times_s) - 1) - 1
        since_s = at_s - self.times_s[index]
        step_s = self.times_s[index + 1] - self.times_s[index]
        share = since_s / step_s if step_s else 1.0
        before_j, after_j = self._cumulative_j[index : index + 2]
        if self.counter_j:
            return before_j + share * (after_j - before_j)
        power_w, next_w = self.power_w[index : index + 2]
        return before_j + since_s * (power_w + share * (next_w - power_w) / 2)

    def _check(self, start_s: float, end_s: float) -> None:
        if not 0 <= start_s <= end_s <= self.duration_s:
            raise DataError(
                f"{self.name}: {start_s:g} to {end_s:g} s is not within the trace of "
                f"{self.duration_s:.6g} s"
            )


class ReplaySource:
    """A trace that plays in real time from its first reading on.

    Args:
        trace: What was recorded.
        clock: Monotonic seconds.
    """

    def __init__(self, trace: Trace, clock: Callable[[], float] = time.perf_counter) -> None:
        self._trace, self._clock = trace, clock
        self._started_s: float | None = None
        name, what = f"replay:{trace.name}", "counter" if trace.counter_j else "power"
        self.info = SourceInfo(
            id=name,
            component=trace.component,
            kind=trace.kind,
            scope=SCOPES[trace.component],
            detail=f"recorded {what} of {trace.duration_s:.6g} s in {trace.name}",
            update_period_s=trace.period_s,
            max_power_w=math.inf,
            warnings=tuple(
                f"{name}: {warning}"
                for warning in ("recorded, not of this machine now", *trace.warnings)
            ),
        )

    def read(self) -> float:
        """Joules that the trace had used by now.

        Raises:
            SourceError: The trace is over.
        """
        now = self._clock()
        if self._started_s is None:
            self._started_s = now
        if now - self._started_s > self._trace.duration_s:
            raise SourceError(f"the trace ended after {self._trace.duration_s:.6g} s")
        return self._trace.energy_j(0.0, now - self._started_s)

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a recorded reading that touches the window, 0 if none stands out.

        Args:
            start_s: The window's start on this source's clock.
            end_s: Its end.
        """
        origin_s = start_s if self._started_s is None else self._started_s
        return self._trace.largest_gap_s(start_s - origin_s, end_s - origin_s)


def make(text: str) -> ReplaySource:
    """Make the source that a spec text names.

    Args:
        text: ``FILE`` or ``FILE#column`` (see ``Trace.read``).

    Raises:
        DataError: The file cannot be read, or is no trace.
    """
    path, _, column = text.partition("#")
    return ReplaySource(Trace.read(path, column))


def _csv_rows(path: Path) -> tuple[list[str], _Rows]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, skipinitialspace=True)
        header = [name.strip() for name in next(reader, [])]
        rows = [
            (f"{path}, line {reader.line_num}", [cell.strip() for cell in row])
            for row in reader
            if row
        ]
    return header, rows


def _parquet_rows(path: Path) -> tuple[list[str], _Rows]:
    import pyarrow.parquet as pq

    columns = ["time_s", "source", "component", "kind", "energy_j"]
    with path.open("rb") as file:
        table = pq.read_table(file, columns=columns)
    cells = zip(*(column.to_pylist() for column in table.columns), strict=True)
    rows = [
        (f"{path}, row {number}", ["" if cell is None else str(cell) for cell in row])
        for number, row in enumerate(cells, 1)
    ]
    return table.column_names, rows


def _trace(path: Path, header: list[str], rows: _Rows, wanted: str) -> Trace:
    for where, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{where}: {len(row)} cells for {len(header)} columns: mend or remove it"
            )
    name, _, device = wanted.partition("@")
    if name and name not in header:
        name, device = "", wanted  # or the name of a device
    rows = _of_one_device(path, header, rows, device)
    at_index, second = _time_column(path, header)
    index, factor, is_power = _value_column(path, header, rows, name)
    times_s: list[float] = []
    values: list[float] = []
    for where, row in rows:
        column = at_index
        try:
            at_s = _seconds(row[at_index], second)
            column = index
            value = _value(row[index], factor, is_power)
            if value is None:
                continue
            if values and not is_power and value < values[-1]:
                raise ValueError("the counter falls here: cut the trace where it was reset")
            column = at_index
            if times_s and at_s < times_s[-1]:
                raise ValueError("time runs backwards here")
        except ValueError as error:
            raise DataError(f"{where}, column {header[column]}: {error}") from error
        times_s.append(at_s)
        values.append(value)
    if len(values) < 2:
        raise DataError(f"{path}, column {header[index]}: fewer than two values: give a longer one")
    from_start_s = tuple([at_s - times_s[0] for at_s in times_s])
    name = f"{header[index]}@{device}" if device else header[index]
    powers, counter = (tuple(values), ()) if is_power else ((), tuple(values))
    told = dict(zip(header, rows[0][1], strict=True))  # a meter's own series says more
    kinds = [kind for kind in Kind if kind == told.get("kind")] or [Kind.MEASURED]
    parts = [part for part in SCOPES if part == told.get("component")]
    parts += [part for part, sign in _COMPONENTS if re.search(sign, name.lower())] or ["node"]
    return Trace(from_start_s, powers, counter, parts[0], kinds[0], f"{path}#{name}")


def _of_one_device(path: Path, header: list[str], rows: _Rows, device: str) -> _Rows:
    """The rows of the one device that is wanted, or that there is."""
    indices = [i for i, name in enumerate(header) if _DEVICE.fullmatch(name.lower())]
    if device:
        known = [name for index in indices for name in _devices(rows, index)]
        rows = [(where, row) for where, row in rows if device in (row[i] for i in indices)]
        if not rows:
            raise DataError(
                f"{path}: no column or device {device!r}: it has columns {', '.join(header)}"
                + (f" and devices {', '.join(known[:8])}" if known else "")
            )
    for index in indices:
        names = _devices(rows, index)
        if len(names) > 1:
            raise DataError(
                f"{path}, column {header[index]}: rows of several devices, {', '.join(names[:8])}: "
                f"name one, such as {path}#{names[0]}"
            )
    return rows


def _devices(rows: _Rows, index: int) -> list[str]:
    """The devices in a column; none if it rather numbers the rows."""
    names = list(dict.fromkeys(row[index] for _, row in rows))
    return names if len(names) <= len(rows) / 2 else []


def _time_column(path: Path, header: list[str]) -> tuple[int, float]:
    """Where the time is, and how long its unit is."""
    for index, name in enumerate(header):
        if match := _TIME.fullmatch(name.lower()):
            return index, _SECONDS[match[1] or "s"]
    raise DataError(f"{path}: no time_s or timestamp among the columns {', '.join(header)}")


def _value_column(
    path: Path, header: list[str], rows: _Rows, wanted: str
) -> tuple[int, float, bool]:
    """Where the power or energy is, its unit in watts or joules, and whether it is a power."""
    found: list[tuple[int, float, bool]] = []
    for index, name in enumerate(header):
        words = re.findall(r"[^\W\d_]+", name)
        numbers = (_VALUE.fullmatch(row[index]) for _, row in rows)
        unit = next((number[2] for number in numbers if number), "")
        measure = _unit(unit) or _unit(words[-1] if words else "")
        if not measure and "power" in name.lower():
            measure = (1.0, True)
        drawn = _NOT_DRAWN.isdisjoint(name.lower() for name in words)
        if measure and (name == wanted if wanted else drawn):
            found.append((index, measure[0], measure[1]))
    if len(found) == 1:
        return found[0]
    if wanted:
        raise DataError(
            f"{path}, column {wanted}: neither name nor values tell whether it is power or energy: "
            f"call it {wanted}_w or {wanted}_j"
        )
    if not found:
        raise DataError(
            f"{path}: no column of power or energy with its unit, such as power_w or energy_j, "
            f"among {', '.join(header)}"
        )
    names = [header[index] for index, _, _ in found]
    raise DataError(
        f"{path}: several columns of power or energy, {', '.join(names)}: name one, such as "
        f"{path}#{names[0]}"
    )


def _unit(text: str) -> tuple[float, bool] | None:
    """How many watts or joules a unit is, and whether it is one of power."""
    return _UNITS.get(text) or _UNITS.get(text.lower())


def _value(text: str, factor: float, is_power: bool) -> float | None:
    """Watts or joules; None if the cell says that there is no value."""
    if _MISSING.fullmatch(text.lower()):
        return None
    match = _VALUE.fullmatch(text)
    unit = _unit(match[2]) if match and match[2] else (factor, is_power)
    if match is None or unit is None or unit[1] != is_power:
        raise ValueError(f"{text!r} is no {'power' if is_power else 'energy'}: mend or remove it")
    value = float(match[1]) * unit[0]
    if is_power and value < 0:
        raise ValueError(f"{text!r} is below zero: mend or remove it")
    return value


def _seconds(text: str, second: float) -> float:
    """Seconds since some moment, from a number of them or a date; one without a zone is in UTC."""
    try:
        seconds = float(text) * second
    except ValueError:
        try:
            moment = datetime.fromisoformat(text.replace("/", "-"))
        except ValueError:
            raise ValueError(f"{text!r} is no time: mend or remove it") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not abs(seconds) < _LATEST_S:
        raise ValueError(f"{text!r} is no time in seconds: call the column time_ms if it is in ms")
    return seconds
