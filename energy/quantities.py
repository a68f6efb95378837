"""Amounts of energy as people write them: ``"5 kJ"``, ``"0.2 Wh"``, ``120``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from ..errors import BudgetError

JOULES_PER_UNIT = {"J": 1.0, "mJ": 1e-3, "kJ": 1e3, "MJ": 1e6, "GJ": 1e9}
JOULES_PER_UNIT |= {"Wh": 3600.0, "mWh": 3.6, "kWh": 3.6e6, "MWh": 3.6e9}
WATTS_PER_UNIT = {"W": 1.0, "mW": 1e-3, "kW": 1e3, "MW": 1e6}
_BY_LOWER_CASE = {"j": 1.0, "kj": 1e3, "wh": 3600.0, "kwh": 3.6e6}
_UNITS = ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"))
_QUANTITY = re.compile(r"\s*([+-]?[\d._]+(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)\s*")


def total(amounts: Iterable[float | None]) -> float | None:
    """Add amounts up; the sum is unknown (None) if one of them is."""
    known = list(amounts)
    return None if None in known else sum(amount for amount in known if amount is not None)


def parse_energy(value: str | float) -> float:
    """Turn a number of joules, or text of a number and its unit, into joules.

    Units: J, mJ, kJ, MJ, GJ, Wh, mWh, kWh, MWh. Case matters only between m (milli) and M (mega).
    Text needs one: whether "6" was meant as J or as kJ cannot be told.

    Raises:
        BudgetError: The text is no amount of energy, or the amount is not above zero.
    """
    match = _QUANTITY.fullmatch(str(value))
    number, unit = match.groups() if match else ("", "")
    if number and not unit:
        if isinstance(value, str):
            raise BudgetError(
                f'energy {value!r} has no unit: write "{number} J", "{number} kJ" or what is meant'
            )
        unit = "J"
    factor = JOULES_PER_UNIT.get(unit, _BY_LOWER_CASE.get(unit.lower()))
    try:
        energy_j = float(number) * factor if factor is not None else math.nan
    except ValueError:
        energy_j = math.nan
    if not math.isfinite(energy_j):
        raise BudgetError(
            f"energy {str(value)!r} is not an amount of energy: write a number and a unit, "
            f'such as "200 J", "6 kJ" or "0.2 Wh"'
        )
    if energy_j <= 0:
        raise BudgetError(f"energy {str(value)!r} is not above zero: give at least some joules")
    return energy_j


def format_energy(energy_j: float | None) -> str:
    """Write joules for people, ``"1.23 kJ"``; an unknown or infinite amount is ``"n/a"``."""
    if energy_j is None or not math.isfinite(energy_j):
        return "n/a"
    if energy_j == 0:
        return "0 J"
    if not 1e-8 <= abs(energy_j) < 1e15:
        return f"{energy_j:.3g} J"
    rounded_j = float(f"{energy_j:.2e}")  # first, so that 999.9 J becomes 1.00 kJ
    factor, unit = next((u for u in _UNITS if abs(rounded_j) >= u[0]), _UNITS[-1])
    amount = rounded_j / factor
    decimals = max(2 - math.floor(math.log10(abs(amount)) + 1e-9), 0)
    return f"{amount:.{decimals}f} {unit}"


def format_percent(share: float | None, decimals: int = 1) -> str:
    """Write a share of one for people: ``"97.8 %"``, ``"n/a"``, ``"<0.1 %"`` for a small one."""
    if share is None or not math.isfinite(share):
        return "n/a"
    text = f"{100.0 * share:.{decimals}f} %"
    return f"<{10.0**-decimals:.{decimals}f} %" if share > 0 and float(text[:-2]) == 0 else text
