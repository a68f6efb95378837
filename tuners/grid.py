"""Grid search: all combinations of a few levels per hyperparameter, in a seeded order.

When to use it: as the baseline everybody knows. The grid is enumerated here because Optuna's
`GridSampler` raises from `tell` on its last point. Shuffled, because a budget that ends in the
middle of an ordered grid has seen one corner of the space.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ..models.space import Space
from .strategy import Told, Work

DEFAULT_LEVELS = 3


class GridStrategy:
    """Every point of a grid once.

    Args:
        space: What may be chosen.
        seed: Seed of the order.
        levels: Values per numeric hyperparameter, spread evenly (on its log scale if it has one)
            with both ends; categorical ones take all their choices.
    """

    replays_tells = True

    def __init__(self, space: Space, seed: int, levels: int = DEFAULT_LEVELS) -> None:
        self._space = space
        self._axes = {n: axis_levels(d, levels) for n, d in space.distributions.items()}
        self._order = _shuffled(math.prod(len(axis) for axis in self._axes.values()), seed)
        self._next: int | None = next(self._order)

    def ask(self, spent_j: float) -> Work | None:
        """The next point, None when all were told."""
        if self._next is None:
            return None
        params, point = {}, self._next
        for name, axis in self._axes.items():
            point, level = divmod(point, len(axis))
            params[name] = axis[level]
        complete = self._space.complete(params)
        return Work(complete, int(complete["epochs"]))

    def tell(self, result: Told) -> None:
        """Go on to the next point."""
        self._next = next(self._order, None)


def axis_levels(distribution: BaseDistribution, levels: int) -> list[bool | int | float | str]:
    """The values of one axis of the grid, in rising order without repeats."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)  # type: ignore[arg-type]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    count = levels if high > low else 1
    spread = np.geomspace if distribution.log else np.linspace
    values = [float(value) for value in spread(low, high, count)]
    if step is not None and not distribution.log:
        values = [low + round((value - low) / step) * step for value in values]
    # A rounding error at the ends would fall out of the distribution.
    inside = {min(max(value, low), high) for value in values}
    if isinstance(distribution, IntDistribution):
        return sorted({round(value) for value in inside})
    return sorted(inside)


def _shuffled(size: int, seed: int) -> Iterator[int]:
    """0 to size - 1 in a seeded order, without listing a huge grid."""
    generator = random.Random(seed)
    seen: set[int] = set()
    while len(seen) < size:
        index = generator.randrange(size)
        if index not in seen:
            seen.add(index)
            yield index
