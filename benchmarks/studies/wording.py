"""Quantities, claims and verdicts of studies in words, the same wherever they are told.

>>> in_words(Quantity(2.03, 1.98, 2.08))
'2.03 [1.98, 2.08]'
>>> in_words(Quantity(None, 1.71, 1.87)), in_words(Quantity(None, high=5.0))
('1.71 to 1.87', 'up to 5')
>>> in_words(Quantity(0.955, unit="%")), in_words(Quantity(1234.0, unit="J"))
('95.5 %', '1.23 kJ')
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...energy.quantities import format_energy, format_percent
from .facts import Cell, Claim

HOLDS, FAILS, OPEN = "holds here", "does not hold here", "cannot be said here"


def in_words(cell: Cell) -> str:
    """A cell of a sheet in words; what is unknown is ``"n/a"``."""
    if cell is None:
        return "n/a"
    if isinstance(cell, str):
        return cell
    ends = [None if end is None else write(end, cell.unit) for end in (cell.low, cell.high)]
    note = f" ({cell.note})" if cell.note else ""
    if cell.value is None:
        return f"{_range(*ends)}{note}"
    value = write(cell.value, cell.unit)
    return value + (f" [{ends[0]}, {ends[1]}]" if None not in ends else "") + note


def write(value: float, unit: str) -> str:
    """A number with its unit, three digits of it."""
    if not math.isfinite(value):
        return "n/a"
    if unit == "J":
        return format_energy(value)
    if unit == "%":
        return format_percent(value)
    if value and not 1e-3 <= abs(value) < 1e6:
        number = f"{value:.2e}"
    elif float(value).is_integer():
        number = f"{value:,.0f}"
    else:
        number = f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return f"{number} {unit}".rstrip()


def _range(low: str | None, high: str | None) -> str:
    if low is None and high is None:
        return "n/a"
    if low is None:
        return f"up to {high}"
    return f"from {low} up" if high is None else f"{low} to {high}"


def verdict_of(claim: Claim) -> str:
    """Whether a claim holds here, in words."""
    return OPEN if claim.holds is None else HOLDS if claim.holds else FAILS


def headline(claims: Sequence[Claim], paper: str) -> str:
    """How many of a paper's findings hold here, in a sentence."""
    told = [claim for claim in claims if claim.holds is not None]
    if not told:
        return f"Nothing can be said yet of what {paper} found."
    held = sum(bool(claim.holds) for claim in told)
    how_many = f"All {held}" if held == len(told) > 1 else f"{held or 'None'} of {len(told)}"
    return f"{how_many} findings of {paper} hold{'s' * (held == 1)} here."


def because(claims: Sequence[Claim]) -> str:
    """The claims that do not hold here, with their reasons."""
    failed = [claim for claim in claims if claim.holds is False]
    unsaid = [claim for claim in claims if claim.holds is None]
    sentences = [f"{claim.statement} {FAILS}, because {claim.why}." for claim in failed]
    if unsaid:
        sentences.append(f"Of {len(unsaid)} more nothing can be said here.")
    return " ".join(sentences)
