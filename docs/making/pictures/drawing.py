"""Figures as SVG that is read on a light and on a dark page, with their numbers inside.

Plotly and a browser draw them in two placeholder colours, which then follow the page: a browser
shows an image in the colour scheme of the element that holds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, cast

import numpy as np
import plotly.graph_objects as go

from ....errors import DataError
from ....files.writing import write_whole
from ....reports.figures.palette import COLOURS
from ....reports.images import check_can_draw

WIDTH_PX = 720
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = COLOURS[:6]
INK, GRID = "rgb(1, 2, 3)", "rgb(4, 5, 6)"
"""Placeholders of the colours of text and lines."""
DIGITS = 4
"""Of the numbers that a figure keeps."""

_STYLE = (
    "<style>:root{--ink:#4a525e;--grid:#d9dde3}"
    "@media(prefers-color-scheme:dark){:root{--ink:#c3c9d3;--grid:#434a57}}</style>"
)
_AXIS = {
    **{"gridcolor": GRID, "linecolor": GRID, "zerolinecolor": GRID, "zeroline": False},
    **{"automargin": True, "ticklabelstandoff": 4, "title": {"standoff": 10}},
}
_CLEAR = "rgba(0,0,0,0)"
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "Helvetica, Arial, sans-serif", "size": 13, "color": INK},
        **{"paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR},
        "margin": {"l": 8, "r": 16, "t": 12, "b": 8},
        **{"xaxis": _AXIS, "yaxis": _AXIS},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "colorway": COLOURS,
    }
)
_PLACES = re.compile(r' (?:d|transform)="[^"]*"')
_NUMBERS = re.compile(r"(\.\d{2})\d+")
_OWN = re.compile(
    r'(?:id|class)="[^"]*?(?:clip|defs-|legend|trace|[gp])([0-9a-f]{6})'
    r"(?:-(?:cb)?([0-9a-f]{6}))?"
)
_METADATA = re.compile(r"<metadata>(.*?)</metadata>", re.DOTALL)


@dataclass(frozen=True)
class Picture:
    """A figure of the pages."""

    name: str  # of its file
    title: str  # what a reader who cannot see it is told
    draw: Callable[[], go.Figure]
    height_px: int = 380


def numbers_of(figure: go.Figure) -> list[dict[str, Any]]:
    """The data of a figure, rounded: what each trace shows."""
    found = []
    for trace in cast("Sequence[Any]", figure.data):
        parts = {axis: getattr(trace, axis, None) for axis in ("x", "y")}
        if (rows := getattr(trace, "z", None)) is not None:
            parts["z"] = [each for row in rows for each in row]
        for axis in ("x", "y"):
            bars = getattr(trace, f"error_{axis}", None)
            if bars is not None and bars.array is not None:
                parts |= {f"{axis}_more": bars.array, f"{axis}_less": bars.arrayminus}
        known = {name: _rounded(part) for name, part in parts.items() if part is not None}
        found.append({"name": trace.name or "", **known})
    return found


def stored_numbers(path: Path) -> list[dict[str, Any]]:
    """The numbers that a written figure keeps.

    Raises:
        DataError: The file keeps none.
    """
    kept = _METADATA.search(path.read_text("utf-8"))
    if kept is None:
        raise DataError(
            f"{path} keeps no numbers: write it with python -m perjoule.docs.making.figures"
        )
    return json.loads(kept[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def write_figures(figures: Sequence[tuple[Path, str, go.Figure, int]]) -> None:
    """Write figures, each with its path, what it shows, and its height in pixels.

    Raises:
        ConfigurationError: There is no browser, or nothing that leads it.
    """
    check_can_draw(["svg"])
    import kaleido

    kaleido.start_sync_server(silence_warnings=True)
    try:
        for path, title, figure, height_px in figures:
            options = {"format": "svg", "width": WIDTH_PX, "height": height_px}
            image = cast("bytes", kaleido.calc_fig_sync(figure, opts=options))
            text = _finished(image.decode(), title, numbers_of(figure))
            write_whole(path, lambda part, text=text: part.write_text(text, "utf-8"))
    finally:
        kaleido.stop_sync_server(silence_warnings=True)


def _finished(svg: str, title: str, numbers: list[dict[str, Any]]) -> str:
    kept = json.dumps(numbers, ensure_ascii=False, separators=(",", ":"))
    head = f"<title>{escape(title)}</title><metadata>{escape(kept, quote=False)}</metadata>"
    svg = svg.replace(INK, "var(--ink)").replace(GRID, "var(--grid)")
    drawn = [own for found in _OWN.finditer(svg) for own in found.groups() if own]
    for number, own in enumerate(dict.fromkeys(drawn)):  # Plotly's are others each time
        svg = svg.replace(own, f"own{number}")
    svg = _PLACES.sub(lambda found: _NUMBERS.sub(r"\1", found[0]), svg)
    return re.sub(r"(<svg[^>]*>)", rf"\1{_escaped(head + _STYLE)}", svg, count=1) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _rounded(values: Sequence[Any]) -> list[Any]:
    """Numbers to `DIGITS` digits, and text as it is; what is unknown or infinite is None."""
    return [each if isinstance(each, str) else _short(each) for each in values]


def _short(value: Any) -> float | None:
    if value is None or not np.isfinite(value):
        return None
    return float(f"{float(value):.{DIGITS}g}")
