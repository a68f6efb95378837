"""Whether a difference between groups of values is more than chance.

Medians with bootstrap intervals, spread, and rank tests with their effect sizes. Below five values
of each group nothing is concluded: `KruskalWallis.conclusive` speaks for the pairs as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .runs import floats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

MIN_RUNS = 5
"""Fewest runs of each strategy from which anything is concluded."""
SIGNIFICANCE = 0.05
"""A difference is called one below this p-value."""
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A median of ``n`` values with its confidence interval; NaN where there is none."""

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class KruskalWallis:
    """Whether several groups of values differ at all."""

    h: float  # the statistic, corrected for ties
    p: float  # its p-value
    eta_squared: float  # size of the effect, at most 1, about 0 for none; NaN if not defined
    k: int  # number of groups
    n: int  # number of values
    conclusive: bool  # whether there are groups and values enough to conclude anything
    reason: str  # why, or why not, in a sentence


def interval(values: ArrayLike, *, seed: int = 0, level: float = 0.95) -> Interval:
    """Return a median with its bootstrap percentile interval.

    Efron and Tibshirani, 1993, chapter 13, with 10,000 resamples and quantiles that are resampled
    medians themselves.

    Args:
        values: One value per run; NaN is left out.
        seed: Seed of the resampling.
        level: Confidence level.

    Returns:
        The interval; without bounds for a single value, all NaN for none.
    """
    found = known(values)
    if len(found) < 2:
        return Interval(float(found[0]) if len(found) else math.nan, math.nan, math.nan, len(found))
    low_rank, high_rank = _middle_ranks(len(found), seed)
    ordered = np.sort(found)
    medians = (ordered[low_rank] + ordered[high_rank]) / 2
    return Interval(float(np.median(found)), *percentile_ends(medians, level), len(found))


def percentile_ends(resampled: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Return the ends of a bootstrap percentile interval, which are resampled values themselves."""
    tail = (1 - level) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


@lru_cache(maxsize=64)
def _middle_ranks(n: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw the two middle ranks of each resample of ``n`` values; they are one where ``n`` is odd.

    They are drawn without the rest of it: its draws are ``floor(n U)`` with ``U`` uniform, of which
    the k-th smallest follows a Beta(k, n - k + 1), and the one above it lies at the smallest
    of ``n - k`` uniform draws from there to 1 (David and Nagaraja, 2003, sections 2.1 and 2.5).
    """
    generator = np.random.default_rng(seed)
    middle = (n + 1) // 2
    lower = generator.beta(middle, n - middle + 1, RESAMPLES)
    upper = lower
    if n % 2 == 0:
        upper = lower + (1 - lower) * generator.beta(1, n - middle, RESAMPLES)
    return (n * lower).astype(np.intp), np.minimum(n * upper, n - 1).astype(np.intp)


def coefficient_of_variation(values: ArrayLike) -> float:
    """Return the spread of values as a share of their mean: ``s / mean``, with ``n - 1`` in ``s``.

    Pearson, 1896 (doi:10.1098/rsta.1896.0007). It takes a scale with a true zero, as joules have:
    of values below zero, such as net joules, it means nothing.

    Returns:
        At least 0, of the values that are not NaN; NaN for fewer than two, a mean of 0, and values
        that are negative or infinite.
    """
    from scipy.stats import variation

    found = known(values)
    if len(found) < 2 or found.max() <= 0 or found.min() < 0 or np.isinf(found).any():
        return math.nan
    return float(variation(found, ddof=1))


def kruskal_wallis(groups: Mapping[str, ArrayLike], *, of: str = "strategy") -> KruskalWallis:
    """Test whether groups of values differ, by ranks (Kruskal and Wallis, 1952).

    The effect size is ``eta squared = (H - k + 1) / (n - k)`` (Tomczak and Tomczak, 2014). NaN is
    left out. ``p`` is 1 if all values are equal or fewer than two groups have values. ``of`` is
    what a group is, in a word.
    """
    from scipy.stats import kruskal

    found = {name: known(values) for name, values in groups.items()}
    filled = [values for values in found.values() if len(values)]
    k, n = len(filled), sum(map(len, filled))
    h, p = (0.0, 1.0) if _no_contrast(filled) else map(float, kruskal(*filled))
    eta_squared = (h - k + 1) / (n - k) if 1 < k < n else math.nan
    conclusive, reason = enough_runs({name: len(values) for name, values in found.items()}, of)
    return KruskalWallis(h, p, eta_squared, k, n, conclusive, reason)


def dunn_holm(groups: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Test every two groups (Dunn, 1964), with the correction of Holm, 1979, for many tests.

    With mean ranks ``R``, ``z = (R_a - R_b) / sqrt(v (1 / n_a + 1 / n_b))`` and
    ``v = n (n + 1) / 12 - sum(t^3 - t) / (12 (n - 1))``, where ``t`` values share a rank.

    Returns:
        Symmetric table of p-values by group name, 1 on its diagonal; NaN for groups that hold no
        values but NaN.
    """
    from scipy.stats import norm, rankdata

    found = {name: array for name, values in groups.items() if len(array := known(values))}
    table = pd.DataFrame(1.0, index=list(found), columns=list(found))
    if not _no_contrast(list(found.values())):
        values, sizes = np.concatenate(list(found.values())), np.array([*map(len, found.values())])
        means = np.add.reduceat(rankdata(values), np.cumsum(sizes) - sizes) / sizes
        n, ties = len(values), np.unique(values, return_counts=True)[1].astype(float)
        variance = n * (n + 1) / 12 - (ties**3 - ties).sum() / (12 * (n - 1))
        a, b = np.triu_indices(len(found), 1)
        p = 2 * norm.sf(
            np.abs(means[a] - means[b]) / np.sqrt(variance * (1 / sizes[a] + 1 / sizes[b]))
        )
        corrected = np.ones((len(found), len(found)))
        corrected[a, b] = corrected[b, a] = holm(p)
        table[:] = corrected
    return table.reindex(index=list(groups), columns=list(groups))


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p-values of several tests, corrected for their number (Holm, 1979); NaN is no test."""
    corrected = floats(p).copy()
    tested = np.flatnonzero(~np.isnan(corrected))
    order = tested[np.argsort(corrected[tested], kind="stable")]
    times = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(corrected[order] * times), 1.0)
    return corrected


def cliffs_delta(a: ArrayLike, b: ArrayLike) -> float:
    """Return how far ``a`` lies above ``b``: ``P(a > b) - P(a < b)`` over all pairs.

    Cliff, 1993 (doi:10.1037/0033-2909.114.3.494). NaN is left out; the result is NaN if either has
    no other values.
    """
    one, other = known(a), np.sort(known(b))
    if not (one.size and other.size):
        return math.nan
    below = np.searchsorted(other, one, side="left").sum()
    above = (len(other) - np.searchsorted(other, one, side="right")).sum()
    return float(below - above) / (len(one) * len(other))


def enough_runs(counts: Mapping[str, int], of: str = "strategy") -> tuple[bool, str]:
    """Return whether so many runs of each strategy allow a conclusion, with a sentence on it."""
    if len(counts) < 2:
        many = "strategies" if of == "strategy" else f"{of}s"
        return False, f"Nothing can be concluded: there are not two {many} to compare."
    few = {name: n for name, n in counts.items() if n < MIN_RUNS}
    if few:
        short = ", ".join(f"{name} has {n}" for name, n in few.items())
        if len(few) == len(counts) and len(set(few.values())) == 1:
            short = f"each has {next(iter(few.values()))}"
        return False, (
            f"Nothing can be concluded: each {of} needs at least {MIN_RUNS} runs, but {short}."
        )
    return True, f"Each {of} has at least {MIN_RUNS} runs."


def _no_contrast(groups: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether there is nothing to rank: fewer than two groups, or one value throughout."""
    return len(groups) < 2 or len(np.unique(np.concatenate(groups))) == 1


def known(values: ArrayLike) -> NDArray[np.float64]:
    """Return the values that are not NaN, as floats."""
    array = floats(values)
    return array[~np.isnan(array)]
