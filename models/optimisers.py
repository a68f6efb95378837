"""The optimisers, and their step without what PyTorch does around the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ._compiler import lean
from .runtime import Runtime
from .settings import TrainingSettings

Kernel = Callable[[list[Tensor], float | Tensor], None]
"""A step along gradients, one of each parameter, at a learning rate."""

_kernels: Any = torch  # its type stubs leave them out
_OPTIMIZERS = {"sgd": lean(SGD), "adam": lean(Adam), "adamw": lean(AdamW)}
_FUSED_ON = ("cpu", "cuda", "mps", "xpu")


def make_optimizer(
    parameters: Sequence[nn.Parameter], settings: TrainingSettings, runtime: Runtime
) -> Optimizer:
    """The optimiser of a candidate, fused where the device can."""
    options: dict[str, Any] = {
        "lr": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "fused": runtime.device.type in _FUSED_ON,
    }
    if settings.optimizer == "sgd":
        options |= {"momentum": settings.momentum, "nesterov": settings.momentum != 0}
    else:
        options |= {"betas": (settings.beta1, settings.beta2), "eps": settings.epsilon}
    return _OPTIMIZERS[settings.optimizer](parameters, **options)


class Step:
    """The step of an optimiser of `make_optimizer`, for as long as its state is not loaded anew.

    On a CPU it calls the fused kernel; where a parameter has no gradient, it is the optimiser's.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        (self._group,) = optimizer.param_groups
        self._optimizer, self._parameters = optimizer, self._group["params"]
        self._plain = all(
            each.device.type == "cpu" and each.dtype == torch.float32 for each in self._parameters
        )
        self._kernel: Kernel | None = None

    def __call__(self) -> None:
        """Take a step along the gradients there are."""
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        if not self._plain or len(gradients) < len(self._parameters):
            self._optimizer.step()
        elif self._kernel is None:
            self._optimizer.step()  # which makes the state if there is none
            self._kernel = fused_kernel(self._optimizer)
        else:
            with torch.inference_mode():
                self._kernel(gradients, self._group["lr"])


def fused_kernel(optimizer: Optimizer) -> Kernel:
    """The fused kernel of an optimiser of one group that has its state, with standing lists.

    `Optimizer.step` makes them at each step, which takes five times as long as the kernel if the
    network is small. State, results and checkpoints stay the optimiser's own.
    """
    (group,) = optimizer.param_groups
    parameters = group["params"]
    states = [optimizer.state[each] for each in parameters]
    options = {name: group[name] for name in ("weight_decay", "maximize")}
    if isinstance(optimizer, SGD):
        buffers = [state["momentum_buffer"] for state in states] if group["momentum"] else []
        options |= {name: group[name] for name in ("momentum", "dampening", "nesterov")}

        def descend(gradients: list[Tensor], rate: float | Tensor) -> None:
            _kernels._fused_sgd_(
                parameters, gradients, buffers, lr=rate, is_first_step=False, **options
            )

        return descend

    fused = _kernels._fused_adamw_ if isinstance(optimizer, AdamW) else _kernels._fused_adam_
    means, squares = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
    counts = torch.stack([state["step"] for state in states])  # so that one operation counts all
    steps = list(counts)
    for state, step in zip(states, steps, strict=True):
        state["step"] = step
    options |= {"eps": group["eps"], "amsgrad": group["amsgrad"]}
    options["beta1"], options["beta2"] = group["betas"]

    def descend_by_moments(gradients: list[Tensor], rate: float | Tensor) -> None:
        counts.add_(1)
        fused(parameters, gradients, means, squares, [], steps, lr=rate, **options)

    return descend_by_moments
