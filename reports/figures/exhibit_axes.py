"""Axes of the figures that studies ask for: numbers with their unit, shares of one, or names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ...benchmarks.studies.wording import write
from ..format import known
from .axes import log_axis, short_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...benchmarks.studies.facts import Axis

_MARGIN = 0.05  # of an axis at both of its ends
_LONGEST_TITLE = 44  # characters of a line


@dataclass(frozen=True)
class Scaled:
    """An axis that fits what is drawn on it; positions are in Plotly's units of it."""

    axis: Axis
    low: float  # the value at its beginning
    high: float  # the value at its end

    @classmethod
    def of(cls, axis: Axis, values: Iterable[object]) -> Scaled:
        """Fit an axis to what is to be seen on it; unknown values are passed over."""
        if axis.labels:
            return cls(axis, -0.5, len(axis.labels) - 0.5)
        unfitted = cls(axis, 0.0, 1.0)
        found = [each for each in map(unfitted.place, values) if each is not None]
        if not found:
            return cls(axis, 1.0, 10.0) if axis.log else unfitted
        low, high = min(found), max(found)
        if axis.log:
            factor = max((high / low) ** _MARGIN, 1.15)
            return cls(axis, low / factor, high * factor)
        if 0 <= low <= high / 3:
            low = 0.0
        margin = _MARGIN * (high - low) or _MARGIN * abs(high) or 0.5
        return cls(axis, low - margin, high + margin)

    def place(self, value: object) -> float | None:
        """Where a value stands; None if it is unknown, or a logarithm has no place for it."""
        number = known(value)
        if number is None or (self.axis.log and not self.axis.labels and number <= 0):
            return None
        return 100.0 * number if self.axis.unit == "%" and not self.axis.labels else number

    def share(self, position: float) -> float:
        """How far along the axis a position is: 0 at its beginning, 1 at its end."""
        low, high, at = map(self.noted, (self.low, self.high, position))
        return (at - low) / (high - low)

    def noted(self, position: float) -> float:
        """A position as Plotly's annotations take it: by its logarithm on a logarithmic axis."""
        return math.log10(position) if self.is_log else position

    @property
    def is_log(self) -> bool:
        """Whether its positions are spaced by their logarithms."""
        return self.axis.log and not self.axis.labels

    def settings(self, kinds: str) -> dict[str, Any]:
        """Return Plotly's settings; ``kinds`` are those of the energy, in words."""
        title = title_of(self.axis, kinds)
        if self.axis.labels:
            return {
                "title": {"text": title, "standoff": 14},
                "tickvals": list(range(len(self.axis.labels))),
                "ticktext": [label_of(each) for each in self.axis.labels],
                "range": [self.low, self.high],
                "showgrid": False,
                "ticklabelstandoff": 6,
            }
        if self.is_log:
            ticks = log_axis(title, self.low, self.high, self.tick)
            return {**ticks, "range": [math.log10(self.low), math.log10(self.high)]}
        prefixed = self.axis.unit not in ("", "%") or max(abs(self.low), abs(self.high)) >= 1e4
        return {
            "title": {"text": title},
            "range": [self.low, self.high],
            "ticksuffix": " %" if self.axis.unit == "%" else "",
            "exponentformat": "SI" if prefixed else "power",
        }

    def tick(self, position: float) -> str:
        """What stands at a tick of a logarithmic axis."""
        if self.axis.unit == "%":
            return f"{position:g} %"
        text = short_number(position, self.low if self.axis.unit else 1.0)
        return text.replace("e-0", "e-")

    def told(self, value: object) -> str:
        """A value in words, with its unit; a name where the axis has names."""
        number = known(value)
        if number is None:
            return "n/a"
        if self.axis.labels:
            at = round(number)
            return self.axis.labels[at] if 0 <= at < len(self.axis.labels) else f"{number:g}"
        return write(number, self.axis.unit)


def title_of(axis: Axis, kinds: str) -> str:
    """The title of an axis with its unit, such as ``"energy (J, modelled)"``, in short lines."""
    unit = ", ".join(filter(None, [axis.unit, kinds if axis.unit == "J" else ""]))
    title = f"{axis.title} ({unit})" if unit else axis.title
    return "<br>".join(map(escape, wrap(title, _LONGEST_TITLE)))


def label_of(name: str, width: int = 18) -> str:
    """A name in lines of at most so many characters."""
    return "<br>".join(map(escape, wrap(name, width)))


def levels_between(low: float, high: float, *, log: bool) -> Sequence[float]:
    """Round numbers between two numbers, about five: by equal steps, or by factors of 10 or less.

    >>> levels_between(0.0, 1.0, log=False)
    [0.2, 0.4, 0.6, 0.8]
    >>> levels_between(3.0, 300.0, log=True)
    [5.0, 10.0, 20.0, 50.0, 100.0, 200.0]
    """
    if not high > low:
        return []
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1, 2, 5) if high < 300 * low else (1,)
        found = [float(f"{step}e{decade}") for decade in decades for step in steps]
    else:
        size = 10.0 ** math.floor(math.log10((high - low) / 5))
        step = next(size * each for each in (1, 2, 5, 10) if (high - low) / (size * each) <= 6)
        found = [
            float(f"{number * step:.12g}")
            for number in range(math.ceil(low / step), math.floor(high / step) + 1)
        ]
    return [each for each in found if low < each < high]
