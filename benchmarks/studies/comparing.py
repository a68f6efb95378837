"""How cells of a design compare: ratios within a repetition, so that what drifts cancels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..statistics.inference import Interval, interval
from .facts import Quantity

if TYPE_CHECKING:
    import pandas as pd


def quantity(found: Interval, unit: str = "") -> Quantity | None:
    """A median with its bootstrap interval as a quantity; None if there is none."""
    if not np.isfinite(found.median):
        return None
    low, high = (end if np.isfinite(end) else None for end in (found.low, found.high))
    return Quantity(found.median, low, high, unit)


def paired_ratio(
    trials: pd.DataFrame,
    above: Mapping[str, Any],
    below: Mapping[str, Any],
    *,
    within: Sequence[str] = (),
    value: str = "energy_j",
) -> Quantity | None:
    """How many times more of a value trials have at some levels than at others.

    Of each repetition (``seed``) it is the geometric mean over all that ``within`` names of the
    ratio of means; over repetitions the median, with its bootstrap 95 % interval.

    Args:
        trials: One row per trial.
        above: Levels by column, such as ``{"p.conv": 4}``.
        below: The levels they are set beside.
        within: Columns whose levels are compared one by one.
        value: The column that is compared, above 0.

    Returns:
        The ratio; None without a repetition that has both.
    """
    keys = ["seed", *within]
    one, other = (
        _at(trials, levels).groupby(keys, dropna=False)[value].mean() for levels in (above, below)
    )
    ratios = (one / other).astype(float).dropna()
    if ratios.empty:
        return None
    means = ratios.groupby("seed").agg(lambda each: np.exp(np.log(each).mean()))
    return quantity(interval(means))


def _at(trials: pd.DataFrame, levels: Mapping[str, Any]) -> pd.DataFrame:
    for column, level in levels.items():
        trials = trials[trials[column] == level]
    return trials
