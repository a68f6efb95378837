"""Whether two meters agree on the same windows (Bland and Altman, 1986 and 1999).

Meters of energy differ by a factor rather than by an amount, so differences are those of logarithms
(section 3 of 1999): told back as ratios of the one to the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LEVEL = 0.95
"""Confidence of the interval, and share of the ratios between the limits."""


@dataclass(frozen=True)
class Agreement:
    """How many times one meter reads what another reads; NaN where that is not defined.

    Attributes:
        n: Windows that both have.
        ratio: Geometric mean of the ratios.
        low: Lower end of its 95 % interval, by Student's t.
        high: Upper end.
        limit_low: Lower limit of agreement: 95 % of the ratios lie between the two if their
            logarithms are normal.
        limit_high: Upper limit.
        means: Geometric mean of the two meters in each window.
        ratios: Ratio of the two meters in each window.
    """

    n: int
    ratio: float
    low: float
    high: float
    limit_low: float
    limit_high: float
    means: tuple[float, ...]
    ratios: tuple[float, ...]


def bland_altman(one: ArrayLike, other: ArrayLike) -> Agreement:
    """Set one meter beside another, window by window.

    With ``d = ln(one / other)``, its mean ``m`` and its standard deviation ``s``: the ratio is
    ``exp(m)``, its interval ``exp(m ± t s / sqrt(n))`` and the limits ``exp(m ± 1.96 s)``.

    Args:
        one: What one meter reads in each window, above 0.
        other: What the other reads in the same windows.

    Returns:
        The agreement; windows that either lacks, or reads as 0 or less, are left out.

    Raises:
        ValueError: There are not as many of the one as of the other.
    """
    from scipy.stats import norm, t

    pairs = np.column_stack([floats(one), floats(other)])
    pairs = pairs[np.isfinite(pairs).all(axis=1) & (pairs > 0).all(axis=1)]
    logs = np.log(pairs)
    differences = logs[:, 0] - logs[:, 1]
    n = len(differences)
    mean = float(differences.mean()) if n else math.nan
    spread = float(differences.std(ddof=1)) if n > 1 else math.nan
    tail = (1 + LEVEL) / 2
    within = float(norm.ppf(tail)) * spread
    of_mean = float(t.ppf(tail, n - 1)) * spread / math.sqrt(n) if n > 1 else math.nan
    edges = (mean, mean - of_mean, mean + of_mean, mean - within, mean + within)
    return Agreement(
        n,
        *map(math.exp, edges),
        means=tuple(np.exp(logs.mean(axis=1)).tolist()),
        ratios=tuple(np.exp(differences).tolist()),
    )
