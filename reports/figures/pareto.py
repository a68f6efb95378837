"""What a trial buys: score against energy of every trial, and the front of each strategy."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...benchmarks.analysis import naming
from ...benchmarks.statistics.runs import floats, pareto_front
from ...models.metric import ACCURACY, Metric
from ...models.outcome import RESULTS, State
from ..format import UNAVAILABLE, format_energy, format_score, format_value
from .axes import GREY, energy_title, fill_columns
from .chart import Chart, energy_notes
from .scales import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .chart import Drawing
    from .palette import Look
    from .scales import Scale

_FACTS = ["seed", "trial", "state", "energy_kind", "epochs"]


def pareto_chart(trials: pd.DataFrame, drawing: Drawing) -> Chart:
    """Draw every trial's validation score against its energy, and each strategy's front.

    Trials that were stopped early have open markers; those without a score lie as crosses on the
    worse edge. A front is made of trials whose score is a result.
    """
    trials, metric = fill_columns(trials), drawing.metric
    drawn = thin_trials(trials, drawing.most, metric)
    whole = len(drawn) == len(trials)
    table = drawn[drawn["energy_j"] > 0]
    scale = scale_of(table["score"], metric)
    traces = [
        {**drawing.entry(name), "showlegend": False, **trace}
        for name, look in drawing.looks.items()
        for own in [table[table["strategy"] == name]]
        if len(own)
        for trace in _strategy(own, look, scale, hover=whole and drawing.hover)
    ]
    traces += _marks(table, metric)
    title = energy_title("energy of the trial", table)
    figure = scale.figure(traces, table["energy_j"], title, "No trial has an energy to draw.")
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False})
    left_out = (
        f"Drawn: {len(drawn):,} of {len(trials):,} trials, all fronts and a random sample of "
        "the others."
    )
    return Chart(
        f"pareto-{drawing.number}",
        "What a trial buys",
        "Each mark is one trial. The stepped line joins the trials of a strategy that no other of "
        f"its trials beats at the same or lower energy: {'up' if metric.maximised else 'down'} and "
        "to the left is better.",
        f"Scatter of {naming.validation(metric)} against energy of every trial, with the Pareto "
        f"front of each strategy: {drawing.listed}.",
        figure,
        [*([] if whole else [left_out]), *energy_notes(trials), *drawing.notes(trials)],
        entries=len(drawing.looks),
    )


def thin_trials(trials: pd.DataFrame, most: int, metric: Metric = ACCURACY) -> pd.DataFrame:
    """Return the trials that a scatter draws: every front, and a seeded sample of the others.

    Args:
        trials: The trial table.
        most: Trials that may be drawn; each strategy gets an equal share of what the fronts leave.
        metric: What the scores are of.

    Returns:
        All trials where they are few enough; else more than ``most`` only where the fronts are.
    """
    if len(trials) <= most:
        return trials
    front = np.zeros(len(trials), dtype=bool)
    energy_j = floats(trials["energy_j"])
    score = floats(trials["score"].where(trials["state"].isin(RESULTS)))
    codes, names = pd.factorize(trials["strategy"])
    for code in range(len(names)):
        own = np.flatnonzero(codes == code)
        front[own[pareto_front(energy_j[own], metric.oriented(score[own]))]] = True
    share = max(most - int(front.sum()), 0) // len(names)
    shuffled = np.random.default_rng(0).permutation(np.flatnonzero(~front))
    place = pd.Series(codes[shuffled]).groupby(codes[shuffled]).cumcount().to_numpy()
    return trials[front | np.isin(np.arange(len(trials)), shuffled[place < share])]


def _strategy(
    trials: pd.DataFrame, look: Look, scale: Scale, *, hover: bool
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
        **_hover(placed, metric, hover),
    }
    yield {
        "x": lost["energy_j"].astype("f4"),
        "y": np.full(len(lost), 0.025 if metric.maximised else 0.975, dtype="f4"),
        "yaxis": "y2",
        "mode": "markers",
        "marker": _thin_marker(colour, "x-thin", 7),
        **_hover(lost, metric, hover),
    }
    front = placed[placed["state"].isin(RESULTS)]
    front = front[pareto_front(front["energy_j"], metric.oriented(front["score"]))]
    front = front.drop_duplicates(["energy_j", "score"]).sort_values("energy_j")
    yield {
        **scale.points(front),
        "mode": "lines+markers",
        "line": look.steps(width=2),
        "marker": {"color": colour, "symbol": look.symbol, "size": 9},
        **_hover(front, metric, not hover),
        "showlegend": True,
    }


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


def _hover(trials: pd.DataFrame, metric: Metric, hover: bool) -> dict[str, Any]:
    """Return the hover text of each trial: its number, result, energy and hyperparameters."""
    if not hover:
        return {"hoverinfo": "skip"}
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
