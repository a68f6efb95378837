"""The pot of a run: its unclaimed joules, which several trials in flight share.

A slice takes joules from the pot before it spends them, and gives back what it did not need. So the
slices of a run cannot overdraw its allotment by more than one of them alone could, wherever they
are trained. The pot is a small file beside the signs of life, guarded by a lock; the ledger knows
more, and the driver fills the pot anew whenever none of the run's slices is in flight.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from filelock import FileLock

from ...energy import EnergyBudget, EnergyMeter, Reading
from .messages import Job, Setting, Turn, file_name

CLAIM = 0.002
"""The least that a slice claims at a time, as a share of the allotment."""
CLAIMS_OF_ALL = 8
"""A slice claims this part of its fair share, so that claims are few while the pot is full."""
ROUNDING = 1e-9
"""How much more is claimed, so that rounding never makes what was needed too much."""
POLL_S = 0.001
WIDTH = 32  # characters of the file: it is written over at once, never emptied


class Pot:
    """The unclaimed joules of a run."""

    def __init__(self, setting: Setting, run: str) -> None:
        experiment = setting.experiment
        self._file = setting.folder / "inflight" / f"{file_name(run)}.pot"
        self._lock = FileLock(self._file.with_suffix(".lock"), poll_interval=POLL_S)
        self._least_j = CLAIM * experiment.allotment_j
        self._part = 1 / (CLAIMS_OF_ALL * experiment.most_in_flight)

    def fill(self, energy_j: float) -> None:
        """Put so many joules in, in place of all that is there."""
        with contextlib.suppress(OSError):
            self._file.touch()
        self._change(lambda _: energy_j)

    @property
    def left_j(self) -> float:
        """Joules that nobody has claimed at the moment."""
        left_j = 0.0

        def look(found_j: float) -> float:
            nonlocal left_j
            left_j = found_j
            return found_j

        self._change(look)
        return left_j

    def reserve(self, energy_j: float) -> bool:
        """Take exactly so many joules; False if they are not there."""
        taken_j = self._change(lambda left_j: left_j - (energy_j if energy_j <= left_j else 0.0))
        return energy_j <= 0 or taken_j > 0

    def claim(self, least_j: float) -> float:
        """Take at least so many joules, or some more; 0 if they are not there."""

        def taken(left_j: float) -> float:
            if left_j <= 0 or left_j < least_j:
                return left_j
            wanted_j = max(least_j * (1 + ROUNDING), self._least_j, self._part * left_j)
            return left_j - min(left_j, wanted_j)

        return self._change(taken)

    def put_back(self, energy_j: float) -> None:
        """Give joules back; a negative amount is what was spent beyond those taken."""
        self._change(lambda left_j: left_j + energy_j)

    def _change(self, change: Callable[[float], float]) -> float:
        """Set what is left to what ``change`` makes of it; returns what was taken by that.

        Nothing, if it cannot be written down: a full disk must not end a training, and the driver
        takes the file away when it ends.
        """
        try:
            with self._lock, self._file.open("r+b") as file:
                text = file.read().strip()
                left_j = float(text or 0.0)
                after_j = change(left_j)
                file.seek(0)
                file.write(f"{after_j!r:<{WIDTH}}".encode())
        except (OSError, ValueError):
            return 0.0
        return left_j - after_j


class SharedBudget(EnergyBudget):
    """The budget of one slice, which takes from the pot of its run what it comes to need.

    Some joules were taken for it before it began, fewer than none if its ask took more than those.
    """

    def __init__(self, pot: Pot, turn: Turn, meter: EnergyMeter) -> None:
        super().__init__(1.0, meter)
        self.total_j, self._pot, self._ask = turn.granted_j, pot, turn.ask

    def settle(self, billed: Reading) -> None:
        """Give back what was not spent, now that it is known what the slice is charged."""
        billed_j = (billed - self._ask).total_j
        if billed_j is not None:
            self._pot.put_back(self.total_j - billed_j)

    def _extend(self, needed_j: float) -> None:
        if needed_j >= self.total_j:
            self.total_j += self._pot.claim(needed_j - self.total_j)


def budget_of(job: Job, setting: Setting, meter: EnergyMeter) -> EnergyBudget:
    """What a job may spend: all that its run has left, or what it takes from its pot."""
    if job.turn is None or job.turn.work is None:
        return EnergyBudget(job.remaining_j, meter)
    return SharedBudget(Pot(setting, job.run), job.turn, meter)
