"""Heat maps that a study asks for: a cell that has no value is hatched and says why."""

from __future__ import annotations

import math
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ...benchmarks.studies.wording import write
from ..format import UNAVAILABLE, known
from .axes import TEMPLATE, say_if_empty
from .chart import Chart
from .exhibit_axes import label_of, levels_between, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...benchmarks.studies.facts import Heat

Values = list[list[float | None]]  # by row, then column

# ColorBrewer's YlGnBu without its ends, which vanish on a white and on a dark page: it grows darker
# all the way, and colour-blind readers tell it apart.
_COLOURS = ("#EDF8B1", "#C7E9B4", "#7FCDBB", "#41B6C4", "#1D91C0", "#225EA8", "#253494")
_SCALE = [(place / (len(_COLOURS) - 1), colour) for place, colour in enumerate(_COLOURS)]
_UNKNOWN, _HATCH, _DARK = "#D3D7DC", "#B4BAC2", "#1B1F27"
_CONTOUR = "#D55E00"  # far from all of the colours of cells
_GAP_PX = 2
_LETTER_REM = 0.46
_MOST_TEXTS = 400
"""Cells up to which what stands in them is written."""


def heat_chart(heat: Heat, name: str, kinds: str) -> Chart:
    """Draw a heat map of a study.

    Args:
        heat: What is to be drawn.
        name: Its identifier on the page.
        kinds: Of the energy, in words.
    """
    rows, columns = _size(heat)
    values = [[_value(heat, row, column) for column in range(columns)] for row in range(rows)]
    texts = [[_text(heat, values, row, column) for column in range(columns)] for row in range(rows)]
    placed = [[_placed(value, heat.log) for value in row] for row in values]
    found = [place for row in placed for place in row if place is not None]
    written = rows * columns <= _MOST_TEXTS and bool(heat.texts or not heat.contours)
    traces = [_cells(heat, placed, values, texts, kinds)] if found else []
    unknown = [(r, c) for r in range(rows) for c in range(columns) if placed[r][c] is None]
    if unknown:
        traces += _unknown(heat, unknown, texts)
    if written and traces:
        traces.append(_written(placed, texts))
    lines = list(_contours(heat, placed, found)) if heat.contours and found else []
    longest = max((len(text) for row in texts for text in row), default=0) if written else 0
    figure = go.Figure(
        data=[*traces, *(trace for trace, _ in lines)],
        layout={
            "template": TEMPLATE,
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": _names(heat, kinds, columns, "x"),
            "yaxis": _names(heat, kinds, rows, "y"),
            "annotations": [label for _, label in lines if label],
        },
    )
    return Chart(
        name,
        heat.title,
        heat.lead,
        f"Heat map of {rows} by {columns} cells: {heat.y.title} by {heat.x.title}.",
        say_if_empty(figure, traces, "Nothing can be drawn yet."),
        [*heat.notes, *(["Hatched: cells without a value."] if unknown and traces else [])],
        height_rem=9.0 + 2.4 * max(rows, 2),
        width_rem=round(9.0 + columns * max(2.2, 0.6 + _LETTER_REM * longest), 1),
    )


def _size(heat: Heat) -> tuple[int, int]:
    rows = max(len(heat.values), len(heat.y.labels))
    return rows, max([len(heat.x.labels), *map(len, heat.values)])


def _value(heat: Heat, row: int, column: int) -> float | None:
    """A value as it is; None where there is none, or where a logarithm has no place for it."""
    found = known(_at(_at(heat.values, row, ()), column, None))
    return None if found is None or (heat.log and found <= 0) else found


def _text(heat: Heat, values: Values, row: int, column: int) -> str:
    """What stands in a cell: what the study says, or the value."""
    stated = str(_at(_at(heat.texts, row, ()), column, "") or "")
    value = values[row][column]
    return stated or (UNAVAILABLE if value is None else write(value, heat.unit))


def _at(values: Sequence[Any], place: int, otherwise: Any) -> Any:
    return values[place] if place < len(values) else otherwise


def _placed(value: float | None, log: bool) -> float | None:
    return math.log10(value) if log and value is not None else value


def _told(heat: Heat, row: int, column: int, text: str, value: float | None = None) -> str:
    """What a cell says when it is pointed at."""
    at = {"x": (heat.x, column), "y": (heat.y, row)}
    lines = [
        f"{axis.title}: {_at(axis.labels, place, str(place + 1))}" for axis, place in at.values()
    ]
    known_value = "" if value is None else write(value, heat.unit)
    first = f"{text} ({known_value})" if value is not None and text != known_value else text
    return "<br>".join([f"<b>{escape(first)}</b>", *map(escape, lines)])


def _cells(
    heat: Heat, placed: Values, values: Values, texts: list[list[str]], kinds: str
) -> dict[str, Any]:
    """The cells that have a value."""
    low, high = _ends(placed)
    hover = [
        [_told(heat, r, c, texts[r][c], value) for c, value in enumerate(row)]
        for r, row in enumerate(values)
    ]
    return {
        "type": "heatmap",
        "z": placed,
        "zmin": low,
        "zmax": high,
        "colorscale": _SCALE,
        "xgap": _GAP_PX,
        "ygap": _GAP_PX,
        "hovertext": hover,
        "hoverinfo": "text",
        "hoverongaps": False,
        "colorbar": {
            "thickness": 12,
            "outlinewidth": 0,
            "title": {"text": kinds if heat.unit == "J" else "", "font": {"size": 12}},
            **_ticks(heat, low, high),
        },
    }


def _ends(placed: Values) -> tuple[float, float]:
    """The ends of the colours; where all values are alike they are of the middle."""
    found = [place for row in placed for place in row if place is not None] or [0.0]
    low, high = min(found), max(found)
    margin = 0.0 if high > low else 0.5 * abs(high) or 0.5
    return low - margin, high + margin


def _written(placed: Values, texts: list[list[str]]) -> dict[str, Any]:
    """What stands in the cells, dark on light colours and light on dark ones."""
    low, high = _ends(placed)
    cells = [(r, c, place) for r, row in enumerate(placed) for c, place in enumerate(row)]
    inks = [_DARK if place is None else _ink((place - low) / (high - low)) for _, _, place in cells]
    return {
        "type": "scatter",
        "x": [column for _, column, _ in cells],
        "y": [row for row, _, _ in cells],
        "mode": "text",
        "text": [escape(texts[row][column]) for row, column, _ in cells],
        "textfont": {"size": 12, "color": inks},
        "hoverinfo": "skip",
    }


def _ink(share: float) -> str:
    """The ink that is read best on the colour at a share of the scale (WCAG's contrast)."""
    place = share * (len(_COLOURS) - 1)
    before = min(int(place), len(_COLOURS) - 2)
    ends = [
        [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        for colour in _COLOURS[before : before + 2]
    ]
    mixed = (a + (b - a) * (place - before) for a, b in zip(*ends, strict=True))
    weights = (0.2126, 0.7152, 0.0722)
    luminance = sum(w * ((c + 0.055) / 1.055) ** 2.4 for w, c in zip(weights, mixed, strict=True))
    return _DARK if (luminance + 0.05) ** 2 > 1.05 * 0.063 else "#FFFFFF"


def _ticks(heat: Heat, low: float, high: float) -> dict[str, Any]:
    """The ticks of the colours, as values with their unit."""
    ends = (10**low, 10**high) if heat.log else (low, high)
    values = levels_between(*ends, log=heat.log)
    values = values if len(values) > 1 else list(dict.fromkeys(ends))
    return {
        "tickvals": [_placed(value, heat.log) for value in values],
        "ticktext": [write(value, heat.unit) for value in values],
    }


def _unknown(
    heat: Heat, cells: Sequence[tuple[int, int]], texts: list[list[str]]
) -> Iterator[dict[str, Any]]:
    """The cells without a value: hatched, with what is known of them."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for row, column in cells:
        half = 0.485
        xs += [column - half, column + half, column + half, column - half, None]
        ys += [row - half, row - half, row + half, row + half, None]
    yield {
        "type": "scatter",
        "x": xs,
        "y": ys,
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": _UNKNOWN,
        "fillpattern": {"shape": "/", "bgcolor": _UNKNOWN, "fgcolor": _HATCH, "size": 9},
        "hoverinfo": "skip",
    }
    yield {
        "type": "scatter",
        "x": [column for _, column in cells],
        "y": [row for row, _ in cells],
        "mode": "markers",
        "marker": {"opacity": 0, "size": 24},
        "hovertext": [_told(heat, row, column, texts[row][column]) for row, column in cells],
        "hoverinfo": "text",
    }


def _names(heat: Heat, kinds: str, size: int, which: str) -> dict[str, Any]:
    """An axis of names."""
    axis = heat.x if which == "x" else heat.y
    return {
        "title": {"text": title_of(axis, kinds)},
        "tickvals": list(range(size)),
        "ticktext": [label_of(_at(axis.labels, place, "")) for place in range(size)],
        "range": [-0.5, size - 0.5],
        "showgrid": False,
        "ticklabelstandoff": 4,
    }


def _contours(
    heat: Heat, placed: Values, found: Sequence[float]
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """A line for each of some round values, and its label, if it has a place."""
    low, high = min(found), max(found)
    ends = (10**low, 10**high) if heat.log else (low, high)
    for value in levels_between(*ends, log=heat.log):
        level = math.log10(value) if heat.log else value
        line = {
            "type": "contour",
            "z": placed,
            "contours": {"start": level, "end": level, "size": 1, "coloring": "none"},
            "line": {"color": _CONTOUR, "width": 2},
            "showscale": False,
            "connectgaps": False,
            "hoverinfo": "skip",
        }
        yield line, _label(placed, level, write(value, heat.unit))


def _label(placed: Values, level: float, text: str) -> dict[str, Any] | None:
    """The label of a contour, where it crosses between two columns, farthest from their middles."""
    crossings = [
        ((level - left) / (right - left), row, column)
        for row, cells in enumerate(placed)
        for column, (left, right) in enumerate(pairwise(cells))
        if left is not None and right is not None and min(left, right) < level < max(left, right)
    ]
    if not crossings:
        return None
    share, row, column = min(crossings, key=lambda each: abs(each[0] - 0.5))
    return {
        "x": column + share,
        "y": row,
        "text": escape(text),
        "showarrow": False,
        "font": {"size": 11, "color": _DARK},
        "bgcolor": "rgba(255,255,255,0.85)",
        "borderpad": 1,
    }
