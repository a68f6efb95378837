"""Which networks can be built, by name, and how to bring one's own."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ...errors import ConfigurationError, UnknownNameError
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
    module_name, colon, function = name.partition(":")
    if not colon:
        raise UnknownNameError("architecture", name, [*ARCHITECTURES, "module:function"])
    try:
        module = import_module(module_name)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"architecture {name!r}: {error}; is its folder on PYTHONPATH?"
        ) from error
    except Exception as error:  # the module is the user's own, and may raise anything
        reason = (str(error).strip() or "no message").splitlines()[0]
        raise ConfigurationError(
            f"architecture {name!r}: {type(error).__name__} in {module_name}: {reason}"
        ) from error
    builder = getattr(module, function, None)
    if not callable(builder):
        raise ConfigurationError(
            f"architecture {name!r}: no function {function!r} in {module_name}"
        )
    return cast("Builder", builder)


def imports_code(name: str) -> bool:
    """Whether `resolve_architecture` would import what the name says, and so run its author's code.

    >>> imports_code("cnn"), imports_code("torchvision:resnet18"), imports_code("mine:build")
    (False, False, True)
    """
    return ":" in name and not name.startswith("torchvision:")
