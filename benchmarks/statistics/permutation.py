"""Whether two samples of runs differ: rank sums and log-rank sums, by their exact distribution.

    found = rank_sum([0.95, 0.96, 0.97], [0.91, 0.92, 0.93])
    found = log_rank(joules, reached, other_joules, other_reached)

Each run gets a score, and the sum of one side's scores is set beside the sums of all the ways to
split the runs in two (Fisher, 1935; Peto and Peto, 1972, for the log-rank). Normal approximations
are wrong for few runs: of five runs that all come before five others, `scipy.stats.logrank` says
p = 0.0018, and that happens by chance in 2 of 252 splits, p = 0.0079.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .inference import RESAMPLES, known
from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-9
"""Sums closer than this share of the largest one possible are the same."""


@dataclass(frozen=True)
class TwoSamples:
    """Two samples compared; NaN where either is empty.

    Attributes:
        z: The first one's sum of scores, less what it is by chance, in standard deviations of
            chance: positive where the first has the higher values, or events earlier.
        p: Twice the share of all splits with a sum as far from chance in the direction that was
            seen, at most 1: log-rank sums of sides of different sizes are skewed.
    """

    z: float
    p: float


def rank_sum(a: ArrayLike, b: ArrayLike) -> TwoSamples:
    """Compare values by their ranks (Wilcoxon, 1945); NaN is left out, ties share a rank."""
    from scipy.stats import rankdata

    one, other = known(a), known(b)
    if not (len(one) and len(other)):
        return TwoSamples(math.nan, math.nan)
    return _compare(rankdata(np.concatenate([one, other])), len(one))


def log_rank(a: ArrayLike, hit_a: ArrayLike, b: ArrayLike, hit_b: ArrayLike) -> TwoSamples:
    """Compare joules until an event, where those of runs without the event are censored.

    Args:
        a: Joules of each run until the event, or until its end; runs with NaN are left out.
        hit_a: Whether the event came.
        b: Joules of the others.
        hit_b: Whether their event came.
    """
    joules, hits = [floats(side) for side in (a, b)], [np.asarray(x, bool) for x in (hit_a, hit_b)]
    there = [~np.isnan(side) for side in joules]
    if not all(each.any() for each in there):
        return TwoSamples(math.nan, math.nan)
    pooled = np.concatenate([side[each] for side, each in zip(joules, there, strict=True)])
    hit = np.concatenate([side[each] for side, each in zip(hits, there, strict=True)])
    return _compare(log_rank_scores(pooled, hit), int(there[0].sum()))


def log_rank_scores(joules: NDArray[np.float64], hit: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what each run adds to the log-rank statistic of its side: events less expected ones.

    Expected are ``sum(d / n)`` over all joules up to the run's own, with ``d`` events there and
    ``n`` runs that have spent at least so much (Peto and Peto, 1972). The scores add up to 0.
    """
    moments, place = np.unique(joules, return_inverse=True)
    events = np.bincount(place, weights=hit, minlength=len(moments))
    there = len(joules) - np.searchsorted(np.sort(joules), moments)
    return hit - np.cumsum(events / there)[place]


def _compare(scores: NDArray[np.float64], n: int) -> TwoSamples:
    """Compare the sum of the first ``n`` scores with those of all splits, or of 10,000 of them.

    Where they are drawn, the split that was seen is counted with them, so that no p is 0 (Phipson
    and Smyth, 2010).
    """
    centred = scores - scores.mean()
    size, total = float(centred[:n].sum()), len(scores)
    squares = float((centred**2).sum())
    if squares <= _ROUNDING * float((scores**2).sum()):
        return TwoSamples(0.0, 1.0)
    splits, is_all = _splits(total, min(n, total - n))
    sums = splits @ np.sort(centred)
    seen = size if 2 * n <= total else -size  # that of the smaller side
    rounding = _ROUNDING * float(np.abs(centred).sum())
    extreme = min((sums >= seen - rounding).sum(), (sums <= seen + rounding).sum())
    p = extreme / len(sums) if is_all else (extreme + 1) / (len(sums) + 1)
    deviation = math.sqrt(squares * n * (total - n) / (total * (total - 1)))
    return TwoSamples(size / deviation, min(2 * float(p), 1.0))


@lru_cache(maxsize=16)
def _splits(total: int, n: int) -> tuple[NDArray[np.float64], bool]:
    """The ways to pick ``n`` of ``total``, one a row, all of them or 10,000 drawn ones."""
    ways = math.comb(total, n)
    if ways <= RESAMPLES:
        picked = np.array(list(combinations(range(total), n)))
    else:
        keys = np.random.default_rng(0).random((RESAMPLES, total))
        picked = np.argpartition(keys, n - 1, axis=1)[:, :n]
    rows = np.zeros((len(picked), total))
    np.put_along_axis(rows, picked, 1.0, axis=1)
    return rows, ways <= RESAMPLES
