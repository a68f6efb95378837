"""Which networks can be built, by name, and how to bring one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ...errors import UnknownNameError
from ..data.registry import MOST_EPOCHS, check, names_code
from ..importing import import_named
from . import cnn as _cnn
from . import mlp as _mlp
from . import torchvision_models as _torchvision
from .spaces import TRAINING_SPACE

if TYPE_CHECKING:
    from torch import nn

Builder = Callable[..., "nn.Module"]
"""Of the shape of an input, (channels, height, width) or (features,), the number of classes, and
hyperparameters by name."""

ARCHITECTURES: dict[str, Builder] = {"cnn": _cnn.cnn, "mlp": _mlp.mlp}
_SPACES = {"cnn": _cnn.DEFAULT_SPACE, "mlp": _mlp.DEFAULT_SPACE}


def architectures_help() -> str:
    """All architectures, in one line for help texts."""
    named = ", ".join(ARCHITECTURES)
    return f"{named}, {_torchvision.PREFIX}NAME (resnet18 …), or your own module:function or class"


def default_space(architecture: str | Builder, dataset: str) -> dict[str, Any]:
    """What `Space.parse` reads: an architecture's own search space, fitted to a data set.

    One's own builder is given the hyperparameters of the training alone.
    """
    space = TRAINING_SPACE
    if isinstance(architecture, str):
        if architecture.startswith(_torchvision.PREFIX):
            space = _torchvision.DEFAULT_SPACE
        space = _SPACES.get(architecture, space)
    high = MOST_EPOCHS if names_code(dataset) else check(dataset).max_epochs
    return {**space, "epochs": {**space["epochs"], "high": high}}


def resolve_architecture(name: str | Builder) -> Builder:
    """The builder of a network: by its name, `"torchvision:model"`, `"module:function"`, or itself.

    A class is a builder too.

    Raises:
        UnknownNameError: There is no such architecture.
        ConfigurationError: The module or the function cannot be had.
    """
    if not isinstance(name, str):
        return name
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    if name.startswith(_torchvision.PREFIX):
        return _torchvision.find_model(name.removeprefix(_torchvision.PREFIX))
    if ":" not in name:
        known = [*ARCHITECTURES, f"{_torchvision.PREFIX}resnet18 …", "module:function"]
        raise UnknownNameError("architecture", name, known)
    return cast("Builder", import_named("architecture", name))


def imports_code(name: str) -> bool:
    """Whether `resolve_architecture` would import what the name says, and so run its author's code.

    >>> imports_code("cnn"), imports_code("torchvision:resnet18"), imports_code("mine:build")
    (False, False, True)
    """
    return ":" in name and not name.startswith(_torchvision.PREFIX)
