"""The first layers of a convolutional network, fitted to the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    from torch import nn

SMALL_IMAGES = 64  # pixels: below them a stem is shrunk


def first_convolution(network: nn.Module) -> str:
    """The dotted name of the convolution that takes the image."""
    from torch import nn

    return next(name for name, each in network.named_modules() if isinstance(each, nn.Conv2d))


def take_channels(network: nn.Module, channels: int) -> None:
    """Give the network a first convolution for images of so many channels."""
    from torch import nn

    name = first_convolution(network)
    old = network.get_submodule(name)
    assert isinstance(old, nn.Conv2d)
    new = nn.Conv2d(
        channels,
        old.out_channels,
        kernel_size=(old.kernel_size[0], old.kernel_size[1]),
        stride=(old.stride[0], old.stride[1]),
        padding=old.padding if isinstance(old.padding, str) else (old.padding[0], old.padding[1]),
        bias=old.bias is not None,
    )
    network.set_submodule(name, new)


def shrink_stem(network: nn.Module, architecture: str, stem: str, side: int) -> bool:
    """Shrink the stem of a model, if that is asked for; whether it was.

    Args:
        network: The model; it is changed in place.
        architecture: Its name.
        stem: ``"small"``, ``"full"``, or ``"auto"``, which is small for images under 64 pixels.
        side: The smaller side of the images in pixels.

    Raises:
        UnknownNameError: There is no such stem.
        ConfigurationError: The stem cannot be shrunk, but shall be.
    """
    from torch import nn

    if stem not in ("auto", "small", "full"):
        raise UnknownNameError("stem", str(stem), ("auto", "small", "full"))
    first = network.get_submodule(first_convolution(network))
    assert isinstance(first, nn.Conv2d)
    shrinkable = first.kernel_size[0] > first.stride[0] > 1 and "maxvit" not in architecture
    if stem == "small" and not shrinkable:
        raise ConfigurationError(
            f"{architecture}: its stem cannot be shrunk: leave stem = 'small' out"
        )
    if stem == "full" or not shrinkable or (stem == "auto" and side >= SMALL_IMAGES):
        return False
    first.stride = (1, 1)
    pools = (name for name, each in network.named_modules() if isinstance(each, nn.MaxPool2d))
    pool = next(pools, None)
    if pool is not None:
        network.set_submodule(pool, nn.Identity())
    return True
