"""What a pass through a fully connected network computes, and how much memory it touches.

The model of Tripp et al. (BUTTER-E, arXiv 2403.08151): energy follows the working sets through the
caches rather than the number of parameters or operations. A network is its ``widths`` n_0 … n_L,
the inputs first and the outputs last; numbers take 4 bytes. A multiply-add is one operation here.

    >>> widths = (64, 32, 10)
    >>> n_parameters(widths), forward_operations(widths, batch=1)
    (2410, 2410)
    >>> place(working_sets(widths, batch=1).backward, {"L1": 32_768, "L2": 1_048_576})
    'L1'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

BYTES_PER_NUMBER = 4


class WorkingSets(NamedTuple):
    """Bytes that are used again and again, each set including the one before."""

    layers: int  # between two layers: the activations of the two largest neighbours
    forward: int  # of a forward pass: the weights as well
    backward: int  # of a training step: also their gradients, and the activations of all layers


def n_parameters(widths: Sequence[int]) -> int:
    """Weights and biases: Σ (n_i + 1) n_{i+1}."""
    return sum((before + 1) * after for before, after in pairwise(widths))


def forward_operations(widths: Sequence[int], batch: int) -> int:
    """Operations of a forward pass of ``batch`` samples: B Σ (n_i n_{i+1} + n_{i+1})."""
    return batch * sum(before * after + after for before, after in pairwise(widths))


def backward_operations(widths: Sequence[int], batch: int) -> int:
    """Operations of the backward pass and the update of the weights after ``batch`` samples.

    B Σ (2 n_{i+1} + n_i n_{i+1} (1 + [i > 0])) + P (1 + B): the inputs (i = 0) need no gradient.
    """
    per_sample = sum(
        2 * after + before * after * (2 if i else 1)
        for i, (before, after) in enumerate(pairwise(widths))
    )
    return batch * per_sample + n_parameters(widths) * (1 + batch)


def working_sets(widths: Sequence[int], batch: int) -> WorkingSets:
    """Bytes of a pass over ``batch`` samples.

    Between layers 4 B max(n_i + n_{i+1}); a forward pass adds the weights, 4 P; a training step
    takes 8 P, weights and gradients, and the activations of all layers, 4 B Σ n_i.
    """
    parameters = n_parameters(widths)
    layers = BYTES_PER_NUMBER * batch * max(sum(pair) for pair in pairwise(widths))
    return WorkingSets(
        layers=layers,
        forward=layers + BYTES_PER_NUMBER * parameters,
        backward=2 * BYTES_PER_NUMBER * parameters + BYTES_PER_NUMBER * batch * sum(widths),
    )


def place(n_bytes: int, caches: Mapping[str, int]) -> str:
    """The name of the smallest cache that holds a working set whole, or ``"RAM"``.

    Args:
        n_bytes: Size of the working set.
        caches: Bytes of each cache by its name.
    """
    fitting = [name for name, size in caches.items() if n_bytes <= size]
    return min(fitting, key=lambda name: caches[name], default="RAM")
