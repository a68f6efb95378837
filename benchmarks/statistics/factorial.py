"""How much of the variance between the cells of a factorial design each factor accounts for."""

from __future__ import annotations

import math
from itertools import chain, combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def variance_shares(means: ArrayLike) -> dict[tuple[int, ...], float]:
    """Share the variance between cells among factors and their interactions.

    The sums of squares of a balanced factorial design (Fisher, 1935; Montgomery, 2017, chapter 5)
    add up to that between its cells. The effect of a set of factors is what remains of the means
    where they are averaged over all other factors, and centred along each of the set.

        >>> shares = variance_shares([[1.0, 2.0], [4.0, 5.0]])
        >>> {factors: round(share, 3) for factors, share in shares.items()}
        {(0,): 0.9, (1,): 0.1, (0, 1): 0.0}

    Args:
        means: The mean of each cell, with one axis for each factor and one place for each level.

    Returns:
        By the axes of the factors, main effects first: at least 0, together 1; all NaN where the
        cells do not differ, or one is NaN.
    """
    cells = np.asarray(means, dtype=np.float64)
    axes = range(cells.ndim)
    subsets = chain.from_iterable(combinations(axes, size) for size in range(1, cells.ndim + 1))
    squares: dict[tuple[int, ...], float] = {}
    for subset in subsets:
        effect = cells
        for axis in axes:
            mean = effect.mean(axis=axis, keepdims=True)
            effect = effect - mean if axis in subset else mean
        squares[subset] = float((effect**2).sum() * cells.size / effect.size)
    total = sum(squares.values())
    if not np.ptp(cells) > 0 or not total > 0:
        return dict.fromkeys(squares, math.nan)
    return {subset: each / total for subset, each in squares.items()}
