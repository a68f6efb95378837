"""The best network as it is used: raw inputs in, class probabilities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import ConfigurationError, DataError
from .data.splits import Normalisation
from .described import Described
from .networks.registry import imports_code, resolve_architecture
from .runtime import Runtime
from .settings import split_hyperparameters
from .training import EVALUATION_BATCH, build, suit_precision


class EndToEnd(nn.Module):
    """Normalisation, network and softmax as one module: what `exporting` writes.

    ``forward`` takes a batch of raw inputs, float32 or uint8, ``(N, height, width, channels)`` or
    ``(N, features)``, and gives float32 probabilities ``(N, classes)`` that sum to 1 in each task.
    """

    def __init__(
        self, network: nn.Module, normalisation: Normalisation, tasks: Sequence[int]
    ) -> None:
        super().__init__()
        self.network, self._tasks = network, list(tasks)
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(normalisation.mean))
        self.register_buffer("deviation", torch.tensor(normalisation.deviation))

    def forward(self, images: Tensor) -> Tensor:
        """Give the probabilities of one batch."""
        inputs = (images.to(torch.float32) - self.mean) / self.deviation
        if inputs.ndim == 4:
            inputs = inputs.permute(0, 3, 1, 2)  # a view: channels stay last in memory
        heads = self.network(inputs).float().split(self._tasks, dim=1)
        return torch.cat([head.softmax(dim=1) for head in heads], dim=1)


class Predictor:
    """Gives class probabilities of inputs as the data set gives them.

    Predictions are made as the network was evaluated in the search, in the same precision and in
    batches of the same size, so the reported test score is met exactly on the same kind of machine.
    A network trained in bfloat16 is used in float32 where the processor has no bfloat16: then
    probabilities differ by about 0.01, and the class of an image seldom does.

    Attributes:
        described: What the network is: its hyperparameters, shape, classes.
        module: Normalisation, network and softmax in one ``torch`` module.
        runtime: Where and how precisely it predicts.
    """

    def __init__(self, described: Described, network: nn.Module, runtime: Runtime) -> None:
        self.described, self.runtime = described, runtime
        whole = EndToEnd(network, described.normalisation, described.task_sizes)
        self.module = whole.to(runtime.device).eval()

    @property
    def network(self) -> nn.Module:
        """The bare module: takes normalised ``(N, channels, height, width)``, gives logits."""
        return self.module.network

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the probabilities."""
        return self.described.class_names

    @torch.no_grad()
    def __call__(self, images: Any, batch_size: int = EVALUATION_BATCH) -> Tensor:
        """Give the probabilities of the classes.

        Args:
            images: NumPy array, tensor or nested list of numbers, in the units of the data set
                (pixels of 0 to 255 are not to be divided by anything): ``(N, height, width,
                channels)``, channels last; ``(N, height, width)`` where there is one channel;
                a single ``(height, width, channels)``; or features ``(N, d)`` or ``(d,)``.
            batch_size: Inputs at a time.

        Returns:
            float32 ``(N, classes)`` on the predictor's device; ``N`` is 1 for a single input. Each
            row sums to 1, or each task's part of it where there are several.

        Raises:
            DataError: The inputs have another shape, are no numbers, or are not finite.
            ConfigurationError: The batch size is below 1.
        """
        if batch_size < 1:
            raise ConfigurationError(f"batch_size = {batch_size} must be 1 or more")
        inputs = _as_batch(images, self.described)
        parts = []
        for batch in inputs.split(batch_size):
            with self.runtime.precision():
                parts.append(self.module(batch.to(self.runtime.device)))
        return torch.cat(parts)

    def predict(self, images: Any, batch_size: int = EVALUATION_BATCH) -> list[Any]:
        """Name the likeliest class of each image; a tuple, one for each task, if several.

        Args:
            images: As for a call.
            batch_size: As for a call.
        """
        tasks, start, chosen = self.described.task_sizes, 0, []
        for head in self(images, batch_size).cpu().split(list(tasks), dim=1):
            chosen.append([self.class_names[start + i] for i in head.argmax(dim=1).tolist()])
            start += head.shape[1]
        return chosen[0] if len(tasks) == 1 else list(zip(*chosen, strict=True))

    def __repr__(self) -> str:
        given, device = self.described, self.runtime.device
        return f"Predictor({given.architecture}, {given.layout} to {given.n_classes}, on {device})"


def make_predictor(
    described: Described,
    weights: Mapping[str, Tensor],
    *,
    trust: bool = False,
    device: str | None = "cpu",
    precision: str | None = None,
) -> Predictor:
    """Build a described network with its weights.

    Args:
        described: The network.
        weights: Its state.
        trust: Whether code that ``architecture`` names may be imported.
        device: Where it shall predict; None for the fastest.
        precision: ``"float32"``, or None for the one it was trained in.

    Raises:
        ConfigurationError: The device or the precision cannot be, the architecture is somebody's
            own and not trusted, or the network cannot be built of its hyperparameters.
        DataError: The weights are those of another network.
    """
    if precision not in (None, "float32"):
        raise ConfigurationError(f"precision {precision!r}: take float32, or none for the trained")
    own_code = imports_code(described.architecture)
    if own_code and not trust:
        raise ConfigurationError(
            f"architecture {described.architecture!r} is code of its author's, which would run "
            "here: if you trust it, say trust=True, or --trust on the command line"
        )
    runtime = _runtime(described, device, precision)
    network = None if own_code else _restored(described, weights)
    if network is None:
        network = _build(described, runtime)
        _check_weights(network, weights)
        network.load_state_dict(weights)
    # PyTorch's type stubs leave this argument out.
    network = network.to(runtime.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    settings, _ = split_hyperparameters(described.params, described.architecture)
    runtime = suit_precision(runtime, settings, network, described.shape)
    return Predictor(described, network, runtime)


def _runtime(described: Described, device: str | None, precision: str | None) -> Runtime:
    """Where and how precisely to predict: as the candidate asked, else as the search did."""
    runtime = Runtime.detect(device)
    own = described.params.get("precision") or "auto"
    if precision == "float32" or "float32" in (own, described.precision if own == "auto" else ""):
        return replace(runtime, autocast=None)
    return replace(runtime, autocast=torch.bfloat16) if own == "bf16" else runtime


def _restored(described: Described, weights: Mapping[str, Tensor]) -> nn.Module | None:
    """Build a network around its weights; None if it has tensors that are not among them.

    The weights are compared before any memory is taken, and nothing is drawn or fetched that they
    would replace.
    """
    meta = torch.device("meta")
    with meta:
        network = _build(described, Runtime(meta))
    _check_weights(network, weights)
    network.load_state_dict(weights, assign=True)
    tensors = (*network.parameters(), *network.buffers())
    return None if any(each.is_meta for each in tensors) else network


def _build(described: Described, runtime: Runtime) -> nn.Module:
    architecture, images = described.architecture, (described.shape, described.n_classes)
    split_hyperparameters(described.params, resolve_architecture(architecture))
    try:
        return build(described.params, architecture, *images, runtime, seed=0).network
    except (TypeError, ValueError, RuntimeError, OverflowError, MemoryError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigurationError(
            f"architecture {architecture!r} cannot be built of the hyperparameters: {reason}"
        ) from error


def _check_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    wanted, found = (
        {
            name: (list(getattr(each, "shape", ())), str(getattr(each, "dtype", type(each))))
            for name, each in tensors.items()
        }
        for tensors in (network.state_dict(), weights)
    )
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            (is_, of), (should_be, kind) = (
                each.get(name, ("missing", "")) for each in (found, wanted)
            )
            raise DataError(
                f"the weights are of another network: {name} is {is_} {of}, not {should_be} "
                f"{kind}; restore a copy of best.pt"
            )


def _as_batch(images: Any, described: Described) -> Tensor:
    """A tensor of the shape (N, *input shape), whatever was given."""
    try:
        # PyTorch wants memory that can be written, and no flipped views.
        given = (
            images
            if isinstance(images, Tensor)
            else torch.as_tensor(np.require(images, requirements=["C", "W"]))
        )
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise DataError(
            f"these inputs are no array of numbers: give one of the shape {described.layout}"
        ) from error
    if given.is_complex():
        raise DataError("these inputs are complex numbers: give real ones")
    wanted, shape = described.input_shape, tuple(given.shape)
    if shape[1:] != wanted and wanted[-1] == 1 and len(wanted) == 3:  # one channel may be left out
        given = given.unsqueeze(-1) if shape[-2:] == wanted[:2] else given
    if given.ndim == len(wanted):
        given = given.unsqueeze(0)
    if tuple(given.shape[1:]) != wanted:
        hint = ""
        if shape[1:] == described.shape and len(wanted) == 3:
            hint = "; channels come last: images.transpose(0, 2, 3, 1)"
        raise DataError(f"inputs of shape {shape}: this network takes {described.layout}{hint}")
    if len(given) == 0:
        raise DataError("there is no input: give one or more")
    if given.is_floating_point() and not bool(given.isfinite().all()):
        raise DataError("these inputs hold NaN or infinite numbers: take those out")
    return given
