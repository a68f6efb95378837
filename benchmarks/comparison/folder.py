"""The folder of a comparison: what is written where, and by whom.

experiment.yaml   the resolved experiment, versions, machine, meter   written once
ledger.jsonl      the events: the truth                               appended
trials.parquet  curves.parquet  summary.json  report.html             derived from the ledger
weights/          the best networks, where they are kept
checkpoints/      states of paused trials                             gone when their run is over
inflight/         signs of life of slices being trained               gone when it is over
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from ...errors import DataError, OutputError
from ...files import write_whole
from ...plain import read_yaml
from .events import Event
from .experiment import Experiment
from .heartbeat import SignOfLife
from .ledger import read_events
from .messages import file_name


class Folder:
    """A run folder, where it is or shall be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ledger = path / "ledger.jsonl"
        self.inflight = path / "inflight"
        self.stop_sign = path / "stop"
        self._description = path / "experiment.yaml"
        self._lock = FileLock(path / ".lock", timeout=0)

    def check_free(self) -> None:
        """Make sure that nothing would be overwritten.

        Raises:
            OutputError: Something is there already.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise OutputError(
                f"output folder {self.path} exists already: add --resume to go on with it, "
                "or name another with --out"
            )

    def create(self, description: dict[str, Any]) -> None:
        """Make the folder and write what the experiment is, whole or not at all."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"output folder {self.path}: {error.strerror}; use --out") from error
        text = yaml.safe_dump(description, sort_keys=False, allow_unicode=True)
        write_whole(self._description, lambda part: part.write_text(text, encoding="utf-8"))

    def lock(self) -> None:
        """Take the folder for this process.

        Raises:
            OutputError: Another process writes to it.
        """
        try:
            self._lock.acquire()
        except Timeout as error:
            raise OutputError(
                f"output folder {self.path} is in use by another perjoule: wait for it or stop it"
            ) from error

    def release(self) -> None:
        """Give the folder back."""
        self._lock.release()
        (self.path / ".lock").unlink(missing_ok=True)

    @property
    def is_in_use(self) -> bool:
        """Whether a process writes to it now, as far as that can be seen."""
        if not Path(self._lock.lock_file).exists():
            return False
        try:
            with self._lock:
                return False
        except (Timeout, OSError):
            return True

    def description(self) -> dict[str, Any]:
        """What ``create`` wrote.

        Raises:
            OutputError: The folder holds no comparison, or a damaged one.
        """
        try:
            description = read_yaml(self._description.read_text(encoding="utf-8"))
            if isinstance(description["experiment"].get("space"), str):
                raise ValueError("experiment.space is no mapping")  # a file's name would be read
            Experiment(**description["experiment"])
        except OSError as error:
            raise OutputError(
                f"{self.path} holds no comparison (no {self._description.name}): "
                "name the folder that `perjoule compare` wrote"
            ) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise OutputError(f"{self._description}: damaged ({error}); restore a copy") from error
        return description

    def events(self) -> list[Event]:
        """All events so far; none if the comparison was stopped before its first."""
        return read_events(self.ledger) if self.ledger.exists() else []

    def begin(self) -> None:
        """Make room for signs of life."""
        self.stop_sign.unlink(missing_ok=True)
        self.inflight.mkdir(exist_ok=True)

    def put_sign(self, sign: Path) -> None:
        """Make a sign: a ticket, without which nobody begins a job, or a wish that it stops.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            sign.touch()
        except OSError as error:
            raise OutputError(
                f"{sign}: cannot be written ({error.strerror}); make room and resume"
            ) from error

    def signs_of_life(self) -> list[SignOfLife]:
        """What slices in flight were last heard of, unreadable ones left out."""
        signs = []
        for file in sorted(self.inflight.glob("*.json")):
            with contextlib.suppress(OSError, ValueError, DataError):
                signs.append(SignOfLife.from_dict(json.loads(file.read_text())))
        return signs

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
                file.unlink()

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
        write_whole(path, lambda part: part.write_bytes(state))

    def drop_checkpoints(self, run: str, trial: int, before: int) -> None:
        """Forget a trial's states of fewer than so many slices."""
        for n_slices in range(1, before):
            self._checkpoint(run, trial, n_slices).unlink(missing_ok=True)

    def drop_all_checkpoints(self, run: str) -> None:
        """Forget the states of a run that is over."""
        for path in (self.path / "checkpoints").glob(f"{file_name(run)}-*.pt"):
            path.unlink(missing_ok=True)

    def _checkpoint(self, run: str, trial: int, n_slices: int) -> Path:
        return self.path / "checkpoints" / f"{file_name(run)}-{trial}.{n_slices}.pt"

    def clear_signs(self) -> None:
        """Remove what only matters while workers are busy."""
        for file in [*self.inflight.glob("*"), self.stop_sign]:
            file.unlink(missing_ok=True)

    def end(self) -> None:
        """Nobody is busy any more, and no sign of life is left."""
        with contextlib.suppress(OSError):  # another machine's worker may still write its last
            self.inflight.rmdir()
