"""Candidates as points: what models and sequences of numbers can work with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ...models.space import Space

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Encoding:
    """Maps the searched hyperparameters of a space to the unit cube and back.

    Ranges take one dimension each, on their log scale if they have one. Choices take one dimension
    of equal parts in ``unit``, and one dimension per choice in ``features``, since they have no
    order.

    Args:
        space: What may be chosen.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._axes = {n: d for n, d in space.distributions.items() if not d.single()}
        self.n_dimensions = len(self._axes)
        """Length of ``unit`` points."""

    def unit(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """A candidate as a point of the unit cube, shape ``[n_dimensions]``."""
        return np.array([_place(axis, params[name]) for name, axis in self._axes.items()])

    def decode(self, point: NDArray[np.float64]) -> dict[str, Any]:
        """The candidate in whose part of the unit cube a point lies, complete."""
        params = {n: d.choices[0] for n, d in self._singles().items()}
        for (name, axis), x in zip(self._axes.items(), point, strict=True):
            params[name] = _value(axis, float(x))
        return self._space.complete(params)

    def features(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """A candidate for a model: ranges as in ``unit``, each choice a dimension of 0 or 1."""
        parts: list[float] = []
        for name, axis in self._axes.items():
            if isinstance(axis, CategoricalDistribution):
                parts += [float(choice == params[name]) for choice in axis.choices]
            else:
                parts.append(_place(axis, params[name]))
        return np.array(parts)

    def _singles(self) -> dict[str, CategoricalDistribution]:
        """Hyperparameters with a single value, as a choice of one."""
        return {
            name: CategoricalDistribution([_only(axis)])
            for name, axis in self._space.distributions.items()
            if axis.single()
        }


def _only(axis: BaseDistribution) -> Any:
    if isinstance(axis, CategoricalDistribution):
        return axis.choices[0]
    assert isinstance(axis, IntDistribution | FloatDistribution)
    return axis.low


def _place(axis: BaseDistribution, value: Any) -> float:
    if isinstance(axis, CategoricalDistribution):
        return (axis.choices.index(value) + 0.5) / len(axis.choices)
    assert isinstance(axis, IntDistribution | FloatDistribution)
    low, high = _edges(axis)
    return (_scaled(axis, value) - low) / (high - low)


def _value(axis: BaseDistribution, x: float) -> Any:
    x = min(max(x, 0.0), 1.0)
    if isinstance(axis, CategoricalDistribution):
        return axis.choices[min(int(x * len(axis.choices)), len(axis.choices) - 1)]
    assert isinstance(axis, IntDistribution | FloatDistribution)
    low, high = _edges(axis)
    number = low + x * (high - low)
    number = math.exp(number) if axis.log else number
    if axis.step is not None and not axis.log:
        number = axis.low + round((number - axis.low) / axis.step) * axis.step
    number = min(max(number, axis.low), axis.high)
    return round(number) if isinstance(axis, IntDistribution) else number


def _edges(axis: IntDistribution | FloatDistribution) -> tuple[float, float]:
    """The ends of an axis on its scale; whole numbers have half a step more on either side."""
    margin = 0.0
    if isinstance(axis, IntDistribution):
        margin = 0.5 if axis.log else axis.step / 2
    low, high = axis.low - margin, axis.high + margin
    return _scaled(axis, low), _scaled(axis, high)


def _scaled(axis: IntDistribution | FloatDistribution, value: float) -> float:
    return math.log(value) if axis.log else float(value)
