"""Ratios of mean values between two sets of trials of a study, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..facts import Quantity

if TYPE_CHECKING:
    import pandas as pd


def mean_ratio(
    above: pd.DataFrame,
    below: pd.DataFrame,
    value: str = "energy_j",
    *,
    within: Sequence[str] = (),
    note: str = "",
) -> Quantity | None:
    """How many times larger the mean of a value is in some trials than in others.

    Only repetitions and levels that both have count: the mean of a repetition is over the levels.

    Args:
        above: Trials, one row each.
        below: The trials they are set beside.
        value: The column that is compared.
        within: Columns whose levels both must have.
        note: What to write behind the ratio.

    Returns:
        The ratio of means, with its bootstrap interval over repetitions; None if there is none.
    """
    import pandas as pd

    from ...statistics.ratios import ratio_of_means

    keys = ["seed", *(name for name in within if name in above and name in below)]
    means = [trials.groupby(keys, dropna=False)[value].mean() for trials in (above, below)]
    both = pd.concat(means, axis=1, join="inner").astype(float).dropna().groupby("seed").mean()
    found = ratio_of_means(both.iloc[:, 0], both.iloc[:, 1])
    if not math.isfinite(found.value):
        return None
    low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
    return Quantity(found.value, low, high, note=note)


def is_above_one(ratio: Quantity | None) -> bool | None:
    """Whether a ratio is above 1; None if it has no interval, or that holds 1."""
    if ratio is None or ratio.low is None or ratio.high is None or ratio.low <= 1 <= ratio.high:
        return None
    return ratio.low > 1
