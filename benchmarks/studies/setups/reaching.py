"""Training until a target is reached, also of halves of the classes and from a trained trunk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..training import load_once

if TYPE_CHECKING:
    from torch import nn

    from ....models.data.splits import Data, Split
    from ....models.trial import Trial


FIRST, SECOND = "first half", "second half"
THEN, BOTH = "first half, then second half", "both halves, two heads"
TRAININGS = (FIRST, SECOND, THEN, BOTH)
"""How the halves of the classes of a data set are learnt."""


def halves(n_classes: int) -> tuple[range, range]:
    """The first half of the classes and the others.

    >>> halves(10)
    (range(0, 5), range(5, 10))
    """
    middle = n_classes // 2
    return range(middle), range(middle, n_classes)


def of_classes(data: Data, classes: range) -> Data:
    """The samples of neighbouring classes, as a data set of its own: its labels begin at 0.

    Inputs stay normalised as those of the whole data set are.
    """
    name = f"{data.name}[{classes.start}-{classes.stop - 1}]"
    cut = {
        each: _of_classes(getattr(data, each), classes, classes.start)
        for each in ("train", "validation", "test")
    }
    return replace(
        data,
        **cut,
        name=name,
        n_classes=len(classes),
        fingerprint=f"{data.fingerprint}[{classes.start}-{classes.stop - 1}]",
        class_names=data.class_names[classes.start : classes.stop],
        tasks=(len(classes),),
    )


@lru_cache(maxsize=4)
def load_half(dataset: str, half: int, device: str) -> Data:
    """The first (0) or second (1) half of the classes of a data set, kept by the process."""
    data = load_once(dataset, device=device)
    return of_classes(data, halves(data.n_classes)[half])


@lru_cache(maxsize=2)
def load_both(dataset: str, device: str) -> tuple[Data, tuple[Split, Split]]:
    """A data set with its halves as two tasks, and the validation samples of each task."""
    data = load_once(dataset, device=device)
    first, second = halves(data.n_classes)
    own = (_of_classes(data.validation, first, 0), _of_classes(data.validation, second, 0))
    return replace(data, tasks=(len(first), len(second))), own


def reach(
    trial: Trial,
    data: Data,
    network: str,
    params: Mapping[str, Any],
    target: float,
    epochs: Iterable[int],
    *,
    trunk: nn.Module | None = None,
    validation: Sequence[Split] = (),
    **told: float,
) -> nn.Module | None:
    """Train a network until its validation accuracy reaches a target, or the epochs are over.

    After each epoch the accuracy is reported; with several validation splits it is the least of
    theirs, and each is reported as ``task1``, ``task2`` …

    Args:
        trial: It is asked, told and reported to.
        data: What is learnt, on the trial's device.
        network: Name of its architecture.
        params: Hyperparameters of the network and of its training.
        target: The accuracy that is enough.
        epochs: What is left of ``trial.epochs()``.
        trunk: A network like it, of which it takes all weights but the head's.
        validation: What the accuracy is of; empty: the validation split of the data.
        **told: What else is reported with each epoch.

    Returns:
        The network that reached the target; None if none did.
    """
    from ....models.network_training import NetworkTraining
    from ....models.runtime import Runtime
    from ....models.training import evaluate, train_epoch
    from ....models.trial import TrialFailed

    training = NetworkTraining(data, Runtime.detect(trial.device), network, trial.metric)
    built = training.build(params, trial.seed)
    if trunk is not None:
        take_trunk(built.network, trunk)
    training.announce(trial, built.network, built.settings.batch_size)
    splits, asked = validation or (data.validation,), trial.should_stop
    for epoch in epochs:
        learnt = train_epoch(built, data.train, trial.seed, epoch, asked, data.tasks)
        if not learnt.finished:
            return None
        if not math.isfinite(learnt.loss):
            raise TrialFailed(f"loss {learnt.loss} in epoch {epoch + 1}")
        trial.phase("validate")
        found = [
            evaluate(built.network, split, built.runtime, asked, trial.metric, data.tasks)
            for split in splits
        ]
        known = [each for each in found if each is not None]
        if len(known) < len(splits):
            return None
        scores = [each.score for each in known]
        own = {f"task{k}": each for k, each in enumerate(scores, 1)} if validation else {}
        loss = sum(each.loss for each in known) / len(known)
        trial.report(**{trial.metric.name: min(scores)}, loss=loss, **own, **told)
        if min(scores) >= target:
            return built.network
    return None


def take_trunk(network: nn.Module, trained: nn.Module) -> None:
    """Give a network all weights and running statistics of a trained one but those of its head."""
    from ....models.networks.heads import head_name

    head = head_name(network) + "."
    states = trained.state_dict().items()
    network.load_state_dict(
        {name: each for name, each in states if not name.startswith(head)}, strict=False
    )


def _of_classes(split: Split, classes: range, first: int) -> Split:
    import torch

    kept = (split.labels >= classes.start) & (split.labels < classes.stop)
    inputs = split.inputs[kept]
    if inputs.ndim == 4:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    return replace(split, inputs=inputs, labels=split.labels[kept] - first)
