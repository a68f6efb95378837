"""Whether two quantities go up and down together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .inference import MIN_RUNS, SIGNIFICANCE
from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_EXACT = 8
"""Up to so many pairs the p-value is taken over all orders: 8! are 40,320."""


@dataclass(frozen=True)
class Correlation:
    """Whether one quantity rises with another."""

    rho: float  # spearman's coefficient, between -1 and 1; NaN if not defined
    p: float  # its two-sided p-value; NaN if not defined
    n: int  # number of pairs
    # Whether there are pairs enough, and differences in both, to conclude anything.
    conclusive: bool
    reason: str  # why, or why not, in a sentence


def spearman(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Test whether two quantities rise together, by ranks (Spearman, 1904, doi:10.2307/1412159).

    The p-value of up to eight pairs is exact, over all orders of one quantity; beyond it is that of
    Student's t with ``n - 2`` degrees of freedom.

    Pairs with a NaN are left out.

    Raises:
        ValueError: If there are not as many of the one as of the other.
    """
    from scipy.stats import rankdata, spearmanr

    pairs = np.column_stack([floats(x), floats(y)])
    pairs = pairs[~np.isnan(pairs).any(axis=1)]
    n = len(pairs)
    rho = p = math.nan
    differing = all(len(np.unique(values)) > 1 for values in pairs.T)
    if differing and n <= _EXACT:
        rho, p = _over_all_orders(rankdata(pairs[:, 0]), rankdata(pairs[:, 1]))
    elif differing:
        rho, p = map(float, spearmanr(pairs[:, 0], pairs[:, 1]))
    if n < MIN_RUNS:
        reason = f"at least {MIN_RUNS} pairs are needed, but there are {n}"
    elif not differing:
        reason = "one of the two quantities is the same throughout"
    else:
        found = f"Spearman's rho is {rho:.2f} over {n} pairs (p = {p:.2g})"
        shown = f"one {'rises' if rho > 0 else 'falls'} as the other rises"
        reason = f"{found}: {shown if p < SIGNIFICANCE else 'that may be chance'}."
        return Correlation(rho, p, n, True, reason)
    return Correlation(rho, p, n, False, f"Nothing can be concluded: {reason}.")


def _over_all_orders(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Spearman's coefficient of ranks, with its exact p-value."""
    from scipy.stats import permutation_test

    x, y = (ranks - ranks.mean() for ranks in (x, y))
    scale = math.sqrt(float(x @ x) * float(y @ y))

    def rho(orders: NDArray[np.float64], axis: int) -> Any:
        return np.sum(np.moveaxis(orders, axis, -1) * y, axis=-1) / scale

    test = permutation_test(
        (x,), rho, permutation_type="pairings", n_resamples=math.factorial(_EXACT), vectorized=True
    )
    return float(np.clip(test.statistic, -1.0, 1.0)), float(test.pvalue)
