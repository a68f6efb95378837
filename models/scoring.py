"""The metrics that the built-in training can give, each a function of logits and labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigurationError, DataError
from .metric import METRICS, Metric
from .tasks import EXCLUDED

Score = Callable[[Tensor, Tensor], float]
"""Of logits (n, classes), those of other tasks `EXCLUDED`, and labels (n,) of a whole split."""


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Share of samples whose class has the highest logit."""
    return int((logits.argmax(dim=1) == labels).sum()) / len(labels)


def cross_entropy(logits: Tensor, labels: Tensor) -> float:
    """Mean over samples, in nats."""
    return float(F.cross_entropy(logits, labels, reduction="sum")) / len(labels)


def balanced_accuracy(logits: Tensor, labels: Tensor) -> float:
    """Mean over the classes there are of the share of their samples classified rightly."""
    confusion = _confusion(logits, labels)
    n_samples = confusion.sum(axis=1)
    there = n_samples > 0
    return float(np.mean(confusion.diagonal()[there] / n_samples[there]))


def f1(logits: Tensor, labels: Tensor) -> float:
    """Mean of F1 over the classes that there are or that were predicted (macro F1)."""
    confusion = _confusion(logits, labels)
    n_either = confusion.sum(axis=0) + confusion.sum(axis=1)
    seen = n_either > 0
    return float(np.mean(2 * confusion.diagonal()[seen] / n_either[seen]))


def auc(logits: Tensor, labels: Tensor) -> float:
    """Mean over classes of the area under the curve of each against the rest of its task.

    By Mann and Whitney's U: the share of pairs of a sample of the class and another whose
    probabilities are in order, ties counting half. Classes without samples are left out.

    Raises:
        DataError: No class has both samples of its own and others.
    """
    from scipy.stats import rankdata

    probabilities = logits.cpu().double().softmax(dim=1).numpy()
    eligible = (logits != EXCLUDED).cpu().numpy()
    truth = labels.cpu().numpy()
    areas = []
    for label in range(logits.shape[1]):
        rows = eligible[:, label]
        own = truth[rows] == label
        n_own, n_rest = int(own.sum()), int((~own).sum())
        if n_own and n_rest:
            ranks = rankdata(probabilities[rows, label])
            areas.append((ranks[own].sum() - n_own * (n_own + 1) / 2) / (n_own * n_rest))
    if not areas:
        raise DataError("auc needs samples of two classes: this split has one; take accuracy")
    return float(np.mean(areas))


SCORES: dict[str, Score] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "auc": auc,
    "loss": cross_entropy,
}


def score_of(metric: Metric) -> Score:
    """What computes a metric.

    Raises:
        ConfigurationError: The built-in training does not have it, or has it the other way round.
    """
    if metric.name not in SCORES:
        raise ConfigurationError(
            f"metric {metric.name!r}: the built-in training gives {', '.join(SCORES)}; "
            "for another, give an objective of your own, which reports it"
        )
    direction = METRICS[metric.name].direction
    if metric.direction != direction:
        raise ConfigurationError(
            f"metric {metric.name}: the built-in training has it to {direction}, "
            f"not to {metric.direction}: leave the direction out"
        )
    return SCORES[metric.name]


def _confusion(logits: Tensor, labels: Tensor) -> np.ndarray:
    """How many samples of a class (rows) were taken for which (columns)."""
    n_classes = logits.shape[1]
    pairs = labels * n_classes + logits.argmax(dim=1)
    return torch.bincount(pairs, minlength=n_classes**2).view(n_classes, -1).cpu().numpy()
