"""What a network costs: its parameters, and the operations of its passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ._compiler import without_compiler
from .networks.building import build_network
from .networks.registry import Builder
from .settings import split_hyperparameters


def count_parameters(network: nn.Module) -> int:
    """Number of trained weights."""
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


class _Counter(TorchDispatchMode):
    """Counts the operations of what PyTorch computes, by its own formulas.

    PyTorch's `FlopCounterMode` counts the same layer by layer, which takes twice as long or more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.operations += formula(*args, **(kwargs or {}), out_val=output)
        return output


_Counter.__torch_dispatch__ = without_compiler(_Counter.__torch_dispatch__)


@torch.no_grad()
def forward_operations(network: nn.Module, shape: Sequence[int]) -> int:
    """Operations of the forward pass of one sample, a multiply-add counted as two.

    Only convolutions and products of matrices count: of linear layers, of attention. The rest is
    some percent. The network is left as is.
    """
    was_training = network.training
    device = next(network.parameters()).device
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it hides the products
    try:
        with sdpa_kernel(SDPBackend.MATH), _Counter() as counter:
            network.eval()(torch.zeros(1, *shape, device=device))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        network.train(was_training)
    return counter.operations


def network_cost(
    params: Mapping[str, Any],
    architecture: str | Builder,
    shape: tuple[int, ...],
    n_classes: int,
) -> tuple[int, int]:
    """Operations of the forward pass of one sample, and parameters, without any computation."""
    _, hyperparameters = split_hyperparameters(params, architecture)
    with torch.device("meta"):
        network = build_network(architecture, shape, n_classes, hyperparameters)
    return forward_operations(network, shape), count_parameters(network)
