"""What the runs of a table had found and spent when, and the energy at which they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..statistics.runs import AnytimeCurves
from .facts import Basis
from .orientation import oriented

if TYPE_CHECKING:
    from ..tables.table import Table

COLUMNS = ["run", "strategy", "state", "score", "test_score", "energy_j"]
"""What the numbers of a group are read off."""


def timeline(table: Table) -> AnytimeCurves:
    """Return the anytime curves of the runs of a table, of oriented scores.

    They have one row per slice, in order of completion, or per trial where the table has no slices,
    then what runs spent on no trial. A run without any trial has one row, so that it is compared
    with the others.
    """
    rows = table.rows_in_time[COLUMNS]
    if table.runs is not None:
        tried = table.runs["run"].isin(rows["run"].unique())
        rest = table.runs[~tried | (table.runs["unplaced_j"] != 0)]  # those of unknown joules too
        closing = rest[["run", "strategy"]].assign(energy_j=rest["unplaced_j"])
        if len(closing):
            rows = pd.concat([rows, closing.reindex(columns=COLUMNS)], ignore_index=True)
    return AnytimeCurves.of(oriented(rows, table.metric))


def common_energy(table: Table, curves: AnytimeCurves) -> tuple[float, Basis]:
    """Return the joules at which the runs of a table are compared, and what they are.

    Where the table knows allotments: the smallest one. A run that is over had all of its own, even
    where the rest fitted no trial; an overdraft, below a hundredth, counts as within. While a run
    is not over, all are compared at what it has spent. A run whose joules are unknown limits
    nothing. Where there are none: the smallest known total of a run. NaN if no total is known.
    """
    if table.runs is None or table.runs["allotment_j"].isna().all():
        return curves.common_j, "smallest total"
    runs = table.runs.set_index("run")
    allotted_j = runs["allotment_j"].astype(float)
    smallest_j = float(allotted_j.min())
    spent_j = curves.totals_j.reindex(runs.index)
    over = runs["end"].notna()
    had_j = spent_j.where(~over, np.maximum(allotted_j, spent_j))[spent_j.notna()]
    if had_j.empty:
        return smallest_j, "allotment"
    if had_j.min() < smallest_j:
        return float(had_j.min()), "interrupted"
    return float(had_j[allotted_j == smallest_j].max()), "allotment"


def allotment(table: Table) -> float | None:
    """Return the joules that each run may spend; None if unknown, or if they differ."""
    known = [] if table.runs is None else table.runs["allotment_j"].dropna().unique()
    return float(known[0]) if len(known) == 1 else None
