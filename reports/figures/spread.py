"""How the energy of trials is spread, strategy by strategy."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ..format import format_energy
from .axes import TEMPLATE, energy_ticks, energy_title, or_notice, prepared, trials_strategies
from .palette import look_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MOST_DOTS = 200
"""Trials of a strategy that are drawn as dots."""
_FEWEST_FOR_A_BOX = 5


def spread_figure(trials: pd.DataFrame, strategies: Sequence[str] | None = None) -> go.Figure:
    """Draw the energy of the trials of each strategy: dots, and a box where there are five.

    Args:
        trials: The trial table.
        strategies: The order from top to bottom, which gives each its look; by default, of
            appearance.

    Returns:
        A figure with energy in J on a logarithmic axis. A box holds the middle half of all trials,
        with whiskers from the fifth to the 95th of a hundred; at most 200 dots are drawn of each.
    """
    table = prepared(trials)
    table = table[table["energy_j"] > 0]
    looks = look_of(strategies or trials_strategies(table))
    energies = {name: own.to_numpy() for name, own in table.groupby("strategy")["energy_j"]}
    names = [name for name in looks if name in energies]
    drawing: list[dict[str, Any]] = []
    for row, name in enumerate(names):
        joules, colour = energies[name], looks[name].colour
        rng = np.random.default_rng(row)
        dots = rng.choice(joules, MOST_DOTS, replace=False) if len(joules) > MOST_DOTS else joules
        if len(joules) >= _FEWEST_FOR_A_BOX:
            low, q1, median, q3, high = np.quantile(joules, [0.05, 0.25, 0.5, 0.75, 0.95])
            drawing.append(
                {
                    "type": "box",
                    "orientation": "h",
                    "y": [row],
                    "q1": [q1],
                    "median": [median],
                    "q3": [q3],
                    "lowerfence": [low],
                    "upperfence": [high],
                    "width": 0.5,
                    "line": {"color": colour, "width": 1.5},
                    "fillcolor": looks[name].faint(0.15),
                    "hoverinfo": "skip",
                }
            )
        drawing.append(
            {
                "type": "scatter",
                "x": dots,
                "y": row + rng.uniform(-0.17, 0.17, len(dots)),
                "mode": "markers",
                "marker": {"color": colour, "size": 6, "opacity": 0.5},
                "hovertext": [f"<b>{escape(name)}</b><br>{format_energy(dot)}" for dot in dots],
                "hoverinfo": "text",
            }
        )
    figure = go.Figure(
        data=drawing,
        layout={
            "template": TEMPLATE,
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {
                "type": "log",
                "title": {"text": energy_title("energy of the trial", table)},
                **energy_ticks(table["energy_j"]),
            },
            "yaxis": {
                "range": [len(names) - 0.4, -0.6],
                "showgrid": False,
                "tickvals": list(range(len(names))),
                "ticktext": ["<br>".join(map(escape, wrap(name, 18))) for name in names],
                "ticklabelstandoff": 8,
            },
        },
    )
    return or_notice(figure, names, "No trial has an energy to draw.")
