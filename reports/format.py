"""Numbers as people read them; what is unavailable stays ``n/a`` and is never shown as zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..benchmarks.analysis import naming
from ..energy import quantities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..benchmarks.analysis.facts import Spread
    from ..models.metric import Metric

UNAVAILABLE = "n/a"
"""What stands in the place of a value that nobody knows."""


def known(value: object) -> float | None:
    """Return the value as a finite float, or None where there is none (None, NaN, infinite)."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def format_energy(joules: object) -> str:
    """Write an energy in joules with a fitting unit, or ``"n/a"`` where it is unavailable."""
    return quantities.format_energy(known(joules))


def format_per_joule(per_joule: object) -> str:
    """Write an amount in 1/J, such as ``"0.412 per J"`` or ``"2.35 per MJ"``, or ``"n/a"``."""
    number = known(per_joule)
    if number is None:
        return UNAVAILABLE
    for factor, unit in ((1.0, "J"), (1e3, "kJ"), (1e6, "MJ")):
        if number * factor >= 0.1:
            return f"{number * factor:.3g} per {unit}"
    return f"{number * 1e9:.3g} per GJ"


def format_percent(fraction: object, decimals: int = 1) -> str:
    """Write a fraction as a percentage, or ``"n/a"`` where it is unavailable."""
    return quantities.format_percent(known(fraction), decimals)


def format_score(score: object, metric: Metric) -> str:
    """Write a score of a metric: a share in percent, any other with four digits; or ``"n/a"``."""
    return naming.format_score(known(score), metric)


def format_difference(value: float, metric: Metric, sign: str = "") -> str:
    """Write how far two scores are apart: ``"1.2 points"`` of a share, else three digits.

    With ``sign="+"`` it has its sign, and of a share two decimals.
    """
    decimals = 2 if sign else 1
    return f"{100 * value:{sign}.{decimals}f} points" if metric.is_share else f"{value:{sign}.3g}"


def format_times(ratio: object) -> str:
    """Write a ratio such as ``"2.83"``, ``"1,230"``, or ``"n/a"`` where it is unavailable."""
    number = known(ratio)
    if number is None:
        return UNAVAILABLE
    return f"{number:,.{2 if number < 10 else 1 if number < 100 else 0}f}"


def format_interval(interval: Spread | None, show: Callable[[object], str]) -> str:
    """Write the interval around a median, such as ``"96.9 to 98.1 %"``, ``"one run"``."""
    if interval is None:
        return UNAVAILABLE
    if interval.low is None or interval.high is None:
        return "one run" if interval.n == 1 else "no interval"
    low, high = show(interval.low), show(interval.high)
    number, _, unit = low.rpartition(" ")
    return f"{number if high.endswith(f' {unit}') else low} to {high}"


def format_kinds(kinds: Iterable[object]) -> str:
    """Write the kinds of energy of several readings, such as ``"measured and modelled"``.

    Args:
        kinds: The kind of each; a reading of several kinds joins them by ``+``. A lower bound is
            not a kind.
    """
    single = {part for kind in kinds if kind for part in str(kind).split("+")} - {"lower bound"}
    return " and ".join(sorted(single)) or "of unknown kind"


def format_kind(kind: object) -> str:
    """Write the kind of one reading as the table has it: ``"measured and modelled"``."""
    return " and ".join(str(kind).split("+"))


def format_duration(seconds: object) -> str:
    """Write a duration given in seconds as text such as ``"100 ms"``, ``"38.2 s"``, ``"2.5 h"``."""
    number = known(seconds)
    if number is None:
        return UNAVAILABLE
    if number == 0:
        return "0 s"
    if abs(number) < 1e-3:
        return f"{1e6 * number:.3g} µs"
    if abs(number) < 1.0:
        return f"{1000.0 * number:.3g} ms"
    if abs(number) < 120.0:
        return f"{number:.1f} s"
    return f"{number / 60.0:.1f} min" if abs(number) < 7200.0 else f"{number / 3600.0:.1f} h"


def format_period(update_period_s: object) -> str:
    """Write how often a source is renewed: ``"continuously"``, ``"every 100 ms"``."""
    period_s = known(update_period_s)
    if period_s is None:
        return UNAVAILABLE
    return f"every {format_duration(period_s)}" if period_s else "continuously"


def format_value(value: object) -> str:
    """Write a hyperparameter or a setting: three digits for floats, lists joined."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(format_value, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {format_value(item)}" for key, item in value.items()) or "none"
    if value is None or (isinstance(value, float) and known(value) is None):
        return UNAVAILABLE
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e6):
        return f"{value:.3g}"
    return f"{value:.0f}" if isinstance(value, float) else str(value)
