"""Ratios of mean values between two sets of trials, as the paper's tables are read.

The paper's figures are means over trainings, set one over the other: 1.06 for ResNet50 over VGG16
in the cloud. The median over repetitions, as of `paired_ratio`, would be 1.05 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...statistics.ratios import ratio_of_means
from ..comparing import finite
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

    keys = ["seed", *(name for name in within if name in above and name in below)]
    means = [trials.groupby(keys, dropna=False)[value].mean() for trials in (above, below)]
    both = pd.concat(means, axis=1, join="inner").astype(float).dropna().groupby("seed").mean()
    return ratio_by_repetition(both, note)


def ratio_by_repetition(both: pd.DataFrame, note: str = "") -> Quantity | None:
    """The mean of the first column over that of the second, of one row for each repetition."""
    found = ratio_of_means(both.iloc[:, 0], both.iloc[:, 1])
    value = finite(found.value)
    if value is None:
        return None
    return Quantity(value, finite(found.low), finite(found.high), note=note)


def stated(values: pd.Series, otherwise: pd.Series | str) -> pd.Series:
    """Values of any type as text; another where there is none."""
    return values.astype(object).where(values.notna(), otherwise).astype(str)
