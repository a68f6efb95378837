"""Quantities, claims and verdicts of studies in words, the same wherever they are told.

>>> in_words(Quantity(2.03, 1.98, 2.08))
'2.03 [1.98, 2.08]'
>>> in_words(Quantity(None, 1.71, 1.87)), in_words(Quantity(None, high=5.0))
('1.71 to 1.87', 'up to 5')
>>> in_words(Quantity(0.955, unit="%")), in_words(Quantity(1234.0, unit="J"))
('95.5 %', '1.23 kJ')
>>> in_words(Quantity(0.955, 0.95, 0.96, "%", "median of 5"))
'95.5 % [95.0, 96.0 %] (median of 5)'
>>> claims = [Claim("Twice as dear.", None, None, held, "it is so") for held in (True, False, None)]
>>> headline(claims, "A. Writer, 2023")
'1 of 3 findings of A. Writer, 2023, holds here, 1 does not; of 1 nothing can be said.'
>>> headline(claims[:1], "A. Writer, 2023"), headline(claims[:2] * 2, "Us")
('The finding of A. Writer, 2023, holds here.', '2 of 4 findings of Us hold here.')
>>> tally(claims), because(claims[1:2])
('1 of 3 holds here', '“Twice as dear” does not hold here, because it is so.')
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...energy.quantities import format_energy, format_percent
from .facts import Cell, Claim, Quantity

HOLDS, FAILS, OPEN = "holds here", "does not hold here", "cannot be said here"
UNKNOWN = "n/a"
MOST_REASONS = 2
"""Claims whose reasons are told in a row; the table of claims has them all."""


def in_words(cell: Cell) -> str:
    """A cell of a sheet in words; what is unknown is ``"n/a"``."""
    if cell is None:
        return UNKNOWN
    if isinstance(cell, str):
        return cell
    interval = interval_of(cell, ", ")
    note = f" ({cell.note})" if cell.note else ""
    return value_of(cell) + (f" [{interval}]" if interval else "") + note


def value_of(quantity: Quantity) -> str:
    """The value in words; without one its ends: ``"1.71 to 1.87"``."""
    if quantity.value is None:
        return _range(quantity)
    return write(quantity.value, quantity.unit)


def interval_of(quantity: Quantity, between: str = " to ") -> str:
    """The ends of the interval around a value, ``"1.98 to 2.08"``; empty where there is none."""
    if quantity.value is None or quantity.low is quantity.high is None:
        return ""
    return _range(quantity, between)


def write(value: float, unit: str) -> str:
    """A number with its unit, three digits of it."""
    if not math.isfinite(value):
        return UNKNOWN
    if unit == "J":
        return format_energy(value)
    if unit == "%":
        return format_percent(value, 1 if value == 0 or abs(value) >= 0.01 else 2)
    if value and not 1e-3 <= abs(value) < 1e6:
        number = f"{value:.2e}"
    elif float(value).is_integer():
        number = f"{value:,.0f}"
    else:
        number = f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return f"{number} {unit}".rstrip()


def _range(quantity: Quantity, between: str = " to ") -> str:
    low, high = (
        None if end is None else write(end, quantity.unit) for end in (quantity.low, quantity.high)
    )
    if low is None:
        return UNKNOWN if high is None else f"up to {high}"
    if high is None:
        return f"at least {low}"
    number, _, unit = low.rpartition(" ")
    return f"{number if number and high.endswith(f' {unit}') else low}{between}{high}"


def identifier(name: str) -> str:
    """A name that a folder or a part of a page may have: letters, digits and hyphens."""
    return "".join(each if each.isalnum() else "-" for each in name)


def verdict_of(claim: Claim) -> str:
    """Whether a claim holds here, in words."""
    return OPEN if claim.holds is None else HOLDS if claim.holds else FAILS


def tally(claims: Sequence[Claim]) -> str:
    """How many claims hold here, in a word or two, such as ``"4 of 6 hold here"``."""
    held = sum(claim.holds is True for claim in claims)
    if len(claims) == 1:
        return verdict_of(claims[0])
    return f"{held or 'none'} of {len(claims)} hold{'s' * (held < 2)} here"


def headline(claims: Sequence[Claim], paper: str) -> str:
    """How many of a paper's findings hold here, in a sentence."""
    n, held = len(claims), sum(claim.holds is True for claim in claims)
    failed, unsaid = (sum(claim.holds is way for claim in claims) for way in (False, None))
    of = f"of {paper}{',' * (',' in paper)}"
    if not n:
        return f"No finding {of} was checked here."
    if unsaid == n:
        return f"Nothing can be said yet of what {paper} found."
    if n == 1:
        return f"The finding {of} {verdict_of(claims[0])}."
    if held == n:
        return f"{'Both' if n == 2 else f'All {n}'} findings {of} hold here."
    first = f"{held} of {n} findings {of} hold{'s' * (held == 1)} here"
    if not held:
        first = f"None of {n} findings {of} holds here"
    if not unsaid:
        return f"{first}."
    rest = [f"{failed} {'does' if failed == 1 else 'do'} not"] * bool(held and failed)
    return f"{', '.join([first, *rest])}; of {unsaid} nothing can be said."


def because(claims: Sequence[Claim]) -> str:
    """The claims that do not hold here, then those of which nothing can be said, with reasons."""
    failed = [claim for claim in claims if claim.holds is False]
    unsaid = [claim for claim in claims if claim.holds is None]
    sentences = [f"{_quoted(claim)} {FAILS}{reason_of(claim)}." for claim in failed]
    sentences += [
        f"Whether {_quoted(claim)} holds cannot be said here{reason_of(claim)}." for claim in unsaid
    ]
    more = len(sentences) - MOST_REASONS
    return " ".join([*sentences[:MOST_REASONS], *([f"And {more} more."] if more > 0 else [])])


def reason_of(claim: Claim) -> str:
    """``", because …"``, without a full stop; empty where no reason is given."""
    why = claim.why.strip().rstrip(".")
    return f", because {why}" if why else ""


def _quoted(claim: Claim) -> str:
    return f"“{claim.statement.strip().rstrip('.')}”"
