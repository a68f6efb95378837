"""The tables over all groups: who wins where and how often, and what the joules are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..benchmarks.analysis.wording import label
from ..benchmarks.tables.table import counted
from .content import joules_by_kind
from .format import UNAVAILABLE, format_energy, format_score
from .tables import Cell, Grid, Row, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.analysis.facts import Finding, GroupFacts, Ranks
    from ..benchmarks.tables.table import Table


def shown_ranks(analysis: Analysis) -> dict[str, Ranks]:
    """Return the mean ranks by criterion, where there are three strategies or more to rank."""
    found = {"equal_energy": analysis.ranks.equal_energy, "anytime": analysis.ranks.anytime}
    return {what: ranks for what, ranks in found.items() if ranks and len(ranks.strategies) > 2}


def groups_grid(groups: Sequence[GroupFacts]) -> Grid:
    """Return who wins each group; the names lead to the groups."""
    supported = "supported by the runs?"
    heads = ["best at equal energy", supported, "fewest joules to target", supported]
    heads.append("best anytime")
    rows = [
        Row(label(group.by), _group_cells(group), link=f"group-{number}")
        for number, group in enumerate(groups)
    ]
    return Grid(["group", "trials", "compared at", *heads], rows, set(heads))


def _group_cells(group: GroupFacts) -> list[Cell]:
    budget, target = group.verdict.budget, group.verdict.target
    level = group.strategies[budget.winner].level if budget.winner else None
    ert_j = group.strategies[target.winner].energy_to_target.ert_j if target.winner else None
    return [
        Cell(f"{group.trials:,}", f"in {counted(group.runs, 'run')}"),
        Cell(format_energy(group.common_j)),
        Cell(budget.winner or "none", format_score(level, group.metric) if budget.winner else ""),
        _support(budget),
        Cell(target.winner or "none", format_energy(ert_j) if target.winner else ""),
        _support(target),
        Cell(group.winners.anytime or "none"),
    ]


def _support(finding: Finding) -> Cell:
    """Return whether the runs support a finding."""
    if finding.winner is None:
        return Cell(UNAVAILABLE)
    if not finding.supported:
        return Cell("may be chance", badge="wait")
    against = "against the others together" if finding.over == "together" else ""
    return Cell("supported", against, badge="yes")


def counts_columns(analysis: Analysis) -> dict[str, Mapping[str, int]]:
    """Return how many groups each strategy won, by criterion; one that nobody wins is left out."""
    counts = analysis.counts
    criteria = {
        **{f"best at {share(f)} of the energy": won for f, won in counts.equal_energy.items()},
        "fewest joules to target": counts.energy_to_target,
        "best anytime": counts.anytime,
    }
    return {what: won for what, won in criteria.items() if won}


def counts_grid(analysis: Analysis, names: Sequence[str]) -> Grid:
    """Return how many groups each strategy wins by each criterion, and its mean rank."""
    columns, ranks = counts_columns(analysis), shown_ranks(analysis).get("equal_energy")
    rows = []
    for name in names:
        cells = [_won(won.get(name, 0), max(won.values())) for won in columns.values()]
        if ranks:
            rank, best = ranks.strategies.get(name), min(ranks.strategies.values())
            text = UNAVAILABLE if rank is None else f"{rank:.2f}"
            cells.append(Cell(text, mark="won" if rank == best else ""))
        rows.append(Row(name, cells, name))
    heads = [f"groups won, of {len(analysis.groups)}", *columns]
    return Grid([*heads, *(["mean rank at equal energy"] if ranks else [])], rows)


def _won(count: int, most: int) -> Cell:
    return Cell(str(count), mark="none" if not count else "won" if count == most else "")


def energies_grid(table: Table, names: Sequence[str], what: tuple[str, str]) -> Grid:
    """Return what the joules of each strategy are, kind by kind; once for all where alike.

    Args:
        table: A trial table.
        names: Its strategies.
        what: What one of them is called, and several.
    """
    found = {name: joules_by_kind(table.trials[table.trials["strategy"] == name]) for name in names}
    rows = [
        Row(name, _energy(*each), name) for name, of_kinds in found.items() for each in of_kinds
    ]
    if len({each[0] for of_kinds in found.values() for each in of_kinds}) == 1 and len(rows) > 1:
        rows = [Row(f"all {what[1]}", _energy(*each)) for each in joules_by_kind(table.trials)]
    return Grid([what[0], "kind of energy", "trials", "joules in all"], rows, {"kind of energy"})


def _energy(kind: str, count: int, joules: float) -> list[Cell]:
    return [Cell(kind), Cell(f"{count:,}"), Cell(format_energy(joules))]
