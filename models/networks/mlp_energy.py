"""A model of the joules of training a fully connected network, after Tripp et al.

BUTTER-E (arXiv 2403.08151) explains the energy of a training by what is computed and by which level
of memory serves it. Each of the three working sets of `mlp_costs` lies in the smallest cache that
holds it whole, and that cache serves the bytes that are moved in it, in a step over B samples:

- between layers, 4 B Σ (n_i + n_{i+1}): each layer reads its inputs and writes its outputs;
- forward, 4 P: the weights are read;
- backward, 8 P + 4 B Σ n_i: weights, gradients and the activations of all layers.

What each step and each layer costs by itself is ours: PyTorch's own work to launch its operations,
which is most of the energy of a small network. All of it is per sample, and no coefficient is below
zero:

    >>> caches = {"L1": 32_768, "L2": 1_048_576}
    >>> dict(zip(terms(caches), amounts((64, 32, 10), 2, caches).tolist(), strict=True))
    {'operation': 8797.0, 'L1': 15436.0, 'L2': 0.0, 'RAM': 0.0, 'step': 0.5, 'layer': 1.0}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from ...errors import PerjouleError
from .mlp import mlp, solve_widths
from .mlp_costs import (
    BYTES_PER_NUMBER,
    WorkingSets,
    backward_operations,
    forward_operations,
    n_parameters,
    place,
    working_sets,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

RAM = "RAM"


def terms(caches: Mapping[str, int]) -> tuple[str, ...]:
    """What the coefficients of a model are of, with such caches."""
    return ("operation", *caches, RAM, "step", "layer")


def traffic(widths: Sequence[int], batch: int) -> WorkingSets:
    """Bytes that a training step moves within each working set."""
    weights = BYTES_PER_NUMBER * n_parameters(widths)
    return WorkingSets(
        layers=BYTES_PER_NUMBER * batch * sum(sum(pair) for pair in pairwise(widths)),
        forward=weights,
        backward=2 * weights + BYTES_PER_NUMBER * batch * sum(widths),
    )


def amounts(widths: Sequence[int], batch: int, caches: Mapping[str, int]) -> NDArray[np.float64]:
    """How much of each of the `terms` there is per sample of training.

    Args:
        widths: Of the inputs and all layers.
        batch: Samples of a step.
        caches: Bytes of each cache by its name; without any, RAM serves all.

    Returns:
        Operations, bytes served by each level, steps, and layers passed; in the order of `terms`.
    """
    import numpy as np

    of = dict.fromkeys(terms(caches), 0.0)
    of["operation"] = forward_operations(widths, batch) + backward_operations(widths, batch)
    for held, moved in zip(working_sets(widths, batch), traffic(widths, batch), strict=True):
        of[place(held, caches)] += moved
    of["step"], of["layer"] = 1.0, len(widths) - 1.0
    return np.array(list(of.values())) / batch


def fit_relative(matrix: ArrayLike, joules: ArrayLike) -> NDArray[np.float64]:
    """Non-negative coefficients c that minimise Σ ((A c)_i / y_i - 1)².

    Relative errors, since joules span orders of magnitude: a small network counts as much as a
    large one (Lawson and Hanson, 1974, chapter 23, with rows divided by ``y``).

    Args:
        matrix: Amounts A, one row per network, one column per coefficient.
        joules: Joules y, above 0, one per row.
    """
    import numpy as np
    from scipy.optimize import nnls

    rows = np.asarray(matrix, float) / np.asarray(joules, float)[:, None]
    scale = rows.max(axis=0)  # columns of like size, so that no tolerance depends on units
    scale[scale == 0] = 1.0
    return nnls(rows / scale, np.ones(len(rows)))[0] / scale


@dataclass(frozen=True)
class EnergyModel:
    """Joules of training by what is computed and moved.

    Raises:
        ValueError: The coefficients are not those of `terms`, or one is below zero.
    """

    caches: Mapping[str, int]  # bytes by name
    coefficients: Mapping[str, float]  # joules per unit of each of `terms`

    def __post_init__(self) -> None:
        if set(self.coefficients) != set(terms(self.caches)):
            raise ValueError(f"coefficients of {', '.join(self.coefficients)}")
        if not all(0 <= each < float("inf") for each in self.coefficients.values()):
            raise ValueError(f"coefficients {self.coefficients}")

    def joules_per_sample(self, widths: Sequence[int], batch: int) -> float:
        """Joules of training on one sample, in steps over ``batch``."""
        return float(amounts(widths, batch, self.caches) @ self._ordered)

    @cached_property
    def _ordered(self) -> NDArray[np.float64]:
        import numpy as np

        return np.array([self.coefficients[name] for name in terms(self.caches)])


def training_energy(
    model: EnergyModel, shape: Sequence[int], n_classes: int, n_samples: int
) -> Callable[[Mapping[str, Any]], float | None]:
    """Predicts the joules of all training steps of a candidate of `mlp.mlp`.

    Args:
        model: Of the machine that will train.
        shape: Of an input.
        n_classes: Outputs of the network.
        n_samples: Of an epoch.

    Returns:
        A function of a candidate's hyperparameters; it gives None if its network cannot be built.
    """
    from ..settings import split_hyperparameters

    defaults = {name: each.default for name, each in signature(mlp).parameters.items()}

    def energy_j(params: Mapping[str, Any]) -> float | None:
        try:
            settings, given = split_hyperparameters(params, "mlp")
            size, depth, profile = (
                {**defaults, **given}[name] for name in ("size", "depth", "profile")
            )
            widths = solve_widths(profile, size, prod(shape), n_classes, depth)
        except PerjouleError:
            return None
        batch = min(settings.batch_size, n_samples)
        return settings.epochs * n_samples * model.joules_per_sample(widths, batch)

    return energy_j
