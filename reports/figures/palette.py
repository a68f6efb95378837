"""One look per strategy: colour, marker and dash, so that no figure relies on colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# Okabe and Ito (2008) without black and yellow, which vanish on a dark and on a white page; then a
# violet and a brown that stand out from both pages by 3 to 1, and from the others by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8567C7", "#96683A")
SCORE, JOULES = "#64748B", "#8C8B1F"
"""What a figure draws of all strategies together: in no strategy's colour, 3 to 1 on both pages."""
_DASHES = ("solid", "7px,3px", "9px,3px,2px,3px", "14px,3px", "2px,3px")
# Plotly's symbol and the same shape as an SVG path in a box of 12 by 12.
_MARKERS = (
    ("circle", "M6 1.5a4.5 4.5 0 1 0 .01 0z"),
    ("square", "M2 2h8v8H2z"),
    ("diamond", "M6 .5 11.5 6 6 11.5.5 6z"),
    ("triangle-up", "M6 1 11 10.5H1z"),
    ("triangle-down", "M6 11 1 1.5h10z"),
    ("cross", "M4 1h4v3h3v4H8v3H4V8H1V4h3z"),
    ("hexagon", "M6 .8l4.5 2.6v5.2L6 11.2 1.5 8.6V3.4z"),
)


@dataclass(frozen=True)
class Look:
    """How one strategy is drawn everywhere."""

    colour: str  # hexadecimal RGB
    symbol: str  # plotly's name of the marker
    dash: str  # plotly's dash of the line
    outline: str  # the marker's shape as an SVG path in a box of 12 by 12

    def faint(self, opacity: float) -> str:
        """Return the colour as CSS ``rgba`` with this opacity (0 to 1)."""
        red, green, blue = (int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red},{green},{blue},{opacity:g})"

    def steps(self, width: float = 2.5) -> dict[str, Any]:
        """Return Plotly's settings of a step line of this width in pixels."""
        return {"color": self.colour, "shape": "hv", "width": width, "dash": self.dash}


def look_of(strategies: Iterable[str]) -> dict[str, Look]:
    """Give each strategy its look by position.

    The cycles have 8, 7 and 5 members, so that 56 strategies pass before a colour meets the
    same marker again, and 40 before it meets the same dash.
    """
    looks = {}
    for position, name in enumerate(dict.fromkeys(strategies)):
        symbol, outline = _MARKERS[position % len(_MARKERS)]
        colour, dash = COLOURS[position % len(COLOURS)], _DASHES[position % len(_DASHES)]
        looks[name] = Look(colour, symbol, dash, outline)
    return looks
