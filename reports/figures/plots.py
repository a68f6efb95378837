"""Points and lines that a study asks for, with intervals, and lines right across."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ..format import known
from .axes import GREY, TEMPLATE, say_if_empty
from .chart import Chart
from .exhibit_axes import Scaled, label_of
from .palette import look_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ...benchmarks.studies.facts import Plot, Series
    from .palette import Look

MOST_SERIES = 12
"""Series that are shown at first."""
_NAME_WIDTH = 34  # characters of a line of the legend
_NARROW_PX = 300.0  # width of the figure on a phone: labels must not meet there
_SHORT = 16  # characters of a name that needs little room
_LETTER_PX = 6.6
_LINE_PX = 16.0  # height of a label


def plot_chart(plot: Plot, name: str, kinds: str) -> Chart:
    """Draw a plot of a study.

    Args:
        plot: What is to be drawn.
        name: Its identifier on the page.
        kinds: Of the energy, in words.
    """
    shown = [(each, _points(each)) for each in plot.series]
    x = Scaled.of(plot.x, [*(p[0] for _, own in shown for p in own), *_at(plot, "x")])
    y = Scaled.of(plot.y, [*(v for _, own in shown for p in own for v in p[1:]), *_at(plot, "y")])
    looks = look_of(each.name for each in plot.series)
    traces = [
        {**_entry(series, place, len(plot.series)), **trace}
        for place, (series, own) in enumerate(shown)
        for trace in _Drawn(series, own, looks[series.name], x, y).traces(
            _dodge(place, len(plot.series), plot)
        )
    ]
    labels, rows = _x_labels(plot, x)
    settings: dict[str, Any] = {
        "template": TEMPLATE,
        "hovermode": "closest",
        "xaxis": x.settings(kinds),
        "yaxis": y.settings(kinds),
        "shapes": [_line(each.axis, at) for each, at in _placed_marks(plot, x, y)],
        "annotations": [*labels, *_y_labels(plot, x, y)],
        "legend": {"maxheight": 0.65},
        "margin": {"t": 32 + _LINE_PX * rows, "r": 16},
    }
    figure = go.Figure(data=[{"type": "scatter", **trace} for trace in traces], layout=settings)
    entries = sum(map(_room, plot.series)) if len(plot.series) > 1 else 0
    if any(len(label) > _SHORT for label in plot.x.labels):
        entries += 6  # they stand upright where there is little room
    listed = ", ".join(each.name for each in plot.series)
    height = 10.0 + 2.6 * len(plot.y.labels) + 0.8 * entries if plot.y.labels else 0.0
    return Chart(
        name,
        plot.title,
        plot.lead,
        f"{plot.y.title} against {plot.x.title}: {listed or 'nothing'}.",
        say_if_empty(figure, traces, "Nothing can be drawn yet."),
        [*plot.notes, *_left_out(shown, x, y)],
        height_rem=height,
        entries=entries,
    )


def _room(series: Series) -> int:
    """How many short entries of the legend need as much room as this one."""
    return 1 if len(series.name) <= _SHORT else 2 if len(series.name) <= _NAME_WIDTH else 4


Point = tuple[float | None, float | None, float | None, float | None]
"""x, y, and the ends of the interval of y."""


def _points(series: Series) -> list[Point]:
    """The points of a series; what is missing at the end of a column is unknown."""

    def column(values: Sequence[object]) -> Iterator[float | None]:
        return (known(values[at]) if at < len(values) else None for at in range(len(series.x)))

    columns = map(column, (series.x, series.y, series.low, series.high))
    return list(zip(*columns, strict=True))


def _at(plot: Plot, axis: str) -> list[float]:
    return [mark.at for mark in plot.marks if mark.axis == axis]


def _entry(series: Series, place: int, n_series: int) -> dict[str, Any]:
    """What the traces of a series have in common: their entry in the legend."""
    return {
        "name": label_of(series.name, _NAME_WIDTH),
        "legendgroup": str(place),
        "showlegend": n_series > 1,
        "visible": True if place < MOST_SERIES else "legendonly",
    }


def _dodge(place: int, n_series: int, plot: Plot) -> float:
    """How far a series stands beside the others, where names have room for several."""
    if not plot.x.labels or n_series < 2:
        return 0.0
    return (place - (n_series - 1) / 2) * min(0.12, 0.6 / n_series)


class _Drawn:
    """One series on its axes."""

    def __init__(
        self, series: Series, points: Sequence[Point], look: Look, x: Scaled, y: Scaled
    ) -> None:
        self._series, self._look, self._x, self._y = series, look, x, y
        texts = [*series.texts, *([""] * len(points))]
        placed = [
            (x.place(point[0]), y.place(point[1]), point, text)
            for point, text in zip(points, texts, strict=False)
        ]
        self._placed = placed
        self._drawn = sum(None not in each[:2] for each in placed)

    def traces(self, dodge: float) -> Iterator[dict[str, Any]]:
        """Yield the band of the intervals, then the line and the points."""
        if not self._drawn:
            return
        ends = [self._ends(point) for _, _, point, _ in self._placed]
        has_ends = any(end is not None for pair in ends for end in pair)
        if has_ends and self._series.style == "line":
            yield self._band(ends)
        look, style = self._look, self._series.style
        alone = self._drawn == 1  # a line through one point is not to be seen
        mode = {"dots": "markers", "line": "lines"}.get(style, "lines+markers")
        trace: dict[str, Any] = {
            "x": [None if x is None else x + dodge for x, *_ in self._placed],
            "y": [y for _, y, *_ in self._placed],
            "mode": "lines+markers" if alone and style == "line" else mode,
            "line": {"color": look.colour, "width": 2, "dash": look.dash},
            "marker": {"color": look.colour, "symbol": look.symbol, "size": 9},
            "hovertext": [self._told(point, text) for _, _, point, text in self._placed],
            "hoverinfo": "text",
        }
        if has_ends and style != "line":
            trace["error_y"] = {
                "type": "data",
                "symmetric": False,
                "array": [
                    None if y is None or high is None else high - y
                    for (_, y, *_), (_, high) in zip(self._placed, ends, strict=True)
                ],
                "arrayminus": [
                    None if y is None or low is None else y - low
                    for (_, y, *_), (low, _) in zip(self._placed, ends, strict=True)
                ],
                "color": look.colour,
                "thickness": 1.5,
                "width": 5,
            }
        yield trace

    def _ends(self, point: Point) -> tuple[float | None, float | None]:
        """Where the interval of a point ends; one that goes below a logarithm ends at the edge."""
        low, high = self._y.place(point[2]), self._y.place(point[3])
        return self._y.low if low is None and point[2] is not None else low, high

    def _band(self, ends: Sequence[tuple[float | None, float | None]]) -> dict[str, Any]:
        """The band between the ends, in pieces where something is unknown."""
        xs: list[float | None] = []
        ys: list[float | None] = []
        piece: list[tuple[float, float, float]] = []
        for place, (low, high) in [*zip(self._placed, ends, strict=True), ((None,), (None, None))]:
            if place[0] is not None and low is not None and high is not None:
                piece.append((place[0], low, high))
                continue
            xs += [each[0] for each in piece] + [each[0] for each in piece[::-1]] + [None]
            ys += [each[1] for each in piece] + [each[2] for each in piece[::-1]] + [None]
            piece = []
        return {
            "x": xs,
            "y": ys,
            "mode": "lines",
            "line": {"width": 0},
            "fill": "toself",
            "fillcolor": self._look.faint(0.18),
            "hoverinfo": "skip",
            "showlegend": False,
        }

    def _told(self, point: Point, text: str) -> str:
        x, y, low, high = point
        interval = ""
        if low is not None and high is not None:
            interval = f", 95 % interval {self._y.told(low)} to {self._y.told(high)}"
        lines = [
            text,
            f"{self._x.axis.title}: {self._x.told(x)}",
            f"{self._y.axis.title}: {self._y.told(y)}{interval}",
        ]
        told = "<br>".join(escape(line) for line in lines if line)
        return f"<b>{escape(self._series.name)}</b><br>{told}"


def _placed_marks(plot: Plot, x: Scaled, y: Scaled) -> Iterator[tuple[Any, float]]:
    """The marks that have a place on their axis, and that place."""
    for mark in plot.marks:
        at = (x if mark.axis == "x" else y).place(mark.at)
        if at is not None:
            yield mark, at


def _line(axis: str, at: float) -> dict[str, Any]:
    """A line right across; shapes take the values of a logarithmic axis."""
    ends = {"x0": at, "x1": at, "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    if axis != "x":
        ends = {"x0": 0, "x1": 1, "y0": at, "y1": at, "xref": "paper", "yref": "y"}
    return {"type": "line", "line": {"color": GREY, "width": 1.5, "dash": "dot"}, **ends}


def _x_labels(plot: Plot, x: Scaled) -> tuple[list[dict[str, Any]], int]:
    """The labels above vertical lines, and the number of rows that keep them apart."""
    taken: list[float] = []  # the end of the last label of each row, in pixels
    labels = []
    marks = [each for each in _placed_marks(plot, x, x) if each[0].axis == "x"]
    for mark, at in sorted(marks, key=lambda each: each[1]):
        # A label that would stand out on the right is moved to the left of its line.
        share, width = x.share(at), _LETTER_PX * len(mark.label)
        left = share * _NARROW_PX + width > _NARROW_PX
        begins = share * _NARROW_PX - (width if left else 0.0)
        row = next((row for row, end in enumerate(taken) if begins > end), len(taken))
        taken[row : row + 1] = [begins + width + 2 * _LETTER_PX]
        labels.append(
            {
                "text": escape(mark.label),
                "showarrow": False,
                "x": x.noted(at),
                "xref": "x",
                "y": 1.0,
                "yref": "paper",
                "yshift": _LINE_PX * row,
                "yanchor": "bottom",
                "xanchor": "right" if left else "left",
                "font": {"size": 12},
            }
        )
    return labels, len(taken)


def _y_labels(plot: Plot, x: Scaled, y: Scaled) -> Iterator[dict[str, Any]]:
    """The labels on horizontal lines: on the side where fewer points are, apart from each other."""
    marks = [each for each in _placed_marks(plot, x, y) if each[0].axis != "x"]
    points = [
        (x.share(px), y.share(py))
        for series in plot.series
        for point in _points(series)
        if (px := x.place(point[0])) is not None and (py := y.place(point[1])) is not None
    ]
    before, left = -1.0, False
    for mark, at in sorted(marks, key=lambda each: each[1]):
        share = y.share(at)
        beside = [px for px, py in points if -0.02 < py - share < 0.1]
        fewer = sum(px < 1 / 3 for px in beside) < sum(px > 2 / 3 for px in beside)
        left = not left if share - before < 0.07 else fewer
        before = share
        yield {
            "text": escape(mark.label),
            "showarrow": False,
            "x": 0.0 if left else 1.0,
            "xref": "paper",
            "y": y.noted(at),
            "yref": "y",
            "yanchor": "bottom",
            "xanchor": "left" if left else "right",
            "font": {"size": 12},
        }


def _left_out(
    shown: Iterable[tuple[Series, Sequence[Point]]], x: Scaled, y: Scaled
) -> Iterator[str]:
    """Say what has no place on a logarithmic axis, and what is shown only when asked for."""
    points = [point for _, own in shown for point in own]
    lost = sum(
        (x.place(each[0]) is None and each[0] is not None)
        or (y.place(each[1]) is None and each[1] is not None)
        for each in points
    )
    if lost:
        yield (
            f"Not drawn, for a logarithmic axis has no place for them: {lost:,} of "
            f"{len(points):,} points."
        )
    if len(list(shown)) > MOST_SERIES:
        yield f"Shown at first: the first {MOST_SERIES}. A click on a name adds it."
