"""When a slice of training stops, what it cost and gave. Importing this loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from ..energy import Reading


class State(StrEnum):
    """How a slice ended."""

    COMPLETE = "complete"  # it reached its stop rule
    PAUSED = "paused"  # it reached its rung and waits; its last validated score counts
    PRUNED = "pruned"  # its strategy gave it up
    TRUNCATED = "truncated"  # the budget ran out inside it; its last validated score counts
    FAILED = "failed"  # it raised an error or its loss was not finite; the message says which
    INTERRUPTED = "interrupted"  # the comparison was stopped inside it; only its joules count


RESULTS = frozenset({State.COMPLETE, State.PAUSED, State.PRUNED, State.TRUNCATED})  # with a result


@dataclass(frozen=True)
class StopRule:
    """When a slice ends."""

    epochs: int  # that the trial has behind it at the end
    energy_j: float | None = None  # of the slice; then it ends with the epoch. None: no such rung
    pause: bool = False  # ends as paused instead of complete, and keeps its checkpoint


class CurvePoint(NamedTuple):
    """One validated epoch: cumulative joules of the trial, validation score and loss."""

    epoch: int
    energy_j: float | None
    score: float
    loss: float  # NaN if there is none
    figures: Mapping[str, float] | None = None  # what else was reported, by name


class StepCost(NamedTuple):
    """A candidate's first step of one kind, the dearest: its operations and joules."""

    operations: float
    energy_j: float


@dataclass(frozen=True)
class SliceResult:
    """What a slice cost and gave."""

    params: Mapping[str, Any]  # the candidate's hyperparameters
    state: State  # how it ended
    score: float | None = None  # of the last validated epoch; None if there was none
    test_score: float | None = None  # if its training function told one
    setup: Reading = field(default_factory=Reading)  # energy of building the network
    train: Reading = field(default_factory=Reading)
    validate: Reading = field(default_factory=Reading)
    epochs: int = 0  # whole ones that the trial has behind it
    duration_s: float = 0.0  # wall time of the slice
    n_parameters: int | None = None  # trainable ones; None if the network could not be built
    flops: int | None = None  # of the forward pass of one image (a multiply-add is two)
    train_step: StepCost | None = None  # its first one; None if there was none
    validate_step: StepCost | None = None
    asks: bool = True  # whether its training asked to stop inside epochs
    repeated: int = 0  # epochs that were trained again, since no state of the trial was kept
    message: str = ""  # what went wrong, if anything
    curve: tuple[CurvePoint, ...] = ()  # one point per validated epoch of this slice
    checkpoint: bytes | None = None  # the state to go on from; None if none was kept
    checkpoint_epoch: int | None = None  # the epoch after which it was saved

    @property
    def weights(self) -> bytes | None:
        """The checkpoint, if it is of the network that was scored last."""
        scored = self.curve[-1].epoch if self.curve else None
        return self.checkpoint if self.checkpoint_epoch == scored else None

    @property
    def reading(self) -> Reading:
        """Energy of all phases of the slice."""
        return self.setup + self.train + self.validate
