"""What half of the runs attain: the median attainment surface of each strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ...benchmarks.statistics.attainment import attainment_surface
from ..format import format_energy, format_percent
from .axes import AccuracyScale, energy_title, fill_columns, hover
from .chart import Chart

if TYPE_CHECKING:
    from .chart import Drawing


def attainment_chart(trials: pd.DataFrame, drawing: Drawing) -> Chart:
    """Draw the median attainment surfaces in energy and accuracy of a trial.

    A strategy of whose runs less than half attained anything has no line.
    """
    table = fill_columns(trials)
    table = table[table["energy_j"] > 0]
    surfaces = {
        str(name): attainment_surface(own, levels=[0.5])
        for name, own in table.groupby("strategy", sort=False)
    }
    corners = pd.concat(surfaces.values()) if surfaces else attainment_surface(table)
    scale = AccuracyScale.of(corners["score"])
    traces = [
        {
            **drawing.entry(name),
            **scale.points(surfaces[name]),
            "line": look.steps(),
            "mode": "lines+markers",
            "marker": {"color": look.colour, "symbol": look.symbol, "size": 6},
            **hover(name, map(_attained, surfaces[name]["energy_j"], surfaces[name]["score"])),
        }
        for name, look in drawing.looks.items()
        if name in surfaces and len(surfaces[name])
    ]
    title = energy_title("energy of the trial", table)
    notice = "No strategy has a result in half of its runs."
    return Chart(
        f"attainment-{drawing.number}",
        "What half of the runs attain",
        "A run attains a point if one of its trials is as accurate for no more joules. Below and "
        "to the right of a line lies what at least half of a strategy's runs attain.",
        f"Median attainment surfaces in energy and accuracy of a trial: {drawing.listed}.",
        scale.figure(traces, corners["energy_j"], title, notice),
        drawing.notes(table),
        entries=len(drawing.looks),
    )


def _attained(energy_j: float, score: float) -> str:
    at_least, at_most = format_percent(score), format_energy(energy_j)
    return f"half of its runs have a trial of {at_least} or more for {at_most} or less"
