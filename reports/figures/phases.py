"""Where the joules of a comparison went."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from ..format import format_energy, format_percent
from .axes import LINE, PHASES, TEMPLATE, energy_title, fill_columns, say_if_empty, wrap_label
from .chart import Chart

if TYPE_CHECKING:
    from .chart import Drawing


def phases_chart(trials: pd.DataFrame, drawing: Drawing) -> Chart:
    """Draw the joules per run of each strategy, split by phase: the mean over its runs.

    The part of the gross energy that no phase accounts for is shown as such, and a strategy's label
    names the phases that were not metered.
    """
    table = fill_columns(trials)
    groups = table.groupby("strategy", sort=False)
    columns = [f"energy_{phase}_j" for phase in PHASES]
    spent_j = groups[[*columns, "energy_j"]].sum(min_count=1).set_axis([*PHASES, "all"], axis=1)
    names = [name for name in drawing.looks if pd.notna(spent_j["all"].get(name))]
    joules = spent_j.div(groups["run"].nunique(), axis=0).loc[names]
    unmetered = {
        phase: [str(name) for name in spent_j.index[spent_j[phase].isna()]] for phase in PHASES
    }
    title = energy_title("energy per run", table)
    figure = go.Figure(
        data=_bars(joules, [_label(str(name), own) for name, own in joules.iterrows()]),
        layout={
            "template": TEMPLATE,
            "barmode": "stack",
            "bargap": 0.4,
            "xaxis": {"title": {"text": title}, "rangemode": "tozero"},
            "yaxis": {"autorange": "reversed", "showgrid": False, "ticklabelstandoff": 8},
            "legend": {"traceorder": "normal"},
        },
    )
    return Chart(
        f"phases-{drawing.number}",
        "Where the joules went",
        "Mean energy of a run by phase: learning, checking on validation data, building and "
        "loading, and choosing the next candidate.",
        f"Stacked bars of energy per run by phase: {drawing.listed}.",
        say_if_empty(figure, names, "No trial has an energy to split."),
        [f"Not metered: {phase} ({', '.join(of)})." for phase, of in unmetered.items() if of],
        height_rem=9.0 + 3.4 * max(len(drawing.looks), 1),
    )


def _bars(joules: pd.DataFrame, labels: list[str]) -> list[dict[str, Any]]:
    """Return the bars of each phase; ``joules`` has the phases and ``all`` as columns."""
    total = joules["all"]
    parts = {phase: joules[phase] for phase in PHASES}
    rest = total - joules[list(PHASES)].sum(axis=1)
    if (rest > 0.005 * total).any():
        parts["not split"] = rest.clip(lower=0.0)
    return [
        {
            "type": "bar",
            "orientation": "h",
            "x": part,
            "y": labels,
            "name": phase,
            "marker": {"color": PHASES.get(phase, LINE)},
            "hovertext": [
                f"<b>{escape(name)}</b><br>{phase}: {format_energy(value)} per run, "
                f"{format_percent(share)}"
                for name, value, share in zip(part.index, part, part / total, strict=True)
            ],
            "hoverinfo": "text",
        }
        for phase, part in parts.items()
        if part.notna().any()
    ]


def _label(name: str, joules: pd.Series) -> str:
    """Return the label of a strategy, with the phases that were not metered beneath."""
    missing = [phase for phase in PHASES if pd.isna(joules[phase])]
    beneath = f'<br><span style="font-size:11px">not metered: {", ".join(missing)}</span>'
    return wrap_label(name) + beneath * bool(missing)
