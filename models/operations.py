"""What a network costs: its parameters, and the operations of its passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .networks.registry import Builder, resolve_architecture
from .settings import split_hyperparameters


def count_parameters(network: nn.Module) -> int:
    """Number of trained weights."""
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


@torch.inference_mode()
def forward_operations(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Operations of the forward pass of one sample, a multiply-add counted as two.

    Only convolutions and linear layers count; the rest is some percent. The network is left as is.
    """
    counts: list[int] = []

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        # Each output takes as many multiply-adds as one output channel has weights.
        counts.append(2 * output.numel() * layer.get_parameter("weight")[0].numel())

    layers = [each for each in network.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    was_training = network.training
    try:
        device = next(network.parameters()).device
        network.eval()(torch.zeros(1, *shape, device=device))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return sum(counts)


def network_cost(
    params: Mapping[str, Any],
    architecture: str | Builder,
    shape: tuple[int, int, int],
    n_classes: int,
) -> tuple[int, int]:
    """Operations of the forward pass of one sample, and parameters, without any computation."""
    _, hyperparameters = split_hyperparameters(params, architecture)
    with torch.device("meta"):
        network = resolve_architecture(architecture)(shape, n_classes, **hyperparameters)
    return forward_operations(network, shape), count_parameters(network)


def training_operations(
    network: nn.Module, shape: tuple[int, int, int], n_samples: int, n_steps: int
) -> int:
    """Operations of a training, estimated: three forward passes a sample, ten a weight and step."""
    per_sample = 3 * forward_operations(network, shape)
    return per_sample * n_samples + 10 * count_parameters(network) * n_steps
