"""The common objective: train one slice of a candidate while metering it.

A slice is a pure function of candidate, checkpoint, stop rule and seed: it may run anywhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ..energy import EnergyBudget, EnergyMeter, Reading, Window
from ..energy.quantities import total
from .checkpoint import copy_to_cpu, load_checkpoint, save_state
from .data.splits import Data
from .foresight import KnownSteps, StepGate
from .metric import ACCURACY, Metric
from .networks.registry import Builder, resolve_architecture
from .operations import count_parameters, forward_operations, training_operations
from .outcome import CurvePoint, SliceResult, State, StopRule
from .runtime import Runtime
from .scoring import score_of
from .training import EVALUATION_BATCH, Built, build, evaluate, train_epoch

SETUP_OPERATIONS_PER_PARAMETER = 10  # of the deterministic meter, to draw and place a weight


class _StopSlice(Exception):  # noqa: N818 - no error
    """Ends a slice from inside; carries the state it ends in."""

    def __init__(self, state: State, message: str = "") -> None:
        self.state, self.message = state, message


@dataclass(frozen=True, eq=False)
class Objective:
    """Trains candidates on one data set."""

    data: Data  # resident on the runtime's device
    runtime: Runtime
    architecture: str | Builder = "cnn"  # for `resolve_architecture`
    seed: int = 0  # of weights, batches and dropout
    known_steps: KnownSteps = ((), ())
    metric: Metric = ACCURACY

    def __post_init__(self) -> None:
        resolve_architecture(self.architecture)  # a wrong one is an error at once
        score_of(self.metric)

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

        Errors of building or training it, a loss that is not finite and exhausted memory never
        raise: they end the slice as failed, with its joules. ``budget`` and ``interrupted`` are
        asked before every step. The checkpoint is kept if the accuracy is above ``keep_above``.
        """
        given = (dict(candidate), stop, meter, budget, keep_above, interrupted)
        return _Slice(self, *given).run(checkpoint)

    def test_score(self, candidate: Mapping[str, Any], checkpoint: bytes) -> float:
        """Score on the test split of a checkpoint's network; for the report only."""
        built = self.build(candidate)
        built.network.load_state_dict(load_checkpoint(checkpoint)["network"])
        test = self.data.test
        result = evaluate(built.network, test, built.runtime, lambda: False, self.metric)
        assert result is not None
        return result.score

    def build(self, candidate: Mapping[str, Any]) -> Built:
        """Build a candidate's network, optimiser and training settings."""
        images = (self.data.shape, self.data.n_classes)
        return build(candidate, self.architecture, *images, self.runtime, self.seed)


@dataclass(eq=False)
class _Slice:
    """One run of ``train_slice``: its phases share this state."""

    objective: Objective
    candidate: dict[str, Any]
    stop: StopRule
    meter: EnergyMeter
    budget: EnergyBudget
    keep_above: float | None
    interrupted: Callable[[], bool]
    phase: str = "setup"
    readings: dict[str, Reading] = field(
        default_factory=lambda: dict.fromkeys(("setup", "train", "validate"), Reading())
    )
    epoch: int = 0
    curve: list[CurvePoint] = field(default_factory=list)
    kept: dict[str, Any] | None = None
    n_parameters: int | None = None
    flops: int | None = None
    gates: list[StepGate] = field(default_factory=list)  # of training and of validation
    window: Window = field(init=False)

    def __post_init__(self) -> None:
        self.window = self.meter.window()

    def run(self, checkpoint: bytes | None) -> SliceResult:
        started = time.perf_counter()
        state, message = State.PAUSED if self.stop.pause else State.COMPLETE, ""
        try:
            self._train(checkpoint)
            if self.stop.energy_j is not None and self.epoch >= self.stop.epochs:
                state = State.COMPLETE  # all its epochs came before its rung of joules
        except _StopSlice as end:
            state, message = end.state, end.message
        except Exception as error:  # noqa: BLE001 - a candidate's fault is its own, and is charged
            state, message = State.FAILED, _describe(error)
        self._enter("end")
        train_step, validate_step = [gate.cost for gate in self.gates] or (None, None)
        return SliceResult(
            params=self.candidate,
            state=state,
            score=self.curve[-1].score if self.curve else None,
            **self.readings,
            epochs=self.epoch,
            duration_s=time.perf_counter() - started,
            n_parameters=self.n_parameters,
            flops=self.flops,
            train_step=train_step,
            validate_step=validate_step,
            message=message,
            curve=tuple(self.curve),
            checkpoint=None if self.kept is None else save_state(self.kept),
        )

    def _train(self, checkpoint: bytes | None) -> None:
        data, stop = self.objective.data, self.stop
        built = self.objective.build(self.candidate)
        network, optimizer, settings, runtime = built
        if checkpoint is not None:
            saved = load_checkpoint(checkpoint)
            network.load_state_dict(saved["network"])
            optimizer.load_state_dict(saved["optimizer"])
            self.epoch = saved["epoch"]
        train_gate, check_gate = self.gates = self._weigh(network, settings.batch_size)
        rung_j = math.inf if stop.energy_j is None else stop.energy_j
        while self.epoch < stop.epochs:
            before_j = self._energy_j()
            self._enter("train")
            with train_gate:
                seed = self.objective.seed
                result = train_epoch(built, data.train, seed, self.epoch, train_gate)
            if not result.finished:
                raise _StopSlice(self._why())
            if not math.isfinite(result.loss):
                raise _StopSlice(State.FAILED, f"loss {result.loss} in epoch {self.epoch + 1}")
            self._enter("validate")
            with check_gate:
                metric = self.objective.metric
                result = evaluate(network, data.validation, runtime, check_gate, metric)
            if result is None:
                raise _StopSlice(self._why())
            self.epoch += 1
            self._keep(result.score, network, optimizer)
            self._enter("validate")
            energy_j = self._energy_j()
            self.curve.append(CurvePoint(self.epoch, energy_j, *result))
            if energy_j is not None and energy_j >= rung_j:
                return
            if self.epoch < stop.epochs and not self._another_fits(before_j, energy_j):
                raise _StopSlice(State.TRUNCATED)

    def _weigh(self, network: torch.nn.Module, batch_size: int) -> list[StepGate]:
        """Count parameters and operations, charge the setup, and guard the steps of both kinds."""
        data = self.objective.data
        self.n_parameters = count_parameters(network)
        self.flops = forward_operations(network, data.shape)
        self.meter.count_operations(SETUP_OPERATIONS_PER_PARAMETER * self.n_parameters)
        operations = (
            training_operations(network, data.shape, min(batch_size, len(data.train)), 1),
            self.flops * min(EVALUATION_BATCH, len(data.validation)),
        )
        return [
            StepGate(self.meter, self.budget, self.interrupted, known, each)
            for known, each in zip(self.objective.known_steps, operations, strict=True)
        ]

    def _another_fits(self, before_j: float | None, after_j: float | None) -> bool:
        """Whether an epoch like the last one fits: one that is not validated wastes its joules."""
        if before_j is None or after_j is None:
            return True
        return self.budget.expect(after_j - before_j)

    def _why(self) -> State:
        return State.INTERRUPTED if self.interrupted() else State.TRUNCATED

    def _keep(self, score: float, network: torch.nn.Module, optimizer: Any) -> None:
        self.kept = None
        least = -1.0 if self.stop.pause else self.keep_above
        if least is not None and score > least:
            states = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            self.kept = {"epoch": self.epoch, **copy_to_cpu(states)}

    def _enter(self, phase: str) -> None:
        """Close the present phase and begin another at the same edge."""
        self.readings[self.phase] += self.window.lap()
        self.phase = phase

    def _energy_j(self) -> float | None:
        return total(reading.total_j for reading in self.readings.values() if reading.components)


def _describe(error: Exception) -> str:
    first_line = (str(error).strip() or "no message").splitlines()[0]
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return f"out of memory: {first_line}"
    return f"{type(error).__name__}: {first_line}"
