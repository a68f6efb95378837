"""Accuracy against energy: pure functions from the trial table to Plotly figures."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ...benchmarks.statistics.attainment import attainment_surface
from ...benchmarks.statistics.runs import pareto_front
from ...models.outcome import RESULTS, State
from ..format import UNAVAILABLE, format_energy, format_percent, format_value, known
from .attainment import attained, steps
from .axes import (
    GREY,
    AccuracyScale,
    accuracy_against_energy,
    energy_title,
    or_notice,
    prepared,
    trials_strategies,
)
from .palette import COLOURS, Look, look_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_BOUNDS = ("low", "median", "high")


def pareto_figure(
    trials: pd.DataFrame,
    strategies: Sequence[str] | None = None,
    shown: Collection[str] | None = None,
    *,
    hover: bool = True,
) -> go.Figure:
    """Draw every trial's validation accuracy against its energy, and each strategy's front.

    Args:
        trials: The trial table.
        strategies: The order that gives each strategy its look; by default, of appearance.
        shown: The strategies that are seen before the reader chooses others; by default all.
        hover: Whether each trial tells about itself; else only those on a front do.

    Returns:
        A figure with energy in J on a logarithmic axis. Trials that were stopped early have open
        markers; those without an accuracy lie as crosses on the lower edge. A front is made of
        trials whose accuracy is a result.
    """
    table = prepared(trials)
    table = table[table["energy_j"] > 0]
    placed = table[table["accuracy"].notna()]
    scale = AccuracyScale.of(placed["accuracy"])
    drawing: list[dict[str, Any]] = []
    for name, look in look_of(strategies or trials_strategies(table)).items():
        own = placed[placed["strategy"] == name]
        lost = table[(table["strategy"] == name) & table["accuracy"].isna()]
        if own.empty and lost.empty:
            continue
        common = _common(name, shown) | {"showlegend": False}
        drawing.append(
            {
                **common,
                "x": _small(own["energy_j"]),
                "y": _small(scale.place(own["accuracy"])),
                "mode": "markers",
                "marker": {
                    "color": look.colour,
                    "size": 8,
                    "opacity": 0.45,
                    "symbol": [
                        look.symbol if state == State.COMPLETE else f"{look.symbol}-open"
                        for state in own["state"]
                    ],
                },
                **_told(own, hover),
            }
        )
        drawing.append(
            {
                **common,
                "x": _small(lost["energy_j"]),
                "y": np.full(len(lost), 0.025, dtype="f4"),
                "yaxis": "y2",
                "mode": "markers",
                "marker": {
                    "color": look.colour,
                    "size": 7,
                    "symbol": "x-thin",
                    "line": {"color": look.colour, "width": 2},
                },
                **_told(lost, hover),
            }
        )
        front = own[own["state"].isin(RESULTS)]
        front = front[pareto_front(front["energy_j"], front["accuracy"])]
        front = front.drop_duplicates(["energy_j", "accuracy"]).sort_values("energy_j")
        drawing.append(
            {
                **common,
                "x": _small(front["energy_j"]),
                "y": _small(scale.place(front["accuracy"])),
                "mode": "lines+markers",
                "line": {"color": look.colour, "shape": "hv", "width": 2, "dash": look.dash},
                "marker": {"color": look.colour, "symbol": look.symbol, "size": 9},
                **_told(front, not hover),
                "showlegend": True,
            }
        )
    for label, symbol, seen in (
        ("stopped early", "circle-open", placed["state"].ne(State.COMPLETE).any()),
        ("no accuracy", "x-thin", table["accuracy"].isna().any()),
    ):
        if seen:
            marker = {"color": GREY, "symbol": symbol, "size": 8}
            marker["line"] = {"color": GREY, "width": 2}
            drawing.append(
                {"x": [None], "y": [None], "mode": "markers", "marker": marker, "name": label}
            )
    title = energy_title("energy of the trial", table)
    figure = accuracy_against_energy(title, table["energy_j"], scale, drawing)
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False})
    return or_notice(figure, table, "No trial has an energy to draw.")


def anytime_figure(
    trials: pd.DataFrame,
    strategies: Sequence[str] | None = None,
    target: float | None = None,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Draw the best validation accuracy so far against the joules a run has spent.

    The line is the median over the runs of a strategy, the band their middle half (with four runs
    or fewer: all of them). A run keeps its best candidate after it ends; one without a result yet
    ranks last, so a line begins once more than half of the runs have a result.

    Args:
        trials: The trial table, the rows of a run in order of completion.
        strategies: The order that gives each strategy its look; by default, of appearance.
        target: The accuracy of a reference line; None draws none.
        shown: The strategies that are seen before the reader chooses others; by default all.
    """
    table = prepared(trials)
    looks = look_of([*(strategies or ()), *trials_strategies(table)])
    curves = {name: attained(own) for name, own in table.groupby("strategy", sort=False)}
    energies = np.concatenate([np.empty(0), *(curve["energy_j"] for curve in curves.values())])
    levels = [curve[bound] for curve in curves.values() for bound in _BOUNDS]
    scale = AccuracyScale.of(np.concatenate([np.array([known(target)], dtype=float), *levels]))
    drawing: list[dict[str, Any]] = []
    for name, look in looks.items():
        curve = curves.get(name)
        if curve is None or curve.empty:
            continue
        common = _common(name, shown)
        banded = curve[curve["low"].notna()]
        for bound, fill in (("low", None), ("high", "tonexty")):
            edge = steps(banded, bound)
            drawing.append(
                {
                    **common,
                    "x": _small(edge["energy_j"]),
                    "y": _small(scale.place(edge[bound])),
                    "mode": "lines",
                    "line": {"width": 0, "shape": "hv"},
                    "fill": fill,
                    "fillcolor": look.faint(0.11),
                    "hoverinfo": "skip",
                    "showlegend": False,
                }
            )
        line = steps(curve, "median", "runs")
        drawing.append(
            {
                **common,
                "x": _small(line["energy_j"]),
                "y": _small(scale.place(line["median"])),
                "line": {"color": look.colour, "shape": "hv", "width": 2.5, "dash": look.dash},
                **_marked(look, len(looks)),
                "hovertext": [
                    f"<b>{escape(name)}</b><br>{format_percent(level)} after {format_energy(spent)}"
                    f"<br>{f'median of {runs} runs' if runs > 1 else 'one run'}"
                    for spent, level, runs in line[["energy_j", "median", "runs"]].itertuples(
                        index=False
                    )
                ],
                "hoverinfo": "text",
            }
        )
    if known(target) is not None and len(energies):
        drawing.append(
            {
                "x": [energies.min(), energies.max()],
                "y": scale.place([target, target]),
                "mode": "lines",
                "line": {"color": GREY, "width": 1.5, "dash": "dot"},
                "name": f"target {format_percent(target)}",
                "hoverinfo": "name",
            }
        )
    title = energy_title("energy of the run", table)
    figure = accuracy_against_energy(title, energies, scale, drawing)
    return or_notice(figure, energies, "No run has reached a result.")


def attainment_figure(
    trials: pd.DataFrame,
    strategies: Sequence[str] | None = None,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Draw what half of the runs of each strategy attain: their median attainment surface.

    Args:
        trials: The trial table.
        strategies: The order that gives each strategy its look; by default, of appearance.
        shown: The strategies that are seen before the reader chooses others; by default all.

    Returns:
        A figure with energy of a trial in J on a logarithmic axis. A strategy whose runs attained
        nothing, or by less than half, has no line.
    """
    table = prepared(trials)
    table = table[table["energy_j"] > 0]
    surfaces = {
        str(name): attainment_surface(own, levels=[0.5])
        for name, own in table.groupby("strategy", sort=False)
    }
    corners = pd.concat(surfaces.values()) if surfaces else pd.DataFrame({"energy_j": []})
    scale = AccuracyScale.of(corners.get("accuracy", ()))
    looks = look_of(strategies or trials_strategies(table))
    drawing = [
        {
            **_common(name, shown),
            "x": _small(surface["energy_j"]),
            "y": _small(scale.place(surface["accuracy"])),
            "line": {"color": look.colour, "shape": "hv", "width": 2.5, "dash": look.dash},
            "mode": "lines+markers",
            "marker": {"color": look.colour, "symbol": look.symbol, "size": 6},
            "hovertext": [
                f"<b>{escape(name)}</b><br>half of its runs have a trial of "
                f"{format_percent(accuracy)} or more for {format_energy(energy_j)} or less"
                for energy_j, accuracy in surface[["energy_j", "accuracy"]].to_numpy()
            ],
            "hoverinfo": "text",
        }
        for name, look in looks.items()
        for surface in [surfaces.get(name)]
        if surface is not None and len(surface)
    ]
    title = energy_title("energy of the trial", table)
    figure = accuracy_against_energy(title, corners["energy_j"], scale, drawing)
    return or_notice(figure, corners, "No strategy has a result in half of its runs.")


def _common(name: str, shown: Collection[str] | None) -> dict[str, Any]:
    """Return what all marks of a strategy have in common."""
    visible = True if shown is None or name in shown else "legendonly"
    return {"legendgroup": escape(name), "name": escape(name), "visible": visible}


def _marked(look: Look, n_looks: int) -> dict[str, Any]:
    """Return a few markers on a line, where there are more lines than colours."""
    if n_looks <= len(COLOURS):
        return {"mode": "lines"}
    marker = {"color": look.colour, "symbol": look.symbol, "size": 9, "maxdisplayed": 5}
    return {"mode": "lines+markers", "marker": marker}


def _small(values: Any) -> np.ndarray:
    """Return numbers in the precision of a figure."""
    return np.asarray(values, dtype="f4")


def _told(table: pd.DataFrame, hover: bool) -> dict[str, Any]:
    """Return the hover text of each trial: where it came from, what it did, what it was."""
    if not hover:
        return {"hoverinfo": "skip"}
    settings = [column for column in table.columns if column.startswith("p.")]
    facts = ["seed", "trial", "state", "energy_kind", "epochs"]
    texts = []
    for row in table[["strategy", "accuracy", "energy_j", *facts, *settings]].to_dict("records"):
        said = {
            name: escape(format_value(None if row[name] is pd.NA else row[name]))
            for name in (*facts, *settings)
        }
        lines = [
            f"<b>{escape(str(row['strategy']))}</b> seed {said['seed']}, trial {said['trial']}: "
            f"{said['state']}",
            f"accuracy {format_percent(row['accuracy'])}, {format_energy(row['energy_j'])} "
            f"{said['energy_kind']}, epochs {said['epochs']}",
            *(
                f"{escape(name.removeprefix('p.'))} = {said[name]}"
                for name in settings
                if said[name] != UNAVAILABLE
            ),
        ]
        texts.append("<br>".join(lines))
    return {"hovertext": texts, "hoverinfo": "text"}
