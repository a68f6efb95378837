"""Optuna's distributions in scikit-optimize's terms: choices and steps become indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, FloatDistribution

from .encoding import Axis, Range

if TYPE_CHECKING:
    from skopt.space import Dimension, Space


Fill = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Puts inactive hyperparameters in their place and keeps all others, in their order."""


def _step(distribution: Range) -> float | None:
    return None if distribution.log else distribution.step


def dimension(distribution: Axis) -> Dimension:
    """The scikit-optimize dimension."""
    from skopt.space import Categorical, Integer, Real

    if isinstance(distribution, CategoricalDistribution):
        return Categorical(range(len(distribution.choices)))
    low, high, step = distribution.low, distribution.high, _step(distribution)
    if step is not None:
        return Integer(0, round((high - low) / step))
    kind = Real if isinstance(distribution, FloatDistribution) else Integer
    if not distribution.log:
        return kind(low, high)
    # On the unit range: scikit-optimize takes the bounds of whole numbers for those of their
    # logarithms, and so moves what its trees propose to an end.
    return kind(low, high, prior="log-uniform", transform="normalize")


def skopt_space(axes: Mapping[str, Axis], fill: Fill | None) -> Space:
    """The scikit-optimize space; what is drawn from a conditional one has been through ``fill``."""
    from skopt.space import Space

    dimensions = [dimension(axis) for axis in axes.values()]
    if fill is None:
        return Space(dimensions)

    def filled(point: list[Any]) -> list[float]:
        drawn = {name: decode(axes[name], x) for name, x in zip(axes, point, strict=True)}
        return [encode(axes[name], value) for name, value in fill(drawn).items()]

    class Conditional(Space):
        def rvs(self, n_samples: int = 1, random_state: Any = None) -> list[list[float]]:
            return [filled(point) for point in super().rvs(n_samples, random_state)]

    return Conditional(dimensions)


def encode(distribution: Axis, value: Any) -> float:
    """A value of a distribution as a coordinate."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.to_internal_repr(value)
    step = _step(distribution)
    return value if step is None else round((value - distribution.low) / step)


def decode(distribution: Axis, x: Any) -> Any:
    """The value of a distribution at a coordinate, in Python's own type."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(x)]
    step = _step(distribution)
    value = float(x if step is None else distribution.low + x * step)
    return distribution.to_external_repr(min(max(value, distribution.low), distribution.high))
