"""What a slice spends its joules on, phase by phase, and how its steps are guarded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..energy import EnergyBudget, EnergyMeter, Reading
from ..energy.quantities import total
from .foresight import KnownSteps, StepGate
from .outcome import StepCost, StopRule

SETUP, TRAIN, VALIDATE = PHASES = ("setup", "train", "validate")


@dataclass(frozen=True)
class Assignment:
    """What a slice is to do, and what it may spend."""

    stop: StopRule
    meter: EnergyMeter
    budget: EnergyBudget
    interrupted: Callable[[], bool] = lambda: False  # asked before every step and epoch
    number: int = 0  # of the trial in its run
    done: int = 0  # epochs that earlier slices of the trial have recorded
    beat: float | None = None  # the score that must be bettered for a state to be kept; None: any
    # Told each epoch that was recorded, and the joules of the slice up to it.
    reported: Callable[[int, float | None], None] = lambda _epoch, _energy_j: None


class Phases:
    """The phases of one slice; all of its joules fall into one of them.

    A training function that tells nothing of its steps has one gate for them all. What it does
    after the last step of an epoch, such as validating, is learnt and left for it in the budget.
    """

    def __init__(self, assignment: Assignment, known: KnownSteps) -> None:
        self._assignment, self._known = assignment, known
        self._window = assignment.meter.window()
        self._readings: dict[str, Reading] = dict.fromkeys(PHASES, Reading())
        self._gates: dict[str, StepGate] = {}  # of announced steps
        first_j, self._tail_j = (each.largest_j for each in known)
        self._gate = self._make_gate(first_j)
        self._announced = False
        assignment.budget.reserve_j = self._tail_j
        self.name = SETUP

    def announce(self, train: float, validate: float) -> None:
        """Take the operations of one step: they are counted, and first steps foreseen by them."""
        self._assignment.budget.reserve_j, self._announced = 0.0, True
        for known, name, each in zip(self._known, PHASES[1:], (train, validate), strict=True):
            self._gates[name] = self._make_gate(known.foresee(each), each)

    def enter(self, name: str) -> None:
        """Close the present phase and begin another at the same edge.

        With one gate for all steps, validating is what comes after the last step of an epoch.
        """
        goes_on = name == VALIDATE and not self._announced
        if not goes_on:
            self._gate.end()
        self._readings[self.name] += self._window.lap()
        self.name = name
        if not goes_on:
            self._gate = self._gates.get(name, self._gate)
            self._gate.begin()

    def should_stop(self) -> bool:
        """Whether to stop before the next step, which is counted if not."""
        return self._gate()

    @property
    def next_step_j(self) -> float:
        """Joules that the first step of the next epoch is expected to take, 0 if unknown."""
        return self._gate.next_j

    def learn_tail(self) -> None:
        """Note what came after the last step of an epoch."""
        budget = self._assignment.budget
        tail_j = None if self._announced or not self._gate.taken else budget.since_asked_j
        if tail_j is not None:
            self._tail_j = budget.reserve_j = max(self._tail_j, tail_j)

    @property
    def readings(self) -> tuple[Reading, Reading, Reading]:
        """Energy of setup, training and validation up to the last edge."""
        return tuple(self._readings[name] for name in PHASES)  # pyright: ignore[reportReturnType]

    @property
    def energy_j(self) -> float | None:
        """Joules of the slice up to the last edge; None if unavailable."""
        return total(reading.total_j for reading in self.readings if reading.components)

    @property
    def first_steps(self) -> tuple[StepCost | None, StepCost | None]:
        """What the first steps of training and validation cost, for others to learn from."""
        if self._announced:
            return self._gates[TRAIN].cost, self._gates[VALIDATE].cost
        return self._gate.cost, StepCost(1.0, self._tail_j) if self._tail_j else None

    def _make_gate(self, first_j: float, operations: float | None = None) -> StepGate:
        given = self._assignment
        return StepGate(given.meter, given.budget, given.interrupted, first_j, operations)
