"""Signs of life of a slice in flight: what it has spent so far, and whether it shall stop."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...energy import EnergyBudget
from ...energy.quantities import total
from ...errors import OutputError
from ...files import write_whole
from ...tuners.strategy import Work
from ..tables.facts import Fact
from .messages import Job, Setting, Turn

PULSE_S = 0.25
"""How often a worker writes what it has spent and looks for the stop sign."""


@dataclass(frozen=True)
class SignOfLife(Fact):
    """What a slice in flight was last heard of."""

    run: str  # the run's name
    # How many slices its trial had before; while it is asked for, how many asks gave no work.
    number: int
    trial: int  # number of the trial
    params: Mapping[str, Any] | None  # the candidate; None while the strategy is still asked
    energy_j: float | None  # joules spent so far, on asking too; None if unavailable
    work: Work | None = None  # what is trained, where it can be begun again as it is


class Pulse:
    """Writes the joules of a slice in flight, and says whether to stop."""

    def __init__(self, setting: Setting, job: Job, budget: EnergyBudget) -> None:
        self._stop_sign = setting.stop_sign
        turn = job.turn or Turn(slot=0)
        self._file = setting.sign_of_life(job.run, turn.slot)
        self._job, self._budget = job, budget
        self._asked_j = turn.ask.total_j if turn.ask.components else 0.0
        self._sign = SignOfLife(job.run, job.n_idle_asks, job.trial, None, self._asked_j)
        self._stopped = False
        self._next_s = 0.0
        if turn.work is None:
            self._write()
        else:
            self.begin(turn.work, job.trial)

    def begin(self, work: Work, trial: int) -> None:
        """The ask is done; what follows trains this work."""
        self._sign = replace(
            self._sign,
            number=self._job.recorded.get(trial, 0),
            trial=trial,
            params=dict(work.params),
            work=None if self._job.turn is None else work,
        )
        self._write()

    def __call__(self) -> bool:
        """Whether to stop; writes a sign of life when it is time for one."""
        if time.perf_counter() >= self._next_s:
            self._write()
            self._stopped = self._stopped or self._stop_sign.exists()
        return self._stopped

    def _write(self) -> None:
        self._next_s = time.perf_counter() + PULSE_S
        self._sign = replace(self._sign, energy_j=total([self._asked_j, self._budget.spent_j]))
        text = json.dumps(self._sign.to_dict())
        with contextlib.suppress(OutputError):  # a full disk must not end a training
            write_whole(self._file, lambda part: part.write_text(text))
