"""The common objective: run a training function for one slice of a trial while metering it.

A slice is a function of candidate, checkpoint, stop rule and seed: it may run anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..errors import PerjouleError
from .checkpoint import load_checkpoint, save_state
from .foresight import KnownSteps
from .importing import describe_error, first_line
from .metric import ACCURACY, Metric
from .outcome import SliceResult, State
from .own_code import is_interrupt
from .phases import Assignment, Phases
from .trial import Trial, TrialFailed


@dataclass(frozen=True, eq=False)
class Objective:
    """Trains candidates with one training function."""

    function: Callable[[Trial], Any]
    metric: Metric = ACCURACY
    device: str = "cpu"
    seed: int = 0
    known_steps: KnownSteps = ((), ())  # of other candidates
    breaks: type[BaseException] = KeyboardInterrupt  # what is no error of the function

    def train_slice(
        self, candidate: Mapping[str, Any], assignment: Assignment, checkpoint: bytes | None = None
    ) -> SliceResult:
        """Train a candidate from a checkpoint until its stop rule holds, metering each phase.

        Errors of the function, a score that is not finite and exhausted memory never raise: they
        end the slice as failed, with its joules. Budget and interruption are asked before every
        step that the function announces, and before every epoch.
        """
        started = time.perf_counter()
        saved = None if checkpoint is None else load_checkpoint(checkpoint)
        trial = Trial(
            params={**candidate},
            seed=self.seed,
            device=self.device,
            number=assignment.number,
            metric=self.metric,
            _assignment=assignment,
            _phases=Phases(assignment, self.known_steps),
            _saved=saved,
        )
        message = ""
        try:
            trial.take(self.function(trial))
        except TrialFailed as error:
            message = str(error)
        # A candidate's fault is its own, and is charged.
        except BaseException as error:
            if isinstance(error, self.breaks) and is_interrupt(error):
                raise
            message = _describe(error)
        result = replace(trial.close(), params=dict(candidate), message=message)
        # An error of a function that leaves half an epoch behind is no fault of the candidate.
        failed = bool(message) and not trial.cut_short
        kept = None if failed else trial.kept
        return replace(
            result,
            state=State.FAILED if failed else result.state,
            duration_s=time.perf_counter() - started,
            checkpoint=None if kept is None else save_state(kept),
            checkpoint_epoch=None if kept is None else kept["epoch"],
        )


def _describe(error: BaseException) -> str:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return f"out of memory: {first_line(error)}"
    if isinstance(error, PerjouleError):  # says what, where, and how to mend it
        return first_line(error)
    return describe_error(error)
