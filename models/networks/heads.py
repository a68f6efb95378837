"""Where the head of a network is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ConfigurationError

if TYPE_CHECKING:
    from torch import nn


def head_of(network: nn.Module) -> nn.Module:
    """The module ``head`` of a network, else its last linear layer.

    Raises:
        ConfigurationError: It has neither.
    """
    from torch import nn

    head = getattr(network, "head", None)
    if isinstance(head, nn.Module):
        return head
    linear = [each for each in network.modules() if isinstance(each, nn.Linear)]
    if not linear:
        raise ConfigurationError(
            f"{type(network).__name__} has no head: name its last layer `head`, or do not freeze"
        )
    return linear[-1]
