"""What the columns and cells of a recorded trace say: times, units of power and energy, values."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from ....errors import DataError
from ...quantities import JOULES_PER_UNIT

_WATTS = {"W": 1.0, "mW": 1e-3, "kW": 1e3, "MW": 1e6, "watts": 1.0, "watt": 1.0}
_JOULES = {**JOULES_PER_UNIT, "uJ": 1e-6, "µJ": 1e-6, "joules": 1.0, "joule": 1.0}
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
_VALUE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)")
_MISSING = re.compile(r"\[.*\]|n/?a|nan|none|null|")


class TimeColumn(NamedTuple):
    """Where the time is, and how long its unit is."""

    at: int
    unit_s: float

    def read(self, cell: str) -> float:
        """Seconds since some moment, from a number or a date; one without a zone is in UTC.

        Raises:
            ValueError: The cell is no time.
        """
        try:
            seconds = float(cell) * self.unit_s
        except ValueError:
            try:
                moment = datetime.fromisoformat(cell.replace("/", "-"))
            except ValueError:
                raise ValueError(f"{cell!r} is no time: mend or remove it") from None
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if not abs(seconds) < _LATEST_S:
            raise ValueError(
                f"{cell!r} is no time in seconds: call the column time_ms if it is in ms"
            )
        return seconds


class ValueColumn(NamedTuple):
    """Where the power or energy is, its unit in watts or joules, and whether it is a power."""

    at: int
    factor: float
    is_power: bool

    def read(self, cell: str) -> float | None:
        """Watts or joules; None if the cell says that there is no value.

        Raises:
            ValueError: The cell is no such value.
        """
        if _MISSING.fullmatch(cell.lower()):
            return None
        match = _VALUE.fullmatch(cell)
        unit = find_unit(match[2]) if match and match[2] else (self.factor, self.is_power)
        if match is None or unit is None or unit[1] != self.is_power:
            what = "power" if self.is_power else "energy"
            raise ValueError(f"{cell!r} is no {what}: mend or remove it")
        value = float(match[1]) * unit[0]
        if not math.isfinite(value):
            raise ValueError(f"{cell!r} is infinite: mend or remove it")
        if self.is_power and value < 0:
            raise ValueError(f"{cell!r} is below zero: mend or remove it")
        return value


def time_column(path: Path, header: list[str]) -> TimeColumn:
    """The first column whose name is that of a time.

    Raises:
        DataError: There is none.
    """
    for index, name in enumerate(header):
        if match := _TIME.fullmatch(name.lower()):
            return TimeColumn(index, _SECONDS[match[1] or "s"])
    raise DataError(f"{path}: no time_s or timestamp among the columns {', '.join(header)}")


def value_column(path: Path, header: list[str], rows: list[list[str]], wanted: str) -> ValueColumn:
    """The column of power or energy that is wanted, or that there is.

    Args:
        path: The file, for messages.
        header: Names of its columns.
        rows: Its first rows, whose values may tell the unit.
        wanted: The name of the column; empty for the only one.

    Raises:
        DataError: There is none, or there are several.
    """
    found: list[ValueColumn] = []
    for index, name in enumerate(header):
        words = re.findall(r"[^\W\d_]+", name)
        numbers = (_VALUE.fullmatch(row[index]) for row in rows)
        unit = next((number[2] for number in numbers if number), "")
        measure = find_unit(unit) or find_unit(words[-1] if words else "")
        if not measure and "power" in name.lower():
            measure = (1.0, True)
        drawn = _NOT_DRAWN.isdisjoint(name.lower() for name in words)
        if measure and (name == wanted if wanted else drawn):
            found.append(ValueColumn(index, *measure))
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


def find_unit(text: str) -> tuple[float, bool] | None:
    """How many watts or joules a unit is, and whether it is one of power."""
    return _UNITS.get(text) or _UNITS.get(text.lower())
