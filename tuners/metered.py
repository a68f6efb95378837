"""Metering for people who already use Optuna and keep their own objective."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..energy import EnergyMeter

if TYPE_CHECKING:
    from optuna.trial import Trial

    OptunaObjective = Callable[[Trial], float | Sequence[float]]


def metered(objective: OptunaObjective, meter: EnergyMeter | None = None) -> OptunaObjective:
    """Meter every trial of an Optuna objective.

        study.optimize(metered(objective), callbacks=[budget.stop_study])

    Each trial, failed and pruned ones too, gets the user attributes ``energy_j`` (gross joules, or
    None if unavailable), ``energy_kind`` and ``energy`` (the full reading).

    Args:
        objective: Any Optuna objective.
        meter: The meter to read; a new automatic one if not given.
    """
    used = meter or EnergyMeter()

    @functools.wraps(objective)
    def wrapped(trial: Trial) -> float | Sequence[float]:
        window = used.window()
        try:
            return objective(trial)
        finally:
            reading = window.close()
            trial.set_user_attr("energy_j", reading.total_j)
            trial.set_user_attr("energy_kind", reading.kind)
            trial.set_user_attr("energy", reading.to_dict())

    return wrapped
