"""How long runs need for a target, in joules: the share that has not reached it yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...benchmarks.analysis import naming
from ...benchmarks.statistics.survival import survival_curve
from .axes import GREY
from .chart import Chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from .chart import Drawing
    from .palette import Look
    from .reaching import Reaching


def survival_chart(reaching: Reaching, drawing: Drawing) -> Chart:
    """Draw the share of runs that have not reached the target by so many joules.

    A strategy of which the joules of any run are not known has no line.
    """
    reached = reaching.curves.energy_to_target(reaching.target)
    runs = {str(name): own for name, own in reached.groupby("strategy", sort=False)}
    unknown = [name for name, own in runs.items() if own["energy_j"].isna().any()]
    traces = [
        {**drawing.entry(name), **trace, "meta": {"strategy": name, **trace["meta"]}}
        for name, look in drawing.looks.items()
        if name in runs
        for trace in _traces(None if name in unknown else runs[name], reaching.ends_j[0], look)
    ]
    if traces:
        traces.append(_ended())
    target = naming.named(reaching.metric.oriented(reaching.target), reaching.metric)
    return Chart(
        f"survival-{drawing.number}",
        "Runs that have not reached the target",
        "The share of a strategy's runs that have not reached the target by so many joules, as "
        "Kaplan and Meier estimate it: the sooner a line falls, the better. A tick is a run that "
        "ended without it; its line goes on with those that are left.",
        f"Step lines of the share of runs that have not reached {target}, against joules: "
        f"{drawing.listed}.",
        reaching.figure(traces, "runs still short of the target"),
        reaching.notes(unknown, drawing),
        entries=len(drawing.looks),
    )


def _traces(runs: pd.DataFrame | None, start_j: float, look: Look) -> Iterator[dict[str, Any]]:
    """Yield the line of a strategy and the ticks on it; without points where joules are unknown."""
    x, y, ticks = [], [], np.zeros(0, dtype=bool)
    if runs is not None:
        curve = survival_curve(runs["energy_j"], runs["hit"])
        x, y = curve["energy_j"].to_numpy(), curve["share"].to_numpy()
        ticks = curve["censored"].to_numpy() > 0
    yield {
        "x": np.append(start_j, x) if len(x) else [],
        "y": np.append(1.0, y) if len(x) else [],
        "mode": "lines",
        "line": look.steps(),
        "hovertemplate": "<b>%{fullData.name}</b><br>%{y:.0%} of its runs not yet, "
        "after %{x:.3s}J<extra></extra>",
        "meta": {"part": "line"},
    }
    yield {
        "x": np.asarray(x)[ticks] if len(x) else [],
        "y": np.asarray(y)[ticks] if len(x) else [],
        "mode": "markers",
        "marker": _tick(look.colour),
        "hovertemplate": "<b>%{fullData.name}</b><br>a run ended without it after %{x:.3s}J"
        "<extra></extra>",
        "showlegend": False,
        "meta": {"part": "censored"},
    }


def _tick(colour: str) -> dict[str, Any]:
    return {"symbol": "line-ns", "size": 12, "line": {"color": colour, "width": 2}}


def _ended() -> dict[str, Any]:
    """Return the entry of the legend that explains the ticks."""
    name = "ended without it"
    return {"x": [None], "y": [None], "mode": "markers", "marker": _tick(GREY), "name": name}
