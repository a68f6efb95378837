"""Signs of life of a slice in flight: what it has spent so far, and whether it shall stop."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any

from ...energy import EnergyBudget
from ...tuners.strategy import Work
from .messages import Job, Setting

PULSE_S = 0.25
"""How often a worker writes what it has spent and looks for the stop sign."""


class Pulse:
    """Writes the joules of a slice in flight, and says whether to stop."""

    def __init__(self, setting: Setting, job: Job, budget: EnergyBudget) -> None:
        self._stop_sign = setting.stop_sign
        self._file = setting.sign_of_life(job.run)
        self._job, self._budget = job, budget
        self._params: dict[str, Any] | None = None
        self._trial = job.trial
        self._stopped = False
        self._write()

    def begin(self, work: Work, trial: int) -> None:
        """The ask is done; what follows trains this work."""
        self._params, self._trial = dict(work.params), trial
        self._write()

    def __call__(self) -> bool:
        """Whether to stop; writes a sign of life when it is time for one."""
        if time.perf_counter() >= self._next_s:
            self._write()
            self._stopped = self._stopped or self._stop_sign.exists()
        return self._stopped

    def _write(self) -> None:
        self._next_s = time.perf_counter() + PULSE_S
        sign = {
            "run": self._job.run,
            "number": self._job.number,
            "trial": self._trial,
            "params": self._params,
            "energy_j": self._budget.spent_j,
        }
        new = self._file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk must not end a training
            new.write_text(json.dumps(sign))
            new.replace(self._file)
