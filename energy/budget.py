"""The energy budget: what may be spent, and when to stop."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING

from .meter import EnergyMeter
from .quantities import format_energy, parse_energy

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

LONGEST_CHECK_INTERVAL_S = 0.1
CHECK_SHARE = 0.005
"""Checking the budget may take this share of the time."""
CHEAP_READ_S = 2e-5
"""Meters that are read faster than this are read at every step."""


class EnergyBudget:
    """Joules to spend, counted by a meter from the moment the budget is made.

    Nothing escapes: spent is what the meter reads, not a sum kept by hand.

        budget = EnergyBudget("6 kJ")
        study.optimize(metered(objective), callbacks=[budget.stop_study])

    Args:
        total: Joules, or text such as ``"6 kJ"``.
        meter: The meter that counts; a new automatic one if not given.

    Raises:
        BudgetError: The total is no amount of energy above zero.
    """

    def __init__(self, total: str | float, meter: EnergyMeter | None = None) -> None:
        self.total_j = parse_energy(total)
        self.meter = meter or EnergyMeter()
        self._window = self.meter.window()
        cost_s = self.meter.read_cost_s
        self._interval_s = (
            0.0 if cost_s < CHEAP_READ_S else min(cost_s / CHECK_SHARE, LONGEST_CHECK_INTERVAL_S)
        )
        self._checked_s = 0.0
        self._checked_j = 0.0

    @property
    def spent_j(self) -> float | None:
        """Gross joules spent so far; None if the meter lost a source."""
        return self._window.joules_so_far()

    @property
    def remaining_j(self) -> float | None:
        """Joules left, negative once overdrawn; None if the meter lost a source."""
        spent_j = self.spent_j
        return None if spent_j is None else self.total_j - spent_j

    @property
    def exhausted(self) -> bool:
        """Whether all joules are spent."""
        remaining_j = self.remaining_j
        return remaining_j is not None and remaining_j <= 0

    def expect(self, energy_j: float) -> bool:
        """Whether this many more joules still fit."""
        remaining_j = self.remaining_j
        return remaining_j is None or energy_j <= remaining_j

    def should_stop(self) -> bool:
        """Whether to stop now, asked before every step of a training.

        Says yes before the budget is overdrawn: when another interval like the last one would not
        fit any more. Costs a clock reading unless a check is due.
        """
        now = time.perf_counter()
        if now - self._checked_s < self._interval_s:
            return False
        spent_j = self.spent_j
        if spent_j is None:  # the meter never ends a training; whoever reads its result must
            return False
        last_interval_j = spent_j - self._checked_j
        self._checked_s, self._checked_j = now, spent_j
        return spent_j + last_interval_j > self.total_j

    def begin_phase(self) -> None:
        """Forget the last interval, since work of another kind begins."""
        self._checked_s, self._checked_j = time.perf_counter(), self.spent_j or 0.0

    def stop_study(self, study: Study, trial: FrozenTrial) -> None:
        """Optuna callback: ends ``study.optimize`` once the budget is spent."""
        if self.spent_j is None:
            warnings.warn(
                "the energy meter lost a source, so the budget cannot be kept: study stopped "
                f"({'; '.join(self._window.reading.warnings)})",
                RuntimeWarning,
                stacklevel=2,
            )
            study.stop()
        elif self.exhausted:
            study.stop()

    def __repr__(self) -> str:
        return f"EnergyBudget({format_energy(self.total_j)}, spent {format_energy(self.spent_j)})"
