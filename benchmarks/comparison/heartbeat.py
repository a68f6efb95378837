"""Signs of life of a slice in flight: what it has spent so far, and whether it shall stop."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ...energy import EnergyBudget
from ...energy.forksafe import Guard
from ...energy.quantities import total
from ...errors import OutputError
from ...files import write_whole
from ...plain import is_finite_number
from ...tuners.strategy import Work
from ..statistics.projection import Projection, project
from ..tables.facts import Fact
from .messages import Job, Setting, Turn

PULSE_S = 0.25
"""How often a worker writes what it has spent and looks for the stop sign."""
MOST_EPOCHS = 50
"""The joules of no more epochs are in a sign of life."""


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
    pid: int | None = None  # of its worker's process
    epoch: int = 0  # the last one that was recorded
    # Joules of the trial up to the end of each of its first epochs; none of a trial that goes on.
    epochs_j: tuple[float, ...] = ()
    nonce: str = ""  # the job's

    @property
    def projection(self) -> Projection | None:
        """What the trial will take if it has all of its epochs; None as long as that is unknown."""
        epochs = (self.params or {}).get("epochs")
        if not isinstance(epochs, int) or not all(map(is_finite_number, (epochs, *self.epochs_j))):
            return None
        if epochs < max(self.epoch, len(self.epochs_j)):
            return None
        return project(self.epochs_j, epochs)


_listeners: list[Callable[[], None]] = []


@contextmanager
def heard_by(listener: Callable[[], None]) -> Iterator[None]:
    """Call a listener after each sign of life of a slice that is trained in this process.

    A driver that trains by itself shows nothing else as long as a slice lasts.
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class Pulse:
    """Writes the joules of a slice in flight, and says whether to stop."""

    def __init__(self, setting: Setting, job: Job, budget: EnergyBudget) -> None:
        self._stop_signs = setting.stop_sign, setting.given_up(job)
        turn = job.turn or Turn(slot=0)
        self._file = setting.sign_of_life(job)
        self._job, self._budget = job, budget
        self._asked_j = turn.ask.total_j if turn.ask.components else 0.0
        self._sign = SignOfLife(job.run, job.n_idle_asks, job.trial, None, self._asked_j)
        self._sign = replace(self._sign, nonce=job.nonce, pid=os.getpid())
        self._stopped = False
        self._next_s = 0.0
        self._guard = Guard()
        if turn.work is None:
            self._write()
            self._tell()
        else:
            self.begin(turn.work, job.trial)

    def begin(self, work: Work, trial: int) -> None:
        """The ask is done; what follows trains this work."""
        self._write(
            number=self._job.recorded.get(trial, 0),
            trial=trial,
            params=dict(work.params),
            work=None if self._job.turn is None else work,
        )
        self._tell()

    @contextmanager
    def beating(self, by_itself: bool) -> Iterator[None]:
        """Let a thread write signs of life too, of code that may not ask whether to stop."""
        over = threading.Event()
        thread = threading.Thread(target=self._beat, args=(over,), daemon=True)
        if by_itself:
            thread.start()
        try:
            yield
        finally:
            over.set()
            if by_itself:
                thread.join()

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(PULSE_S):
            if time.perf_counter() >= self._next_s + PULSE_S:
                self._write()

    def __call__(self) -> bool:
        """Whether to stop; writes a sign of life when it is time for one."""
        if time.perf_counter() >= self._next_s and self._sign.pid == os.getpid():  # not in a fork
            self._write()
            self._tell()
            self._stopped = self._stopped or self._is_to_stop()
        return self._stopped

    def _is_to_stop(self) -> bool:
        """Whether somebody asks for it; or nobody is there any more, who would have a room here."""
        return any(sign.exists() for sign in self._stop_signs) or not self._file.parent.exists()

    def reported(self, epoch: int, energy_j: float | None) -> None:
        """Take the joules of the slice up to the end of an epoch, for the next sign of life."""
        with self._guard:
            known = self._sign.epochs_j
            if energy_j is not None and epoch == len(known) + 1 <= MOST_EPOCHS:
                known = (*known, energy_j)
            self._sign = replace(self._sign, epoch=epoch, epochs_j=known)

    def last_words(self) -> None:
        """Write what was spent up to now, since this slice will spend no more."""
        self._write()
        self._tell()

    def _write(self, **changes: Any) -> None:
        with self._guard:
            energy_j = total([self._asked_j, self._budget.spent_j])
            self._sign = replace(self._sign, **changes, energy_j=energy_j)
            text = json.dumps(self._sign.to_dict())
            with contextlib.suppress(OutputError):  # a full disk must not end a training
                write_whole(self._file, lambda part: part.write_text(text))

    def _tell(self) -> None:
        """Note that the training function was heard of, and tell who listens."""
        self._next_s = time.perf_counter() + PULSE_S
        for listener in _listeners:
            listener()
