"""Which networks can be built, by name, and how to bring one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ...errors import UnknownNameError
from ..importing import import_named
from .cnn import cnn

if TYPE_CHECKING:
    from torch import nn

Builder = Callable[..., "nn.Module"]  # of (channels, height, width), n_classes, **hyperparameters

ARCHITECTURES: dict[str, Builder] = {"cnn": cnn}


def resolve_architecture(name: str | Builder) -> Builder:
    """The builder of a network: by a key of `ARCHITECTURES`, `"module:function"`, or itself.

    Raises:
        UnknownNameError: There is no such architecture.
        ConfigurationError: The module or the function cannot be had.
    """
    if not isinstance(name, str):
        return name
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    if ":" not in name:
        raise UnknownNameError("architecture", name, [*ARCHITECTURES, "module:function"])
    return cast("Builder", import_named("architecture", name))


def imports_code(name: str) -> bool:
    """Whether `resolve_architecture` would import what the name says, and so run its author's code.

    >>> imports_code("cnn"), imports_code("torchvision:resnet18"), imports_code("mine:build")
    (False, False, True)
    """
    return ":" in name and not name.startswith("torchvision:")
