"""Traces as files: the CSV of nvidia-smi, of wattmeters and others, the Parquet of a meter."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ...errors import DataError
from ..quantities import JOULES_PER_UNIT
from ..source import Kind
from .trace import Trace

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
_COMPONENTS = {
    "dram": r"dram",
    "node": r"psys",
    "gpu": r"gpu|nvml|nvidia|power\.draw",
    "cpu": r"cpu|rapl|package",
}
"""How a column is called that belongs to each; the first that fits counts."""


class _Column(NamedTuple):
    """Where the power or energy is, its unit in watts or joules, and whether it is a power."""

    at: int
    factor: float
    is_power: bool


def read_trace(path: str | Path, column: str | None = None) -> Trace:
    """Read a CSV or Parquet file.

    CSV: a time column (``time_s``, ``timestamp``, …: seconds, or dates with or without a zone) and
    a column of power or energy whose name or values tell the unit (``power_w``, ``power.draw [W]``,
    ``energy_uj``, ``119.17 W``). Values such as ``[N/A]`` are left out. Parquet: columns
    ``time_s``, ``source`` and ``energy_j`` (cumulative), as a meter's own time series has them.

    Args:
        path: The file.
        column: The column, or in a Parquet file the source; ``"1"``, ``"power_w@1"`` for one of
            several GPUs. None where there is only one.

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
    time_column = _time_column(path, header)
    column = _value_column(path, header, rows, name)
    times_s, values = _readings(header, rows, time_column, column)
    name = header[column.at]
    if len(values) < 2:
        raise DataError(f"{path}, column {name}: fewer than two values: give a longer one")
    name = f"{name}@{device}" if device else name
    told = dict(zip(header, rows[0][1], strict=True))  # a meter's own series says more
    signs = (part for part, sign in _COMPONENTS.items() if re.search(sign, name.lower()))
    component = told.get("component")
    return Trace(
        times_s=tuple([at_s - times_s[0] for at_s in times_s]),
        power_w=tuple(values) if column.is_power else (),
        counter_j=() if column.is_power else tuple(values),
        component=component if component in _COMPONENTS else next(signs, "node"),
        counter_kind=next((kind for kind in Kind if kind == told.get("kind")), Kind.MEASURED),
        name=f"{path}#{name}",
    )


def _readings(
    header: list[str], rows: _Rows, time_column: tuple[int, float], value_column: _Column
) -> tuple[list[float], list[float]]:
    """Times in seconds and values in watts or joules, without the rows that have no value."""
    (at_index, second), (index, factor, is_power) = time_column, value_column
    times_s: list[float] = []
    values: list[float] = []
    for where, row in rows:
        column = at_index  # the one to blame
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
    return times_s, values


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


def _value_column(path: Path, header: list[str], rows: _Rows, wanted: str) -> _Column:
    """The column of power or energy that is wanted, or that there is."""
    found: list[_Column] = []
    for index, name in enumerate(header):
        words = re.findall(r"[^\W\d_]+", name)
        numbers = (_VALUE.fullmatch(row[index]) for _, row in rows)
        unit = next((number[2] for number in numbers if number), "")
        measure = _unit(unit) or _unit(words[-1] if words else "")
        if not measure and "power" in name.lower():
            measure = (1.0, True)
        drawn = _NOT_DRAWN.isdisjoint(name.lower() for name in words)
        if measure and (name == wanted if wanted else drawn):
            found.append(_Column(index, *measure))
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
    names = [header[column.at] for column in found]
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
