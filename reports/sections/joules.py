"""Where the joules went."""

from __future__ import annotations

from ..figures.phases import phases_chart
from ..figures.spread import spread_chart
from .section import Section, Subject

MOST_CELLS = 24
"""Cells of a study up to which all trials are drawn, and half of that by their phases."""


def joules_section(subject: Subject) -> Section | None:
    """Show what runs or cells took, and on what."""
    if not subject.is_drawn:
        return None
    trials, drawing = subject.trials, subject.drawing
    single = subject.table.rows_in_time["run"].is_unique  # no run goes on after its first trial
    charts = []
    if single or not subject.is_scored or not subject.searched:
        charts.append(spread_chart(trials, drawing))
    few = subject.searched or len(subject.facts.strategies) <= MOST_CELLS // 2
    if subject.has_phases and few and (subject.is_scored or not subject.searched):
        charts.append(phases_chart(trials, drawing))
    if not charts:
        return None
    return Section(f"joules-{subject.number}-section", "Where the joules went", charts=charts)
