"""Axes and settings that the figures share.

Every energy axis names its unit and the kind of energy it shows, and every accuracy axis is spread
towards 100 % (logarithmic in the error), because the last points are the ones that are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ..format import format_kinds, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONFIG: dict[str, Any] = {
    "showSendToCloud": False,  # Plotly 7.1 uploads charts to a cloud by default
    "plotlyServerURL": "",
    "displaylogo": False,
    "responsive": True,
    "doubleClick": "reset",
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
}
"""Plotly's settings for every figure: nothing leaves the page."""

PHASES = {"train": "#5B6B7F", "validate": "#93A3B5", "setup": "#C3CCD6", "search": "#E69F00"}
"""Where the joules of a trial go, and the colour of each."""

_NUMBERS = ("accuracy", "energy_j", *(f"energy_{phase}_j" for phase in PHASES))
_COLUMNS = ("run", "strategy", "seed", "trial", "state", "energy_kind", "epochs", *_NUMBERS)

GREY = "#7A828E"
LINE = "rgba(122,130,142,0.25)"
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1B1F27"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 32, "b": 8},
        "xaxis": {
            "gridcolor": LINE,
            "linecolor": LINE,
            "zeroline": False,
            "automargin": True,
            "title": {"font": {"size": 13}},
        },
        "yaxis": {
            "gridcolor": LINE,
            "zeroline": False,
            "automargin": True,
            "title": {"font": {"size": 13}},
        },
        "legend": {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        "hoverlabel": {"align": "left", "font": {"size": 13}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": "#0072B2"},
    }
)


def trials_strategies(trials: pd.DataFrame) -> list[str]:
    """Return the names of the strategies in order of appearance."""
    return list(dict.fromkeys(trials["strategy"])) if "strategy" in trials else []


def prepared(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the table with all columns the figures use, numbers as floats."""
    table = trials.reindex(columns=list(dict.fromkeys([*trials.columns, *_COLUMNS])))
    for column in _NUMBERS:
        table[column] = pd.to_numeric(table[column], errors="coerce").astype(float)
    return table


def or_notice(figure: go.Figure, content: Any, notice: str) -> go.Figure:
    """Say so in the figure where there is nothing to draw."""
    if len(content) == 0:
        figure.add_annotation(
            text=notice, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5
        )
    return figure


def energy_title(what: str, trials: pd.DataFrame) -> str:
    """Return an axis title such as ``"energy of the trial (J, modelled)"``."""
    kinds = trials.loc[trials["energy_j"].notna(), "energy_kind"].dropna()
    return f"{what} (J, {escape(format_kinds(kinds))})"


def accuracy_against_energy(
    x_title: str,
    energies: Iterable[float],
    scale: AccuracyScale,
    drawing: Sequence[dict[str, Any]],
) -> go.Figure:
    """Return a figure of accuracy against energy (J), which has a logarithmic axis.

    Args:
        x_title: The title of the energy axis.
        energies: All energies that may come into sight.
        scale: The accuracy axis.
        drawing: The scatter traces.
    """
    return go.Figure(
        data=[{"type": "scatter", **trace} for trace in drawing],  # 8 times faster than one by one
        layout={
            "template": TEMPLATE,
            "xaxis": {"type": "log", "title": {"text": x_title}, **energy_ticks(energies)},
            "yaxis": scale.axis(),
            "hovermode": "closest",
        },
    )


def energy_ticks(energies: Iterable[float]) -> dict[str, Any]:
    """Return ticks at 1, 2 and 5 of each decade, or at 1 alone when there are many decades."""
    values = np.fromiter(energies, dtype=float)
    if not values.size:
        return {}
    decades = range(int(np.floor(np.log10(values.min()))), int(np.log10(values.max())) + 2)
    steps = (1, 2, 5) if values.max() < 300 * values.min() else (1,)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return {"tickvals": ticks, "ticktext": [_short(tick) for tick in ticks]}


def _short(tick: float) -> str:
    """Write ``20k`` for 20,000: an axis has little room."""
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if tick >= max(size, 1e4):
            return f"{tick / size:,g}{prefix}"
    return f"{tick:,g}"


@dataclass(frozen=True)
class AccuracyScale:
    """Accuracies placed on a reversed logarithmic axis of the error, labelled in percent.

    Attributes:
        best: The error at which a perfect accuracy is placed.
        low: The smallest error on the axis.
        high: The largest error on the axis.
    """

    best: float
    low: float
    high: float

    @classmethod
    def of(cls, accuracies: Iterable[float | None]) -> AccuracyScale:
        """Fit the axis to these accuracies (fractions; None and NaN are passed over)."""
        errors = 1.0 - np.asarray([a for a in accuracies if known(a) is not None], dtype=float)
        positive = errors[errors > 1e-6]
        best = float(positive.min()) / 2 if positive.size else 1e-3
        errors = np.maximum(errors, best) if errors.size else np.array([0.05, 0.5])
        # A margin of 6 % at both ends, and a factor of two in all where accuracies are alike.
        spread = errors.max() / errors.min()
        margin = max(spread**0.06, (2.0 / spread) ** 0.5)
        return cls(best, float(errors.min() / margin), float(errors.max() * margin))

    def place(self, accuracies: Any) -> np.ndarray:
        """Return the positions of accuracies on the axis."""
        return np.maximum(1.0 - np.asarray(accuracies, dtype=float), self.best)

    def axis(self) -> dict[str, Any]:
        """Return Plotly's settings of the axis."""
        ticks: list[float] = []
        gap = np.log10(self.high / self.low) / 9
        percents = (90, 99, 50, 95, 98, 80, 99.9, 97, 70, 99.5, 93, 96, 0, 85, 60, 88, 92, 94, 30)
        for error in (round(1.0 - p / 100.0, 6) for p in (*percents, 40, 20, 10, 91, 99.8, 87, 75)):
            clear = all(abs(np.log10(error / other)) >= gap for other in ticks)
            if self.low <= error <= self.high and error > self.best and clear:
                ticks.append(error)
        labels = [f"{100.0 * (1.0 - error):.4g} %" for error in ticks]
        if self.low <= self.best:
            ticks, labels = [*ticks, self.best], [*labels, "100 %"]
        return {
            "type": "log",
            "range": [np.log10(self.high), np.log10(self.low)],
            "tickvals": ticks,
            "ticktext": labels,
            "title": {"text": "validation accuracy (%)"},
        }
