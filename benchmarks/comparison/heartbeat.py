"""Signs of life of a slice in flight: what it has spent so far, and whether it shall stop."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ...energy import EnergyBudget
from ...energy.forksafe import Guard
from ...energy.quantities import total
from ...errors import DataError, OutputError
from ...plain import is_finite_number
from ...tuners.strategy import Work
from ..statistics.projection import Projection, project
from ..tables.facts import Fact
from .events import Count, Joules, PartJoules
from .exchange import AnyFile, is_there, open_sign, put, read
from .messages import Job, Setting, Turn

PULSE_S = 0.25
"""How often a worker writes what it has spent and looks for the stop sign."""
STORE_PULSE_S = 2.0
"""The same where that is in an object store, each of whose answers takes a while."""
MOST_EPOCHS = 50
"""Epochs whose joules are in a sign of life."""


@dataclass(frozen=True)
class SignOfLife(Fact):
    """What a slice in flight was last heard of."""

    run: str  # the run's name
    # How many slices its trial had before; while it is asked for, how many asks gave no work.
    number: Count
    trial: Count  # number of the trial
    params: Mapping[str, Any] | None  # the candidate; None while the strategy is still asked
    energy_j: Joules | None  # joules spent so far, on asking too; None if unavailable
    work: Work | None = None  # what is trained, where it can be begun again as it is
    pid: int | None = None  # of its worker's process
    epoch: Count = 0  # the last one that was recorded
    # Joules of the trial up to the end of each of its first epochs; none of a trial that goes on.
    epochs_j: tuple[PartJoules, ...] = ()
    nonce: str = ""  # the job's

    def to_text(self) -> bytes:
        """Return JSON that begins with a sum over all the rest of it."""
        rest = json.dumps(self.to_dict()).encode()[1:]
        return b'{"sum": "%s", %s' % (_sum(rest), rest)

    @classmethod
    def of_text(cls, text: bytes) -> SignOfLife:
        """Read what ``to_text`` gave, or an earlier version, which knew no sum.

        Raises:
            DataError: It is something else, or was changed.
        """
        text = text.rstrip(b" ")  # of one that was written over
        if text.startswith(b'{"run": '):
            return cls.from_json(text)
        stated, rest = text[9:25], text[28:]
        if text[:9] + text[25:28] != b'{"sum": "", ' or stated != _sum(rest):
            raise DataError("not as perjoule wrote it")
        return cls.from_json(b"{" + rest)

    @property
    def projection(self) -> Projection | None:
        """What the trial will take if it has all of its epochs; None as long as that is unknown."""
        epochs = (self.params or {}).get("epochs")
        if not isinstance(epochs, int) or not all(map(is_finite_number, (epochs, *self.epochs_j))):
            return None
        if epochs < max(self.epoch, len(self.epochs_j)):
            return None
        return project(self.epochs_j, epochs)


def read_sign(file: AnyFile) -> SignOfLife | None:
    """Read a sign of life; None if it has been removed meanwhile, since its joules are recorded.

    Raises:
        OutputError: It is damaged.
    """
    try:
        return SignOfLife.of_text(read(file))
    except FileNotFoundError:
        return None
    except (OSError, DataError) as error:
        raise OutputError(
            f"{file}: damaged ({error}), so the joules of a trial that was lost are unknown: "
            "restore a copy, or remove it to leave them out"
        ) from error


def _sum(rest: bytes) -> bytes:
    return blake2b(rest, digest_size=8).hexdigest().encode()


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
    """Writes the joules of a slice in flight, and says whether to stop.

    The file is removed by the driver, once its joules are in the ledger.

    Raises:
        OutputError: The first sign of life cannot be written.
    """

    def __init__(self, setting: Setting, job: Job, budget: EnergyBudget) -> None:
        self._stop_signs = setting.stop_sign, setting.given_up(job)
        turn = job.turn or Turn(slot=0)
        self._file = setting.sign_of_life(job)
        self._pulse_s = PULSE_S if isinstance(self._file, Path) else STORE_PULSE_S
        self._job, self._budget = job, budget
        self._asked_j = turn.ask.total_j if turn.ask.components else 0.0
        self._sign = SignOfLife(job.run, job.n_idle_asks, job.trial, None, self._asked_j)
        self._sign = replace(self._sign, nonce=job.nonce, pid=os.getpid())
        self._stopped = self._is_written = self._is_over = False
        self._next_s = 0.0
        self._guard = Guard()
        if turn.work is None:
            self._write_now()
        else:
            self.begin(turn.work, job.trial)

    def begin(self, work: Work, trial: int) -> None:
        """The ask is done; what follows trains this work."""
        self._write_now(
            number=self._job.slices_of(trial),
            trial=trial,
            params=dict(work.params),
            work=None if self._job.turn is None else work,
        )

    @contextmanager
    def beating(self, by_itself: bool) -> Iterator[None]:
        """Let a thread write signs of life too, of code that may not ask whether to stop.

        Not once the job is given up: its process may have another one by then, whose joules it
        would count.
        """
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
        while not over.wait(self._pulse_s):
            if time.perf_counter() >= self._next_s + self._pulse_s and not self._write(alone=True):
                return

    def __call__(self) -> bool:
        """Whether to stop; writes a sign of life when it is time for one."""
        if time.perf_counter() >= self._next_s and self._sign.pid == os.getpid():  # not in a fork
            self._write_now()
            self._stopped = self._stopped or self._is_to_stop()
        return self._stopped

    def _is_to_stop(self) -> bool:
        """Whether somebody asks for it, or the driver is gone, and the folder of signs with it."""
        if any(is_there(sign) for sign in self._stop_signs):
            return True
        return not is_there(open_sign(self._file.parent), unless_known=True)

    def reported(self, epoch: int, energy_j: float | None) -> None:
        """Take the joules of the slice up to the end of an epoch, for the next sign of life."""
        with self._guard:
            known = self._sign.epochs_j
            if energy_j is not None and epoch == len(known) + 1 <= MOST_EPOCHS:
                known = (*known, energy_j)
            self._sign = replace(self._sign, epoch=epoch, epochs_j=known)

    def last_words(self) -> None:
        """Write what was spent up to now, unless the slice is over: it will spend no more."""
        if not self._is_over:
            self._write_now()

    def ended(self, energy_j: float | None) -> None:
        """The slice is over, and took so many joules: what it is charged if it is not recorded."""
        self._is_over = True
        self._write(energy_j=energy_j)
        self._tell()

    def _write_now(self, **changes: Any) -> None:
        self._write(**changes)
        self._tell()

    def _write(self, *, alone: bool = False, **changes: Any) -> bool:
        """Write the joules up to now, unless the changes have others.

        Args:
            alone: Whether to do it only as long as the job is not given up; returns False then.
            changes: Other values of the sign of life.
        """
        with self._guard:
            now = {} if "energy_j" in changes else {"energy_j": self._spent_j()}
            if alone and is_there(self._stop_signs[1]):  # after reading, so that it is its own
                return False
            self._sign = replace(self._sign, **now, **changes)
            text = self._sign.to_text()
            try:
                put(self._file, text)
                self._is_written = True
            except OutputError:
                if not (self._write_over(text) or self._is_written):
                    raise  # nothing is spent that nobody could charge
            return True

    def _spent_j(self) -> float | None:
        return total([self._asked_j, self._budget.spent_j])

    def _tell(self) -> None:
        """Note that the training function was heard of, and tell who listens."""
        self._next_s = time.perf_counter() + self._pulse_s
        for listener in _listeners:
            listener()

    def _write_over(self, text: bytes) -> bool:
        """Write over the last sign of life, in the room that it has: the disk may be full."""
        if not isinstance(self._file, Path):
            return False
        try:
            file = os.open(self._file, os.O_RDWR)
            try:
                os.pwrite(file, text.ljust(os.fstat(file).st_size), 0)
            finally:
                os.close(file)
        except OSError:
            return False
        return True
