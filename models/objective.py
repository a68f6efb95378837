"""The common objective: run a training function for one slice of a trial while metering it.

A slice is a function of candidate, checkpoint, stop rule and seed: it may run anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch

from ..errors import PerjouleError
from .checkpoint import load_checkpoint, save_state
from .foresight import KnownSteps, Steps
from .importing import describe_error, first_line
from .metric import ACCURACY, Metric
from .outcome import SliceResult, State
from .own_code import is_interrupt
from .phases import Assignment, Phases
from .trial import Trial, TrialFailed

Together = Callable[["Sequence[Trial]", Callable[..., None]], Any]
"""Trains trials as one stack; calls its second argument with each that is done, and why it failed.
"""


class Slice(NamedTuple):
    """What is to be trained of a candidate, from which checkpoint."""

    candidate: Mapping[str, Any]
    assignment: Assignment
    checkpoint: bytes | None = None


@dataclass(frozen=True, eq=False)
class Objective:
    """Trains candidates with one training function."""

    function: Callable[[Trial], Any]
    metric: Metric = ACCURACY
    device: str = "cpu"
    seed: int = 0
    # Of other candidates.
    known_steps: KnownSteps = field(default_factory=lambda: (Steps(), Steps()))
    breaks: type[BaseException] = KeyboardInterrupt  # what is no error of the function

    def train_slice(
        self, candidate: Mapping[str, Any], assignment: Assignment, checkpoint: bytes | None = None
    ) -> SliceResult:
        """Train a candidate from a checkpoint until its stop rule holds, metering each phase.

        Errors of the function, a score that is not finite and exhausted memory never raise: they
        end the slice as failed, with its joules. Budget and interruption are asked before every
        step that the function announces, and before every epoch.
        """
        started_s = time.perf_counter()
        trial, message = self._open(Slice(candidate, assignment, checkpoint)), ""
        try:
            trial.take(self.function(trial))
        # A candidate's fault is its own, and is charged.
        except BaseException as error:
            if isinstance(error, self.breaks) and is_interrupt(error):
                raise
            message = _describe(error)
        return _close(trial, candidate, message, started_s)

    def train_together(
        self,
        slices: Sequence[Slice],
        function: Together,
        leave: Callable[[int, SliceResult], None],
    ) -> list[SliceResult]:
        """Train several slices as one, each metered as the part of one.

        An error that is none of a single candidate interrupts those that are not done: they can be
        trained again, alone.

        Args:
            slices: What is to be trained.
            function: Trains their trials, and tells of each when it is done and why it failed.
            leave: Told of each one that is done, by its place, and what it gave.

        Returns:
            What each gave, in their order.
        """
        started_s = time.perf_counter()
        trials = {self._open(each): each.candidate for each in slices}
        results: dict[Trial, SliceResult] = {}

        def done(trial: Trial, error: Exception | None = None) -> None:
            message = "" if error is None else _describe(error)
            try:
                if error is None:
                    trial.take(None)
            except TrialFailed as failure:
                message = _describe(failure)
            results[trial] = _close(trial, trials[trial], message, started_s)
            leave(list(trials).index(trial), results[trial])

        try:
            function(list(trials), done)
        except BaseException as error:
            if isinstance(error, self.breaks) and is_interrupt(error):
                raise
            message = f"its stack could not be trained ({_describe(error)})"
            for trial, candidate in trials.items():
                if trial not in results:
                    result = _close(trial, candidate, message, started_s)
                    results[trial] = replace(result, state=State.INTERRUPTED, checkpoint=None)
        return [results[trial] for trial in trials]

    def _open(self, slice_: Slice) -> Trial:
        candidate, assignment, checkpoint = slice_
        return Trial(
            params={**candidate},
            seed=self.seed,
            device=self.device,
            number=assignment.number,
            metric=self.metric,
            _assignment=assignment,
            _phases=Phases(assignment, self.known_steps),
            _saved=None if checkpoint is None else load_checkpoint(checkpoint),
        )


def _close(
    trial: Trial, candidate: Mapping[str, Any], message: str, started_s: float
) -> SliceResult:
    """What a candidate's trial gave; the message is why it failed, if it did."""
    result = replace(trial.close(), params=dict(candidate), message=message)
    # An error of a function that leaves half an epoch behind is no fault of the candidate.
    failed = bool(message) and not trial.cut_short
    kept = None if failed else trial.kept
    return replace(
        result,
        state=State.FAILED if failed else result.state,
        duration_s=time.perf_counter() - started_s,
        checkpoint=None if kept is None else save_state(kept),
        checkpoint_epoch=None if kept is None else kept["epoch"],
    )


def _describe(error: BaseException) -> str:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return f"out of memory: {first_line(error)}"
    if isinstance(error, TrialFailed):
        return str(error)
    if isinstance(error, PerjouleError):  # says what, where, and how to mend it
        return first_line(error)
    return describe_error(error)
