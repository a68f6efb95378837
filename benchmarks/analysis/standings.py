"""Where the strategies of a group stand with a target and a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..statistics.runs import expected_energy_to_target
from .criteria import TIE, score_scale
from .facts import number
from .orientation import worst_bound

if TYPE_CHECKING:
    from ...models.metric import Metric
    from ..statistics.runs import AnytimeCurves


@dataclass(frozen=True)
class Standing:
    """Where one strategy stands."""

    level: float | None  # the median score at the budget, oriented; None without a result
    rank: int | None  # its place by that, equal ones sharing it; None without a result
    ert_j: float  # expected joules to the target; infinite if never reached, NaN if unknown
    ratio: float  # of these to the fewest of all strategies; infinite or NaN likewise
    hits: int | None  # runs that reached the target within the budget; None if that is unknown
    runs: int


def standings(
    curves: AnytimeCurves, target: float, budget_j: float, common_j: float, metric: Metric
) -> Mapping[str, Standing]:
    """Return where the strategies stand, in their order in the table.

    Below the common energy ``B`` every run is taken as stopped once it has spent the budget. At
    ``B`` itself the scores are those by ``B`` and the expected joules those of whole runs: that is
    what the analysis says.

    Args:
        curves: What the runs knew when, of oriented scores.
        target: The oriented score to reach.
        budget_j: Joules of a run, up to ``B``.
        common_j: ``B``, the joules at which the runs are compared.
        metric: What the scores are of.
    """
    stops = budget_j < common_j
    within = curves.stopped_at(budget_j) if stops else curves
    reached = within.energy_to_target(target)
    levels = within.levels_at(budget_j)
    tie = TIE * score_scale(curves, metric)
    found: dict[str, tuple[float, float, int | None, int]] = {}
    for name, own in reached.groupby("strategy", sort=False):
        known = levels[own.index].dropna().to_numpy()
        level = math.nan
        if np.isfinite(known).any():
            level = float(np.median(np.maximum(known, worst_bound(metric))))
        unsure = bool(stops and (own["hit"] & own["energy_j"].isna()).any())
        hits = None if unsure else int(own["hit"].sum())
        found[str(name)] = level, expected_energy_to_target(own), hits, len(own)
    medians = np.array([level for level, *_ in found.values()])
    fewest_j = min((j for _, j, *_ in found.values() if not math.isnan(j)), default=math.nan)
    return {
        name: Standing(
            number(level),
            1 + int(np.sum(medians - level > tie)) if math.isfinite(level) else None,
            ert_j,
            ert_j / fewest_j if fewest_j and math.isfinite(fewest_j) else math.nan,
            hits,
            runs,
        )
        for name, (level, ert_j, hits, runs) in found.items()
    }
