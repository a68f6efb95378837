"""Steps of an optimiser by its own fused kernel, at rates that may be tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from ..optimisers import Kernel, fused_kernel


class Descent:
    """The steps of a fused `SGD`, `Adam` or `AdamW` of one group of parameters.

    Its very first step is the optimiser's own, which makes the state.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        (self._group,) = optimizer.param_groups
        self._stateless = isinstance(optimizer, SGD) and not self._group["momentum"]
        self._kernel: Kernel | None = None

    def __call__(self, rate: float | Tensor) -> None:
        """Take a step along the gradients, at a learning rate."""
        if self._kernel is None:
            fresh = not self._stateless and not self._optimizer.state
            if fresh:
                self._group["lr"] = float(rate)
                self._optimizer.step()
            self._kernel = fused_kernel(self._optimizer)
            if fresh:
                return
        gradients = [each.grad for each in self._group["params"] if each.grad is not None]
        with torch.no_grad():
            self._kernel(gradients, rate)
