"""What a study found, as facts: claims beside the paper's, and the tables and figures behind them.

Nothing here says how it looks: `reports` draws a `Plot`, a `Heat` and a `Sheet` for every study.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..tables.facts import Fact, finite


@dataclass(frozen=True)
class Quantity(Fact):
    """A number with its 95 % interval, as far as they are known.

    Without a value the ends stand alone: ``Quantity(None, 1.71, 1.87)`` is "1.71 to 1.87",
    ``Quantity(None, high=5)`` is "up to 5".
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""  # "" a plain number or a ratio, "%" a share of 1, "J", "W", "s", "g", "B" …
    note: str = ""  # in a word or two, such as "median of 5"

    @property
    def known_value(self) -> float:
        """The value, where there must be one; a ValueError if there is none, never 0."""
        if self.value is None:
            raise ValueError("a quantity without a value is compared")
        return self.value


@dataclass(frozen=True)
class Claim(Fact):
    """One finding of the paper, beside what was found here."""

    statement: str  # what the paper says, in a sentence
    paper: Quantity | None  # its figure; None where it has none
    ours: Quantity | None  # the figure here; None where it could not be had
    holds: bool | None  # whether it holds here; None: that cannot be said
    why: str  # because …, in a sentence


Cell = str | Quantity | None  # of a sheet; None is unknown


@dataclass(frozen=True)
class Sheet(Fact):
    """A table: the first cell of a row is its name."""

    name: str  # its identifier on the page, such as "cells"
    title: str
    lead: str  # what to look for, in a sentence
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: Literal["sheet"] = "sheet"


@dataclass(frozen=True)
class Axis(Fact):
    """An axis of a figure."""

    title: str
    unit: str = ""  # as of a `Quantity`; "J" gets the ticks of energies, "%" those of shares
    log: bool = False
    labels: tuple[str, ...] = ()  # names in place of numbers: positions are 0, 1, …


@dataclass(frozen=True)
class Series(Fact):
    """Points that belong together; what is unknown is None and leaves a gap."""

    name: str  # in the legend
    x: tuple[float | None, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()  # of y: the ends of its intervals
    high: tuple[float | None, ...] = ()
    texts: tuple[str, ...] = ()  # what a point says of itself when it is pointed at
    style: Literal["dots", "line", "both"] = "both"

    @classmethod
    def of(
        cls,
        name: str,
        x: Iterable[float | None],
        found: Sequence[Quantity | None],
        *,
        texts: Iterable[str] = (),
        style: Literal["dots", "line", "both"] = "both",
    ) -> Series:
        """Quantities over x with their intervals."""
        value, low, high = (
            tuple(None if each is None else getattr(each, part) for each in found)
            for part in ("value", "low", "high")
        )
        return cls(name, tuple(x), value, low, high, tuple(texts), style)


@dataclass(frozen=True)
class Mark(Fact):
    """A line right across a figure."""

    label: str
    at: float
    axis: Literal["x", "y"] = "x"


@dataclass(frozen=True)
class Plot(Fact):
    """A figure of points and lines."""

    name: str
    title: str
    lead: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()  # what it leaves out
    kind: Literal["plot"] = "plot"


@dataclass(frozen=True)
class Heat(Fact):
    """A heat map: rows of values, of which None is unknown or censored."""

    name: str
    title: str
    lead: str
    x: Axis  # with labels
    y: Axis  # with labels, the first at the bottom
    values: tuple[tuple[float | None, ...], ...]  # by y, then x
    texts: tuple[tuple[str, ...], ...] = ()  # what stands in the cells
    unit: str = ""
    log: bool = False  # whether colours go by logarithms
    contours: bool = False  # whether lines of equal values are drawn
    notes: tuple[str, ...] = ()
    kind: Literal["heat"] = "heat"


Exhibit = Sheet | Plot | Heat


@dataclass(frozen=True)
class Findings(Fact):
    """What a study found."""

    claims: tuple[Claim, ...]  # in the order of the paper
    exhibits: tuple[Exhibit, ...] = ()  # in the order of the page
    notes: tuple[str, ...] = ()  # what is to be held against the numbers

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, fit for JSON; a number that it does not have is None."""
        return finite(super().to_dict())
