"""Several tasks on one trunk: each has its own classes in the head, one after the other.

A sample's label says of which task it is. The logits of the other tasks are taken out of its loss
and of its prediction, so that the rows of the head are as many heads as there are tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

EXCLUDED = -1e30  # the logit of a class of another task; finite, so that 0 times it is 0

Loss = Callable[[Tensor, Tensor], Tensor]


def other_tasks(tasks: Sequence[int], device: torch.device) -> Tensor | None:
    """Which classes are of another task than a label, bool (label, class); None with one task.

    Args:
        tasks: The number of classes of each task.
        device: Where the labels lie.
    """
    if len(tasks) < 2:
        return None
    task = torch.arange(len(tasks)).repeat_interleave(torch.tensor(tasks))
    return (task[:, None] != task).to(device)


def exclude(logits: Tensor, labels: Tensor, others: Tensor | None) -> Tensor:
    """Logits (n, classes), with those of tasks that the labels (n,) are not of `EXCLUDED`."""
    return logits if others is None else logits.masked_fill(others[labels], EXCLUDED)


def soft_targets(own: Tensor, label_smoothing: float) -> Tensor:
    """The target of each class for each label, float (label, class).

    Args:
        own: Which classes are of the task of a label, bool (label, class).
        label_smoothing: Share of the target that all classes of the task have alike.
    """
    shared = own.float()
    targets = label_smoothing * shared / shared.sum(1, keepdim=True)
    return targets + (1 - label_smoothing) * torch.eye(len(own), device=own.device)


def make_loss(others: Tensor | None, label_smoothing: float) -> Loss:
    """The mean cross-entropy, in nats, of logits (n, classes) and labels (n,).

    Label smoothing gives its share to all classes of the sample's own task alike.
    """
    if others is None:
        return lambda logits, labels: F.cross_entropy(
            logits, labels, label_smoothing=label_smoothing
        )
    targets = soft_targets(~others, label_smoothing)
    return lambda logits, labels: F.cross_entropy(exclude(logits, labels, others), targets[labels])
