"""The folder of a comparison: what is written where, and by whom.

experiment.yaml   the resolved experiment, versions, machine, meter   written once
warm_start.json   earlier searches that strategies learn from         the same
ledger.jsonl      the events: the truth                               appended
ledger.seal       which line of it is the last                        written over
trials.parquet  curves.parquet  summary.json  report.html             derived from the ledger
studies.journal   the same for optuna-dashboard, where it is asked for
mlflow.db  mlflow/  tensorboard/  wandb/  what recorders keep here that are given no other place
weights/          the best networks, where they are kept
checkpoints/      states of paused trials                             gone when their run is over
inflight/         signs of life of slices being trained               gone when it is over
.lock  .holder    who writes here; the lock is never removed, or two could hold it
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ...errors import DataError, OutputError
from ...files.bounded import read_text
from ...files.writing import drop, write_whole
from ..tables.descriptions import to_yaml
from .described import read_description
from .events import Event, MachineEvent
from .exchange import CLAIMS, AnyFile, StoredFile, open_sign, put
from .heartbeat import SignOfLife, read_sign
from .ledger import stream_events, was_begun
from .messages import file_name

WARM_START = "warm_start.json"
"""The file of the earlier searches that strategies learn from."""
MIRROR = "studies.journal"
"""The file of a comparison's mirror for optuna-dashboard."""
SILENCE_S = 10.0
"""After so many seconds without a sign of life nobody is taken to be at work."""
_HOLDER = re.compile(r"process (?P<pid>\d{1,9}) on (?P<node>.*), since ")


class Folder:
    """A run folder, where it is or shall be."""

    def __init__(self, path: Path, exchange: AnyFile | None = None) -> None:
        self.path, self._exchange = path, path if exchange is None else exchange
        self.ledger = path / "ledger.jsonl"
        self.inflight = self._exchange / "inflight"
        self.stop_sign = self._exchange / "stop"
        self._description = path / "experiment.yaml"
        self._lock_file, self._holder = path / ".lock", path / ".holder"
        self._lock = FileLock(self._lock_file, timeout=0)

    def check_free(self) -> None:
        """Make sure that nothing would be overwritten.

        Raises:
            OutputError: Something is there already.
        """
        first = (self._lock_file, self._holder, self.path / WARM_START)  # before a description
        taken = self.path.exists() or self.path.is_symlink()
        if taken and (not self.path.is_dir() or any(each not in first for each in self._files())):
            raise OutputError(
                f"output folder {self.path} exists already: add --resume to go on with it, "
                "or name another with --out"
            )

    def _files(self) -> Iterator[Path]:
        try:
            yield from self.path.iterdir()
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> OutputError:
        return OutputError(f"output folder {self.path}: {error.strerror}; use --out")

    def create(self, description: dict[str, Any], earlier: bytes | None = None) -> None:
        """Write what the experiment is into the folder, which is locked: whole or not at all.

        Args:
            description: Of the experiment.
            earlier: What is learnt of earlier searches, if anything is.

        Raises:
            OutputError: Another process began something there meanwhile, or it cannot be written.
        """
        self.check_free()
        if earlier is not None:
            write_whole(self.path / WARM_START, lambda part: part.write_bytes(earlier))
        text = to_yaml(description)
        write_whole(self._description, lambda part: part.write_text(text, encoding="utf-8"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the folder for this process; it is made if it is not there.

        Raises:
            OutputError: Another process writes to it, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            raise OutputError(
                f"output folder {self.path} is in use by {self._held_by()}: wait for it or stop it"
            ) from error
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._say_who_holds_it()
            yield
        finally:
            with contextlib.suppress(OSError):
                self._holder.unlink(missing_ok=True)
            self._lock.release()

    def _say_who_holds_it(self) -> None:
        told = f"process {os.getpid()} on {platform.node()}, since {time.strftime('%F %T')}"
        with contextlib.suppress(OutputError):  # it only informs
            write_whole(self._holder, lambda part: part.write_text(told, encoding="utf-8"))

    def _told_holder(self) -> str:
        try:
            return read_text(self._holder)[:200]
        except (OSError, ValueError, DataError):
            return ""

    def _held_by(self) -> str:
        told = self._told_holder()
        return f"another perjoule ({told})" if told else "another perjoule"

    @property
    def is_in_use(self) -> bool:
        """Whether a process writes to it now, as far as can be seen without touching its lock.

        The process that says it holds the folder is looked for; of one on another machine, and
        where nobody could say it for want of room, the last signs of life tell.
        """
        holder = _HOLDER.match(self._told_holder())
        if holder is not None and holder["node"] == platform.node():
            return _is_running(int(holder["pid"]), self._holder)
        heard = self.last_heard if holder is not None else max(self._beats(), default=0.0)
        return time.time() - heard < SILENCE_S

    @property
    def last_heard(self) -> float:
        """When something was last written by who works in it, in Unix time; 0 if never."""
        return max(_written_at(self.ledger), _written_at(self._holder), *self._beats())

    def _beats(self) -> list[float]:
        """When each sign of life was written."""
        try:
            return [_written_at(file) for file in (self.path / "inflight").iterdir()]
        except OSError:
            return []

    def description(self) -> dict[str, Any]:
        """What ``create`` wrote.

        Raises:
            OutputError: The folder holds no comparison, or a damaged one.
        """
        return read_description(self._description)

    @property
    def was_begun(self) -> bool:
        """Whether there are events, or there were some that somebody removed."""
        return was_begun(self.ledger)

    def events(self) -> Iterator[Event]:
        """All events so far, one by one; none if the comparison was stopped before its first."""
        return stream_events(self.ledger) if self.was_begun else iter(())

    def machines(self) -> set[str]:
        """The names of the machines that are known to have trained for it."""
        begun_on = self.description()["machine"].get("name")
        later = {each.machine.name for each in self.events() if isinstance(each, MachineEvent)}
        return later if begun_on is None else later | {begun_on}

    def begin(self) -> None:
        """Make room for signs of life."""
        self.stop_sign.unlink(missing_ok=True)
        self.inflight.mkdir(parents=True, exist_ok=True)
        if isinstance(self.inflight, StoredFile):
            open_sign(self.inflight).touch()

    def put_sign(self, sign: AnyFile) -> None:
        """Make a sign: a ticket, without which nobody begins a job, or a wish that it stops.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            sign.touch()
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            then = "make room and resume" if is_full else "mend it and resume"
            raise OutputError(f"{sign}: cannot be written ({error.strerror}); {then}") from error

    def signs_of_life(self) -> list[SignOfLife]:
        """What slices in flight were last heard of.

        Raises:
            OutputError: One of them is damaged.
        """
        files = sorted(self.inflight.glob("*.json"), key=str)
        return [sign for sign in map(read_sign, files) if sign is not None]

    def weights(self, run: str, trial: int) -> Path:
        """The file of a trial's weights."""
        return self.path / "weights" / f"{file_name(run)}.{trial}.pt"

    @property
    def refit_weights(self) -> Path:
        """The file of the weights that a refit gave."""
        return self.path / "weights" / "refit.pt"

    def write_weights(self, run: str, trial: int, weights: bytes, last: int | None) -> None:
        """Keep the weights of a run's new incumbent, and of the last one; drop all older ones."""
        new = self.weights(run, trial)
        new.parent.mkdir(exist_ok=True)
        write_whole(new, lambda part: part.write_bytes(weights))
        for file in new.parent.glob(f"{file_name(run)}.*.pt"):
            if file != new and (last is None or file != self.weights(run, last)):
                drop(file)

    def read_checkpoint(self, run: str, trial: int, n_slices: int) -> bytes | None:
        """A paused trial's state after so many slices; None if there is none, to begin anew."""
        try:
            return self._checkpoint(run, trial, n_slices).read_bytes()
        except FileNotFoundError:
            return None

    def write_checkpoint(self, run: str, trial: int, n_slices: int, state: bytes) -> None:
        """Keep a paused trial's state, beside the one before until that is dropped."""
        path = self._checkpoint(run, trial, n_slices)
        path.parent.mkdir(exist_ok=True)
        put(path, state)

    def drop_checkpoints(self, run: str, trial: int, before: int) -> None:
        """Forget a trial's states of fewer than so many slices."""
        for n_slices in range(1, before):
            _drop(self._checkpoint(run, trial, n_slices))

    def drop_all_checkpoints(self, run: str) -> None:
        """Forget the states of a run that is over."""
        for path in (self._exchange / "checkpoints").glob("*.pt"):
            if path.name.startswith(f"{file_name(run)}-"):
                _drop(path)

    def _checkpoint(self, run: str, trial: int, n_slices: int) -> AnyFile:
        return self._exchange / "checkpoints" / f"{file_name(run)}-{trial}.{n_slices}.pt"

    def clear_signs(self) -> None:
        """Remove what only matters while workers are busy."""
        for file in [*self.inflight.glob("*"), self.stop_sign]:
            file.unlink(missing_ok=True)

    def end(self) -> None:
        """Nobody is busy any more, and no sign of life is left."""
        with contextlib.suppress(OSError):  # another machine's worker may still write its last
            if isinstance(self.inflight, Path):
                self.inflight.rmdir()
            else:
                open_sign(self.inflight).unlink(missing_ok=True)
                for claimed in (self.inflight.parent / CLAIMS).glob("*"):
                    claimed.unlink(missing_ok=True)


def _drop(file: AnyFile) -> None:
    """Remove a file that is needed no more; one that cannot be removed harms nobody."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _is_running(pid: int, holder: Path) -> bool:
    """Whether the process that wrote a file still runs, and none that got its number later."""
    import psutil

    try:
        process = psutil.Process(pid)
        ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return not ended and process.create_time() <= _written_at(holder) + 1.0
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
