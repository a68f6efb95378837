"""Which strategies are best over many groups, such as data sets or machines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .inference import MIN_RUNS, SIGNIFICANCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Friedman:
    """How strategies rank over several groups, and whether that is more than chance."""

    statistic: float  # of the test that `reason` names; NaN if there is none
    p: float  # its p-value; NaN if there is none
    n_groups: int  # groups in which every strategy has a score
    left_out: int  # groups in which one has not
    strategies: Mapping[str, float]  # mean rank by strategy, 1 the best; the best first
    # Mean ranks so far apart, or further, differ at 5 %; NaN for fewer than three strategies.
    critical_difference: float
    # The largest sets of neighbours in rank that are not shown to differ, of two strategies at
    # least.
    cliques: tuple[tuple[str, ...], ...]
    conclusive: bool  # whether there are groups and strategies enough to conclude anything
    reason: str  # why, or why not, in a sentence


def friedman(scores: pd.DataFrame, *, higher_is_better: bool = True) -> Friedman:
    """Rank strategies over groups, and test whether their ranks differ (Friedman, 1937).

    As Demsar, 2006 (jmlr.org/papers/v7/demsar06a.html) recommends: mean ranks with ties shared,
    and if the test finds a difference, Nemenyi's critical difference
    ``q sqrt(k (k + 1) / (6 n))``, with ``q`` the Studentised range over the square root of 2. Two
    strategies are tested by the signed-rank test of Wilcoxon, 1945.

    Args:
        scores: A row per group, a column per strategy. Rows with a missing score are left out.
        higher_is_better: Whether the highest score of a row has rank 1.
    """
    whole = scores.astype(float).dropna()
    n, k = whole.shape
    left_out = len(scores) - n
    ranks = whole.rank(axis="columns", ascending=not higher_is_better)
    mean_ranks = {
        str(name): float(rank) for name, rank in ranks.mean().sort_values(kind="stable").items()
    }
    statistic, p = _test(whole.to_numpy())
    difference = _critical_difference(k, n)
    conclusive, reason = _enough(n, k, left_out)
    apart = conclusive and p < SIGNIFICANCE
    if conclusive:
        test = "Friedman's test" if k > 2 else "Wilcoxon's signed-rank test, as there are but two"
        found = "differ" if apart else "may differ by chance"
        reason = f"Over {n} groups the strategies {found} (p = {p:.2g} by {test}){_left(left_out)}."
    cliques = _cliques(mean_ranks, (difference if k > 2 else 0.0) if apart else math.inf)
    return Friedman(statistic, p, n, left_out, mean_ranks, difference, cliques, conclusive, reason)


def _test(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return statistic and p-value of Friedman's test, or of Wilcoxon's for two columns."""
    from scipy.stats import friedmanchisquare, wilcoxon

    n, k = values.shape
    if n < 1 or k < 2:
        return math.nan, math.nan
    if (values == values[:, :1]).all():
        return 0.0, 1.0
    if k > 2:
        test: Any = friedmanchisquare(*values.T)
    else:
        one, other = values.T
        equal = one == other  # two infinities too
        test = wilcoxon(np.subtract(one, other, where=~equal, out=np.zeros(n)))
    return float(test.statistic), float(test.pvalue)


def _critical_difference(k: int, n: int) -> float:
    from scipy.stats import studentized_range

    if k < 3 or n < 1:
        return math.nan
    q = float(studentized_range.ppf(1 - SIGNIFICANCE, k, math.inf)) / math.sqrt(2)
    return q * math.sqrt(k * (k + 1) / (6 * n))


def _cliques(mean_ranks: Mapping[str, float], difference: float) -> tuple[tuple[str, ...], ...]:
    """Return the largest sets of neighbours that are all less than a difference apart."""
    names = list(mean_ranks)
    cliques: list[tuple[str, ...]] = []
    for first, name in enumerate(names):
        near = [
            other for other in names[first:] if mean_ranks[other] - mean_ranks[name] < difference
        ]
        if len(near) > 1 and not (cliques and near[-1] in cliques[-1]):
            cliques.append(tuple(near))
    return tuple(cliques)


def _enough(n: int, k: int, left_out: int) -> tuple[bool, str]:
    if k < 2:
        return False, "Nothing can be concluded: there are not two strategies to compare."
    if n < MIN_RUNS:
        return False, (
            f"Of ranks over groups nothing can be concluded: at least {MIN_RUNS} groups with a "
            f"score of every strategy are needed, but there are {n}{_left(left_out)}."
        )
    return True, ""


def _left(out: int) -> str:
    return f"; left out for a missing score: {out}" if out else ""
