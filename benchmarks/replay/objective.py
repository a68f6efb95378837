"""What a simulated run searches: an objective that knows what training would cost and give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ...models.metric import Metric
from ...models.space import Space

Curve = tuple[float, Sequence[tuple[float, float]]]
"""Joules of building a network, then joules and validation score of each epoch of training it.

A score that is NaN is an epoch in which the trial fails; so does one that goes past the end.
"""


class Simulated(Protocol):
    """An objective that knows what training would cost and give."""

    @property
    def space(self) -> Space:
        """What may be chosen."""
        ...

    @property
    def metric(self) -> Metric:
        """What scores are of; they are in its unit."""
        ...

    @property
    def n_samples(self) -> int:
        """Images of one epoch."""
        ...

    @property
    def cheapest_j(self) -> float:
        """Joules of building the cheapest candidate and training it for an epoch."""
        ...

    @property
    def cost_of(self) -> Callable[[Mapping[str, Any]], tuple[float, float]] | None:
        """Operations of the forward pass of one image, and parameters; None if unknown."""
        ...

    def curve(self, params: Mapping[str, Any], trial: int, seed: int) -> Curve:
        """What each epoch of a trial costs and gives, as far as it is known."""
        ...
