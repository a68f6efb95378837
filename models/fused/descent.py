"""Steps of an optimiser by its own fused kernel, without the bookkeeping of `Optimizer.step`.

That takes longer than the kernel where networks are small: 67 of 79 µs of Adam with ten tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

_kernels: Any = torch  # its type stubs leave them out


class Descent:
    """The steps of a fused `SGD`, `Adam` or `AdamW` of one group of parameters.

    State, results and checkpoints are the optimiser's own. Its very first step, too, is: it makes
    the state. After that only this may step it, for all parameters count their steps by one tensor.
    """

    def __init__(self, optimizer: Optimizer, parameters: Sequence[nn.Parameter]) -> None:
        self._optimizer, self._parameters = optimizer, list[Tensor](parameters)
        self._group = optimizer.param_groups[0]
        self._sgd = isinstance(optimizer, SGD)
        self._stateless = self._sgd and not self._group["momentum"]
        self._states: dict[str, list[Tensor]] = {}
        self._step = torch.zeros(())

    def __call__(self, rate: float | Tensor) -> None:
        """Take a step along the gradients, at a learning rate."""
        if not self._states and not self._stateless:
            if not self._optimizer.state:
                self._group["lr"] = float(rate)
                self._optimizer.step()
                self._take_state()
                return
            self._take_state()
        grads = [each.grad for each in self._parameters if each.grad is not None]
        with torch.no_grad():
            self._descend(grads, rate)

    def _descend(self, grads: list[Tensor], rate: float | Tensor) -> None:
        group, lists = self._group, [self._parameters, grads]
        options: dict[str, Any] = {"lr": rate, "weight_decay": group["weight_decay"]}
        if self._sgd:
            lists.append(self._states.get("momentum_buffer", []))
            options |= {name: group[name] for name in ("momentum", "dampening", "nesterov")}
            _kernels._fused_sgd_(*lists, **options, maximize=False, is_first_step=False)
            return
        self._step += 1
        lists += [self._states["exp_avg"], self._states["exp_avg_sq"], []]
        lists.append([self._step] * len(grads))
        options |= dict(zip(("beta1", "beta2"), group["betas"], strict=True))
        decoupled = group["decoupled_weight_decay"]
        kernel = _kernels._fused_adamw_ if decoupled else _kernels._fused_adam_
        kernel(*lists, **options, eps=group["eps"], amsgrad=False, maximize=False)

    def _take_state(self) -> None:
        """List the state of all parameters by name."""
        states = [self._optimizer.state[each] for each in self._parameters]
        self._states = {name: [each[name] for each in states] for name in states[0]}
        if "step" in self._states:
            self._step = self._states["step"][0]
            for state in states:
                state["step"] = self._step
