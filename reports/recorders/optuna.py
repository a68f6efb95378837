"""``studies.journal`` in the run folder: each run as a study, for optuna-dashboard."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ...benchmarks.comparison.folder import MIRROR
from ...benchmarks.comparison.recorder import Recorder
from .journal import Described, Mirror, rows_of, write_mirror

if TYPE_CHECKING:
    from pathlib import Path

    from ...benchmarks.comparison.recorder import Begun, EndedTrial, Finished, Present


def make(_: str | None) -> Recorder:
    """The recorder."""
    return OptunaJournal()


class OptunaJournal(Recorder):
    """Appends trials to the journal as they end."""

    name = "optuna"

    def __init__(self) -> None:
        self._path: Path | None = None

    def begin(self, comparison: Begun) -> None:
        """Begin it anew, in place of an older file."""
        self._path = comparison.folder / MIRROR
        self._described = Described.begun(comparison)
        self._mirror = Mirror([self._described])
        self._mirror.write(self._path)

    def trials(self, ended: Sequence[EndedTrial]) -> None:
        """Keep them for the next line of the journal."""
        self._mirror.add(self._described, ((trial.row, trial.curve) for trial in ended))

    def standing(self, present: Present) -> None:
        """Write what has ended since the last time."""
        del present
        if self._path is not None:
            self._mirror.append(self._path)

    def finish(self, finished: Finished) -> None:
        """Add all that is left; where the journal is not as the table is, it is written anew."""
        assert self._path is not None
        if self._path.exists():
            with suppress(OSError):
                if self._mirror.add(self._described, rows_of(finished.table)):
                    self._mirror.append(self._path)
                    return
        write_mirror(self._path, {"": finished.table})

    def look(self) -> str:
        """How it is looked at."""
        return "" if self._path is None else look_at(self._path)


def look_at(path: Path) -> str:
    """How a journal is looked at."""
    return f"Dashboard: optuna-dashboard {shlex.quote(str(path))} (pip install optuna-dashboard)"
