"""The energy budget: what may be spent, and when to stop."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from .meter import EnergyMeter
from .quantities import format_energy, parse_energy
from .reading import Reading

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

LONGEST_CHECK_INTERVAL_S = 0.1
CHECK_SHARE = 0.0005  # of the time, for checks alone; within a training they take 5 times as long
SLOW_CHECK_SHARE = 0.005  # of the time, for checks of a meter that is slow to read
FORGETTING = 0.9  # of the longest step, at each that follows: one that was held up is no measure


class EnergyBudget:
    """Joules to spend, counted by a meter from the moment the budget is made.

        budget = perjoule.EnergyBudget("6 kJ")
        study.optimize(perjoule.metered(objective), callbacks=[budget.stop_study])

    Nothing escapes: spent is what the meter reads, not a sum kept by hand.

    Args:
        total: Joules, or text such as ``"6 kJ"``; ``math.inf`` never ends.
        meter: The meter that counts; a new automatic one if not given.

    Raises:
        BudgetError: The total is no amount of energy above zero.
    """

    def __init__(self, total: str | float, meter: EnergyMeter | None = None) -> None:
        self.total_j = math.inf if total == math.inf else parse_energy(total)
        self.meter = meter or EnergyMeter()
        # Between two steps of a counter there is nothing new to see.
        period_s = max((info.update_period_s for info in self.meter.sources), default=0.0)
        cost_s = self.meter.read_cost_s
        shortest_s = min(max(period_s, cost_s / CHECK_SHARE), LONGEST_CHECK_INTERVAL_S)
        # Counted operations must end at the same step on every machine, whatever a reading takes.
        self._shortest_s = shortest_s if self.meter.counts_search else 0.0
        slowest_s = cost_s / SLOW_CHECK_SHARE if self.meter.counts_search else 0.0
        self._interval_s = max(self._shortest_s, slowest_s)
        self._steps = period_s > 0  # what comes is foreseen by power if the counter moves in steps
        self._due_s = 0.0
        self._asked_s: float | None = None  # when `should_stop` was last asked in this phase
        self._step_s = 0.0  # the longest time between two questions of late
        self._checked_j: float | None = None  # spent at the last check of `should_stop`
        self.reserve_j = 0.0  # what must be left when `should_stop` says yes
        self._largest_interval_j = 0.0
        self._start = self.meter.snapshot()
        # The first step of a counter shows these, which were drawn before.
        self._earlier_j = self.meter.pending_j(self._start.time_s)

    @property
    def spent_j(self) -> float | None:
        """Gross joules spent so far; None if the meter lost a source."""
        return self._reading().total_j

    @property
    def remaining_j(self) -> float | None:
        """Joules left, negative once overdrawn; None if the meter lost a source."""
        spent_j = self.spent_j
        return None if spent_j is None else self.total_j - spent_j

    @property
    def exhausted(self) -> bool:
        """Whether all joules are spent; no if that is not known."""
        remaining_j = self.remaining_j
        return remaining_j is not None and remaining_j <= 0

    def expect(self, energy_j: float) -> bool:
        """Whether this many more joules still fit; yes if that is not known."""
        spent_j = self.spent_j
        if spent_j is None:
            return True
        self._extend(spent_j + energy_j)
        return energy_j <= self.total_j - spent_j

    @property
    def since_asked_j(self) -> float | None:
        """Joules since `should_stop` was last asked in this phase; None if not known."""
        if self._steps:
            asked_s = self._asked_s
            return None if asked_s is None else self.meter.power_w * (self.meter.clock() - asked_s)
        spent_j = None if self._checked_j is None else self.spent_j
        return None if spent_j is None or self._checked_j is None else spent_j - self._checked_j

    def should_stop(self) -> bool:
        """Whether to stop now, asked before every step of a training.

        Says yes before the budget is overdrawn: when the work until it can be asked again would
        not fit any more. That is as much as the largest interval of this phase took; if a counter
        moves in steps, of which an interval may hold one or two, it is power times the longest
        time between two questions, and what was drawn since the counter moved is spent already.
        Costs a clock reading unless a check is due. Never ends a training because a source was
        lost: whoever reads its result must look.
        """
        now = self.meter.clock()
        if self._steps:
            if self._asked_s is not None:
                self._step_s = max(self._step_s * FORGETTING, now - self._asked_s)
            self._asked_s = now
        if now < self._due_s:
            return False
        spent_j = self.meter.joules_since(self._start)
        rest_s = self._interval_s
        if spent_j is not None:
            next_j = self._foresee(spent_j, now) + self.reserve_j
            power_w = self.meter.power_w if self._steps else 0.0
            self._extend(spent_j + next_j + power_w * rest_s)
            if spent_j >= self.total_j or spent_j + next_j > self.total_j:
                return True  # and again at the next call, since time is not noted
            if power_w > 0:
                rest_s = self._rest_s((self.total_j - spent_j - next_j) / power_w)
        self._due_s, self._checked_j = now + rest_s, spent_j
        return False

    def _foresee(self, spent_j: float, now: float) -> float:
        """Joules drawn and not shown yet, and those until the next check."""
        if self._steps:
            hidden_j = self.meter.pending_j(now) - self._earlier_j
            return hidden_j + self.meter.power_w * self._step_s
        if self._checked_j is not None:
            self._largest_interval_j = max(self._largest_interval_j, spent_j - self._checked_j)
        return self._largest_interval_j

    def _rest_s(self, left_s: float) -> float:
        """Seconds until the next check, which is never later than the end that is foreseen."""
        # Halfway, since power may rise; the last interval ends at the end.
        return min(self._interval_s, max(left_s / 2, min(self._shortest_s, left_s)))

    def begin_phase(self) -> None:
        """Forget the intervals so far, since work of another kind begins."""
        self._checked_j = self._asked_s = None
        self._largest_interval_j = self._step_s = 0.0

    def stop_study(self, study: Study, trial: FrozenTrial) -> None:
        """Optuna callback: ends ``study.optimize`` once the budget is spent.

        Warns:
            RuntimeWarning: The meter lost a source, so that the budget cannot be kept; the study
                ends too.
        """
        reading = self._reading()
        if reading.total_j is None:
            lost = [part.warnings[0] for part in reading.components if part.energy_j is None]
            warnings.warn(
                f"study stopped, since its energy is not known any more: {'; '.join(lost)}",
                RuntimeWarning,
                stacklevel=2,
            )
            study.stop()
        elif reading.total_j >= self.total_j:
            study.stop()

    def __repr__(self) -> str:
        return f"EnergyBudget({format_energy(self.total_j)}, spent {format_energy(self.spent_j)})"

    def _extend(self, needed_j: float) -> None:
        """Raise the total to what is needed, if it can be: here it is fixed."""

    def _reading(self) -> Reading:
        """All since the start, without waiting for queued GPU work."""
        return self.meter.between(self._start, self.meter.snapshot(synchronize=False))
