"""Networks of one shape whose layers are computed side by side, one kernel for all of them.

The weights of a layer lie in one tensor, and each network's parameters and running statistics
become views of it: what trains a network, saves or restores it works on as before.

Images of K networks are (n, K * channels, height, width), channels last, so that a layer is one
grouped convolution, and pooling and batch-norm are what they are for one network. Vectors are
(K, features, n), and a layer is one batched product, whose gradients come out as weights lie.
While all networks see the same samples these are not repeated: the first layer is an ordinary one
with K times the outputs.
`benchmarks/performance/fused.py` says what else was tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.residual import Residual


class _Flow(NamedTuple):
    """What goes from layer to layer."""

    values: Tensor  # shaped as the module's docstring tells, or (n, …) if shared
    shared: bool  # whether all networks see the same
    generators: Sequence[torch.Generator]  # one of each network, for its dropout; none to evaluate

    def then(self, values: Tensor) -> _Flow:
        return self._replace(values=values)

    def parted(self, values: Tensor) -> _Flow:
        return self._replace(values=values, shared=False)


_Layer = Callable[[_Flow], _Flow]


class Stack:
    """Networks, of the layers of `cnn` and `mlp`, that are computed together.

    They must have the same layers, and lie on one device. A later stack of some of them takes them
    out of this one.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self._size = len(networks)
        self._weights: list[tuple[Tensor, list[nn.Parameter]]] = []
        self._side_by_side = not isinstance(next(networks[0].children()), nn.Flatten)
        self._layers = list(self._stack(networks))

    def __call__(
        self, values: Tensor, *, shared: bool, generators: Sequence[torch.Generator] = ()
    ) -> Tensor:
        """Compute the outputs (K, n, classes) of all networks.

        Args:
            values: The inputs (n, …) of all networks, or those of each, (K, n, …).
            shared: Which of the two.
            generators: One of each network, for its dropout; none to evaluate.
        """
        if not shared and self._side_by_side:
            values = values.transpose(0, 1).flatten(1, 2)
            values = values.contiguous(memory_format=torch.channels_last)
        return _run(self._layers, _Flow(values, shared, generators)).values.transpose(1, 2)

    def n_values(self, inputs: Tensor) -> int:
        """How many values the first layer, the widest, gives for one of some inputs (n, …)."""
        pixels = inputs[0, 0].numel() if self._side_by_side else 1
        return len(self._weights[0][0]) * pixels

    def share_out_gradients(self) -> None:
        """Move the gradients that a backward pass left to the networks, each its part."""
        for weights, parts in self._weights:
            assert weights.grad is not None
            for parameter, grad in zip(parts, weights.grad.chunk(self._size), strict=True):
                parameter.grad = grad
            weights.grad = None

    def _stack(self, networks: Sequence[nn.Module]) -> Iterator[_Layer]:
        for layers in zip(*(network.children() for network in networks), strict=True):
            first = layers[0]
            if isinstance(first, Residual):
                yield self._residual(layers)
            elif isinstance(first, nn.Conv2d):
                yield self._convolution(layers)
            elif isinstance(first, nn.BatchNorm2d):
                yield self._batch_norm(layers)
            elif isinstance(first, nn.Linear):
                yield self._linear(layers)
            elif isinstance(first, nn.Flatten):
                yield self._flatten
            elif isinstance(first, nn.Dropout):
                yield _dropout([layer.p for layer in layers])
            elif isinstance(first, nn.ReLU | nn.MaxPool2d | nn.ZeroPad2d):
                yield _plain(first)  # has no weights, and does the same to all channels
            else:
                raise TypeError(f"no stack can be made of {type(first).__name__}")

    def _residual(self, blocks: Sequence[nn.Module]) -> _Layer:
        inner = list(self._stack(blocks))
        return lambda flow: flow.then(flow.values + _run(inner, flow).values)

    def _convolution(self, layers: Sequence[Any]) -> _Layer:
        first = layers[0]
        weight = self._gather([layer.weight for layer in layers])
        bias = None if first.bias is None else self._gather([layer.bias for layer in layers])

        def convolve(flow: _Flow) -> _Flow:
            groups = 1 if flow.shared else self._size
            return flow.parted(
                F.conv2d(
                    flow.values, weight, bias, first.stride, first.padding, first.dilation, groups
                )
            )

        return convolve

    def _batch_norm(self, layers: Sequence[Any]) -> _Layer:
        first = layers[0]
        weight = self._gather([layer.weight for layer in layers])
        bias = self._gather([layer.bias for layer in layers])
        statistics = {}
        for name, values in first.named_buffers():
            joined = torch.cat([getattr(layer, name).view(-1) for layer in layers])
            for layer, part in zip(layers, joined.chunk(self._size), strict=True):
                setattr(layer, name, part.view_as(values))
            statistics[name] = joined

        def normalise(flow: _Flow) -> _Flow:
            training = bool(flow.generators)
            if training:
                statistics["num_batches_tracked"].add_(1)
            mean, variance = statistics["running_mean"], statistics["running_var"]
            return flow.then(
                F.batch_norm(
                    flow.values, mean, variance, weight, bias, training, first.momentum, first.eps
                )
            )

        return normalise

    def _linear(self, layers: Sequence[Any]) -> _Layer:
        size, n_outputs = self._size, layers[0].out_features
        weight = self._gather([layer.weight for layer in layers])
        bias = self._gather([layer.bias for layer in layers])

        def multiply(flow: _Flow) -> _Flow:
            if flow.shared:
                joint = torch.addmm(bias[:, None], weight, flow.values.t())
                return flow.parted(joint.view(size, n_outputs, -1))
            matrices = weight.view(size, n_outputs, -1)
            return flow.then(torch.baddbmm(bias.view(size, -1, 1), matrices, flow.values))

        return multiply

    def _flatten(self, flow: _Flow) -> _Flow:
        if flow.shared:
            return flow.then(flow.values.flatten(1))
        if not self._side_by_side:
            return flow.then(flow.values.flatten(2).transpose(1, 2))
        n, _, height, width = flow.values.shape
        images = flow.values.view(n, self._size, -1, height, width)
        return flow.then(images.transpose(0, 1).flatten(2).transpose(1, 2))

    @torch.no_grad()
    def _gather(self, parameters: list[nn.Parameter]) -> Tensor:
        """One tensor of the parameters of all networks, (K * outputs, …); they become its views."""
        joint = torch.cat([each.detach() for each in parameters])
        if joint.ndim == 4:
            joint = joint.contiguous(memory_format=torch.channels_last)
        for parameter, part in zip(parameters, joint.chunk(self._size), strict=True):
            parameter.data = part
        joint.requires_grad_()
        self._weights.append((joint, parameters))
        return joint


def _run(layers: Sequence[_Layer], flow: _Flow) -> _Flow:
    for layer in layers:
        flow = layer(flow)
    return flow


def _plain(layer: nn.Module) -> _Layer:
    return lambda flow: flow.then(layer(flow.values))


def _dropout(shares: Sequence[float]) -> _Layer:
    """Drop units of each network, by the random numbers that it would draw alone.

    On a CPU `F.dropout` draws them from its generator just so.
    """

    def drop(flow: _Flow) -> _Flow:
        if not flow.generators or not any(shares):
            return flow
        size, features, n = flow.values.shape
        noise = flow.values.new_ones(size, n, features)
        for part, share, generator in zip(noise, shares, flow.generators, strict=True):
            if share:
                part.bernoulli_(1 - share, generator=generator).div_(1 - share)
        return flow.then(flow.values * noise.transpose(1, 2))

    return drop
