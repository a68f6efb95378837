"""Figures that stand alone: in a notebook, and at the width of a paper's column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import plotly.graph_objects as go

from .axes import TEMPLATE

if TYPE_CHECKING:
    from .chart import Chart

COLUMN_MM, PAGE_MM = 88.0, 180.0
"""Widths of one column, and of two with the gap between them, of most journals."""
DPI = 300
"""Of images in pixels."""

_TYPE_PX = 13.0  # of the figures of the page
_TYPE_PT = 8.5  # the same on paper
_SHRINK = _TYPE_PT * 96 / 72 / _TYPE_PX
_REM_PX = 16.0
_SHAPE, _TALLEST_PX = 0.72, 400.0  # height by width of a figure without its legend
_ENTRY_PX, _LETTER_PX, _ROW_PX = 44.0, 7.2, 20.0  # of the legend
_LABELS_PX = 60.0  # beside the axes, about
_BUTTONS_PX = 32.0  # above the figures of the page
_FINER = 0.65  # lines and marks of paper to those of a screen
_DENSER = 0.8  # the same of rows
_BUTTONS = ["sendChartToCloud", "lasso2d", "select2d", "autoScale2d"]
"""Buttons that Plotly shows of its own, one of which uploads the figure."""
_WHITE = {"paper_bgcolor": "#FFFFFF", "plot_bgcolor": "#FFFFFF"}


@dataclass(frozen=True)
class Print:
    """A figure as it is printed.

    It is laid out in pixels of a screen and shrunk as a whole, so that lines and marks keep their
    proportion to the letters.
    """

    figure: go.Figure
    width_px: float  # of the layout
    height_px: float

    @property
    def scale(self) -> float:
        """What makes CSS pixels of paper (96 to an inch) from those of the layout."""
        return _SHRINK


def for_notebook(chart: Chart) -> go.Figure:
    """Return a figure with its title, light whatever the notebook is."""
    figure = go.Figure(chart.figure)
    title = {"text": f"<b>{escape(chart.title)}</b>", "x": 0, "xref": "paper", "font": {"size": 15}}
    figure.update_layout(
        _WHITE
        | {
            "modebar": {"remove": _BUTTONS},
            "title": title,
            "height": _height_px(chart) + _BUTTONS_PX,
        },
        margin={"l": 16, "r": 24, "t": (figure.layout.margin.t or _BUTTONS_PX) + 36, "b": 16},
    )
    return figure


def for_paper(chart: Chart, width_mm: float) -> Print:
    """Lay a figure out for paper: white, small, and without what only a pointer shows.

    Args:
        chart: A figure of the page.
        width_mm: Its width on paper; letters are 7 to 9 points high whatever it is.
    """
    width_px = width_mm / 25.4 * 96 / _SHRINK
    figure = go.Figure(chart.figure)
    above = figure.layout.margin.t
    figure.update_layout(template=_paper(), margin=None)
    if above is not None:
        figure.update_layout(margin={"t": max(8.0, above - _BUTTONS_PX)})
    for trace in _traces(figure):
        _refine(trace)
    figure.for_each_xaxis(lambda axis: _wrap_title(axis, width_px))
    height_px = min(_SHAPE * width_px, _TALLEST_PX) + _ROW_PX * _legend_rows(figure, width_px)
    if chart.height_rem:
        height_px = _DENSER * _REM_PX * chart.height_rem
    return Print(figure, width_px, height_px)


def _paper() -> go.layout.Template:
    template = go.layout.Template(TEMPLATE)
    ticks = {"tickfont": {"size": 12}, "ticklabelstandoff": 3}
    layout: Any = template.layout
    layout.update(
        _WHITE,
        font={"family": "Helvetica, Arial, 'Liberation Sans', sans-serif", "color": "#000000"},
        margin={"l": 4, "r": 8, "t": 8, "b": 8},
        xaxis=ticks,
        yaxis=ticks,
        legend={"xref": "container", "tracegroupgap": 0},
    )
    return template


def _wrap_title(axis: Any, width_px: float) -> None:
    """Let a title that is longer than its axis go on in the next line."""
    low, high = axis.domain or (0.0, 1.0)
    text, room = axis.title.text or "", int((high - low) * (width_px - _LABELS_PX) / _LETTER_PX)
    if len(text) > room and not set("<&") & set(text):
        axis.title.text = "<br>".join(wrap(text, max(room, 10)))


def _refine(trace: Any) -> None:
    """Draw lines and marks as thin as paper shows them, and no text that waits for a pointer."""
    if "hovertext" in trace:
        trace.update(hovertext=None, hoverinfo="skip")
    for part in (trace, trace.marker if "marker" in trace else None):
        if part is not None and "line" in part and part.line.width:
            part.line.width = _FINER * part.line.width
    if "marker" in trace and "size" in trace.marker and trace.marker.size is not None:
        trace.marker.size = _FINER * np.asarray(trace.marker.size)


def _height_px(chart: Chart) -> float:
    return _REM_PX * (chart.height_rem or 28.5 + 0.3 * chart.entries)


def _traces(figure: go.Figure) -> Sequence[Any]:
    return cast("Sequence[Any]", figure.data)


def _legend_rows(figure: go.Figure, width_px: float) -> int:
    """How many rows the entries of the legend take; several rows are columns of one width."""
    names = {
        str(trace.name)
        for trace in _traces(figure)
        if trace.name and trace.showlegend is not False and trace.visible in (None, True)
    }
    widths = [_ENTRY_PX + _LETTER_PX * len(name) for name in names]
    if sum(widths) <= width_px:
        return bool(widths)
    return ceil(len(widths) / max(1, int(width_px / max(widths))))
