"""Runs that ended before their joules were spent: all words about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...energy.quantities import format_energy
from ...tuners.registry import with_ability
from .naming import some_of

if TYPE_CHECKING:
    from ..tables.table import Table

NO_WORK = "no work"
"""The end of a run whose strategy had nothing left to propose."""
UNSPENT = 0.05
"""A share of its allotment that a run left because its strategy had no more work is told above."""


def unspent(table: Table) -> list[str]:
    """Say which strategies ended runs before their joules were spent, why, and what they left."""
    from .timeline import timeline

    if table.runs is None or NO_WORK not in set(table.runs["end"]):
        return []
    runs = table.runs.fillna({"message": ""})
    spent_j = timeline(table).totals_j.reindex(runs["run"]).to_numpy()
    runs = runs.assign(left_j=runs["allotment_j"].astype(float) - spent_j)
    runs["left_j"] = runs["left_j"].clip(lower=0.0)
    ended = runs[(runs["end"] == NO_WORK) & ~(runs["left_j"] <= UNSPENT * runs["allotment_j"])]
    found = []
    for (strategy, why), own in ended.groupby(["strategy", "message"], sort=False):
        of = int((runs["strategy"] == strategy).sum())
        which = own["run"].iloc[0] if of == 1 else f"{len(own)} of {of} runs of {strategy}"
        left_j, allotted_j = (float(own[n].sum(skipna=False)) for n in ("left_j", "allotment_j"))
        saved = "" if math.isnan(left_j) else _saved(left_j, allotted_j)
        found.append(f"{which} ended with no more work{f' ({why})' if why else ''}{saved}.")
    return found


def _saved(left_j: float, allotted_j: float) -> str:
    return f": {format_energy(left_j)} of {format_energy(allotted_j)} were not spent"


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
