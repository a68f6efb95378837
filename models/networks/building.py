"""Calling the builder of a network, whosever it is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import nn

from ...errors import ConfigurationError
from ..own_code import own_code
from .registry import Builder, imports_code, resolve_architecture


def code_of(architecture: str | Builder) -> AbstractContextManager[None]:
    """What to enter while code of this architecture runs: `own_code`, if it is a user's own."""
    built_in = isinstance(architecture, str) and not imports_code(architecture)
    return nullcontext() if built_in else own_code()


def build_network(
    architecture: str | Builder,
    shape: tuple[int, ...],
    n_classes: int,
    hyperparameters: Mapping[str, Any],
) -> nn.Module:
    """Build a network for inputs of a shape.

    Raises:
        ConfigurationError: What the builder returns is no ``torch.nn.Module``.
        Exception: Whatever a user's own builder raises.
    """
    builder = resolve_architecture(architecture)
    with code_of(architecture):
        network = builder(shape, n_classes, **hyperparameters)
    if not isinstance(network, nn.Module):
        raise ConfigurationError(
            f"architecture {architecture!r} builds an object of type {type(network).__name__}: "
            "return a torch.nn.Module"
        )
    return network
