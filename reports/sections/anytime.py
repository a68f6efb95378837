"""What a run has found by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...benchmarks.analysis.runs import carbon_intensity
from ...benchmarks.statistics.runs import AnytimeCurves
from ..figures.anytime import anytime_chart
from ..figures.spending import JOULES, SECONDS, Spending, grams_of
from .section import Section, Subject

if TYPE_CHECKING:
    import pandas as pd


def anytime_section(subject: Subject) -> Section | None:
    """Show the best score so far against what the run has spent, where runs go on.

    It is counted in joules; in seconds too where trials have a wall time, and in grams where the
    experiment names a place.
    """
    slices = subject.table.rows_in_time
    if not subject.is_scored or slices["run"].is_unique or subject.scored_slices.empty:
        return None
    ways = [JOULES, SECONDS]
    grid = carbon_intensity(subject.table)
    if grid is not None:
        ways.append(grams_of(grid))
    ways = [way for way in ways if way is JOULES or _is_known(slices, way)]
    target = subject.facts.target.score
    return Section(
        f"anytime-{subject.number}-section",
        "Anytime performance",
        charts=[anytime_chart(slices, subject.drawing, target, way) for way in ways],
        switch=[way.name for way in ways] if len(ways) > 1 else (),
    )


def _is_known(slices: pd.DataFrame, way: Spending) -> bool:
    """Whether it is known what any run had spent when it had a result."""
    curves = AnytimeCurves.of(slices.assign(energy_j=way.of(slices)))
    return bool(((curves.energy_j > 0) & np.isfinite(curves.score)).any())
