"""How many targets runs reach by so many joules: COCO's distribution function in joules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...benchmarks.analysis import naming
from ...benchmarks.statistics.survival import target_ecdf
from ..format import format_score
from .chart import Chart

if TYPE_CHECKING:
    from .chart import Drawing
    from .reaching import Reaching


def ecdf_chart(reaching: Reaching, drawing: Drawing) -> Chart:
    """Draw the share of pairs of a run and a target that are reached by so many joules.

    A strategy that found something after joules that are not known has no line.
    """
    metric, grid = reaching.metric, reaching.grid
    runs = reaching.curves.strategies.value_counts()
    start_j, end_j = reaching.ends_j
    unknown, traces = [], []
    for name, look in drawing.looks.items():
        if name not in runs.index:
            continue
        own = reaching.improvements[reaching.improvements["strategy"] == name]
        x, y = np.zeros(0), np.zeros(0)
        if own["energy_j"].isna().any():
            unknown.append(name)
        else:
            curve = target_ecdf(own, int(runs[name]), grid)
            last = curve["share"].iloc[-1:].sum()
            x = np.concatenate([[start_j], curve["energy_j"], [end_j]])
            y = np.concatenate([[0.0], curve["share"], [last]])
        traces.append(
            {
                **drawing.entry(name),
                "x": x,
                "y": y,
                "mode": "lines",
                "line": look.steps(),
                "hovertemplate": "<b>%{fullData.name}</b><br>%{y:.1%} of all pairs by %{x:.3s}J"
                "<extra></extra>",
                "meta": {"strategy": name, "part": "line"},
            }
        )
    ends = [format_score(metric.oriented(float(each)), metric) for each in (grid[0], grid[-1])]
    spaced = "the error" if metric.is_share else "what is left to the best"
    return Chart(
        f"ecdf-{drawing.number}",
        "Targets reached",
        f"The share of all pairs of a run and a target that are reached by so many joules. The "
        f"{len(grid)} targets go from {ends[0]}, the first result of the median run, to {ends[1]}, "
        f"the {naming.best(metric)}; each divides {spaced} by the same factor. A pair that no run "
        "reaches stays in the denominator.",
        f"Step lines of the share of pairs of a run and a target reached, against joules: "
        f"{drawing.listed}.",
        reaching.figure(traces, "pairs of run and target reached"),
        reaching.notes(unknown, drawing),
        entries=len(drawing.looks),
    )
