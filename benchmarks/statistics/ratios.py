"""How many times larger one mean is than another, over the same repetitions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .inference import RESAMPLES, percentile_ends
from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Ratio:
    """A ratio of means with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float
    n: int  # repetitions


def ratio_of_means(above: ArrayLike, below: ArrayLike, *, seed: int = 0) -> Ratio:
    """Divide the mean of one by the mean of the other, as tables of means are read.

    The interval is a bootstrap percentile interval over repetitions: each resample draws whole
    repetitions, so that what both had in common in one of them cancels (Efron and Tibshirani, 1993,
    section 10.3).

    Args:
        above: Values of at least 0 by repetition.
        below: The values they are set beside, of the same repetitions, above 0.
        seed: Seed of the resampling.

    Returns:
        The ratio; without bounds for one repetition, NaN if a value below is not above 0. A
        repetition that lacks either is left out.

    Raises:
        ValueError: There are not as many of the one as of the other.
    """
    pairs = np.column_stack([floats(above), floats(below)])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    n = len(pairs)
    if n == 0 or pairs[:, 1].min() <= 0:
        return Ratio(math.nan, math.nan, math.nan, n)
    one, other = pairs.mean(axis=0)
    if n == 1:
        return Ratio(float(one / other), math.nan, math.nan, 1)
    means = resampled_means(pairs, seed)
    return Ratio(float(one / other), *percentile_ends(means[:, 0] / means[:, 1]), n)


def resampled_means(repetitions: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """The means of resamples of whole repetitions: (repetitions, values) to (resamples, values)."""
    n = len(repetitions)
    drawn = np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))
    return repetitions[drawn].mean(axis=1)
