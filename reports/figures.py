"""The figures of a comparison: pure functions from the trial table to Plotly figures."""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ..benchmarks.statistics import best_so_far, pareto_front
from ..outcome import RESULTS, State
from .axes import GREY, LINE, TEMPLATE, AccuracyScale, accuracy_against_energy, energy_title
from .format import UNAVAILABLE, format_energy, format_percent, format_value, known
from .palette import look_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PHASES = {"train": "#5B6B7F", "validate": "#93A3B5", "setup": "#C3CCD6", "search": "#E69F00"}
"""Where the joules of a trial go, and the colour of each."""

_NUMBERS = ("accuracy", "energy_j", *(f"energy_{phase}_j" for phase in PHASES))
_BOUNDS = ("low", "median", "high")
_COLUMNS = ("run", "strategy", "seed", "trial", "state", "energy_kind", "epochs", *_NUMBERS)


def pareto_figure(trials: pd.DataFrame, strategies: Sequence[str] | None = None) -> go.Figure:
    """Draw every trial's validation accuracy against its energy, and each strategy's front.

    Args:
        trials: The trial table.
        strategies: The order that gives each strategy its look; by default, of appearance.

    Returns:
        A figure with energy in J on a logarithmic axis. Trials that were stopped early have open
        markers; those without an accuracy lie as crosses on the lower edge. A front is made of
        complete and truncated trials.
    """
    table = _prepared(trials)
    table = table[table["energy_j"] > 0]
    placed = table[table["accuracy"].notna()]
    scale = AccuracyScale.of(placed["accuracy"])
    figure = accuracy_against_energy(
        energy_title("energy of the trial", table), table["energy_j"], scale
    )
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False})
    for name, look in look_of(strategies or trials_strategies(table)).items():
        own = placed[placed["strategy"] == name]
        lost = table[(table["strategy"] == name) & table["accuracy"].isna()]
        common: dict[str, Any] = {"legendgroup": escape(name), "name": escape(name)}
        figure.add_scatter(
            x=own["energy_j"],
            y=scale.place(own["accuracy"]),
            mode="markers",
            marker={
                "color": look.colour,
                "size": 8,
                "opacity": 0.45,
                "symbol": [
                    look.symbol if state == State.COMPLETE else f"{look.symbol}-open"
                    for state in own["state"]
                ],
            },
            hovertext=_hover(own),
            hoverinfo="text",
            showlegend=False,
            **common,
        )
        figure.add_scatter(
            x=lost["energy_j"],
            y=np.full(len(lost), 0.025),
            yaxis="y2",
            mode="markers",
            marker={
                "color": look.colour,
                "size": 7,
                "symbol": "x-thin",
                "line": {"color": look.colour, "width": 2},
            },
            hovertext=_hover(lost),
            hoverinfo="text",
            showlegend=False,
            **common,
        )
        front = own[own["state"].isin(RESULTS)]
        front = front[pareto_front(front["energy_j"], front["accuracy"])].sort_values("energy_j")
        figure.add_scatter(
            x=front["energy_j"],
            y=scale.place(front["accuracy"]),
            mode="lines+markers",
            line={"color": look.colour, "shape": "hv", "width": 2, "dash": look.dash},
            marker={"color": look.colour, "symbol": look.symbol, "size": 9},
            hoverinfo="skip",
            showlegend=len(own) + len(lost) > 0,
            **common,
        )
    for label, symbol, seen in (
        ("stopped early", "circle-open", placed["state"].ne(State.COMPLETE).any()),
        ("no accuracy", "x-thin", table["accuracy"].isna().any()),
    ):
        if seen:
            marker = {"color": GREY, "symbol": symbol, "size": 8, "line": {"color": GREY}}
            marker["line"]["width"] = 2
            figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name=label)
    return _or_notice(figure, table, "No trial has an energy to draw.")


def anytime_figure(trials: pd.DataFrame, summary: Mapping[str, Any]) -> go.Figure:
    """Draw the best validation accuracy so far against the joules a run has spent.

    The line is the median over the runs of a strategy, the band their middle half (with four runs
    or fewer: all of them). A run keeps its best candidate after it ends; one without a result yet
    ranks last, so a line begins once more than half of the runs have a result.

    Args:
        trials: The trial table, the rows of a run in order of completion.
        summary: The summary; its strategies give the order, ``target_accuracy`` a reference line.
    """
    table = _prepared(trials)
    target = known(summary["target_accuracy"])
    order = [entry["strategy"] for entry in summary["strategies"]]
    looks = look_of([*order, *trials_strategies(table)])
    attained = {name: _attained(table[table["strategy"] == name]) for name in looks}
    energies = [energy for curve in attained.values() for energy in curve["energy_j"]]
    levels = [level for curve in attained.values() for bound in _BOUNDS for level in curve[bound]]
    scale = AccuracyScale.of([*levels, target])
    figure = accuracy_against_energy(energy_title("energy of the run", table), energies, scale)
    for name, curve in attained.items():
        if curve.empty:
            continue
        look = looks[name]
        common: dict[str, Any] = {"legendgroup": escape(name), "name": escape(name)}
        banded = curve[curve["low"].notna()]
        for bound, fill in (("low", None), ("high", "tonexty")):
            figure.add_scatter(
                x=banded["energy_j"],
                y=scale.place(banded[bound]),
                mode="lines",
                line={"width": 0, "shape": "hv"},
                fill=fill,
                fillcolor=look.faint(0.11),
                hoverinfo="skip",
                showlegend=False,
                **common,
            )
        figure.add_scatter(
            x=curve["energy_j"],
            y=scale.place(curve["median"]),
            mode="lines",
            line={"color": look.colour, "shape": "hv", "width": 2.5, "dash": look.dash},
            hovertext=[
                f"<b>{escape(name)}</b><br>{format_percent(level)} after {format_energy(spent)}"
                f"<br>{f'median of {runs} runs' if runs > 1 else 'one run'}"
                for spent, level, runs in curve[["energy_j", "median", "runs"]].itertuples(
                    index=False
                )
            ],
            hoverinfo="text",
            **common,
        )
    if target is not None and energies:
        figure.add_scatter(
            x=[min(energies), max(energies)],
            y=scale.place([target, target]),
            mode="lines",
            line={"color": GREY, "width": 1.5, "dash": "dot"},
            name=f"target {format_percent(target)}",
            hoverinfo="name",
        )
    return _or_notice(figure, energies, "No run has reached a result.")


def phases_figure(trials: pd.DataFrame, strategies: Sequence[str] | None = None) -> go.Figure:
    """Draw the joules per run of each strategy, split by phase.

    Args:
        trials: The trial table.
        strategies: The order of the bars from top to bottom; by default, of appearance.

    Returns:
        Stacked bars in J, the mean over a strategy's runs. The part of the gross energy that no
        phase accounts for is shown as such, and a strategy's label names what was not metered.
    """
    table = _prepared(trials)
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
    return _or_notice(figure, names, "No trial has an energy to split.")


def trials_strategies(trials: pd.DataFrame) -> list[str]:
    """Return the names of the strategies in order of appearance."""
    return list(dict.fromkeys(trials["strategy"])) if "strategy" in trials else []


def unmetered_phases(trials: pd.DataFrame) -> dict[str, list[str]]:
    """Return for each strategy the phases that none of its trials has an energy for."""
    table = _prepared(trials)
    return {
        str(name): [phase for phase in PHASES if own[f"energy_{phase}_j"].isna().all()]
        for name, own in table.groupby("strategy", sort=False)
    }


def _prepared(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the table with all columns the figures use, numbers as floats."""
    table = trials.reindex(columns=list(dict.fromkeys([*trials.columns, *_COLUMNS])))
    for column in _NUMBERS:
        table[column] = pd.to_numeric(table[column], errors="coerce").astype(float)
    return table


def _hover(table: pd.DataFrame) -> list[str]:
    """Return the hover text of each trial: where it came from, what it did, what it was."""
    settings = [column for column in table.columns if column.startswith("p.")]
    texts = []
    for row in table.to_dict("records"):
        lines = [
            f"<b>{escape(str(row['strategy']))}</b> seed {format_value(row['seed'])}, trial "
            f"{format_value(row['trial'])}: {escape(str(row['state']))}",
            f"accuracy {format_percent(row['accuracy'])}, {format_energy(row['energy_j'])} "
            f"{escape(str(row['energy_kind']))}, epochs {format_value(row['epochs'])}",
        ]
        for column in settings:
            value = format_value(row[column])
            if value != UNAVAILABLE:
                lines.append(escape(f"{column.removeprefix('p.')} = {value}"))
        texts.append("<br>".join(lines))
    return texts


def _attained(trials: pd.DataFrame) -> pd.DataFrame:
    """Return what the runs of one strategy had reached by each energy.

    Args:
        trials: The trials of the strategy.

    Returns:
        ``energy_j``, the ``median`` accuracy with its quartiles ``low`` and ``high`` and the number
        of ``runs`` they are of, from the energy on at which there is a median. A quartile that
        falls to a run without a result is NaN. A run counts up to its last known energy.
    """
    curves = [best_so_far(run) for _, run in trials.groupby("run", sort=False)]
    energies = [curve["energy_j"].to_numpy(dtype=float) for curve in curves]
    grid = np.unique(np.concatenate([np.empty(0), *energies]))
    grid = grid[grid > 0]
    levels = np.full((max(len(curves), 1), len(grid)), np.nan)
    for row, (energy, curve) in enumerate(zip(energies, curves, strict=True)):
        spent = energy[~np.isnan(energy)]
        reached = np.append(-np.inf, curve["accuracy"].fillna(-np.inf).to_numpy(dtype=float))
        levels[row] = reached[np.searchsorted(spent, grid, side="right")]
        if len(spent) < len(energy):  # a reading was lost, so what came later has no place
            levels[row, grid > spent.max(initial=0.0)] = np.nan
    table = pd.DataFrame(
        {
            "energy_j": grid,
            # Without interpolation: minus infinity, a run without a result, must stay so.
            "low": np.nanquantile(levels, 0.25, axis=0, method="lower"),
            "median": np.nanmedian(levels, axis=0),
            "high": np.nanquantile(levels, 0.75, axis=0, method="higher"),
            "runs": np.sum(~np.isnan(levels), axis=0),
        }
    ).replace(-np.inf, np.nan)
    return table[table["median"].notna()]


def _or_notice(figure: go.Figure, content: Any, notice: str) -> go.Figure:
    """Say so in the figure where there is nothing to draw."""
    if len(content) == 0:
        figure.add_annotation(
            text=notice, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5
        )
    return figure
