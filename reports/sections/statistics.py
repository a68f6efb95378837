"""What the runs say: strategies side by side, and who wins by what."""

from __future__ import annotations

from ...benchmarks.analysis import wording
from .. import tables
from .section import Section, Subject


def statistics_section(subject: Subject) -> Section | None:
    """Show what each strategy reached and spent, and the tests over runs."""
    facts = subject.facts
    grid = tables.strategies_grid if subject.searched else tables.cells_grid
    contested = subject.searched and facts.is_scored and len(facts.strategies) > 1
    return Section(
        f"statistics-{subject.number}-section",
        "Statistics" if subject.searched else "Cell by cell",
        template="statistics",
        content={
            "anchor": f"group-{subject.number}",
            "strategies": grid(facts),
            "criteria": tables.criteria_grid(facts) if contested else None,
            "basis": wording.basis(facts),
            "tied": any(facts.ties.all),
            "searched": subject.searched,
        },
    )
