"""The tables over all groups: who wins where and how often, and what the joules are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .findings import group_name, joules_by_kind, level, ranks_of
from .format import UNAVAILABLE, format_energy, format_percent
from .tables import Cell, Grid, Row, counted, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..benchmarks.tables.table import Table
    from .tables import Facts


def groups_grid(groups: Sequence[Facts]) -> Grid:
    """Return who wins each group; the names lead to the groups."""
    rows = []
    for number, group in enumerate(groups):
        winners, winner = group["winners"], group["verdict"]["winner"]
        entry = group["strategies"].get(winner)
        supported = group["verdict"]["supported"]
        rows.append(
            Row(
                group_name(group),
                [
                    Cell(f"{group['trials']:,}", f"in {counted(group['runs'], 'run')}"),
                    Cell(format_energy(group["common_j"])),
                    Cell(winner or "none", format_percent(level(entry)) if entry else ""),
                    Cell(
                        "supported" if supported else "may be chance",
                        badge="yes" if supported else "wait",
                    )
                    if winner
                    else Cell(UNAVAILABLE),
                    Cell(winners["energy_to_target"] or "none"),
                    Cell(winners["anytime"] or "none"),
                ],
                link=f"group-{number}",
            )
        )
    best = [
        "best at equal energy",
        "do the runs support it?",
        "fewest joules to target",
        "best anytime",
    ]
    return Grid(["group", "trials", "energy all runs had", *best], rows, set(best))


def counts_grid(analysis: Facts, names: Sequence[str]) -> Grid:
    """Return how many groups each strategy wins by each criterion, and its mean rank.

    A criterion by which nobody wins is left out.
    """
    counts, total = analysis["counts"], len(analysis["groups"])
    criteria = {
        **{f"best at {share(f)} of the energy": won for f, won in counts["equal_energy"].items()},
        "fewest joules to target": counts["energy_to_target"],
        "best anytime": counts["anytime"],
    }
    columns = {what: won for what, won in criteria.items() if won}
    ranks = ranks_of(analysis).get("equal_energy", {}).get("strategies", {})
    rows = []
    for name in names:
        cells = [_won(won.get(name, 0), max(won.values())) for won in columns.values()]
        if ranks:
            rank = ranks.get(name)
            text = UNAVAILABLE if rank is None else f"{rank:.2f}"
            cells.append(Cell(text, mark="won" if rank == min(ranks.values()) else ""))
        rows.append(Row(name, cells, name))
    heads = [f"groups won, of {total}", *columns, *(["mean rank at equal energy"] if ranks else [])]
    return Grid(heads, rows)


def _won(count: int, most: int) -> Cell:
    return Cell(str(count), mark="none" if not count else "won" if count == most else "")


def energies_grid(table: Table, names: Sequence[str]) -> Grid:
    """Return what the joules of each strategy are, kind by kind; once for all where alike."""
    found = {name: joules_by_kind(table.trials[table.trials["strategy"] == name]) for name in names}
    rows = [
        Row(name, _energy(*each), name) for name, of_kinds in found.items() for each in of_kinds
    ]
    if len({each[0] for of_kinds in found.values() for each in of_kinds}) == 1 and len(rows) > 1:
        rows = [Row("all strategies", _energy(*each)) for each in joules_by_kind(table.trials)]
    return Grid(["strategy", "kind of energy", "trials", "joules in all"], rows, {"kind of energy"})


def _energy(kind: str, count: int, joules: float) -> list[Cell]:
    return [Cell(kind), Cell(f"{count:,}"), Cell(format_energy(joules))]
