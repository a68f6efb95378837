"""What the ranks of an epoch say about the final ones, and the joules spent by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ..format import format_percent
from .axes import TEMPLATE
from .chart import Chart
from .palette import JOULES, SCORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...benchmarks.statistics.fidelity import EpochFacts, Fidelity
    from .chart import Drawing


def agreement_chart(found: Fidelity, drawing: Drawing) -> Chart:
    """Draw the rank correlation of each epoch with the last, and the joules spent by then."""
    facts = [each for each in found.epochs if each.rho is not None]
    epochs = [each.epoch for each in facts]
    lows = [each.low for each in facts if each.low is not None]
    figure = go.Figure(
        data=[
            {"type": "scatter", **trace}
            for trace in (*_band(facts), _ranks(facts, found.length), *_joules(facts))
        ],
        layout={
            "template": TEMPLATE,
            "hovermode": "closest",
            "xaxis": {"title": {"text": f"epoch, of {found.length}"}, "tickvals": epochs},
            "yaxis": {
                "title": {"text": "rank correlation; share"},
                "range": [min([0.0, *lows]) - 0.05, 1.05],
            },
        },
    )
    return Chart(
        f"agreement-{drawing.number}",
        "What an epoch says about the last",
        f"Spearman's rank correlation of the {drawing.metric.name} after each epoch with the final "
        "one, with its 95 % interval over trials, beside the share of the joules that would "
        "have been spent had all but the one that was best by then stopped there.",
        "Lines of the rank correlation of each epoch with the last, and of the share of joules.",
        figure,
        entries=2,
    )


def _band(facts: Sequence[EpochFacts]) -> list[dict[str, Any]]:
    """The edges of the interval; the second fills what lies between them."""
    bounded = [each for each in facts if each.low is not None]
    return [
        {
            "x": [each.epoch for each in bounded],
            "y": [getattr(each, bound) for each in bounded],
            "mode": "lines",
            "line": {"width": 0},
            "fill": fill,
            "fillcolor": "rgba(100,116,139,0.18)",
            "hoverinfo": "skip",
            "showlegend": False,
        }
        for bound, fill in (("low", None), ("high", "tonexty"))
    ]


def _ranks(facts: Sequence[EpochFacts], length: int) -> dict[str, Any]:
    return {
        "x": [each.epoch for each in facts],
        "y": [each.rho for each in facts],
        "mode": "lines+markers",
        "name": "rank correlation with the final ranks",
        "line": {"color": SCORE, "width": 2.5},
        "marker": {"symbol": "circle", "size": 8},
        "hoverinfo": "text",
        "hovertext": [
            f"epoch {each.epoch} of {length}: {each.rho:.2f}"
            + ("" if each.low is None else f" [{each.low:.2f}, {each.high:.2f}]")
            for each in facts
        ],
    }


def _joules(facts: Sequence[EpochFacts]) -> list[dict[str, Any]]:
    known = [each for each in facts if each.spent is not None]
    if not known:
        return []
    return [
        {
            "x": [each.epoch for each in known],
            "y": [each.spent for each in known],
            "mode": "lines+markers",
            "name": "share of the joules",
            "line": {"color": JOULES, "width": 2, "dash": "7px,3px"},
            "marker": {"symbol": "square-open", "size": 8},
            "hoverinfo": "text",
            "hovertext": [
                f"stopping at epoch {each.epoch}: {format_percent(each.spent, 0)} of the joules"
                for each in known
            ],
        }
    ]
