"""Energy surfaces by formula: what training a family of networks would cost and give.

A candidate has size ``s = width * depth / 256`` in [1/32, 1], learning rate ``r``, batch ``b`` and
dropout ``p``, and is trained for ``t`` epochs:

- An epoch costs ``epoch_j * s * (0.75 + 4 / b)`` joules: 32 times as much for the largest network
  as for the smallest one, and up to 1.3 times as much in small batches.
- The best learning rate falls with size, ``r* = rate * s ** -shift``, as it does with a network's
  width (Yang et al., NeurIPS 2021, arXiv:2203.03466); that of SGD is ``sgd_factor`` times Adam's.
  ``m = log10(r / r*)`` says how far off a candidate is; with ``m > 1`` its first epoch diverges.
- It converges to ``(best - gain * (s ** -0.3 - 1) - overfit * s * (1 - 2 * p)) * exp(-(m / valley)
  ** 4)``: diminishing returns of size by a power law (Hestness et al., 2017, arXiv:1712.00409),
  more to lose for a large network without dropout, and a flat valley of good learning rates.
- It gets there as ``1 - exp(-t / tau*)``, a saturating exponential (Domhan et al., IJCAI 2015),
  with ``tau* = tau * 10 ** (-m / 2) * (b / 64) ** 0.25 * (1 + p)`` epochs: curves cross.
- Each epoch's accuracy carries normal noise of deviation ``noise``, drawn by seed and candidate.

`weight_decay` does nothing, as some hyperparameter always does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from random import Random
from typing import Any

from ...models.metric import ACCURACY, Metric
from ...models.space import Space, batch_size_of
from .objective import Curve

CHANCE = 0.1
"""Accuracy of guessing one of ten classes."""
DIVERGES_ABOVE = 10.0
"""Times the best learning rate."""
LARGEST = 256
"""Width times depth of the largest network."""
OPERATIONS = 4e6
"""Forward operations per image of the largest network; it has a tenth as many parameters."""

SPACE = Space.parse(
    {
        "depth": {"low": 1, "high": 4},
        "width": {"low": 8, "high": 64, "log": True},
        "dropout": {"low": 0.0, "high": 0.5},
        "optimizer": ["sgd", "adam"],
        "learning_rate": {"low": 1e-4, "high": 0.3, "log": True},
        "weight_decay": {"low": 1e-6, "high": 1e-2, "log": True},
        "log2_batch_size": {"low": 4, "high": 9},
        "epochs": {"low": 1, "high": 16, "log": True},
    }
)
LONGEST = SPACE.longest()


@dataclass(frozen=True)
class Surface:
    """A synthetic objective, an `objective.Simulated`; the module says its formulas."""

    epoch_j: float = 2.0  # of the largest network
    best: float = 0.96  # accuracy that the best size converges to if nothing is lost
    gain: float = 0.02  # what smaller networks lose
    overfit: float = 0.0  # what the largest network loses without dropout
    rate: float = 1e-3  # best learning rate of the largest network with Adam
    shift: float = 0.5  # exponent by which the best learning rate falls with size
    valley: float = 1.5  # decades beside the best learning rate at which a factor of e is lost
    sgd_factor: float = 10.0  # best learning rate of SGD over Adam's
    tau: float = 2.5  # epochs of convergence
    noise: float = 0.003  # standard deviation of an epoch's accuracy

    @property
    def space(self) -> Space:
        """What may be chosen; the same on all surfaces."""
        return SPACE

    @property
    def metric(self) -> Metric:
        """Accuracy."""
        return ACCURACY

    @property
    def n_samples(self) -> int:
        """Images of one epoch."""
        return 1000

    @property
    def cheapest_j(self) -> float:
        """Joules of the cheapest candidate's only epoch."""
        return self._epoch_j(SPACE.cheapest())

    @cached_property
    def best_score(self) -> float:
        """The best accuracy without noise, over a fine grid."""
        factors = [10 ** (step / 10) for step in range(-5, 10)]
        grid = product(range(8, LARGEST + 1, 4), factors, (16, 64, 512), (0.0, 0.1, 0.25, 0.5))
        return max(
            self._levels(size / LARGEST, factor, batch, dropout)[-1]
            for size, factor, batch, dropout in grid
        )

    def cost_of(self, params: Mapping[str, Any]) -> tuple[float, float]:
        """Operations of the forward pass of one image, and parameters."""
        operations = OPERATIONS * _size(params)
        return operations, operations / 10

    def curve(self, params: Mapping[str, Any], trial: int, seed: int) -> Curve:
        """No setup, then the longest training that the space has."""
        energy_j, size = self._epoch_j(params), _size(params)
        adam, dropout = params["optimizer"] == "adam", params["dropout"]
        rate = self.rate * size**-self.shift * (1.0 if adam else self.sgd_factor)
        factor = params["learning_rate"] / rate
        if factor > DIVERGES_ABOVE:
            return 0.0, [(energy_j, math.nan)]
        levels = self._levels(size, factor, batch_size_of(params), dropout)
        # Of numbers only, whose hash is the same in every process.
        gauss = Random(hash((seed, energy_j, factor, dropout, params["weight_decay"]))).gauss
        return 0.0, [
            (energy_j, min(max(level + gauss(0.0, self.noise), 0.0), 1.0)) for level in levels
        ]

    def _epoch_j(self, params: Mapping[str, Any]) -> float:
        return self.epoch_j * _size(params) * (0.75 + 4 / batch_size_of(params))

    def _levels(self, size: float, factor: float, batch: int, dropout: float) -> list[float]:
        """Accuracy without noise after each epoch."""
        miss = math.log10(factor)
        ceiling = self.best - self.gain * (size**-0.3 - 1) - self.overfit * size * (1 - 2 * dropout)
        ceiling *= math.exp(-((miss / self.valley) ** 4))
        tau = self.tau * 10 ** (-miss / 2) * (batch / 64) ** 0.25 * (1 + dropout)
        rise = max(ceiling - CHANCE, 0.0)
        return [CHANCE + rise * (1 - math.exp(-epoch / tau)) for epoch in range(1, LONGEST + 1)]


def _size(params: Mapping[str, Any]) -> float:
    return params["width"] * params["depth"] / LARGEST


SURFACES: dict[str, Surface] = {
    "scaling": Surface(),
    "frugal": Surface(gain=0.008, overfit=0.04, tau=1.5),
    "treacherous": Surface(gain=0.01, shift=0.8, valley=1.2, sgd_factor=30.0, tau=3.5, noise=0.005),
}
"""Size pays; a small network is enough; good learning rates are rare and show late."""
