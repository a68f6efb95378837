"""What a trial buys: score against energy of every trial, and the front of each strategy."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...benchmarks.analysis import naming
from ...benchmarks.statistics.runs import pareto_front
from ...models.metric import Metric
from ...models.outcome import RESULTS, State
from ..format import UNAVAILABLE, format_energy, format_score, format_value
from ..thinning import thin_trials
from .axes import GREY, compact, energy_title, fill_columns
from .chart import Chart, energy_notes
from .scales import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .chart import Drawing
    from .palette import Look
    from .scales import Scale

_SHADED = (
    "The joint front joins those that no trial of any strategy beats; what it beats is shaded."
)
_BEYOND = 1e3  # how many times the dearest trial the shaded region goes on
_FACTS = ["seed", "trial", "state", "energy_kind", "epochs"]


def pareto_chart(trials: pd.DataFrame, drawing: Drawing) -> Chart:
    """Draw every trial's validation score against its energy, each strategy's front and the joint.

    Trials that were stopped early have open markers; those without a score lie as crosses on the
    worse edge. A front is made of trials whose score is a result. What the joint front dominates is
    shaded.
    """
    trials, metric = fill_columns(trials), drawing.metric
    drawn = thin_trials(trials, drawing.most, metric)
    table = drawn.trials[drawn.trials["energy_j"] > 0]
    scale = scale_of(table["score"], metric)
    several = table["strategy"].nunique() > 1
    traces = [
        {**drawing.entry(name), "showlegend": False, **trace}
        for name, look in drawing.looks.items()
        for own in [table[table["strategy"] == name]]
        if len(own)
        for trace in _strategy(own, look, scale, linked=drawing.linked)
    ]
    traces += [*_joint(table, scale, named=several), *_marks(table, metric)]
    title = energy_title("energy of the trial", table)
    figure = scale.figure(traces, table["energy_j"], title, "No trial has an energy to draw.")
    if len(table):
        figure.update_xaxes(range=_range(table["energy_j"]))
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False})
    return Chart(
        f"pareto-{drawing.number}",
        "What a trial buys",
        "Each mark is one trial. The stepped line joins the trials of a strategy that no other of "
        f"its trials beats at the same or lower energy: {'up' if metric.maximised else 'down'} and "
        f"to the left is better. {_SHADED if several else 'What these beat is shaded.'}",
        f"Scatter of {naming.validation(metric)} against energy of every trial, with the Pareto "
        f"front of each strategy: {drawing.listed}.",
        figure,
        [*filter(None, [drawn.note("Drawn")]), *energy_notes(trials), *drawing.notes(trials)],
        entries=len(drawing.looks) + several,
    )


def _strategy(
    trials: pd.DataFrame, look: Look, scale: Scale, *, linked: bool
) -> Iterator[dict[str, Any]]:
    """Yield the traces of a strategy: trials with a score, those without, and the front."""
    colour, metric = look.colour, scale.metric
    placed, lost = trials[trials["score"].notna()], trials[trials["score"].isna()]
    open_if_stopped = np.where(placed["state"] == State.COMPLETE, "", "-open")
    yield {
        **scale.points(placed),
        "mode": "markers",
        "marker": {
            "color": colour,
            "size": 8,
            "opacity": 0.45,
            "symbol": [look.symbol + ending for ending in open_if_stopped],
        },
        **_hover(placed, metric, linked=linked),
    }
    yield {
        "x": compact(lost["energy_j"]),
        "y": np.full(len(lost), 0.025 if metric.maximised else 0.975, dtype="f4"),
        "yaxis": "y2",
        "mode": "markers",
        "marker": _thin_marker(colour, "x-thin", 7),
        **_hover(lost, metric, linked=linked),
    }
    front = _front(placed, metric)
    yield {
        **scale.points(front),
        "mode": "lines+markers",
        "line": look.steps(width=2),
        "marker": {"color": colour, "symbol": look.symbol, "size": 9},
        **_places(front, linked=linked),
        "hoverinfo": "skip",  # the marks beneath tell
        "showlegend": True,
    }


def _front(trials: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The trials that no other beats, the cheapest first."""
    results = trials[trials["state"].isin(RESULTS)]
    best = results[pareto_front(results["energy_j"], metric.oriented(results["score"]))]
    return best.drop_duplicates(["energy_j", "score"]).sort_values("energy_j")


def _joint(trials: pd.DataFrame, scale: Scale, *, named: bool) -> Iterator[dict[str, Any]]:
    """Yield, beneath all else, what the front of all trials dominates, and that front if named."""
    front = _front(trials, scale.metric)
    if not len(front):
        return
    axis = scale.axis()
    edge = axis["range"][0 if scale.metric.maximised else 1]
    edge = 10.0**edge if axis["type"] == "log" else edge
    points = scale.points(front)
    x, y = np.asarray(points["x"], dtype=float), np.asarray(points["y"], dtype=float)
    far = float(trials["energy_j"].max()) * _BEYOND
    steps_x, steps_y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    common = {"legendgroup": "joint front", "name": "joint front", "hoverinfo": "skip"}
    yield {
        **common,
        "x": [*steps_x, far, far, x[0]],
        "y": [*steps_y, y[-1], edge, edge],
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": "rgba(122,130,142,0.09)",
        "showlegend": False,
        "zorder": -2,
    }
    if named:
        line = {"color": "rgba(122,130,142,0.4)", "shape": "hv", "width": 8}
        yield {**common, **points, "mode": "lines", "line": line, "zorder": -1}


def _range(energies_j: pd.Series) -> list[float]:
    """The ends of the energy axis, in powers of ten, with a little room."""
    low, high = np.log10(energies_j.min()), np.log10(energies_j.max())
    margin = max(0.04 * (high - low), 0.02)
    return [float(low - margin), float(high + margin)]


def _marks(trials: pd.DataFrame, metric: Metric) -> Iterator[dict[str, Any]]:
    """Yield the entries of the legend that explain the marks."""
    stopped = trials["score"].notna() & (trials["state"] != State.COMPLETE)
    for label, symbol, which in (
        ("stopped early", "circle-open", stopped),
        (f"no {escape(metric.name)}", "x-thin", trials["score"].isna()),
    ):
        if which.any():
            marker = _thin_marker(GREY, symbol, 8)
            yield {"x": [None], "y": [None], "mode": "markers", "marker": marker, "name": label}


def _thin_marker(colour: str, symbol: str, size: int) -> dict[str, Any]:
    line = {"color": colour, "width": 2}
    return {"color": colour, "symbol": symbol, "size": size, "line": line}


def _places(trials: pd.DataFrame, *, linked: bool) -> dict[str, Any]:
    """Return the places of the trials in the table, by which the page links them."""
    return {"customdata": trials.index.to_numpy(dtype="i4")} if linked else {}


def _hover(trials: pd.DataFrame, metric: Metric, *, linked: bool) -> dict[str, Any]:
    """Return the hover text of each trial: its number, result, energy and hyperparameters.

    Where the page's scripts tell of them, their places.
    """
    if linked:
        return {**_places(trials, linked=True), "hoverinfo": "text"}
    settings = [column for column in trials.columns if column.startswith("p.")]
    columns = ["strategy", "score", "energy_j", *_FACTS, *settings]
    texts = [_trial_text(row, settings, metric) for row in trials[columns].to_dict("records")]
    return {"hovertext": texts, "hoverinfo": "text"}


def _trial_text(row: dict[Any, Any], settings: list[str], metric: Metric) -> str:
    words = {
        name: escape(format_value(None if row[name] is pd.NA else row[name]))
        for name in (*_FACTS, *settings)
    }
    lines = [
        f"<b>{escape(str(row['strategy']))}</b> seed {words['seed']}, trial {words['trial']}: "
        f"{words['state']}",
        f"{escape(metric.name)} {format_score(row['score'], metric)}, "
        f"{format_energy(row['energy_j'])} {words['energy_kind']}, epochs {words['epochs']}",
        *(
            f"{escape(name.removeprefix('p.'))} = {words[name]}"
            for name in settings
            if words[name] != UNAVAILABLE
        ),
    ]
    return "<br>".join(lines)
