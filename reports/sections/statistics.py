"""What the runs say: strategies side by side, who wins by what, and who cannot be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...benchmarks.analysis import naming, wording
from ...benchmarks.analysis.apart import apart_sentence, told_apart
from ...benchmarks.analysis.standing import ranks_over_joules
from .. import tables
from ..figures.standing import standing_chart
from ..pairings import pairs_grid
from .section import Section, Subject

if TYPE_CHECKING:
    from ..figures.chart import Chart

MOST_RANKED = 24
"""Groups of which the ranks over joules are drawn."""


def statistics_section(subject: Subject) -> Section | None:
    """Show what each strategy reached and spent, and the tests over runs."""
    facts = subject.facts
    grid = tables.strategies_grid if subject.searched else tables.cells_grid
    contested = subject.searched and facts.is_scored and len(facts.strategies) > 1
    return Section(
        f"statistics-{subject.number}-section",
        "Statistics" if subject.searched else "Cell by cell",
        template="statistics",
        charts=_standing(subject) if contested else (),
        content={
            "anchor": f"group-{subject.number}",
            "strategies": grid(facts),
            "further": tables.further_grid(facts) if subject.searched else None,
            "criteria": tables.criteria_grid(facts) if contested else None,
            "apart": _apart(subject) if contested else [],
            "basis": wording.basis(facts),
            "tied": any(facts.ties.all),
            "searched": subject.searched,
        },
    )


def _standing(subject: Subject) -> list[Chart]:
    """The rank of each strategy over joules, where runs go on and figures are drawn."""
    if subject.number >= MOST_RANKED or subject.table.rows_in_time["run"].is_unique:
        return []
    ranks = ranks_over_joules(subject.table, subject.facts.common_j)
    if not ranks.notna().any(axis=None):
        return []
    return [standing_chart(ranks, subject.trials, subject.drawing)]


def _apart(subject: Subject) -> list[dict[str, Any]]:
    """By each of the two findings of which anything is concluded: who is apart, and all pairs."""
    facts = subject.facts
    verdict, tests = facts.verdict, facts.tests
    found = []
    for title, finding, test, in_joules in (
        (f"By {facts.metric.name} at equal energy", verdict.budget, tests.at_end, False),
        (
            f"By joules to {naming.target_score(facts)}",
            verdict.target,
            tests.energy_to_target,
            True,
        ),
    ):
        apart = told_apart(finding, test)
        found.append(
            {
                "title": title,
                "sentence": apart_sentence(finding, test, apart, facts.strategies),
                "pairs": pairs_grid(test, apart),
                "in_joules": in_joules,
            }
        )
    return [each for each in found if each["sentence"]]
