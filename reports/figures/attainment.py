"""What half of the runs attain: the median attainment surface of each strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ...benchmarks.analysis import naming
from ...benchmarks.analysis.orientation import oriented
from ...benchmarks.statistics.attainment import attainment_surface
from ..format import format_energy, format_score
from .axes import energy_title, fill_columns, hover
from .chart import Chart
from .scales import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...models.metric import Metric
    from .chart import Drawing


def attainment_chart(trials: pd.DataFrame, drawing: Drawing) -> Chart:
    """Draw the median attainment surfaces in energy and score of a trial.

    A strategy of whose runs less than half attained anything has no line.
    """
    table, metric = fill_columns(trials), drawing.metric
    table = table[table["energy_j"] > 0]
    surfaces = {
        str(name): oriented(attainment_surface(oriented(own, metric), levels=[0.5]), metric)
        for name, own in table.groupby("strategy", sort=False)
    }
    corners = pd.concat(surfaces.values()) if surfaces else attainment_surface(table)
    scale = scale_of(corners["score"], metric)
    traces = [
        {
            **drawing.entry(name),
            **scale.points(surfaces[name]),
            "line": look.steps(),
            "mode": "lines+markers",
            "marker": {"color": look.colour, "symbol": look.symbol, "size": 6},
            **hover(name, [_attained(metric, *corner) for corner in _corners(surfaces[name])]),
        }
        for name, look in drawing.looks.items()
        if name in surfaces and len(surfaces[name])
    ]
    title = energy_title("energy of the trial", table)
    notice = "No strategy has a result in half of its runs."
    return Chart(
        f"attainment-{drawing.number}",
        "What half of the runs attain",
        f"A run attains a point if one of its trials is {naming.as_good(metric)} for no more "
        f"joules. {'Below' if metric.maximised else 'Above'} and to the right of a line lies what "
        "at least half of a strategy's runs attain.",
        f"Median attainment surfaces in energy and {metric.name} of a trial: {drawing.listed}.",
        scale.figure(traces, corners["energy_j"], title, notice),
        drawing.notes(table),
        entries=len(drawing.looks),
    )


def _corners(surface: pd.DataFrame) -> Iterator[tuple[float, float]]:
    return zip(surface["energy_j"], surface["score"], strict=True)


def _attained(metric: Metric, energy_j: float, score: float) -> str:
    so_good = f"{format_score(score, metric)} or {'more' if metric.maximised else 'less'}"
    return f"half of its runs have a trial of {so_good} for {format_energy(energy_j)} or less"
