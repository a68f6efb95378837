"""The critical-difference diagram: which strategies the groups can tell apart."""

from __future__ import annotations

from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from .axes import GREY, TEMPLATE, hover
from .chart import Chart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ...benchmarks.analysis.facts import Ranks
    from .palette import Look

_BAR_ROWS = 0.45  # between two bars of strategies that cannot be told apart
_SCALE_ROW = -1.2  # of the critical difference, above the line of the ranks at 0


def ranks_chart(ranks: Ranks, what: str, looks: Mapping[str, Look]) -> Chart:
    """Draw mean ranks on a line, with a bar over those that cannot be told apart.

    The diagram of Demšar, 2006 (Statistical comparisons of classifiers over multiple data sets,
    JMLR 7, figure 1), turned so that every name stands on the left.

    Args:
        ranks: Of an analysis, over its groups.
        what: The metric that the strategies were ranked by, such as ``"equal_energy"``.
        looks: The look of each strategy.
    """
    words = what.replace("_", " ")
    listed = ", ".join(f"{strategy} {rank:.2f}" for strategy, rank in ranks.strategies.items())
    return Chart(
        f"ranks-{what}",
        f"Mean ranks: {words}",
        "In each group the strategies are ranked, 1 being the best. A grey bar joins those whose "
        "mean ranks differ by less than the critical difference (CD), so that these groups cannot "
        "tell them apart.",
        f"Mean ranks by {words}: {listed}.",
        _figure(ranks, looks),
        [ranks.reason],
        height_rem=12.0 + 1.6 * len(ranks.strategies) + 0.7 * len(ranks.cliques),
    )


def _figure(ranks: Ranks, looks: Mapping[str, Look]) -> go.Figure:
    mean = dict(sorted(ranks.strategies.items(), key=lambda item: item[1]))
    cliques = [sorted(mean[name] for name in clique) for clique in ranks.cliques]
    levels = _levels([(clique[0], clique[-1]) for clique in cliques])
    rows = [_BAR_ROWS * (max(levels, default=-1) + 2) + row for row in range(len(mean))]
    critical = ranks.critical_difference
    traces = [
        *(
            trace
            for row, (name, rank) in zip(rows, mean.items(), strict=True)
            for trace in _strategy(row, name, rank, looks[name])
        ),
        *(_bar(clique, level) for clique, level in zip(cliques, levels, strict=True)),
        *([] if critical is None else [_critical_difference(critical)]),
    ]
    figure = go.Figure(
        data=[{"type": "scatter", "showlegend": False, **trace} for trace in traces],
        layout=_layout(mean, rows, last=max(len(mean), 1.0 + (critical or 0.0))),
    )
    figure.add_hline(y=0.0, line={"color": GREY, "width": 1.5})
    if critical is not None:
        place = {"x": 1.0, "y": _SCALE_ROW, "xanchor": "right", "xshift": -6}
        figure.add_annotation(text=f"CD {critical:.2f}", showarrow=False, **place)
    return figure


def _strategy(row: float, name: str, rank: float, look: Look) -> Iterator[dict[str, Any]]:
    """Yield the line that leads from the name of a strategy to its rank, and the mark there."""
    yield {
        "x": [rank, rank, -1.0],
        "y": [0.0, row, row],
        "mode": "lines",
        "line": {"color": look.colour, "width": 1.5},
        "hoverinfo": "skip",
    }
    yield {
        "x": [rank],
        "y": [0.0],
        "mode": "markers",
        "marker": {"color": look.colour, "symbol": look.symbol, "size": 11},
        **hover(name, [f"mean rank {rank:.2f}"]),
        "cliponaxis": False,
    }


def _bar(clique: Sequence[float], level: int) -> dict[str, Any]:
    """Return the bar over strategies that cannot be told apart."""
    return {
        "x": [clique[0] - 0.03, clique[-1] + 0.03],
        "y": [_BAR_ROWS * (level + 1)] * 2,
        "mode": "lines",
        "line": {"color": GREY, "width": 6},
        "hovertext": ["not told apart by these groups"] * 2,
        "hoverinfo": "text",
    }


def _critical_difference(critical: float) -> dict[str, Any]:
    """Return the critical difference as a bar of its own, drawn to scale."""
    return {
        "x": [1.0, 1.0 + critical],
        "y": [_SCALE_ROW, _SCALE_ROW],
        "mode": "lines+markers",
        "line": {"color": GREY, "width": 2},
        "marker": {"symbol": "line-ns", "size": 10, "line": {"color": GREY, "width": 2}},
        "hoverinfo": "skip",
    }


def _layout(mean: Mapping[str, float], rows: Sequence[float], last: float) -> dict[str, Any]:
    """Return the layout of the strategies in their rows; ``last`` is the largest rank in sight."""
    return {
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
            "range": [rows[-1] + 0.7, _SCALE_ROW - 0.6],
            "showgrid": False,
            "tickvals": rows,
            "ticktext": [
                f"{escape(shorten(name, 22, placeholder='…'))}  <b>{rank:.2f}</b>"
                for name, rank in mean.items()
            ],
        },
    }


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
