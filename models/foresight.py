"""A budget is kept by stopping before the step that would overdraw it, foreseen from others."""

from __future__ import annotations

import math
from bisect import bisect, insort
from collections.abc import Callable, Iterable

from ..energy import EnergyBudget, EnergyMeter
from .outcome import StepCost

FIRST_STEP_MARGIN = 1.5  # so many times its foreseen joules must be left to begin a first step


def training_operations(forward: float, n_parameters: float, n_samples: int, n_steps: int) -> float:
    """Operations of a training, estimated: three forward passes a sample, ten a weight and step."""
    return 3 * forward * n_samples + 10 * n_parameters * n_steps


class Steps:
    """What steps of other candidates cost; however many were seen, a look at them costs the same.

    Args:
        seen: Those known so far.
    """

    def __init__(self, seen: Iterable[StepCost] = ()) -> None:
        self._known: dict[float, float] = {}  # joules by operations
        self._operations: list[float] = []  # the same, in order
        self.largest_j = 0.0  # of all steps
        for step in seen:
            self.add(step)

    def add(self, step: StepCost) -> None:
        """Take a step; of two of the same operations the later one counts."""
        if step.operations not in self._known:
            insort(self._operations, step.operations)
        self._known[step.operations] = step.energy_j
        self.largest_j = max(self.largest_j, step.energy_j)

    def foresee(self, operations: float) -> float:
        """Joules that a step may cost before any like it was taken; 0 if none was seen.

        A power law between known steps; the smallest below, in proportion to operations above them.
        """
        known, ordered = self._known, self._operations
        if not known:
            return 0.0
        if operations in known:
            return known[operations]
        place = bisect(ordered, operations)
        if place in (0, len(ordered)):
            nearest = ordered[0] if place == 0 else ordered[-1]
            return known[nearest] * max(1.0, operations / nearest)
        below, above = ordered[place - 1], ordered[place]
        if min(known[above], known[below]) <= 0:
            return max(known[above], known[below])
        share = math.log(operations / below) / math.log(above / below)
        return known[below] ** (1 - share) * known[above] ** share


KnownSteps = tuple[Steps, Steps]  # of training and of validation, by others


class StepGate:
    """Decides before each step whether to stop, and learns what steps cost.

    ``first_j`` is what the first step is foreseen to cost; ``operations`` of a step are counted by
    the meter, if they are known; ``next_j`` is what the next epoch's first step is expected to
    cost, ``cost`` what the very first step did cost.
    """

    def __init__(
        self,
        meter: EnergyMeter,
        budget: EnergyBudget,
        interrupted: Callable[[], bool],
        first_j: float,
        operations: float | None = None,
    ) -> None:
        self._meter, self._budget, self._interrupted = meter, budget, interrupted
        self._operations = operations
        self.next_j = FIRST_STEP_MARGIN * first_j
        self._before_j: float | None = None
        self.taken = 0  # steps of this epoch
        self.cost: StepCost | None = None

    def begin(self) -> None:
        """Begin an epoch."""
        self.taken = 0
        self._budget.begin_phase()
        self._before_j = self._budget.spent_j

    def end(self) -> None:
        """End the epoch, at its last step or before."""
        if self.taken:
            self._learn()
            self.taken = 0

    def __call__(self) -> bool:
        """Whether to stop before the next step, which is counted if not."""
        if self.taken == 0 and not self._budget.expect(self.next_j):
            return True
        if self.taken == 1 and self.cost is None:
            self._learn()
        if self._budget.should_stop() or self._interrupted():
            return True
        self.taken += 1
        if self._operations is not None:
            self._meter.count_operations(self._operations)
        return False

    def _learn(self) -> None:
        """Note what the steps of this epoch cost; other candidates learn from the very first."""
        after_j = self._budget.spent_j
        if after_j is not None and self._before_j is not None:
            self.next_j = (after_j - self._before_j) / self.taken
            self.cost = self.cost or StepCost(self._operations or 1.0, self.next_j)
