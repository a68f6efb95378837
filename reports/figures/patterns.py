"""How bars show the way their joules became known: measured is solid, modelled is hatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .axes import GREY

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHAPES = {
    "measured": "",
    "modelled": "/",
    "integrated": ".",
    "apportioned": "x",
    "lower bound": "|",
    "replayed": "-",
}
_OTHERS = "+"  # of several kinds at once, and of a kind that is not stated


def pattern(kind: str) -> dict[str, Any]:
    """Return Plotly's pattern for bars of a kind of energy."""
    shape = _SHAPES.get(kind, _OTHERS)
    return {
        "shape": shape,
        "fillmode": "overlay",
        "fgopacity": 0.75,
        "size": 7 if shape == "/" else 8,
        "solidity": 0.3,
    }


def entries(kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Return a trace without bars for each kind, which explains its pattern in the legend."""
    return [
        {
            "type": "bar",
            "orientation": "h",
            "x": [None],
            "y": [None],
            "name": kind,
            "marker": {"color": GREY, "pattern": pattern(kind)},
            "showlegend": True,
            "hoverinfo": "skip",
        }
        for kind in dict.fromkeys(kinds)
    ]
