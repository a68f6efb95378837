"""torchvision's classification models, made to fit the images of a data set.

The rule:

1. Channels: the first convolution takes as many as the images have, the head gives one logit per
   class. GoogLeNet and Inception have no auxiliary heads.
2. Stem: images under 64 pixels would be all but gone after the first layers. So the first
   convolution keeps its kernel but takes a stride of 1, and the first max pool is left out. That
   is for stems whose strided kernels overlap: VGG has no strided stem, and those that cut an image
   into patches (ConvNeXt, Swin, ViT) keep their patches.
3. Size: images too small for what the model then computes are enlarged to the least it can, by
   bilinear interpolation inside the network, with their aspect kept. ViT and MaxViT have a fixed
   grid: images become squares, whole patches of ViT (at least two a side), multiples of 224 pixels
   for MaxViT. A pretrained ViT takes the size it was trained for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, UnknownNameError
from .heads import head_name
from .shapes import image_shape
from .spaces import TRAINING_SPACE
from .stems import shrink_stem, take_channels

if TYPE_CHECKING:
    from torch import nn

PREFIX = "torchvision:"

DEFAULT_SPACE: dict[str, Any] = {
    "dropout": {"type": "float", "low": 0.0, "high": 0.5},
    **TRAINING_SPACE,
    "learning_rate": {"type": "float", "low": 1e-5, "high": 0.1, "log": True},
    "log2_batch_size": {"type": "int", "low": 4, "high": 8},
}
"""Dropout before the head, optimiser and schedule. What else can be set, `stem`, `image_size` and
`pretrained`, means nothing for some of the models, so it is searched only where one says so."""

# Least side of an image in pixels that a model can compute, with its own stem and a shrunk one.
_LEAST_SIDES = {
    "alexnet": (63, 13),
    "convnext": (32, 32),
    "densenet": (29, 8),
    "googlenet": (15, 4),
    "inception": (75, 21),
    "squeezenet1_0": (21, 10),
    "squeezenet1_1": (17, 6),
    "swin": (4, 4),
    "vgg": (32, 32),
}
_MAXVIT_SIDE = 224  # pixels: 7 windows after 5 halvings


def find_model(name: str) -> Callable[..., nn.Module]:
    """The builder of a torchvision model, of (shape, n_classes, **hyperparameters).

    Raises:
        UnknownNameError: torchvision has no such classification model.
    """
    from .._torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise UnknownNameError("torchvision model", name, known)
    return partial(torchvision_model, name)


def torchvision_model(
    name: str,
    shape: Sequence[int],
    n_classes: int,
    *,
    pretrained: bool = False,  # start from weights learnt on ImageNet, but for the head
    stem: str = "auto",  # small, full, or by the size of the images
    image_size: int = 0,  # pixels of the smaller side, to which images are resized first; 0: as is
    dropout: float = 0.0,  # probability of dropping a feature before the head
) -> nn.Module:
    """Build a classification model for images of a shape (channels, height, width).

    Raises:
        ConfigurationError: The inputs are no images, or a value is out of range.
        DataError: The pretrained weights are neither on disk nor to be had, or are damaged.
    """
    from torch import nn

    from .pretrained import load_pretrained, trained_side

    architecture = PREFIX + name
    channels, *own_sides = image_shape(architecture, shape)
    if not isinstance(image_size, int) or image_size < 0 or not 0 <= dropout < 1:
        raise ConfigurationError(
            f"{architecture}: image_size = {image_size} must be a whole number from 0 up, "
            f"dropout = {dropout} in [0, 1)"
        )
    sides = _scaled(own_sides, image_size) if image_size else own_sides
    if name.startswith("vit"):
        patch = int(name.rpartition("_")[2])
        side = trained_side(name) if pretrained else patch * max(2, -(-max(sides) // patch))
        sides = [side, side]
    elif name.startswith("maxvit"):
        sides = [_MAXVIT_SIDE * -(-max(sides) // _MAXVIT_SIDE)] * 2

    network = _construct(name, n_classes, sides[0])
    if channels != 3:
        take_channels(network, channels)
    if pretrained:
        load_pretrained(network, name)
    small = shrink_stem(network, architecture, stem, min(sides))
    least = next((each for key, each in _LEAST_SIDES.items() if name.startswith(key)), (1, 1))
    if min(sides) < least[small]:
        sides = _scaled(sides, least[small])
    if dropout:
        head = head_name(network)
        network.set_submodule(head, nn.Sequential(nn.Dropout(dropout), network.get_submodule(head)))
    if sides == own_sides:
        return network
    return nn.Sequential(nn.Upsample(size=tuple(sides), mode="bilinear"), network)


def _scaled(sides: Sequence[int], least: int) -> list[int]:
    """The sides of an image enlarged or reduced until its smaller side is ``least`` pixels."""
    return [math.ceil(least * side / min(sides)) for side in sides]


def _construct(name: str, n_classes: int, side: int) -> nn.Module:
    from .._torchvision import models

    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": True}
    elif name.startswith("vit"):
        options = {"image_size": side}
    elif name.startswith("maxvit"):
        options = {"input_size": (side, side)}
    with _regnets_on_meta() if name.startswith("regnet") else nullcontext():
        return models.get_model(name, weights=None, num_classes=n_classes, **options)


def _regnets_on_meta() -> AbstractContextManager[object]:
    """RegNet computes its widths with tensors, whose values a build on the meta device needs."""
    from unittest.mock import patch

    import torch
    from torchvision.models.regnet import BlockParams

    computed = BlockParams.from_init_params

    def on_cpu(*args: Any, **options: Any) -> BlockParams:
        with torch.device("cpu"):
            return computed(*args, **options)

    return patch.object(BlockParams, "from_init_params", on_cpu)
