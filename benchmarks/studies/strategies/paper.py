"""What Yarally et al. built and published of their first question: networks, spaces and figures.

Their code and their tables of all rounds are at https://github.com/yarally/preliminary-green-ai,
their paper is https://arxiv.org/abs/2303.13972.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

ROUNDS = 64  # candidates of a search
EPOCHS = 25
BATCH_SIZE = 512
LINEAR_LAYERS, CONV_LAYERS = 3, 2  # the defaults of their code

_ADAM = {
    "learning_rate": {"low": 1e-5, "high": 0.1},
    "beta1": {"low": 0.1, "high": 0.999},  # theirs may come as near to 1 as a float does
    "beta2": {"low": 0.8, "high": 0.9999},
}
_MORE = {
    "epsilon": {"low": 1e-9, "high": 1e-7},
    "weight_decay": {"low": 0.0, "high": 0.1},
}
SPACES: Mapping[int, Mapping[str, Any]] = {3: _ADAM, 5: {**_ADAM, **_MORE}}
"""By the number of hyperparameters; they draw all of them evenly, without a log scale."""


def dense_polynomial(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """Linear layers, each half as wide as the one before; there is nothing between them."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), *_halving(shape, math.prod(shape), n_classes))


def dense_linear(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """Linear layers that get narrower by equal steps; there is nothing between them."""
    from torch import nn

    inputs = math.prod(shape)
    hidden = [
        inputs * (LINEAR_LAYERS - layer) // LINEAR_LAYERS for layer in range(1, LINEAR_LAYERS)
    ]
    return nn.Sequential(nn.Flatten(), *_linear(shape, inputs, hidden, n_classes))


def simple_cnn(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """Blocks of 3x3 convolution, batch norm, ReLU and pooling, each with thrice the channels.

    Then the linear layers of `dense_polynomial`.

    Raises:
        ConfigurationError: The inputs are no images.
    """
    from torch import nn

    from ....models.networks.shapes import image_shape

    channels, height, width = image_shape("simple CNN", shape)
    layers: list[nn.Module] = []
    for _ in range(CONV_LAYERS):
        layers += [
            nn.Conv2d(channels, 3 * channels, kernel_size=3, padding=1),
            nn.BatchNorm2d(3 * channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        ]
        channels, height, width = 3 * channels, height // 2, width // 2
    return nn.Sequential(
        *layers, nn.Flatten(), *_halving(shape, channels * height * width, n_classes)
    )


def _halving(shape: tuple[int, ...], inputs: int, n_classes: int) -> list[nn.Module]:
    """Linear layers of a half, a quarter … as many units as the image has pixels."""
    hidden = [math.prod(shape) // 2**layer for layer in range(1, LINEAR_LAYERS)]
    return _linear(shape, inputs, hidden, n_classes)


def _linear(
    shape: tuple[int, ...], inputs: int, hidden: list[int], n_classes: int
) -> list[nn.Module]:
    """Linear layers with nothing between them, none narrower than the image has channels."""
    from torch import nn

    least = shape[0] if len(shape) == 3 else 1
    widths = [inputs, *(max(units, least) for units in hidden), n_classes]
    return [nn.Linear(*pair) for pair in pairwise(widths)]


NETWORKS = {
    "dense polynomial": f"{__name__}:dense_polynomial",
    "dense linear": f"{__name__}:dense_linear",
    "simple CNN": f"{__name__}:simple_cnn",
}
"""What `Experiment.architecture` takes, by the paper's name."""


@dataclass(frozen=True)
class Published:
    """One search of theirs, which they ran once; a candidate is scored by the mean of 8 trainings.

    Attributes:
        accuracy: The best accuracy, on test data.
        optimum: The round in which it was found, counted from 1.
        reached: The first round with 98 % of the best accuracy of the three strategies; None if
            there is none.
    """

    accuracy: float
    optimum: int
    reached: int | None


def _of(*searches: tuple[float, int, int | None]) -> dict[str, Published]:
    names = ("grid", "random", "bayesian")
    return {name: Published(*each) for name, each in zip(names, searches, strict=True)}


# fmt: off
PUBLISHED: Mapping[tuple[str, str, int], Mapping[str, Published]] = {
    ("fashion-mnist", "dense polynomial", 3):
        _of((0.8050000, 19, None), (0.8288625, 27, None), (0.8469625, 46, 5)),
    ("fashion-mnist", "dense linear", 3):
        _of((0.8145500, 52, None), (0.8414250, 23, 23), (0.8453500, 48, 4)),
    ("fashion-mnist", "simple CNN", 3):
        _of((0.8753625, 20, 11), (0.8793250, 39, 4), (0.8847250, 36, 13)),
    ("fashion-mnist", "dense polynomial", 5):
        _of((0.8054875, 40, None), (0.8266375, 56, 56), (0.8334750, 29, 13)),
    ("fashion-mnist", "dense linear", 5):
        _of((0.8138250, 30, None), (0.8064375, 52, None), (0.8447250, 18, 9)),
    ("fashion-mnist", "simple CNN", 5):
        _of((0.8563625, 14, None), (0.8879000, 29, 29), (0.8876375, 20, 14)),
    ("cifar10", "dense polynomial", 3):
        _of((0.4024875, 53, 2), (0.3179750, 27, None), (0.4059375, 12, 12)),
    ("cifar10", "dense linear", 3):
        _of((0.4032000, 35, 3), (0.3796750, 63, None), (0.3994500, 64, 64)),
    ("cifar10", "simple CNN", 3):
        _of((0.5870750, 55, None), (0.6160250, 4, None), (0.6612250, 24, 20)),
    ("cifar10", "dense polynomial", 5):
        _of((0.3705125, 42, None), (0.3332625, 56, None), (0.4026750, 27, 27)),
    ("cifar10", "dense linear", 5):
        _of((0.3962875, 54, 39), (0.3446625, 50, None), (0.3830000, 4, None)),
    ("cifar10", "simple CNN", 5):
        _of((0.5845125, 17, None), (0.6049875, 40, None), (0.6842875, 16, 13)),
}
"""By data set, network and number of hyperparameters: read off their RQ1_FM_3.csv, RQ1_FM_5.csv,
RQ1_C10_3.csv and part1/RQ1_C10_5.csv."""
# fmt: on


def published(datasets: Collection[str]) -> list[Mapping[str, Published]]:
    """Their searches on these data sets; all of them if they used none of these."""
    same = [each for (dataset, *_), each in PUBLISHED.items() if dataset in datasets]
    return same or list(PUBLISHED.values())


def rounds_to_target(searches: Collection[Mapping[str, Published]], name: str) -> pd.DataFrame:
    """Rounds that a strategy of theirs took to the target, as `AnytimeCurves.energy_to_target`.

    Rounds stand for joules here: theirs are of the GPU alone, and without the optimiser.
    """
    import pandas as pd

    reached = [search[name].reached for search in searches]
    return pd.DataFrame(
        {
            "hit": [each is not None for each in reached],
            "energy_j": [float(ROUNDS if each is None else each) for each in reached],
        }
    )
