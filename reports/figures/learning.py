"""Learning curves: the score of single trials against their joules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...models.outcome import State
from ..format import format_energy, format_score
from .axes import GREY, compact, energy_title, hover
from .chart import Chart
from .scales import scale_of

if TYPE_CHECKING:
    from .chart import Drawing
    from .palette import Look
    from .scales import Scale

MOST_CURVES = 120
"""Faint curves that a figure draws, of all strategies together."""
_MOST_POINTS = 30
_KEY = ["run", "trial"]


def learning_chart(
    trials: pd.DataFrame, curves: pd.DataFrame, drawing: Drawing, length: int | None = None
) -> Chart:
    """Draw validation scores by the joules of their trial.

    The best trial of each strategy is drawn strong, a seeded sample of the others faint. A cross
    ends what was pruned. A line of dashes joins the medians of the trials that were trained to
    their end at the epoch ``length``, if one is given.
    """
    known = curves[(curves["energy_j"] > 0) & curves["score"].notna()]
    facts = trials[[*_KEY, "strategy", "state", "score"]].drop_duplicates(_KEY)
    points = known.merge(facts, on=_KEY, suffixes=("", "_final"))
    count = points.drop_duplicates(_KEY)["run"].size
    scale = scale_of(points["score"], drawing.metric)
    share = MOST_CURVES // max(len(drawing.looks), 1)
    traces, drawn = [], 0
    for name, look in drawing.looks.items():
        own = points[points["strategy"] == name]
        if own.empty:
            continue
        best, others = _chosen(own, share, drawing)
        drawn += len(others) + 1
        traces += [
            {**drawing.entry(name), **trace} for trace in _curves(own, best, others, look, scale)
        ]
    middle = (
        ""
        if length is None
        else (
            " The grey line joins the medians of the trials that were trained to their end at "
            f"epoch {length}."
        )
    )
    if length is not None:
        traces.append(_median(points, scale, length))
    kinds = trials.merge(known[_KEY].drop_duplicates(), on=_KEY)
    title = energy_title("energy of the trial, without its search", kinds)
    name = drawing.metric.name
    return Chart(
        f"learning-{drawing.number}",
        "Learning curves",
        f"Validation {name} after each epoch against the joules that the trial had spent by then. "
        "The best trial of each strategy is drawn strong, others faint; a cross ends a trial that "
        f"was pruned.{middle}",
        f"Lines of validation {name} against joules of single trials: {drawing.listed}.",
        scale.figure(traces, points["energy_j"], title, "No epoch has joules and a score."),
        [f"Drawn: {drawn:,} of {count:,} trials."] if drawn < count else [],
        entries=len(drawing.looks) + 1,
    )


def _chosen(own: pd.DataFrame, share: int, drawing: Drawing) -> tuple[Any, list[Any]]:
    """The trial of the best final score, and a sample of the others."""
    final = own.drop_duplicates(_KEY).set_index(_KEY)["score_final"].astype(float)
    turned = pd.Series(drawing.metric.oriented(final.to_numpy()), index=final.index)
    best = turned.idxmax() if turned.notna().any() else turned.index[0]
    rest = [key for key in final.index if key != best]
    if len(rest) > share:
        chosen = np.random.default_rng(0).choice(len(rest), share, replace=False)
        rest = [rest[at] for at in sorted(chosen)]
    return best, rest


def _curves(
    own: pd.DataFrame, best: Any, others: list[Any], look: Look, scale: Scale
) -> list[dict[str, Any]]:
    """The faint curves as one trace, their pruned ends, and the strong one."""
    of_trial = dict(iter(own.groupby(_KEY, sort=False)))
    x, y, ends = [], [], []
    for key in others:
        rows = _thin(of_trial[key])
        x += [*compact(rows["energy_j"]).tolist(), None]
        y += [*compact(scale.place(rows["score"])).tolist(), None]
        if rows["state"].iloc[-1] == State.PRUNED:
            ends.append((x[-2], y[-2]))
    strong = _thin(of_trial[best])
    line = {"color": look.colour, "dash": look.dash}
    faint = {"color": look.faint(0.25), "width": 1}
    size = 9 if len(strong) < 20 else 6
    return [
        {"x": x, "y": y, "mode": "lines", "line": faint, "hoverinfo": "skip", "showlegend": False},
        {
            "x": [end[0] for end in ends],
            "y": [end[1] for end in ends],
            "mode": "markers",
            "marker": {"symbol": "x-thin", "size": 6, "line": {"color": look.colour, "width": 1}},
            "opacity": 0.6,
            "hoverinfo": "skip",
            "showlegend": False,
        },
        {
            **scale.points(strong),
            "mode": "lines+markers",
            "line": {**line, "width": 2.5},
            "marker": {"color": look.colour, "symbol": look.symbol, "size": size},
            **hover(
                str(strong["strategy"].iloc[0]),
                (
                    f"epoch {epoch}: {format_score(score, scale.metric)} after "
                    f"{format_energy(energy_j)}"
                    for epoch, score, energy_j in strong[["epoch", "score", "energy_j"]].itertuples(
                        index=False
                    )
                ),
            ),
        },
    ]


def _median(points: pd.DataFrame, scale: Scale, length: int) -> dict[str, Any]:
    ends = points.groupby(_KEY)["epoch"].transform("max")
    whole = points[(ends == length) & (points["state"] == State.COMPLETE)]
    middle = _thin(whole.groupby("epoch")[["energy_j", "score"]].median().reset_index())
    return {
        **scale.points(middle),
        "mode": "lines",
        "line": {"color": GREY, "width": 3, "dash": "7px,4px"},
        "name": "median",
        "hoverinfo": "skip",
    }


def _thin(rows: pd.DataFrame) -> pd.DataFrame:
    """At most so many of the rows, both ends included."""
    if len(rows) <= _MOST_POINTS:
        return rows
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, _MOST_POINTS).round().astype(int))]
