"""The common objective: train one slice of a candidate while metering it.

A slice is a pure function of (candidate, checkpoint, stop rule) and the objective's seed, so that
it may run anywhere, be paused, and be continued elsewhere.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch

from ..energy import EnergyBudget, EnergyMeter, Reading
from .data.registry import Data
from .networks.registry import resolve_architecture
from .outcome import CurvePoint, SliceResult, State, StepCost
from .training import (
    EVALUATION_BATCH,
    Runtime,
    build,
    count_parameters,
    evaluate,
    forward_operations,
    train_epoch,
    training_operations,
)

KnownSteps = tuple[Sequence[StepCost], Sequence[StepCost]]
FIRST_STEP_MARGIN = 1.5
"""A candidate's first step is begun only if so many times its foreseen joules are left."""
SETUP_OPERATIONS_PER_PARAMETER = 10
"""What the deterministic meter charges for drawing and placing one weight."""


def foresee(operations: float, seen: Iterable[StepCost]) -> float:
    """Joules that a step may cost before any like it was taken.

    A budget is kept by stopping before the step that would overdraw it. From a candidate's second
    step on the last one tells what the next will cost; its first is foreseen from the steps of
    other candidates, by a power law between the nearest smaller and larger one. Below the smallest
    it costs as much as that one, above the largest in proportion to its operations.

    Args:
        operations: Operations of the step.
        seen: What steps cost so far.

    Returns:
        The joules; 0 if none was seen.
    """
    known = {step.operations: step.energy_j for step in seen}
    if not known:
        return 0.0
    above = min((each for each in known if each >= operations), default=None)
    below = max((each for each in known if each <= operations), default=None)
    if above is None or below is None:
        nearest = min(known) if below is None else max(known)
        return known[nearest] * max(1.0, operations / nearest)
    if above == below or min(known[above], known[below]) <= 0:
        return max(known[above], known[below])
    share = math.log(operations / below) / math.log(above / below)
    return known[below] ** (1 - share) * known[above] ** share


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
        until: int,
        checkpoint: bytes | None,
        meter: EnergyMeter,
        budget: EnergyBudget,
        *,
        until_j: float | None = None,
        pause: bool = False,
        keep_above: float | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> SliceResult:
        """Train a candidate from a checkpoint until a number of epochs, metering each phase.

        Never raises because of the candidate: errors of building or training it, a loss that is not
        finite and exhausted memory end the slice as failed, with its joules.

        Args:
            candidate: All hyperparameters of the candidate.
            until: Epochs the trial shall have behind it at the end.
            checkpoint: State to continue from, None to begin.
            meter: Counts the joules.
            budget: Asked before every step; the slice is truncated when it is spent.
            until_j: Joules after which this slice ends, at the end of an epoch; None has no such
                rung.
            pause: Keep the checkpoint, and end as paused instead of complete.
            keep_above: Keep the checkpoint if the last validation accuracy is above this; None
                keeps none.
            interrupted: Asked before every step; ends the slice as interrupted.

        Returns:
            The outcome with its energy and curve.
        """
        slice_ = _Slice(self, candidate, meter, budget, interrupted, keep_above, pause=pause)
        return slice_.run(until, math.inf if until_j is None else until_j, checkpoint)

    def test_accuracy(self, candidate: Mapping[str, Any], checkpoint: bytes) -> float:
        """Accuracy on the test split of a checkpoint's network; for the report only."""
        network, _, _ = self.build(candidate)
        network.load_state_dict(load_checkpoint(checkpoint)["network"])
        result = evaluate(network, self._data.test, self._runtime, lambda: False)
        assert result is not None
        return result[0]

    def build(self, candidate: Mapping[str, Any]) -> tuple[torch.nn.Module, Any, Any]:
        """Build a candidate's network, optimiser and training settings."""
        shape, n_classes = self._data.shape, self._data.n_classes
        return build(
            dict(candidate), self._architecture, shape, n_classes, self._runtime, self._seed
        )


class _Slice:
    """One run of ``train_slice``: what its phases share."""

    def __init__(
        self,
        objective: Objective,
        candidate: Mapping[str, Any],
        meter: EnergyMeter,
        budget: EnergyBudget,
        interrupted: Callable[[], bool],
        keep_above: float | None,
        *,
        pause: bool,
    ) -> None:
        self._objective = objective
        self._data, self._runtime = objective._data, objective._runtime
        self._candidate = dict(candidate)
        self.meter, self.budget, self.interrupted = meter, budget, interrupted
        self._keep_above = -1.0 if pause else keep_above
        self._pause = pause
        self._window = meter.window()
        self._phase = "setup"
        self._readings = {"setup": Reading(), "train": Reading(), "validate": Reading()}
        self._epoch = 0
        self._curve: list[CurvePoint] = []
        self._kept: dict[str, Any] | None = None
        self._n_parameters: int | None = None
        self._flops: int | None = None
        self._steps: tuple[_Step, ...] = ()

    def run(self, until: int, until_j: float, checkpoint: bytes | None) -> SliceResult:
        started = time.perf_counter()
        state, message = State.PAUSED if self._pause else State.COMPLETE, ""
        try:
            self._train(until, until_j, checkpoint)
            if until_j < math.inf and self._epoch >= until:
                state = State.COMPLETE  # all its epochs came before its rung of joules
        except _StopSlice as stop:
            state, message = stop.state, stop.message
        except Exception as error:  # noqa: BLE001 - a candidate's fault is its own, and is charged
            state, message = State.FAILED, _describe(error)
        self._enter("end")
        train_step, validate_step = (
            (step.cost for step in self._steps) if self._steps else (None,) * 2
        )
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

    def _train(self, until: int, until_j: float, checkpoint: bytes | None) -> None:
        network, optimizer, settings = self._objective.build(self._candidate)
        if checkpoint is not None:
            saved = load_checkpoint(checkpoint)
            network.load_state_dict(saved["network"])
            optimizer.load_state_dict(saved["optimizer"])
            self._epoch = saved["epoch"]
        self._n_parameters = count_parameters(network)
        self._flops = forward_operations(network, self._data.shape)
        self.meter.count_operations(SETUP_OPERATIONS_PER_PARAMETER * self._n_parameters)
        train, validation = self._data.train, self._data.validation
        batch = min(settings.batch_size, len(train))
        known_train, known_validate = self._objective._known_steps
        step = _Step(self, known_train, training_operations(network, self._data.shape, batch, 1))
        check = _Step(self, known_validate, self._flops * min(EVALUATION_BATCH, len(validation)))
        self._steps = (step, check)
        generator = torch.Generator()
        while self._epoch < until:
            before_j = self._energy_j()
            self._enter("train")
            # Seeded by epoch, so that a trial in slices is the trial in one piece.
            generator.manual_seed(self._objective._seed * 100_003 + self._epoch)
            with step:
                result = train_epoch(
                    network, optimizer, train, settings, self._runtime, generator, step
                )
            if not result.finished:
                raise _StopSlice(self._why())
            if not math.isfinite(result.loss):
                raise _StopSlice(State.FAILED, f"loss {result.loss} in epoch {self._epoch + 1}")
            self._enter("validate")
            with check:
                score = evaluate(network, validation, self._runtime, check)
            if score is None:
                raise _StopSlice(self._why())
            self._epoch += 1
            self._keep(score[0], network, optimizer)
            self._enter("validate")
            energy_j = self._energy_j()
            self._curve.append(CurvePoint(self._epoch, energy_j, *score))
            if energy_j is not None and energy_j >= until_j:
                return
            if self._epoch < until and not self._another_fits(before_j, energy_j):
                raise _StopSlice(State.TRUNCATED)

    def _another_fits(self, before_j: float | None, after_j: float | None) -> bool:
        """Whether an epoch like the last one fits: one that is not validated wastes its joules."""
        if before_j is None or after_j is None:
            return True
        return self.budget.expect(after_j - before_j)

    def _why(self) -> State:
        return State.INTERRUPTED if self.interrupted() else State.TRUNCATED

    def _keep(self, accuracy: float, network: torch.nn.Module, optimizer: Any) -> None:
        self._kept = None
        if self._keep_above is not None and accuracy > self._keep_above:
            states = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            self._kept = {"epoch": self._epoch, **_to_cpu(states)}

    def _enter(self, phase: str) -> None:
        """Close the present phase and begin another at the same edge."""
        self._readings[self._phase] += self._window.lap()
        self._phase = phase

    def _energy_j(self) -> float | None:
        parts = [reading.total_j for reading in self._readings.values() if reading.components]
        return None if None in parts else sum(part for part in parts if part)


class _Step:
    """Asked before each step of an epoch whether to stop; learns what steps cost."""

    def __init__(self, slice_: _Slice, known: Sequence[StepCost], operations: float) -> None:
        self._slice, self._operations = slice_, operations
        self._next_j = FIRST_STEP_MARGIN * foresee(operations, known)
        self._taken = 0
        self._before_j: float | None = None
        self.cost: StepCost | None = None

    def __enter__(self) -> None:
        self._taken = 0
        self._slice.budget.begin_phase()
        self._before_j = self._slice.budget.spent_j

    def __exit__(self, *_: object) -> None:
        if self._taken:
            self._learn()

    def __call__(self) -> bool:
        budget = self._slice.budget
        if self._taken == 0 and not budget.expect(self._next_j):
            return True
        if self._taken == 1 and self.cost is None:
            self._learn()
        if budget.should_stop() or self._slice.interrupted():
            return True
        self._taken += 1
        self._slice.meter.count_operations(self._operations)
        return False

    def _learn(self) -> None:
        """Note what the steps of this epoch cost; what the very first one did is for others."""
        after_j = self._slice.budget.spent_j
        if after_j is not None and self._before_j is not None:
            self._next_j = (after_j - self._before_j) / self._taken
            self.cost = self.cost or StepCost(self._operations, self._next_j)


def load_checkpoint(checkpoint: bytes) -> dict[str, Any]:
    """Read a checkpoint: ``epoch``, and the states of ``network`` and ``optimizer``."""
    return torch.load(io.BytesIO(checkpoint), weights_only=True, map_location="cpu")


def save_state(state: dict[str, Any]) -> bytes:
    """Serialise tensors, as ``load_checkpoint`` and ``torch.load`` read them."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _to_cpu(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _to_cpu(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_cpu(item) for item in value]
    return value


def _describe(error: Exception) -> str:
    first_line = (str(error).strip() or "no message").splitlines()[0]
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return f"out of memory: {first_line}"
    return f"{type(error).__name__}: {first_line}"
