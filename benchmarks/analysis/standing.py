"""How strategies rank by what their median run has found, joule by joule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .timeline import timeline

if TYPE_CHECKING:
    from ..tables.table import Table

POINTS = 60


def ranks_over_joules(table: Table, common_j: float | None) -> pd.DataFrame:
    """Rank the strategies by their median ``A(E)`` at energies up to the common one.

    Args:
        table: The trials of a group.
        common_j: The joules at which its runs are compared; None if unknown.

    Returns:
        A column for each strategy, 1 being the best and equals sharing their mean rank, by
        log-spaced joules from the first result of a run; NaN while the median run of a strategy has
        no result. Empty where nothing can be ranked.
    """
    curves = timeline(table)
    first_j = curves.energy_j[(curves.energy_j > 0) & np.isfinite(curves.score)].min(
        initial=math.inf
    )
    if common_j is None or not first_j < common_j:
        return pd.DataFrame()
    grid_j = np.geomspace(first_j, common_j, POINTS)
    levels = pd.DataFrame(curves.levels(grid_j), index=curves.names)
    medians = levels.groupby(curves.strategies, sort=False).median()
    ranks = medians.rank(ascending=False).where(np.isfinite(medians))
    return ranks.T.set_axis(pd.Index(grid_j, name="energy_j"))
