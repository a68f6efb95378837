"""The common objective: train one slice of a candidate while metering it.

A slice is a pure function of (candidate, checkpoint, stop rule) and the objective's seed, so that
it may run anywhere, be paused, and be continued elsewhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..energy import EnergyBudget, EnergyMeter, Reading
from ..energy.quantities import total
from .checkpoint import copy_to_cpu, load_checkpoint, save_state
from .data.splits import Data
from .foresight import KnownSteps, StepGate
from .networks.registry import resolve_architecture
from .operations import count_parameters, forward_operations, training_operations
from .outcome import CurvePoint, SliceResult, State, StopRule
from .runtime import Runtime
from .training import EVALUATION_BATCH, build, evaluate, train_epoch

SETUP_OPERATIONS_PER_PARAMETER = 10
"""What the deterministic meter charges for drawing and placing one weight."""


class _StopSlice(Exception):  # noqa: N818 - no error
    """Ends a slice from inside; carries the state it ends in."""

    def __init__(self, state: State, message: str = "") -> None:
        self.state, self.message = state, message


class Objective:
    """Trains candidates on one data set.

    Args:
        data: The data set, resident on the runtime's device.
        runtime: Device, layout and precision.
        architecture: A known architecture, or ``module:function`` of the user's own.
        seed: Seed of weights, batches and dropout.
        known_steps: What the training and validation steps of earlier candidates cost.
    """

    def __init__(
        self,
        data: Data,
        runtime: Runtime,
        architecture: str = "cnn",
        seed: int = 0,
        known_steps: KnownSteps = ((), ()),
    ) -> None:
        self._data = data
        self._runtime = runtime
        self._architecture = resolve_architecture(architecture)
        self._seed = seed
        self._known_steps = known_steps

    def train_slice(
        self,
        candidate: Mapping[str, Any],
        stop: StopRule,
        checkpoint: bytes | None,
        meter: EnergyMeter,
        budget: EnergyBudget,
        *,
        keep_above: float | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> SliceResult:
        """Train a candidate from a checkpoint until a stop rule holds, metering each phase.

        Never raises because of the candidate: errors of building or training it, a loss that is not
        finite and exhausted memory end the slice as failed, with its joules.

        Args:
            candidate: All hyperparameters of the candidate.
            stop: When the slice ends.
            checkpoint: State to continue from, None to begin.
            meter: Counts the joules.
            budget: Asked before every step; the slice is truncated when it is spent.
            keep_above: Keep the checkpoint if the last validation accuracy is above this; None
                keeps none.
            interrupted: Asked before every step; ends the slice as interrupted.

        Returns:
            The outcome with its energy and curve.
        """
        return _Slice(self, candidate, stop, meter, budget, keep_above, interrupted).run(checkpoint)

    def test_accuracy(self, candidate: Mapping[str, Any], checkpoint: bytes) -> float:
        """Accuracy on the test split of a checkpoint's network; for the report only."""
        network, _, _ = self.build(candidate)
        network.load_state_dict(load_checkpoint(checkpoint)["network"])
        result = evaluate(network, self._data.test, self._runtime, lambda: False)
        assert result is not None
        return result.accuracy

    def build(self, candidate: Mapping[str, Any]) -> tuple[torch.nn.Module, Any, Any]:
        """Build a candidate's network, optimiser and training settings."""
        shape, n_classes = self._data.shape, self._data.n_classes
        return build(
            dict(candidate), self._architecture, shape, n_classes, self._runtime, self._seed
        )


class _Slice:
    """One run of ``train_slice``: its phases share this state."""

    def __init__(
        self,
        objective: Objective,
        candidate: Mapping[str, Any],
        stop: StopRule,
        meter: EnergyMeter,
        budget: EnergyBudget,
        keep_above: float | None,
        interrupted: Callable[[], bool],
    ) -> None:
        self._objective = objective
        self._data, self._runtime = objective._data, objective._runtime
        self._candidate, self._stop = dict(candidate), stop
        self._rung_j = math.inf if stop.energy_j is None else stop.energy_j
        self._meter, self._budget, self._interrupted = meter, budget, interrupted
        self._keep_above = -1.0 if stop.pause else keep_above
        self._window = meter.window()
        self._phase = "setup"
        self._readings = {"setup": Reading(), "train": Reading(), "validate": Reading()}
        self._epoch = 0
        self._curve: list[CurvePoint] = []
        self._kept: dict[str, Any] | None = None
        self._n_parameters: int | None = None
        self._flops: int | None = None
        self._gates: list[StepGate] = []  # of training and of validation

    def run(self, checkpoint: bytes | None) -> SliceResult:
        started = time.perf_counter()
        state, message = State.PAUSED if self._stop.pause else State.COMPLETE, ""
        try:
            self._train(checkpoint)
            if self._rung_j < math.inf and self._epoch >= self._stop.epochs:
                state = State.COMPLETE  # all its epochs came before its rung of joules
        except _StopSlice as end:
            state, message = end.state, end.message
        except Exception as error:  # noqa: BLE001 - a candidate's fault is its own, and is charged
            state, message = State.FAILED, _describe(error)
        self._enter("end")
        train_step, validate_step = [gate.cost for gate in self._gates] or (None, None)
        return SliceResult(
            params=self._candidate,
            state=state,
            accuracy=self._curve[-1].accuracy if self._curve else None,
            **self._readings,
            epochs=self._epoch,
            duration_s=time.perf_counter() - started,
            n_parameters=self._n_parameters,
            flops=self._flops,
            train_step=train_step,
            validate_step=validate_step,
            message=message,
            curve=tuple(self._curve),
            checkpoint=None if self._kept is None else save_state(self._kept),
        )

    def _train(self, checkpoint: bytes | None) -> None:
        network, optimizer, settings = self._objective.build(self._candidate)
        if checkpoint is not None:
            saved = load_checkpoint(checkpoint)
            network.load_state_dict(saved["network"])
            optimizer.load_state_dict(saved["optimizer"])
            self._epoch = saved["epoch"]
        self._n_parameters = count_parameters(network)
        self._flops = forward_operations(network, self._data.shape)
        self._meter.count_operations(SETUP_OPERATIONS_PER_PARAMETER * self._n_parameters)
        train, validation = self._data.train, self._data.validation
        batch = min(settings.batch_size, len(train))
        operations = (
            training_operations(network, self._data.shape, batch, 1),
            self._flops * min(EVALUATION_BATCH, len(validation)),
        )
        self._gates = [
            StepGate(self._meter, self._budget, self._interrupted, known, each)
            for known, each in zip(self._objective._known_steps, operations, strict=True)
        ]
        train_gate, check_gate = self._gates
        generator = torch.Generator()
        while self._epoch < self._stop.epochs:
            before_j = self._energy_j()
            self._enter("train")
            # Seeded by epoch, so that a trial in slices is the trial in one piece.
            generator.manual_seed(self._objective._seed * 100_003 + self._epoch)
            with train_gate:
                result = train_epoch(
                    network, optimizer, train, settings, self._runtime, generator, train_gate
                )
            if not result.finished:
                raise _StopSlice(self._why())
            if not math.isfinite(result.loss):
                raise _StopSlice(State.FAILED, f"loss {result.loss} in epoch {self._epoch + 1}")
            self._enter("validate")
            with check_gate:
                score = evaluate(network, validation, self._runtime, check_gate)
            if score is None:
                raise _StopSlice(self._why())
            self._epoch += 1
            self._keep(score.accuracy, network, optimizer)
            self._enter("validate")
            energy_j = self._energy_j()
            self._curve.append(CurvePoint(self._epoch, energy_j, *score))
            if energy_j is not None and energy_j >= self._rung_j:
                return
            if self._epoch < self._stop.epochs and not self._another_fits(before_j, energy_j):
                raise _StopSlice(State.TRUNCATED)

    def _another_fits(self, before_j: float | None, after_j: float | None) -> bool:
        """Whether an epoch like the last one fits: one that is not validated wastes its joules."""
        if before_j is None or after_j is None:
            return True
        return self._budget.expect(after_j - before_j)

    def _why(self) -> State:
        return State.INTERRUPTED if self._interrupted() else State.TRUNCATED

    def _keep(self, accuracy: float, network: torch.nn.Module, optimizer: Any) -> None:
        self._kept = None
        if self._keep_above is not None and accuracy > self._keep_above:
            states = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            self._kept = {"epoch": self._epoch, **copy_to_cpu(states)}

    def _enter(self, phase: str) -> None:
        """Close the present phase and begin another at the same edge."""
        self._readings[self._phase] += self._window.lap()
        self._phase = phase

    def _energy_j(self) -> float | None:
        return total(reading.total_j for reading in self._readings.values() if reading.components)


def _describe(error: Exception) -> str:
    first_line = (str(error).strip() or "no message").splitlines()[0]
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return f"out of memory: {first_line}"
    return f"{type(error).__name__}: {first_line}"
