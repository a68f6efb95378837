"""Who is ahead after how many joules: the rank of each strategy along the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ..format import format_energy
from .anytime import keep_steps
from .axes import TEMPLATE, energy_axis, energy_title, hover
from .chart import Chart

if TYPE_CHECKING:
    import pandas as pd

    from .chart import Drawing


def standing_chart(ranks: pd.DataFrame, trials: pd.DataFrame, drawing: Drawing) -> Chart:
    """Draw the rank of each strategy's median run against joules.

    Args:
        ranks: A column for each strategy, by joules; NaN where it has no rank.
        trials: The trials, of which the axis tells the kind of joules.
        drawing: How it is drawn.
    """
    names = [name for name in drawing.looks if name in ranks and ranks[name].notna().any()]
    last = int(np.nanmax(ranks.to_numpy(dtype=float)))
    figure = go.Figure(
        data=[{**drawing.entry(name), **_line(name, ranks[name], drawing)} for name in names],
        layout={
            "template": TEMPLATE,
            "hovermode": "closest",
            "xaxis": energy_axis(
                energy_title("energy of the run", trials), ranks.index.to_series()
            ),
            "yaxis": {
                "title": {"text": "rank of the median run (1 is best)"},
                "range": [last + 0.5, 0.5],
                "dtick": 1 if last < 13 else 5,
                "tick0": 1,
            },
        },
    )
    end = ranks.iloc[-1].dropna().sort_values()
    told = ", ".join(f"{name} {rank:g}" for name, rank in end.items())
    return Chart(
        f"standing-{drawing.number}",
        "Rank over joules",
        "Where two lines cross, the better choice depends on how many joules there are. Equal "
        "medians share a rank; a line begins once the median run has a result.",
        f"Lines of rank against energy spent. At the end: {told}.",
        figure,
        drawing.notes(trials),
        entries=len(drawing.looks),
    )


def _line(name: str, ranks: pd.Series, drawing: Drawing) -> dict[str, Any]:
    """Return the steps of a strategy, with its marker where it ends."""
    look = drawing.looks[name]
    own = keep_steps(ranks.dropna().reset_index(name="rank"), "rank")
    return {
        "type": "scatter",
        "x": own["energy_j"],
        "y": own["rank"],
        "mode": "lines+markers",
        "line": look.steps(),
        "marker": {
            "color": look.colour,
            "symbol": look.symbol,
            "size": np.where(np.arange(len(own)) == len(own) - 1, 11, 0).tolist(),
        },
        "cliponaxis": False,
        **hover(
            name,
            [
                f"rank {rank:g} after {format_energy(spent_j)}"
                for spent_j, rank in zip(own["energy_j"], own["rank"], strict=True)
            ],
        ),
    }
