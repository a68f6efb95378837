"""TensorBoard's event files: a folder for each run, and in it one for each trial.

A run's folder has the trials' figures over their number, and the best score over the joules that
the run had spent; a trial's has its curve and its hyperparameters. TensorBoard's steps are whole
numbers, so joules are told in steps of a millijoule: ``incumbent_by_mJ``.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...benchmarks.comparison.messages import file_name
from ...benchmarks.comparison.recorder import Recorder
from ...errors import OutputError
from ...models.importing import need_extra
from .places import inside
from .rows import epoch_figures, facts, figures, improvements, note

if TYPE_CHECKING:
    from ...benchmarks.comparison.recorder import Begun, EndedTrial, Finished

FOLDER = "tensorboard"
"""In the run folder, where no other is given."""
EVENTS = "events.out.tfevents.*"


def make(where: str | None) -> Recorder:
    """The recorder that writes to a folder, or to the run folder."""
    return TensorBoardFiles(None if where is None else Path(where).absolute())


class TensorBoardFiles(Recorder):
    """Writes the event files anew each time it begins, since they can only be appended to."""

    name = "tensorboard"

    def __init__(self, folder: Path | None) -> None:
        self._given, self._folder = folder, folder
        self._writers: dict[str, Any] = {}

    def check(self) -> None:
        """See that it is installed, and make the folder that was given.

        Raises:
            PerjouleError: One of them cannot be.
        """
        need_extra("tensorboard", "tensorboard", "TensorBoard")
        if self._given is not None:
            try:
                self._given.mkdir(parents=True, exist_ok=True)
                (probe := self._given / ".perjoule").touch()
                probe.unlink()
            except OSError as error:
                raise OutputError(
                    f"record tensorboard: cannot write to {self._given} ({error.strerror}); give "
                    "a folder that can be written"
                ) from error

    def begin(self, comparison: Begun) -> None:
        """Remove what was written of this comparison before."""
        if self._given is None:
            self._folder = inside(comparison.folder, FOLDER)
        else:  # others may be there
            own = f"{file_name(comparison.name)}-{comparison.identity}"
            self._folder = self._given / own
        for old in self._folder.rglob(EVENTS):
            old.unlink()

    def trials(self, ended: Sequence[EndedTrial]) -> None:
        """Write each trial's curve and hyperparameters, and what it was to its run."""
        for trial in ended:
            run, at = self._writer(trial.run), trial.ended_at.timestamp()
            told = figures(trial)
            for name, value in told.items():
                run.add_scalar(name, value, trial.number, at)
            for spent_j, score in improvements(trial).items():
                run.add_scalar("incumbent_by_mJ", score, round(1e3 * spent_j), at)
            self._write_trial(trial, told)
        for writer in self._writers.values():
            writer.flush()

    def finish(self, finished: Finished) -> None:
        """Write what was found, and where the report is."""
        told = self._writer("")
        told.add_text("finding", note(finished), 0)
        told.add_text("report", str(finished.report), 0)
        for writer in self._writers.values():
            writer.close()

    def look(self) -> str:
        """How it is looked at."""
        if self._folder is None:
            return ""
        return f"TensorBoard: tensorboard --logdir {shlex.quote(str(self._folder))}"

    def _writer(self, run: str) -> Any:
        """The open writer of a run; of the comparison if it is empty."""
        if run not in self._writers:
            self._writers[run] = self._open(file_name(run))
        return self._writers[run]

    def _open(self, name: str) -> Any:
        from torch.utils.tensorboard.writer import SummaryWriter

        assert self._folder is not None
        return SummaryWriter(str(self._folder / name), max_queue=1_000, flush_secs=60)

    def _write_trial(self, trial: EndedTrial, told: Mapping[str, float]) -> None:
        from torch.utils.tensorboard.summary import hparams

        writer = self._open(f"{file_name(trial.run)}/{trial.trial:04d}")
        at = trial.ended_at.timestamp()
        for point in trial.curve:
            for name, value in epoch_figures(point).items():
                writer.add_scalar(name, value, point.epoch, at)
            if point.score is not None and point.energy_j is not None:
                by_mj = round(1e3 * point.energy_j)
                writer.add_scalar("epoch_score_by_mJ", point.score, by_mj, at)
        kept = {name: told[name] for name in ("score", "energy_j") if name in told}
        for name, value in kept.items():
            writer.add_scalar(name, value, trial.number, at)
        settings = {name: _setting(value) for name, value in trial.params.items()}
        settings |= {"strategy": trial.strategy, "seed": trial.seed, **facts(trial)}
        for summary in hparams(settings, kept):
            writer.file_writer.add_summary(summary, walltime=at)
        writer.close()


def _setting(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)
