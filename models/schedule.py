"""How the learning rate goes, as a pure function of the step. Loads no torch.

A trial that is paused and resumed therefore has the rates of the trial in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable

DEFAULT_RISE = 0.3  # share of all steps in which the rate of one-cycle rises, as in PyTorch
_FROM, _TO = 1 / 25, 1 / 250_000  # where one-cycle begins and ends, as in PyTorch


def _constant(_: float) -> float:
    return 1.0


def _cosine(progress: float) -> float:
    """Down to 0 by half a cosine (Loshchilov and Hutter 2017, SGDR, equation 5)."""
    return (1 + math.cos(math.pi * progress)) / 2


def _step(progress: float) -> float:
    """A tenth after a half, a hundredth after three quarters (He et al. 2016, section 4.2)."""
    return 0.01 if progress >= 0.75 else 0.1 if progress >= 0.5 else 1.0


SCHEDULES: dict[str, Callable[[float], float] | None] = {
    "constant": _constant,
    "cosine": _cosine,
    "one-cycle": None,
    "step": _step,
}
"""What is left of the learning rate, by the progress in [0, 1) from the warm-up to the last step.

One-cycle has no warm-up of its own: its rise is one.
"""


def rate_factor(schedule: str, warmup_share: float, step: int, n_steps: int) -> float:
    """What the learning rate of a step is multiplied by, in [0, 1].

    Args:
        schedule: A key of `SCHEDULES`.
        warmup_share: Share of all steps, in [0, 1), in which the rate rises, linearly (Goyal et
            al. 2017, section 2.2) or along the first part of one-cycle.
        step: Of the optimiser, from 0; the last rate stays for those beyond ``n_steps``.
        n_steps: Of the whole training, whether or not it is carried to its end.
    """
    step = min(step, n_steps - 1)
    fall = SCHEDULES[schedule]
    if fall is None:
        return _one_cycle(warmup_share, step, n_steps)
    warmup = warmup_share * n_steps  # need not be whole, so that any share makes a difference
    rise = min(1.0, (step + 1) / (warmup + 1))
    return rise * fall(max(0.0, (step - warmup) / (n_steps - warmup)))


def _one_cycle(rise_share: float, step: int, n_steps: int) -> float:
    """Up and down by half a cosine each (Smith and Topin 2018; PyTorch's ``OneCycleLR``)."""
    peak = rise_share * n_steps - 1
    if step <= peak:
        return _FROM + (1 - _FROM) * (1 - _cosine(step / peak if peak else 1.0))
    return _TO + (1 - _TO) * _cosine((step - peak) / (n_steps - 1 - peak))
