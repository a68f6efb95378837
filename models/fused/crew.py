"""The members of a stack at work: one step of training, and one batch of validation, of all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..network_training import NetworkTraining
from ..tasks import exclude, other_tasks
from .member import Member
from .stack import Stack


class Crew:
    """Members that take their steps together.

    When some have left, the rest are a new crew: it takes them out of the old one.
    """

    def __init__(self, training: NetworkTraining, members: Sequence[Member]) -> None:
        self.members = members
        self._data = training.data
        self._runtime = training.runtime.at(members[0].settings.precision)
        self._stack = Stack([member.network for member in members])
        self._generators = [member.generator for member in members]
        self._others = other_tasks(self._data.tasks, self._runtime.device)
        self._targets = torch.stack([member.targets for member in members])
        self._losses = torch.stack([member.loss for member in members])
        for member, loss in zip(members, self._losses, strict=True):
            member.loss = loss

    def train(self, step: int) -> int:
        """Take a step of this epoch with all members; returns how many samples each has seen."""
        orders = {member.order for member in self.members}
        augment = any(member.augments for member in self.members)
        shared = len(orders) == 1 and not augment
        if shared:
            batch = self.members[0].batches[step]
        else:
            batch = torch.stack([member.batches[step] for member in self.members])
        inputs = self._gather(batch, augment)
        with self._runtime.precision():
            logits = self._stack(inputs, shared=shared, generators=self._generators)
        losses = self._loss(logits.float(), self._data.train.labels[batch])
        losses.sum().backward()
        self._stack.share_out_gradients()
        for member in self.members:
            member.descend(step)
        n_samples = batch.shape[-1]
        self._losses += losses.detach() * n_samples
        return n_samples

    @torch.inference_mode()
    def infer(self, inputs: Tensor) -> Tensor:
        """The outputs (K, n, classes) of all members for inputs (n, …)."""
        with self._runtime.precision():
            return self._stack(inputs, shared=True).float()

    def _gather(self, batch: Tensor, augment: bool) -> Tensor:
        """The inputs of a batch (n,) that all share, or of that of each member (K, n)."""
        inputs = self._data.train.inputs
        images = inputs.ndim == 4
        if images:
            inputs = inputs.permute(0, 2, 3, 1)  # index_select forgets channels_last
        inputs = inputs.index_select(0, batch.flatten()).view(*batch.shape, *inputs.shape[1:])
        if augment:
            pairs = zip(self.members, inputs, strict=True)
            inputs = torch.stack([member.augment(own) for member, own in pairs])
        return inputs.movedim(-1, -3) if images else inputs

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy of each member, as `make_loss` has it, for labels as a batch."""
        if labels.ndim == 1:
            targets = self._targets[:, labels]
        else:
            targets = self._targets[torch.arange(len(labels))[:, None], labels]
        seen = exclude(logits, labels, self._others)
        each = F.cross_entropy(seen.flatten(0, 1), targets.flatten(0, 1), reduction="none")
        return each.view(len(targets), -1).mean(1)
