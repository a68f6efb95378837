"""Build a candidate and train it, quickly, and the same way for every strategy.

The whole data set lies on the device as one tensor, batches are gathered from it in a seeded order
and augmented there, images are channels last, the optimiser is fused, and the loss stays on the
device until the epoch ends. Per step Python only asks whether to stop, and sets the learning rate
where it changes; on a CPU it calls the operators of both passes without layers and autograd
(`recording`), in float32 where casts would take longer than they save. `benchmarks/performance/
training.py` measures what that gives against the loops of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..errors import ConfigurationError
from .augmentation import augmentation
from .data.splits import Split
from .metric import ACCURACY, Metric
from .networks.building import build_network
from .networks.heads import head_of
from .networks.registry import Builder
from .operations import forward_operations
from .optimisers import Step, make_optimizer
from .recording import Passes
from .runtime import Runtime
from .schedule import rate_factor
from .scoring import cross_entropy, score_of
from .settings import TrainingSettings, split_hyperparameters
from .tasks import exclude, make_loss, other_tasks

EVALUATION_BATCH = 256  # samples; any from 64 to 1,000 will do, 2,000 fall out of the caches


class Built(NamedTuple):
    """A candidate, ready to be trained."""

    network: nn.Module
    optimizer: Optimizer
    settings: TrainingSettings
    runtime: Runtime  # at the precision that the settings ask for


def build(
    params: Mapping[str, Any],
    architecture: str | Builder,
    shape: tuple[int, ...],
    n_classes: int,
    runtime: Runtime,
    seed: int,
) -> Built:
    """Build a candidate for inputs of a shape, with weights that the seed alone decides.

    Raises:
        ConfigurationError, UnknownNameError: A hyperparameter cannot be used, at least not with
            such inputs, on such a device or with such a network; or the network is no module.
    """
    settings, hyperparameters = split_hyperparameters(params, architecture)
    if len(shape) != 3 and augmentation(settings.augmentation) is not None:
        raise ConfigurationError(
            f"augmentation = {settings.augmentation!r} is for images, and these data are feature "
            "vectors: take none"
        )
    runtime = runtime.at(settings.precision)
    with runtime.seeded(seed):
        network = build_network(architecture, shape, n_classes, hyperparameters)
    network = network.to(runtime.device)
    if len(shape) == 3:
        # PyTorch's type stubs leave this argument out.
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if settings.freeze:
        network.requires_grad_(False)
        head_of(network).requires_grad_(True)
    runtime = suit_precision(runtime, settings, network, shape)
    return Built(network, make_optimizer(_trained(network), settings, runtime), settings, runtime)


def suit_precision(
    runtime: Runtime, settings: TrainingSettings, network: nn.Module, shape: tuple[int, ...]
) -> Runtime:
    """The precision of a runtime, or float32 if a candidate that has no wish is faster so."""
    if settings.precision != "auto" or runtime.autocast is None or runtime.device.type != "cpu":
        return runtime
    return runtime.for_batches(settings.batch_size * forward_operations(network, shape))


def _trained(network: nn.Module) -> list[nn.Parameter]:
    return [each for each in network.parameters() if each.requires_grad]


class EpochResult(NamedTuple):
    """What one pass over the training split gave."""

    loss: float  # mean of the samples seen, in nats, smoothed as it is trained; NaN if none was
    steps: int  # of the optimiser
    finished: bool  # whether the pass went to its end


class Evaluation(NamedTuple):
    """How well a network does on a split."""

    score: float  # of the metric
    loss: float  # mean cross-entropy in nats


def train_epoch(
    built: Built,
    split: Split,
    seed: int,
    epoch: int,
    should_stop: Callable[[], bool],
    tasks: Sequence[int] = (),
) -> EpochResult:
    """Train for one pass over a split.

    The seed and the epoch decide order, dropout, augmentation and learning rates, so that a trial
    in slices is the trial in one piece.

    Args:
        built: The candidate; it is changed.
        split: What it learns from.
        seed: Of the trial.
        epoch: How many epochs it has behind it.
        should_stop: Asked before each step.
        tasks: The classes of each task, where the labels are of several (see `tasks`).
    """
    network, optimizer, settings, runtime = built
    _set_training(network, settings)
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    batches = torch.randperm(len(split), generator=generator).to(runtime.device)
    batches = batches.split(settings.batch_size)
    if len(batches[-1]) == 1:
        batches = batches[:-1]  # batch-norm has no deviation of one sample; another one each epoch
    take = _taker(split.inputs, settings)
    rates = _rates(settings, epoch, len(batches))
    loss_of = make_loss(other_tasks(tasks, runtime.device), settings.label_smoothing)
    step, clip, trained = Step(optimizer), settings.gradient_clip, _trained(network)

    def loss_of_batch(inputs: Tensor, labels: Tensor) -> Tensor:
        with runtime.precision():
            logits = network(inputs)
        return loss_of(logits.float(), labels)

    setting = (runtime, settings.label_smoothing, tuple(tasks))
    passes = Passes(network, loss_of_batch, setting)
    total = torch.zeros((), device=runtime.device)
    steps = n_seen = 0
    with runtime.seeded(int(torch.randint(2**62, (), generator=generator))):
        for batch in batches:
            if should_stop():
                break
            total.add_(passes(take(batch), split.labels.index_select(0, batch)), alpha=len(batch))
            if clip is not None:
                with torch.inference_mode():
                    nn.utils.clip_grad_norm_(trained, clip)
            if rates:
                optimizer.param_groups[0]["lr"] = rates[steps]
            step()
            n_seen += len(batch)
            steps += 1
    optimizer.zero_grad()
    loss = float(total) / n_seen if n_seen else math.nan
    return EpochResult(loss, steps, finished=steps == len(batches))


def _set_training(network: nn.Module, settings: TrainingSettings) -> None:
    """Set the network to training; what is frozen keeps its running statistics, and uses them."""
    network.train()
    if settings.freeze:
        head = set(head_of(network).modules())
        for each in network.modules():
            if each not in head and getattr(each, "track_running_stats", False):
                each.eval()


def _taker(inputs: Tensor, settings: TrainingSettings) -> Callable[[Tensor], Tensor]:
    """What gathers a batch of inputs by its indices, and augments it."""
    if inputs.ndim != 4:
        return lambda batch: inputs.index_select(0, batch)
    images = inputs.permute(0, 2, 3, 1)  # index_select forgets channels_last of (N, C, H, W)
    augment = augmentation(settings.augmentation)
    if augment is None:
        return lambda batch: images.index_select(0, batch).permute(0, 3, 1, 2)
    return lambda batch: augment(images.index_select(0, batch)).permute(0, 3, 1, 2)


def _rates(settings: TrainingSettings, epoch: int, n_batches: int) -> list[float]:
    """The learning rate of each step of an epoch; empty if it stays as it is."""
    share = settings.warmup_share or 0.0
    if settings.schedule == "constant" and not share:
        return []
    steps = range(epoch * n_batches, (epoch + 1) * n_batches)
    return [
        settings.learning_rate
        * rate_factor(settings.schedule, share, step, settings.epochs * n_batches)
        for step in steps
    ]


@torch.inference_mode()
def evaluate(
    network: nn.Module,
    split: Split,
    runtime: Runtime,
    should_stop: Callable[[], bool],
    metric: Metric = ACCURACY,
    tasks: Sequence[int] = (),
) -> Evaluation | None:
    """Score and loss on a split; None if `should_stop`, asked before each batch, ended it.

    Args:
        network: It is set to evaluation.
        split: What it is scored on.
        runtime: Of the candidate, as `build` gave it.
        should_stop: Whether to give up.
        metric: What the score is of.
        tasks: The classes of each task, where the labels are of several (see `tasks`).

    Raises:
        ConfigurationError: The metric is none of `scoring.SCORES`, or the network has another
            number of outputs than the tasks have classes.
    """
    score = score_of(metric)
    network.eval()
    logits = []
    for inputs in split.inputs.split(EVALUATION_BATCH):
        if should_stop():
            return None
        with runtime.precision():
            logits.append(network(inputs).float())
    shape, n_classes = tuple(logits[0].shape[1:]), sum(tasks)
    if tasks and shape != (n_classes,):
        raise ConfigurationError(
            f"the network gives outputs of shape {shape} for a sample, not one for each of "
            f"{n_classes} classes: build it for as many as it is told"
        )
    seen = exclude(torch.cat(logits), split.labels, other_tasks(tasks, runtime.device))
    return Evaluation(score(seen, split.labels), cross_entropy(seen, split.labels))
