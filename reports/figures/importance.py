"""What mattered: what each hyperparameter explains of the scores and of the joules."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ...benchmarks.statistics.importance import Importance, Landscape, Share
from ..format import format_percent
from .axes import GREY, TEMPLATE, wrap_label
from .chart import Chart
from .palette import JOULES, SCORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .chart import Drawing

MOST_ROWS = 20
"""Hyperparameters that a figure shows; of more the most important."""
COMBINED = "combinations"


def importance_chart(landscape: Landscape, drawing: Drawing) -> Chart:
    """Draw the share of the variance of scores, and of joules, that each explains alone."""
    name = drawing.metric.name
    names = ranked(landscape)
    drawn = names[:MOST_ROWS]
    sides = (
        (name, landscape.score_importance, SCORE, "", -0.19),
        ("joules", landscape.energy_importance, JOULES, ".", 0.19),
    )
    traces = [
        _bars(label, found, drawn, colour, shape, shift)
        for label, found, colour, shape, shift in sides
        if found.shares
    ]
    rows = [*map(wrap_label, drawn), COMBINED]
    figure = go.Figure(
        data=traces,
        layout={
            "template": TEMPLATE,
            "hovermode": "closest",
            "barmode": "overlay",
            "xaxis": {
                "title": {"text": "share of the variance"},
                "tickformat": ".0%",
                "rangemode": "tozero",
            },
            "yaxis": {
                "range": [len(rows) - 0.4, -0.6],
                "showgrid": False,
                "tickvals": list(range(len(rows))),
                "ticktext": rows,
                "ticklabelstandoff": 8,
            },
        },
    )
    left_out = f"Drawn: the {len(drawn)} most important of {len(names)}."
    return Chart(
        f"importance-{drawing.number}",
        "What explains accuracy, and what the joules"
        if name == "accuracy"
        else f"What explains {name}, and what the joules",
        "Bars are the share of the variance over the whole space that one hyperparameter explains "
        "alone, whatever the others are; whiskers hold 95 % of the trees of a forest. The last row "
        "is what only combinations explain. Pale bars are no longer than that of random numbers.",
        f"Bars of the share of the variance of {name} and of joules that each hyperparameter "
        f"explains: {', '.join(drawn)}.",
        figure,
        [left_out] if len(drawn) < len(names) else [],
        height_rem=7.0 + 2.6 * len(rows),
    )


def ranked(landscape: Landscape) -> list[str]:
    """The hyperparameters, those first that explain most of either."""
    found = (landscape.score_importance, landscape.energy_importance)
    most: dict[str, float] = {}
    for share in (each for importance in found for each in importance.shares):
        most[share.name] = max(most.get(share.name, 0.0), share.value)
    return sorted(most, key=lambda name: -most[name])


def _bars(
    label: str, found: Importance, names: Sequence[str], colour: str, shape: str, shift: float
) -> dict[str, Any]:
    shares = [share for name in names if (share := found.of(name))]
    rows = [names.index(share.name) for share in shares]
    last = len(names)
    return {
        "type": "bar",
        "orientation": "h",
        "name": escape(label),
        "x": [*(share.value for share in shares), found.combined],
        "y": [*(row + shift for row in rows), last + shift],
        "width": 0.36,
        "marker": {
            "color": colour,
            "opacity": [*(0.9 if share.clear else 0.35 for share in shares), 0.9],
            "pattern": {"shape": shape, "fillmode": "overlay", "size": 6},
        },
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [*(share.high - share.value for share in shares), 0.0],
            "arrayminus": [*(max(share.value - share.low, 0) for share in shares), 0.0],
            "color": GREY,
            "thickness": 1.5,
            "width": 3,
        },
        "hoverinfo": "text",
        "hovertext": [
            *(
                f"<b>{escape(share.name)}</b><br>{_interval(share)} of {escape(label)}"
                f"{'' if share.clear else '<br>no more than random numbers explain'}"
                for share in shares
            ),
            f"<b>{COMBINED}</b><br>{format_percent(found.combined, 0)} of {escape(label)}",
        ],
    }


def _interval(share: Share) -> str:
    value, low, high = (format_percent(each, 0) for each in (share.value, share.low, share.high))
    return f"{value} [{low}, {high}]"
