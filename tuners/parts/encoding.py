"""Candidates as points: what models and sequences of numbers can work with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from ...models.space import Space

Array = NDArray[np.float64]
Params = Mapping[str, Any]
Range = FloatDistribution | IntDistribution
Axis = CategoricalDistribution | Range

INACTIVE = 0.5  # where an inactive hyperparameter lies


class Encoding:
    """Maps the searched hyperparameters of a space to the unit cube and back.

    Ranges take one dimension each, on their log scale if they have one. Choices take one dimension
    of equal parts in ``unit``, and one per choice in ``features``. Single values take none. An
    inactive hyperparameter lies in the middle, and is none of its choices; each condition takes one
    more dimension of ``features``, 1 where it holds, so that a model can tell.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        axes = cast("dict[str, Axis]", space.distributions)
        self.axes = {name: axis for name, axis in axes.items() if not axis.single()}
        self.n_dimensions = len(self.axes)  # length of ``unit`` points
        self._single = {name: _value(axis, 0.0) for name, axis in axes.items() if axis.single()}
        conditional = [name for name in self.axes if name in space.conditions]
        alike = {tuple(sorted(space.conditions[name].items())): name for name in conditional}
        self._telling = list(alike.values())  # one hyperparameter of each condition

    def unit(self, params: Params) -> Array:
        """A candidate as a point of the unit cube, shape ``[n_dimensions]``."""
        return np.array([_place(axis, params[name]) for name, axis in self.axes.items()])

    def decode(self, point: Array) -> dict[str, Any]:
        """The candidate in whose part of the unit cube a point lies, complete."""
        axes = zip(self.axes.items(), point, strict=True)
        chosen = {name: _value(axis, float(x)) for (name, axis), x in axes}
        return self.space.complete(self.space.activate({**self._single, **chosen}))

    def like(self, points: Array, shared: Params) -> Array:
        """Points, ``[..., n_dimensions]``, moved to where hyperparameters have given values."""
        moved = points.copy()
        for column, (name, axis) in enumerate(self.axes.items()):
            if name in shared:
                moved[..., column] = _place(axis, shared[name])
        return moved

    def features(self, params: Params) -> Array:
        """A candidate for a model: ranges as in ``unit``, each choice a dimension of 0 or 1."""
        parts: list[float] = []
        for name, axis in self.axes.items():
            if isinstance(axis, CategoricalDistribution):
                parts += [float(choice == params[name]) for choice in axis.choices]
            else:
                parts.append(_place(axis, params[name]))
        parts += [float(params[name] is not None) for name in self._telling]
        return np.array(parts)

    def fill(self, params: Params) -> dict[str, Any]:
        """The values of searched hyperparameters, those of inactive ones as in the middle."""
        active = self.space.active({**self._single, **params})
        axes = self.space.distributions
        return {
            name: value if name in active else _value(cast("Axis", axes[name]), INACTIVE)
            for name, value in params.items()
            if name in axes
        }


def _place(axis: Axis, value: Any) -> float:
    if value is None:
        return INACTIVE
    if isinstance(axis, CategoricalDistribution):
        return (axis.choices.index(value) + 0.5) / len(axis.choices)
    low, high = edges(axis)
    return (_scaled(axis, value) - low) / (high - low)


def _value(axis: Axis, x: float) -> Any:
    x = min(max(x, 0.0), 1.0)
    if isinstance(axis, CategoricalDistribution):
        return axis.choices[min(int(x * len(axis.choices)), len(axis.choices) - 1)]
    low, high = edges(axis)
    number = low + x * (high - low)
    number = math.exp(number) if axis.log else number
    if axis.step is not None and not axis.log:
        number = axis.low + round((number - axis.low) / axis.step) * axis.step
    number = min(max(number, axis.low), axis.high)
    return round(number) if isinstance(axis, IntDistribution) else number


def edges(axis: Range) -> tuple[float, float]:
    """The ends of an axis on its scale; whole numbers have half a step more on either side."""
    margin = 0.0
    if isinstance(axis, IntDistribution):
        margin = 0.5 if axis.log else axis.step / 2
    return _scaled(axis, axis.low - margin), _scaled(axis, axis.high + margin)


def _scaled(axis: Range, value: float) -> float:
    return math.log(value) if axis.log else float(value)
