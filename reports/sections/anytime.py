"""What a run has found by then."""

from __future__ import annotations

from ..figures.anytime import anytime_chart
from .section import Section, Subject


def anytime_section(subject: Subject) -> Section | None:
    """Show the best score so far against what the run has spent, where runs go on."""
    slices = subject.table.rows_in_time
    if not subject.is_scored or slices["run"].is_unique or subject.scored_slices.empty:
        return None
    chart = anytime_chart(slices, subject.drawing, subject.facts.target.score)
    return Section(f"anytime-{subject.number}-section", "Anytime performance", charts=[chart])
