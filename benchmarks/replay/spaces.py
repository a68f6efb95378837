"""The space that a table searched, where nobody says it: read off its hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from ...models.space import Space

MOST_LEVELS = 12
"""A number with so many values or fewer, each of them met again, was searched on a grid."""
LOG_RATIO = 100.0
"""A range above zero that spans as much is taken for one on a log scale."""


def infer_space(values: Mapping[str, Sequence[Any]]) -> Space:
    """The space that recorded candidates were chosen from, every one of them inside.

    One value is fixed; text and truth values are choices; numbers on a grid are a range of whole
    steps if they are whole and evenly spaced, else choices; other numbers are a range, on a log
    scale where it spans two decades.

    Args:
        values: The recorded values of each hyperparameter, none of them missing.
    """
    return Space.parse({name: _axis(list(column)) for name, column in values.items()})


def n_points(space: Space) -> int | None:
    """How many candidates a space holds; None if it has a range without steps."""
    count = 1
    for axis in space.distributions.values():
        if isinstance(axis, CategoricalDistribution):
            count *= len(axis.choices)
        elif isinstance(axis, IntDistribution) and not axis.log:
            count *= (axis.high - axis.low) // axis.step + 1
        elif isinstance(axis, FloatDistribution) and axis.step is not None:
            count *= round((axis.high - axis.low) / axis.step) + 1
        else:
            return None
    return count


def _axis(values: list[Any]) -> Any:
    distinct = set(values)
    if len(distinct) == 1:
        return values[0]
    if any(isinstance(value, bool | str) for value in distinct):
        return {"choices": sorted(distinct, key=lambda value: (str(type(value)), value))}
    levels = sorted(distinct)
    if len(levels) <= MOST_LEVELS and 2 * len(levels) <= len(values):
        return _grid(levels)
    low, high = levels[0], levels[-1]
    whole = all(isinstance(level, int) for level in levels)
    log = low > 0 and high / low >= LOG_RATIO
    return {"type": "int" if whole else "float", "low": low, "high": high, "log": log}


def _grid(levels: list[int | float]) -> dict[str, Any]:
    steps = {after - before for before, after in pairwise(levels)}
    whole = all(isinstance(level, int) for level in levels)
    if whole and len(steps) == 1:
        return {"type": "int", "low": levels[0], "high": levels[-1], "step": steps.pop()}
    return {"choices": levels}
