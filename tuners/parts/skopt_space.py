"""Optuna's distributions in scikit-optimize's terms: choices and steps become indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, FloatDistribution

from .encoding import Axis, Range

if TYPE_CHECKING:
    from skopt.space import Dimension


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
