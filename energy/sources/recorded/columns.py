"""What the columns and cells of a recorded trace say: times, units of power and energy, values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from ....errors import DataError
from ...quantities import JOULES_PER_UNIT, WATTS_PER_UNIT

_WATTS = {**WATTS_PER_UNIT, "watts": 1.0, "watt": 1.0}
_JOULES = {**JOULES_PER_UNIT, "uJ": 1e-6, "µJ": 1e-6, "joules": 1.0, "joule": 1.0}
_UNITS = {unit: (factor, True) for unit, factor in _WATTS.items()}
_UNITS |= {unit: (factor, False) for unit, factor in _JOULES.items()}
_UNITS |= {unit.lower(): known for unit, known in _UNITS.items() if unit[0] not in "MG"}
_NOT_DRAWN = {"max", "min", "limit", "cap", "default", "enforced", "state", "management"}
_COUNTS = re.compile(r"total|cumul|counter|since|lifetime|accumul|sum|consumed")
_OF_INTERVALS = re.compile(
    r"(?:^|[^a-z])(?:per|delta|diff|interval|step|sample|each|increment|period)(?:[^a-z]|$)"
)
_LIKELY_W = 10_000.0  # machines that draw more are rare
_MOST_TIMES = 5.0  # that a machine at work draws what it does at rest
_VALUE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)")
_MISSING = re.compile(r"\[.*\]|n/?a|nan|none|null|unavailable|unknown|-|")


class ValueColumn(NamedTuple):
    """Where the power or energy is, its unit in watts or joules, and whether it is a power."""

    at: int
    factor: float
    is_power: bool

    def read(self, cell: str) -> float | None:
        """Watts or joules; None if the cell says that there is no value."""
        if _MISSING.fullmatch(cell.lower()):
            return None
        match = _VALUE.fullmatch(cell)
        unit = find_unit(match[2]) if match and match[2] else (self.factor, self.is_power)
        if match is None or unit is None or unit[1] != self.is_power:
            what = "power" if self.is_power else "energy"
            point = ", write a decimal point" if re.fullmatch(r"[+-]?\d+,\d+.*", cell) else ""
            raise ValueError(f"{cell[:40]!r} is no {what}{point}")
        value = float(match[1]) * unit[0]
        if not math.isfinite(value) or (self.is_power and value < 0):
            what = "below zero" if math.isfinite(value) else "infinite"
            raise ValueError(f"{cell[:40]!r} is {what}")
        return value


class Moment(NamedTuple):
    """A counter at a time."""

    at_s: float
    value: float


def refuse_interval(name: str) -> str:
    """Why a column of energy is no counter, as its name says; nothing if it may be one."""
    if _OF_INTERVALS.search(name.lower()) and not _COUNTS.search(name.lower()):
        return "energy of each interval, not a counter: give its running total, or watts"
    return ""


def no_counter(name: str, first: Moment, last: Moment, n_readings: int) -> str:
    """Why readings that never fall are no counter; nothing if they may be one.

    What grows by less at each reading than it begins with, and would be the energy of an interval
    that a machine can use, may be such energies: 100, 101, 103 J of one second each.
    """
    if _COUNTS.search(name.lower()) or n_readings < 3:
        return ""
    if last.value == first.value:
        return (
            f"all {n_readings} readings are {first.value:g} J: a counter that stands still, or the "
            "energy of each interval? Give a running total, or watts"
        )
    period_s = (last.at_s - first.at_s) / (n_readings - 1)
    mean_j = (last.value - first.value) / (n_readings - 1)
    if (
        n_readings > 3
        and mean_j < first.value < _LIKELY_W * period_s
        and last.value < (_MOST_TIMES * first.value)
    ):
        return (
            "a counter, or the energy of each interval? Call it NAME_total_j if it is a running "
            "total, or give watts"
        )
    return ""


def value_column(
    path: str, header: Sequence[str], rows: Sequence[Sequence[str]], wanted: str, option: str
) -> ValueColumn:
    """The column of power or energy that is named, or else the only one; rows may tell its unit.

    ``option`` is how one is named, such as ``'--column "{}"'``.
    """
    found: list[ValueColumn] = []
    for index, name in enumerate(header):
        words = re.findall(r"[^\W\d_]+", name)
        numbers = (_VALUE.fullmatch(row[index]) for row in rows)
        unit = next((number[2] for number in numbers if number), "")
        measure = find_unit(unit) or find_unit(words[-1] if words else "")
        if not measure and ("power" in name.lower() or name.lower() == "pwr"):
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
        f"{option.format(names[0])}"
    )


def find_unit(text: str) -> tuple[float, bool] | None:
    """How many watts or joules a unit is, and whether it is one of power."""
    return _UNITS.get(text) or _UNITS.get(text.lower())
