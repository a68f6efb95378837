"""The critical-difference diagram: which strategies the groups can tell apart."""

from __future__ import annotations

from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from .axes import GREY, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...benchmarks.analysis.facts import Ranks
    from .palette import Look

_BAR_ROWS = 0.45  # between two bars of strategies that cannot be told apart


def ranks_figure(ranks: Ranks, looks: Mapping[str, Look]) -> go.Figure:
    """Draw mean ranks on a line, with a bar over those that cannot be told apart.

    The diagram of Demšar, 2006 (Statistical comparisons of classifiers over multiple data sets,
    JMLR 7, figure 1), turned so that every name stands on the left.

    Args:
        ranks: Of an analysis, over its groups.
        looks: The look of each strategy.
    """
    mean = dict(sorted(ranks.strategies.items(), key=lambda item: item[1]))
    cliques = [sorted(mean[name] for name in clique) for clique in ranks.cliques]
    levels = _levels([(clique[0], clique[-1]) for clique in cliques])
    top = _BAR_ROWS * (max(levels, default=-1) + 2)
    critical = ranks.critical_difference
    last = max(len(mean), 1.0 + (critical or 0.0))
    drawing: list[dict[str, Any]] = []
    for row, (name, rank) in enumerate(mean.items()):
        text = f"<b>{escape(name)}</b><br>mean rank {rank:.2f}"
        drawing.append(
            {
                "x": [rank, rank, -1.0],
                "y": [0.0, top + row, top + row],
                "mode": "lines",
                "line": {"color": looks[name].colour, "width": 1.5},
                "hoverinfo": "skip",
            }
        )
        drawing.append(
            {
                "x": [rank],
                "y": [0.0],
                "mode": "markers",
                "marker": {"color": looks[name].colour, "symbol": looks[name].symbol, "size": 11},
                "hovertext": [text],
                "hoverinfo": "text",
                "cliponaxis": False,
            }
        )
    for clique, level in zip(cliques, levels, strict=True):
        drawing.append(
            {
                "x": [clique[0] - 0.03, clique[-1] + 0.03],
                "y": [_BAR_ROWS * (level + 1)] * 2,
                "mode": "lines",
                "line": {"color": GREY, "width": 6},
                "hovertext": ["not told apart by these groups"] * 2,
                "hoverinfo": "text",
            }
        )
    above = -1.2
    if critical is not None:
        drawing.append(
            {
                "x": [1.0, 1.0 + critical],
                "y": [above, above],
                "mode": "lines+markers",
                "line": {"color": GREY, "width": 2},
                "marker": {"symbol": "line-ns", "size": 10, "line": {"color": GREY, "width": 2}},
                "hoverinfo": "skip",
            }
        )
    figure = go.Figure(
        data=[{"type": "scatter", "showlegend": False, **trace} for trace in drawing],
        layout={
            "template": TEMPLATE,
            "hovermode": "closest",
            "margin": {"t": 76},  # the buttons stand above the title
            "xaxis": {
                "range": [0.6 - 0.02 * last, last + 0.15],
                "side": "top",
                "title": {"text": "mean rank (1 is best)", "standoff": 4},
                "showgrid": False,
                "tickmode": "linear",
                "tick0": 1,
                "dtick": 1 if last < 13 else 2 if last < 30 else 5,
            },
            "yaxis": {
                "range": [top + len(mean) - 0.3, above - 0.6],
                "showgrid": False,
                "tickvals": [top + row for row in range(len(mean))],
                "ticktext": [
                    f"{escape(shorten(name, 22, placeholder='…'))}  <b>{rank:.2f}</b>"
                    for name, rank in mean.items()
                ],
            },
        },
    )
    figure.add_hline(y=0.0, line={"color": GREY, "width": 1.5})
    if critical is not None:
        figure.add_annotation(
            x=1.0, y=above, text=f"CD {critical:.2f}", showarrow=False, xanchor="right", xshift=-6
        )
    return figure


def height_rem(ranks: Ranks) -> float:
    """Return the height that the diagram needs on the page."""
    return 12.0 + 1.6 * len(ranks.strategies) + 0.7 * len(ranks.cliques)


def _levels(spans: Sequence[tuple[float, float]]) -> list[int]:
    """Return for each span the lowest line on which it meets no span before it."""
    levels: list[int] = []
    for low, high in spans:
        taken = {
            level
            for (other_low, other_high), level in zip(spans, levels, strict=False)
            if low <= other_high + 0.1 and other_low <= high + 0.1
        }
        levels.append(next(level for level in range(len(spans)) if level not in taken))
    return levels
