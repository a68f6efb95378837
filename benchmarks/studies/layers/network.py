"""The convolutional network whose layers are counted, as its authors build it. Imports torch."""

from __future__ import annotations

import torch
from torch import nn

from ....models.networks.shapes import image_shape, padding

MOST_CONV = 4
KERNEL = 3  # pixels, of each side


def network(
    shape: tuple[int, ...], n_classes: int, *, linear: int = 3, conv: int = 1, relu: bool = True
) -> nn.Module:
    """The convolutional network of Yarally et al., 2023, in their factors.

    With ``c`` channels and sides of ``h x w`` pixels, block ``i = 1 … conv`` has a 3x3 convolution
    to ``c 3^i`` channels, batch-norm, ReLU, and a pool that halves both sides. Linear layer
    ``j = 1 … linear - 1`` has ``max(c, floor(c h w / 2^j))`` units, the last one ``n_classes``.

    Args:
        shape: Channels, height and width; sides below 16 pixels are padded with zeros to 16,
            whatever ``conv`` is.
        n_classes: Classes to tell apart.
        linear: Linear layers, 1 or more.
        conv: Convolutional layers, 1 to 4.
        relu: Whether blocks have a ReLU; linear layers have none.

    Raises:
        ConfigurationError: The inputs are no images.
    """
    channels, *sides = image_shape("the network of the study layers", shape)
    least = 2**MOST_CONV
    layers: list[nn.Module] = []
    if min(sides) < least:
        layers.append(nn.ZeroPad2d(padding(sides, least)))
    height, width = (max(side, least) for side in sides)
    for block in range(conv):
        n_in, n_out = channels * 3**block, channels * 3 ** (block + 1)
        layers += [_Convolution(n_in, n_out, KERNEL, padding=KERNEL // 2), nn.BatchNorm2d(n_out)]
        layers += [nn.ReLU(inplace=True)] if relu else []
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    n_in = channels * 3**conv * (height >> conv) * (width >> conv)
    for depth in range(1, linear):
        n_out = max(channels, channels * height * width >> depth)
        layers.append(nn.Linear(n_in, n_out))
        n_in = n_out
    return nn.Sequential(*layers, nn.Linear(n_in, n_classes))


class _Convolution(nn.Conv2d):
    """A convolution in PyTorch's default layout, channels first, wherever its weights come from.

    perjoule trains with channels last, where batch-norm and pool of 3 channels are slow on CPUs.
    """

    def _conv_forward(
        self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        return super()._conv_forward(_channels_first(input), _channels_first(weight), bias)


def _channels_first(images: torch.Tensor) -> torch.Tensor:
    """The same values in the default layout, of one channel too, whose strides tell no layout."""
    return images.reshape(len(images), -1).view(images.shape)
