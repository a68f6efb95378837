"""Where the joules went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...benchmarks.analysis.facts import number
from .. import content
from ..figures.components import components_chart
from ..figures.phases import phases_chart
from ..figures.spread import spread_chart
from ..figures.waterfall import waterfall_charts
from .section import Section, Subject

if TYPE_CHECKING:
    from ..figures.chart import Chart

MOST_CELLS = 24
"""Cells of a study up to which all trials are drawn, and half of that by their phases."""


def joules_section(subject: Subject) -> Section | None:
    """Show what runs or cells took, and on what."""
    if not subject.is_drawn:
        return None
    charts = {**(_waterfalls(subject) if subject.searched else {}), **_shares(subject)}
    if not charts:
        return None
    return Section(
        f"joules-{subject.number}-section",
        "Where the joules went",
        charts=list(charts.values()),
        switch=list(charts) if subject.searched and len(charts) > 1 else (),
    )


def _waterfalls(subject: Subject) -> dict[str, Chart]:
    """All joules of the runs, and those of each component."""
    table = subject.table
    unplaced_j = 0.0
    if table.runs is not None:
        unplaced_j = number(table.runs["unplaced_j"].astype(float).sum(skipna=False))
    single = len(subject.analysis.groups) == 1
    effort = content.work(table) if single else None
    beside = {} if effort is None else {each.what: each.energy_j for each in effort.overhead}
    found = waterfall_charts(subject.trials, subject.number, unplaced_j, beside)
    charts = {
        "In all" if len(found) == 1 else f"In all, {kind}": each for kind, each in found.items()
    }
    by_component = components_chart(subject.trials, subject.number, content.component_kinds(table))
    return charts if by_component is None else {**charts, "By component": by_component}


def _shares(subject: Subject) -> dict[str, Chart]:
    """The joules of each strategy, by phase and trial by trial."""
    trials, drawing = subject.trials, subject.drawing
    single = subject.table.rows_in_time["run"].is_unique  # no run goes on after its first trial
    charts = {}
    if single or not subject.is_scored or not subject.searched:
        charts["Trial by trial"] = spread_chart(trials, drawing)
    few = subject.searched or len(subject.facts.strategies) <= MOST_CELLS // 2
    if subject.has_phases and few and (subject.is_scored or not subject.searched):
        charts["By strategy"] = phases_chart(trials, drawing)
    return charts
