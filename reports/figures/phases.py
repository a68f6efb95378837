"""Where the joules of a comparison went."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ..format import format_energy, format_percent
from .axes import LINE, PHASES, TEMPLATE, energy_title, or_notice, prepared, trials_strategies

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def phases_figure(trials: pd.DataFrame, strategies: Sequence[str] | None = None) -> go.Figure:
    """Draw the joules per run of each strategy, split by phase.

    Args:
        trials: The trial table.
        strategies: The order of the bars from top to bottom; by default, of appearance.

    Returns:
        Stacked bars in J, the mean over a strategy's runs. The part of the gross energy that no
        phase accounts for is shown as such, and a strategy's label names what was not metered.
    """
    table = prepared(trials)
    names = [
        name
        for name in strategies or trials_strategies(table)
        if table.loc[table["strategy"] == name, "energy_j"].notna().any()
    ]
    missing = unmetered_phases(table)
    labels = [
        "<br>".join(map(escape, wrap(name, 18)))
        + (
            f'<br><span style="font-size:11px">not metered: {", ".join(missing[name])}</span>'
            * bool(missing[name])
        )
        for name in names
    ]
    columns = ["energy_j", *(f"energy_{phase}_j" for phase in PHASES)]
    groups = table.groupby("strategy", sort=False)
    per_run = groups[columns].sum(min_count=1).div(groups["run"].nunique(), axis=0).loc[names]
    rest = per_run["energy_j"] - per_run[columns[1:]].sum(axis=1)
    parts = {phase: per_run[f"energy_{phase}_j"] for phase in PHASES}
    if (rest > 0.005 * per_run["energy_j"]).any():
        parts["not split"] = rest.clip(lower=0.0)
    figure = go.Figure()
    for phase, joules in parts.items():
        if joules.notna().any():
            figure.add_bar(
                x=joules,
                y=labels,
                orientation="h",
                name=phase,
                marker={"color": PHASES.get(phase, LINE)},
                hovertext=[
                    f"<b>{escape(name)}</b><br>{phase}: {format_energy(value)} per run, "
                    f"{format_percent(value / total if total else None)}"
                    for name, value, total in zip(names, joules, per_run["energy_j"], strict=True)
                ],
                hoverinfo="text",
            )
    figure.update_layout(
        template=TEMPLATE,
        barmode="stack",
        bargap=0.4,
        xaxis={"title": {"text": energy_title("energy per run", table)}, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "showgrid": False, "ticklabelstandoff": 8},
        legend={"traceorder": "normal"},
    )
    return or_notice(figure, names, "No trial has an energy to split.")


def unmetered_phases(trials: pd.DataFrame) -> dict[str, list[str]]:
    """Return for each strategy the phases that none of its trials has an energy for."""
    table = prepared(trials)
    return {
        str(name): [phase for phase in PHASES if own[f"energy_{phase}_j"].isna().all()]
        for name, own in table.groupby("strategy", sort=False)
    }
