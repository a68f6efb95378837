"""What a joule buys above a floor of the score."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ...benchmarks.analysis import naming
from ..format import format_kinds, format_per_joule, format_score
from .axes import GREY, TEMPLATE, compact, fill_columns, hover, log_axis, say_if_empty
from .chart import Chart
from .scales import scale_of
from .spread import MOST_DOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from ...benchmarks.analysis.floors import Floors
    from ...models.metric import Metric
    from .chart import Drawing
    from .palette import Look
    from .scales import Scale


def floor_scale(floors: Floors, metric: Metric) -> Scale:
    """Fit the axis of floors to the scores of the trials, those of the steps of the lines."""
    return scale_of(np.concatenate([curve["score"] for curve in floors.curves.values()]), metric)


def per_joule_chart(
    floors: Floors, trials: pd.DataFrame, drawing: Drawing, floor: float | None = None
) -> Chart:
    """Draw the most score per joule of any trial above a floor against the floor, and the runs.

    Args:
        floors: What the trials and the runs of the group get per joule.
        trials: Its trials.
        drawing: How it is drawn.
        floor: The floor that is marked; None marks none.
    """
    metric = drawing.metric
    scale = floor_scale(floors, metric)
    traces = [
        {**drawing.entry(name), **trace}
        for name, look in drawing.looks.items()
        if name in floors.curves
        for trace in _strategy(floors, name, look, scale)
    ]
    if traces:
        marker = {"symbol": "circle-open", "size": 8, "color": GREY, "line": {"width": 2}}
        runs = {"x": [None], "y": [None], "mode": "markers", "marker": marker, "name": "a run"}
        traces.append(runs)
    values = np.concatenate([np.asarray(trace["y"], dtype=float) for trace in traces] or [[]])
    values = values[values > 0]
    kinds = format_kinds(fill_columns(trials)["energy_kind"].dropna().unique())
    title = escape(f"{naming.per_joule(metric)} (1/J, {kinds})")
    ends = (float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)
    axis = scale.axis()
    if "ticktext" in axis:  # side by side there is less room; the title has the unit
        axis["ticktext"] = [text.removesuffix(" %") for text in axis["ticktext"]]
    axis["title"] = {"text": f"floor: {axis['title']['text']}"}
    figure = go.Figure(
        data=[{"type": "scatter", **trace} for trace in traces],
        layout={
            "template": TEMPLATE,
            "xaxis": axis,
            "yaxis": log_axis(title, *ends),
            "hovermode": "closest",
            "shapes": [] if floor is None else [mark_at(float(scale.place(floor)))],
        },
    )
    return Chart(
        f"per-joule-{drawing.number}",
        f"{naming.per_joule(metric)} above a floor",
        f"A line is the most {metric.name} per joule of any trial of a strategy at or above the "
        f"floor; an open mark is a run: its {naming.best_validation(metric)} over all joules until "
        "it was found. What lies to the left of the floor does not count.",
        f"Step lines of the most {naming.per_joule(metric)} of a trial against the floor that it "
        f"was taken above, and a mark for each run: {drawing.listed}.",
        say_if_empty(figure, traces, "No trial has a score and joules above 0."),
        [*_left_out(floors), *drawing.notes(trials)],
        entries=len(drawing.looks),
    )


def mark_at(x: float) -> dict[str, Any]:
    """Return an upright line at a place of the axis."""
    line = {"color": GREY, "width": 1.5, "dash": "dot"}
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "line": line,
    }


def _strategy(floors: Floors, name: str, look: Look, scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield the line of a strategy and the marks of its runs."""
    metric, curve = scale.metric, floors.curves[name]
    curve = curve[curve["per_joule"] > 0]
    if len(curve):
        places, values = scale.place(curve["score"]), curve["per_joule"].to_numpy()
        texts = map(_trial, [metric] * len(curve), curve["score"], values)
        start = hover(name, [*texts])
        yield {
            "x": np.append(_worst(scale), places),
            "y": np.append(values[0], values),
            "mode": "lines",
            "line": {**look.steps(), "shape": "vh"},
            "hovertext": [start["hovertext"][0], *start["hovertext"]],
            "hoverinfo": "text",
        }
    runs = _sampled(floors.runs[floors.runs["strategy"] == name])
    texts = map(_run, [metric] * len(runs), runs.index, runs["score"], runs["per_joule"])
    yield {
        "x": compact(scale.place(runs["score"])),
        "y": compact(runs["per_joule"]),
        "mode": "markers",
        "marker": {
            "symbol": f"{look.symbol}-open",
            "size": 8,
            "color": look.colour,
            "line": {"width": 2},
        },
        "showlegend": not len(curve),
        **hover(name, texts),
    }


def _left_out(floors: Floors) -> list[str]:
    """Return a sentence for runs that are not drawn."""
    drawn = sum(len(_sampled(own)) for _, own in floors.runs.groupby("strategy"))
    known = int((floors.runs["per_joule"] > 0).sum())
    return [f"Drawn: {drawn:,} of {known:,} runs, a random sample."] if drawn < known else []


def _sampled(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that are drawn: of many, a seeded sample."""
    runs = runs[runs["per_joule"] > 0]
    return runs if len(runs) <= MOST_DOTS else runs.sample(MOST_DOTS, random_state=0)


def _worst(scale: Scale) -> float:
    """Where the axis of floors begins: the place of the worst score on it."""
    axis = scale.axis()
    begin = float(axis["range"][0])
    return 10.0**begin if axis["type"] == "log" else begin


def _trial(metric: Metric, score: float, per_joule: float) -> str:
    return f"a trial of {format_score(score, metric)}: {format_per_joule(per_joule)}"


def _run(metric: Metric, run: str, score: float, per_joule: float) -> str:
    so_good = format_score(score, metric)
    return f"run {escape(str(run))}, best {so_good}: {format_per_joule(per_joule)}"
