"""The members of a stack at work: one step of training, and one batch of validation, of all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..network_training import NetworkTraining
from ..tasks import exclude, other_tasks
from .graphs import GraphedStep
from .member import Member
from .stack import Stack

# What a layer gives in one go on a CPU; 32 MB and more come from the system anew each time, which
# takes longer than the arithmetic (16 networks, 512 images of 28x28: 280 ms in place of 750).
_LARGEST_LAYER = 2**22
_LEAST_ROWS = 16


class Crew:
    """Members that take their steps together; on a GPU a step is one CUDA graph.

    When some have left, the rest are a new crew: it takes them out of the old one.
    """

    def __init__(self, training: NetworkTraining, members: Sequence[Member]) -> None:
        self.members = members
        self._data = training.data
        self._runtime = members[0].runtime
        self._stack = Stack([member.network for member in members])
        self._generators = [member.generator for member in members]
        self._augment = any(member.augments for member in members)
        device = self._runtime.device
        self._others = other_tasks(self._data.tasks, device)
        self._targets = torch.stack([member.targets for member in members])
        self._losses = torch.stack([member.loss for member in members])
        for member, loss in zip(members, self._losses, strict=True):
            member.loss = loss
        self._rates = torch.zeros(len(members), device=device)  # of this step, for the graph
        self._graphed = GraphedStep(lambda batch: self._step(batch, self._rates.unbind()))

    def train(self, step: int) -> int:
        """Take a step of this epoch with all members; returns how many samples each has seen."""
        members = self.members
        if len({member.order for member in members}) == 1 and not self._augment:
            batch = members[0].batches[step]
        else:
            batch = torch.stack([member.batches[step] for member in members])
        rates = [member.rates[step] for member in members]
        if batch.is_cuda:
            self._rates.copy_(torch.tensor(rates))
            self._graphed(batch)
        else:
            self._step(batch, rates)
        return batch.shape[-1]

    @torch.inference_mode()
    def infer(self, inputs: Tensor) -> Tensor:
        """The outputs (K, n, classes) of all members for inputs (n, …)."""
        rows = len(inputs)
        if inputs.device.type == "cpu":
            rows = max(_LEAST_ROWS, _LARGEST_LAYER // self._stack.n_values(inputs))
        with self._runtime.precision():
            parts = [self._stack(each, shared=True).float() for each in inputs.split(rows)]
        return torch.cat(parts, 1)

    def _step(self, batch: Tensor, rates: Sequence[float] | Sequence[Tensor]) -> None:
        """Learn from a batch (n,) that all share, or from that of each member (K, n)."""
        inputs, labels = self._gather(batch), self._data.train.labels[batch]
        with self._runtime.precision():
            logits = self._stack(inputs, shared=batch.ndim == 1, generators=self._generators)
        losses = self._loss(logits.float(), labels)
        losses.sum().backward()
        self._stack.share_out_gradients()
        for member, rate in zip(self.members, rates, strict=True):
            member.descend(rate)
        self._losses += losses.detach() * batch.shape[-1]

    def _gather(self, batch: Tensor) -> Tensor:
        inputs = self._data.train.inputs
        images = inputs.ndim == 4
        if images:
            inputs = inputs.permute(0, 2, 3, 1)  # index_select forgets channels_last
        inputs = inputs.index_select(0, batch.flatten()).view(*batch.shape, *inputs.shape[1:])
        if self._augment:
            pairs = zip(self.members, inputs, strict=True)
            inputs = torch.stack([member.augment(own) for member, own in pairs])
        return inputs.movedim(-1, -3) if images else inputs

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy of each member, as `make_loss` has it."""
        if labels.ndim == 1:
            targets = self._targets[:, labels]
        else:
            rows = torch.arange(len(labels), device=labels.device)
            targets = self._targets[rows[:, None], labels]
        seen = exclude(logits, labels, self._others)
        each = F.cross_entropy(seen.flatten(0, 1), targets.flatten(0, 1), reduction="none")
        return each.view(len(targets), -1).mean(1)
