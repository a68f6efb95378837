"""Fully connected networks of a given size, depth and profile, as the BUTTER data sets have them.

Tripp et al., "Measuring the energy consumption and efficiency of deep neural networks" (2024,
arXiv 2403.08151) train them in 20 sizes, 14 depths and 8 profiles. The profiles are defined as in
their code, NREL's BUTTER-Empirical-Deep-Learning-Experimental-Framework.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, UnknownNameError
from .mlp_costs import n_parameters
from .spaces import TRAINING_SPACE

if TYPE_CHECKING:
    from torch import nn

# How many times narrower the later hidden layers are than the first one.
_NARROWER = {
    "rectangle": 1,
    "rectangle-residual": 1,
    "wide-first": 10,
    **{f"wide-first-{ratio}x": ratio for ratio in (2, 4, 8, 16)},
}
PROFILES = (*_NARROWER, "trapezoid", "exponential")

DEFAULT_SPACE: dict[str, Any] = {
    "size": {"type": "int", "low": 2**14, "high": 2**20, "log": True},
    "depth": {"type": "int", "low": 2, "high": 5},
    "profile": {
        "type": "categorical",
        "choices": ["rectangle", "trapezoid", "wide-first", "rectangle-residual"],
    },
    "dropout": {"type": "float", "low": 0.0, "high": 0.5},
    **TRAINING_SPACE,
}
"""Network, optimiser and schedule. The exponential profile is left out: its layers are never
narrower than there are classes, so the least of its sizes are too large for large images."""


def layer_widths(profile: str, first: int, n_outputs: int, depth: int) -> list[int]:
    """The widths of all layers of a profile, the output layer last.

    With ``depth`` layers and layer k = 0 … depth - 1:

    - ``rectangle``: all hidden layers are as wide as the first.
    - ``rectangle-residual``: the same, and each hidden layer but the first adds its input.
    - ``wide-first``: the later hidden layers have a tenth of the first one's width, at least one
      unit; a half, a quarter … in ``wide-first-2x``, ``-4x``, ``-8x`` and ``-16x``.
    - ``trapezoid``: from the first width to the outputs in equal steps.
    - ``exponential``: from the first width to the outputs by equal factors, nowhere narrower than
      the outputs.

    With two layers all of them are the same.
    """
    shares = [k / (depth - 1) for k in range(depth)]
    if profile == "trapezoid":
        return [round(first + (n_outputs - first) * share) for share in shares]
    if profile == "exponential":
        return [max(n_outputs, round(first * (n_outputs / first) ** share)) for share in shares]
    later = max(1, round(first / _NARROWER[profile]))
    return [first, *[later] * (depth - 2), n_outputs]


def solve_widths(profile: str, size: int, n_inputs: int, n_outputs: int, depth: int) -> list[int]:
    """The widths of inputs and layers whose number of parameters is the closest to ``size``.

    Raises:
        UnknownNameError: There is no such profile.
        ConfigurationError: ``size`` is below the smallest network, or no whole number.
    """
    if profile not in PROFILES:
        raise UnknownNameError("profile", str(profile), PROFILES)
    for name, value, least, most in (("size", size, 1, 2**40), ("depth", depth, 2, 1000)):
        if not isinstance(value, int) or not least <= value <= most:
            raise ConfigurationError(
                f"mlp: {name} = {value!r} must be a whole number from {least} to {most}"
            )

    def widths(first: int) -> list[int]:
        return [n_inputs, *layer_widths(profile, first, n_outputs, depth)]

    def parameters(first: int) -> int:
        return n_parameters(widths(first))

    # The number of parameters never falls as the first layer widens, and is at least its width.
    below = bisect_right(range(1, size + 1), size, key=parameters)
    if below == 0:
        raise ConfigurationError(
            f"mlp: size = {size} parameters is too small for {n_inputs} inputs, {n_outputs} "
            f"classes and depth = {depth} as {profile}: take {parameters(1)} or more"
        )
    return widths(min(below, below + 1, key=lambda first: abs(parameters(first) - size)))


def mlp(
    shape: Sequence[int],
    n_classes: int,
    *,
    size: int = 2**14,  # parameters; the network has the closest number that its profile allows
    depth: int = 3,  # layers with weights, the output layer included
    profile: str = "rectangle",  # for `layer_widths`
    dropout: float = 0.0,  # probability of dropping a hidden unit
) -> nn.Module:
    """Linear layers with ReLU between them, and dropout after each; images are flattened.

    Raises:
        UnknownNameError: There is no such profile.
        ConfigurationError: The size is below that of the smallest network, or a value is out of
            range.
    """
    from torch import nn

    from .residual import Residual

    if not 0 <= dropout < 1:
        raise ConfigurationError(f"mlp: dropout = {dropout} must be in [0, 1)")
    widths = solve_widths(profile, size, math.prod(shape), n_classes, depth)
    layers: list[nn.Module] = [nn.Flatten()]
    for k, (before, after) in enumerate(pairwise(widths[:-1])):
        hidden = [nn.Linear(before, after), nn.ReLU()]
        adds = profile == "rectangle-residual" and k > 0
        layers += [Residual(*hidden)] if adds else hidden
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(widths[-2], n_classes))
