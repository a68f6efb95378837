"""Build a candidate and train it, quickly, and the same way for every strategy.

The whole data set lies on the device as one tensor, batches are gathered from it in a seeded order,
images are channels last, the optimiser is fused, and the loss stays on the device until the epoch
ends. Per step Python only asks whether to stop. `benchmarks/performance/training.py` measures what
that gives against the usual loop over a `DataLoader`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ..errors import ConfigurationError, UnknownNameError
from .data.splits import Split
from .networks.registry import Builder, resolve_architecture
from .runtime import Runtime
from .space import DEFAULT_LOG2_BATCH_SIZE, LOG2_BATCH_SIZE, batch_size_of

EVALUATION_BATCH = 256  # samples; any from 64 to 1,000 will do, 2,000 fall out of the caches

_OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": lambda parameters, **options: SGD(parameters, momentum=0.9, nesterov=True, **options),
    "adam": Adam,
    "adamw": AdamW,
}
_FUSED_ON = ("cpu", "cuda", "mps", "xpu")

_LEAST = {"learning_rate": 0.0, "weight_decay": 0.0, LOG2_BATCH_SIZE: 1, "epochs": 1}


@dataclass(frozen=True)
class TrainingSettings:
    """The hyperparameters that do not shape the network; one out of its range is an error."""

    optimizer: str = "adam"  # or sgd (Nesterov momentum of 0.9), adamw
    learning_rate: float = 1e-3
    weight_decay: float = 0.0  # L2 penalty; decoupled in adamw
    log2_batch_size: int = DEFAULT_LOG2_BATCH_SIZE
    epochs: int = 4  # passes over the training split

    def __post_init__(self) -> None:
        if self.optimizer not in _OPTIMIZERS:
            raise UnknownNameError("optimizer", str(self.optimizer), _OPTIMIZERS)
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int | type(least)) or not value >= least:
                number = "whole number" if isinstance(least, int) else "number"
                raise ConfigurationError(f"{name} = {value!r} must be a {number} from {least} up")

    @property
    def batch_size(self) -> int:
        """Samples per step."""
        return batch_size_of({LOG2_BATCH_SIZE: self.log2_batch_size})


def split_hyperparameters(
    params: Mapping[str, Any], architecture: str | Builder
) -> tuple[TrainingSettings, dict[str, Any]]:
    """Share the hyperparameters of a candidate out between the training and the network.

    Raises:
        UnknownNameError: Neither the training nor the network knows a hyperparameter.
        ConfigurationError: The network needs one that is missing, or takes one of the training's.
    """
    params = {name: value for name, value in params.items() if value is not None}  # the active
    names = [field.name for field in fields(TrainingSettings)]
    settings = TrainingSettings(**{name: params[name] for name in names if name in params})
    network = {name: value for name, value in params.items() if name not in names}

    # The first two are the shape of an image and the number of classes.
    accepted = list(inspect.signature(resolve_architecture(architecture)).parameters.values())[2:]
    by_keyword = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    known = [each for each in accepted if each.kind in by_keyword]
    for each in known:
        if each.name in names:
            raise ConfigurationError(
                f"the network's hyperparameter {each.name!r} is the training's too: rename it"
            )
        if each.default is each.empty and each.name not in network:
            raise ConfigurationError(
                f"the network needs the hyperparameter {each.name!r}: add it to the space"
            )
    if not any(each.kind is each.VAR_KEYWORD for each in accepted):
        names += [each.name for each in known]
        for name in network:
            if name not in names:
                raise UnknownNameError("hyperparameter", name, names)
    return settings, network


def build(
    params: Mapping[str, Any],
    architecture: str | Builder,
    shape: tuple[int, int, int],
    n_classes: int,
    runtime: Runtime,
    seed: int,
) -> tuple[nn.Module, Optimizer, TrainingSettings]:
    """Build a candidate, with weights that the seed alone decides."""
    settings, hyperparameters = split_hyperparameters(params, architecture)
    with runtime.seeded(seed):
        network = resolve_architecture(architecture)(shape, n_classes, **hyperparameters)
    network = network.to(runtime.device)
    # PyTorch's type stubs leave this argument out.
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = _OPTIMIZERS[settings.optimizer](
        network.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=runtime.device.type in _FUSED_ON,
    )
    return network, optimizer, settings


class EpochResult(NamedTuple):
    """What one pass over the training split gave."""

    loss: float  # mean cross-entropy of the samples seen, in nats; NaN if none was
    steps: int  # of the optimiser
    finished: bool  # whether the pass went to its end


class Evaluation(NamedTuple):
    """How well a network does on a split."""

    accuracy: float  # share of samples classified rightly
    loss: float  # mean cross-entropy in nats


def train_epoch(
    network: nn.Module,
    optimizer: Optimizer,
    split: Split,
    settings: TrainingSettings,
    runtime: Runtime,
    generator: torch.Generator,
    should_stop: Callable[[], bool],
) -> EpochResult:
    """Train for one pass over a split; the generator, on the CPU, decides order and dropout.

    ``should_stop`` is asked before each step.
    """
    network.train()
    order = torch.randperm(len(split), generator=generator)
    batches = order.to(runtime.device).split(settings.batch_size)
    if len(batches[-1]) == 1:
        batches = batches[:-1]  # batch-norm has no deviation of one sample; another one each epoch
    images = split.inputs.permute(0, 2, 3, 1)  # index_select forgets channels_last of (N, C, H, W)
    total = torch.zeros((), device=runtime.device)
    steps = n_seen = 0
    with runtime.seeded(int(torch.randint(2**62, (), generator=generator))):
        for batch in batches:
            if should_stop():
                break
            with runtime.precision():
                logits = network(images.index_select(0, batch).permute(0, 3, 1, 2))
            loss = F.cross_entropy(logits.float(), split.labels.index_select(0, batch))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
            n_seen += len(batch)
            steps += 1
    loss = float(total) / n_seen if n_seen else math.nan
    return EpochResult(loss, steps, finished=steps == len(batches))


@torch.inference_mode()
def evaluate(
    network: nn.Module, split: Split, runtime: Runtime, should_stop: Callable[[], bool]
) -> Evaluation | None:
    """Accuracy and loss on a split; None if `should_stop`, asked before each batch, ended it."""
    network.eval()
    n_right = torch.zeros((), dtype=torch.int64, device=runtime.device)
    total = torch.zeros((), device=runtime.device)
    parts = (tensor.split(EVALUATION_BATCH) for tensor in (split.inputs, split.labels))
    for images, labels in zip(*parts, strict=True):
        if should_stop():
            return None
        with runtime.precision():
            logits = network(images).float()
        n_right += (logits.argmax(dim=1) == labels).sum()
        total += F.cross_entropy(logits, labels, reduction="sum")
    return Evaluation(int(n_right) / len(split), float(total) / len(split))
