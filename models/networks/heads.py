"""The head of a network: its last layer, which turns features into the classes of one data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ConfigurationError

if TYPE_CHECKING:
    from torch import nn


def head_of(network: nn.Module) -> nn.Module:
    """The attribute `head` of a network; else its last linear layer, else its last convolution.

    Raises:
        ConfigurationError: It has none of them.
    """
    return network.get_submodule(head_name(network))


def head_name(network: nn.Module) -> str:
    """The dotted name of the head, as `head_of` finds it."""
    from torch import nn

    if isinstance(getattr(network, "head", None), nn.Module):
        return "head"
    named = list(network.named_modules())
    for kind in (nn.Linear, nn.Conv2d):
        names = [name for name, layer in named if isinstance(layer, kind)]
        if names:
            return names[-1]
    raise ConfigurationError(
        f"{type(network).__name__} has no linear layer that could be its head: name the head by an "
        "attribute `head` of the network"
    )
