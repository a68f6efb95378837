"""What a trial costs: how the energy of trials is spread, strategy by strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ..format import format_energy
from .axes import (
    TEMPLATE,
    energy_axis,
    energy_title,
    fill_columns,
    hover,
    say_if_empty,
    wrap_label,
)
from .chart import Chart, energy_notes

if TYPE_CHECKING:
    import pandas as pd

    from .chart import Drawing
    from .palette import Look

MOST_DOTS = 200
"""Trials of a strategy that are drawn as dots."""
_FEWEST_FOR_A_BOX = 5


def spread_chart(trials: pd.DataFrame, drawing: Drawing) -> Chart:
    """Draw the energy of the trials of each strategy: dots, and a box where there are five.

    A box holds the middle half of all trials, with whiskers from the fifth to the 95th of a
    hundred; at most ``MOST_DOTS`` dots are drawn of each strategy.
    """
    trials = fill_columns(trials)
    table = trials[trials["energy_j"] > 0]
    energies = {name: own.to_numpy() for name, own in table.groupby("strategy")["energy_j"]}
    names = [name for name in drawing.looks if name in energies]
    traces: list[dict[str, Any]] = []
    for row, name in enumerate(names):
        if len(energies[name]) >= _FEWEST_FOR_A_BOX:
            traces.append(_box(row, energies[name], drawing.looks[name]))
        traces.append(_dots(row, name, energies[name], drawing.looks[name].colour))
    figure = go.Figure(
        data=traces,
        layout={
            "template": TEMPLATE,
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": energy_axis(energy_title("energy of the trial", table), table["energy_j"]),
            "yaxis": {
                "range": [len(names) - 0.4, -0.6],
                "showgrid": False,
                "tickvals": list(range(len(names))),
                "ticktext": [wrap_label(name) for name in names],
                "ticklabelstandoff": 8,
            },
        },
    )
    present = set(trials["strategy"])
    seen = [name for name in drawing.looks if name in present]
    return Chart(
        f"spread-{drawing.number}",
        "What a trial costs",
        "Each dot is one trial. The box holds the middle half of the trials in its row, its line "
        "is their median, and the whiskers leave out a twentieth at either end.",
        f"Dots and boxes of the energy of the trials: {', '.join(seen) or 'none'}.",
        say_if_empty(figure, names, "No trial has an energy to draw."),
        energy_notes(trials),
        height_rem=8.0 + 2.8 * max(len(seen), 1),
    )


def _box(row: int, energies_j: np.ndarray, look: Look) -> dict[str, Any]:
    low, q1, median, q3, high = np.quantile(energies_j, [0.05, 0.25, 0.5, 0.75, 0.95])
    return {
        "type": "box",
        "orientation": "h",
        "y": [row],
        "q1": [q1],
        "median": [median],
        "q3": [q3],
        "lowerfence": [low],
        "upperfence": [high],
        "width": 0.5,
        "line": {"color": look.colour, "width": 1.5},
        "fillcolor": look.faint(0.15),
        "hoverinfo": "skip",
    }


def _dots(row: int, name: str, energies_j: np.ndarray, colour: str) -> dict[str, Any]:
    """Return a seeded sample of the trials, shaken so that dots do not hide each other."""
    rng = np.random.default_rng(row)
    if len(energies_j) > MOST_DOTS:
        energies_j = rng.choice(energies_j, MOST_DOTS, replace=False)
    return {
        "type": "scatter",
        "x": energies_j,
        "y": row + rng.uniform(-0.17, 0.17, len(energies_j)),
        "mode": "markers",
        "marker": {"color": colour, "size": 6, "opacity": 0.5},
        **hover(name, map(format_energy, energies_j)),
    }
