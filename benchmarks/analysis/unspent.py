"""Runs that ended before their joules were spent: all words about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...energy.quantities import format_energy
from ...tuners.registry import with_ability
from .naming import some_of

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.table import Table

NO_WORK, SPENT = "no work", "spent"
"""The ends of a run whose strategy had nothing left to propose, and of one whose joules fit nothing
more."""
UNSPENT = 0.05
"""A share of its allotment that a run left is told above."""


def unspent(table: Table) -> list[str]:
    """Say which strategies ended runs before their joules were spent, why, and what they left."""
    from .timeline import timeline

    if table.runs is None or not table.runs["end"].isin([NO_WORK, SPENT]).any():
        return []
    runs = table.runs.fillna({"message": ""})
    spent_j = timeline(table).totals_j.reindex(runs["run"]).to_numpy()
    runs = runs.assign(left_j=runs["allotment_j"].astype(float) - spent_j)
    runs["left_j"] = runs["left_j"].clip(lower=0.0)
    share = runs["left_j"] / runs["allotment_j"].astype(float)
    found = []
    ended = runs[(runs["end"] == NO_WORK) & ~(share <= UNSPENT)]
    for (_, why), own in ended.groupby(["strategy", "message"], sort=False):
        which = _which(own, runs)
        saved = f": {left}" if (left := _not_spent(own)) else ""
        found.append(f"{which} ended with no more work{f' ({why})' if why else ''}{saved}.")
    for _, own in runs[(runs["end"] == SPENT) & (share > UNSPENT)].groupby("strategy", sort=False):
        # The messages have amounts of their own run.
        most = own.nlargest(1, "left_j").iloc[0]
        why = most["message"]
        told = why if why and len(own) == 1 else _not_spent(own)
        if why and len(own) > 1:
            told += f"; of {most['run']} {why}"
        found.append(f"{_which(own, runs)} ended early: {told}.")
    return found


def _which(own: pd.DataFrame, runs: pd.DataFrame) -> str:
    """Runs of one strategy, by name where it has but one."""
    strategy = own["strategy"].iloc[0]
    of = int((runs["strategy"] == strategy).sum())
    return own["run"].iloc[0] if of == 1 else f"{len(own)} of {of} runs of {strategy}"


def _not_spent(own: pd.DataFrame) -> str:
    """How many joules runs left; nothing if that is not known."""
    left_j, allotted_j = (float(own[name].sum(skipna=False)) for name in ("left_j", "allotment_j"))
    if math.isnan(left_j):
        return ""
    return f"{format_energy(left_j)} of {format_energy(allotted_j)} were not spent"


def stop_early_notes(worth: float, strategies: Sequence[str]) -> list[str]:
    """Say which strategies judge what is worth its joules, and that the others spend theirs.

    Nothing is said where none is known to, as of a run folder whose strategies have other abilities
    in this version.
    """
    able = with_ability("stops_early", strategies)
    if not able:
        return []
    others = [name for name in strategies if name not in able]
    ends = "end a run" if len(able) > 1 else "ends a run"
    told = f"{some_of(able)} {ends} when nothing promises {worth:g} for the whole budget"
    spend = "spend theirs" if len(others) > 1 else "spends its own"
    return [f"{told}; {some_of(others)} {spend}." if others else f"{told}."]
