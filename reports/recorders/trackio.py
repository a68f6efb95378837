"""trackio: a run of a project for each run of the comparison, and one for its finding.

Where trackio keeps it is its own matter: ``TRACKIO_DIR``, ``TRACKIO_SPACE_ID`` and
``TRACKIO_SERVER_URL`` are heeded.
"""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ...benchmarks.comparison.recorder import Recorder
from ...errors import ConfigurationError
from ...models.importing import need_extra
from .rows import Numbered, note, settings

if TYPE_CHECKING:
    from ...benchmarks.comparison.recorder import Begun, EndedTrial, Finished

PROJECT = "perjoule"
FINDING = "finding"
"""What the run is called that has what was found."""


_ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
"""Of these one is set where trackio sends what it is given, to which it takes long to connect."""


def make(where: str | None) -> Recorder:
    """The recorder of a project."""
    return Trackio(where or PROJECT)


class Trackio(Recorder):
    """Logs the rows that a run does not have yet."""

    name = "trackio"

    def __init__(self, project: str) -> None:
        self._project = project
        self._runs: dict[str, tuple[Any, int]] = {}  # with the rows that it had before

    def check(self) -> None:
        """See that it is installed, and that there can be such a project.

        Raises:
            ConfigurationError: It is not, or there cannot be.
        """
        storage = need_extra("trackio.sqlite_storage", "trackio", "trackio").SQLiteStorage
        try:
            storage.validate_project_name(self._project)
        except ValueError as error:
            raise ConfigurationError(f"record trackio: {error}") from error

    def begin(self, comparison: Begun) -> None:
        """Keep what is told of each run; one is begun with its first trial."""
        self._begun, self._rows = comparison, Numbered()

    def trials(self, ended: Sequence[EndedTrial]) -> None:
        """Log a row for each epoch and one for each trial."""
        for trial in ended:
            told = {"strategy": trial.strategy, "seed": trial.seed}
            run, n_before = self._run(trial.run, told)
            for number, row in self._rows.rows(trial):
                if number >= n_before:
                    run.log(dict(row), step=number)
        if not any(os.environ.get(name) for name in _ELSEWHERE):
            # What is written later is written while networks are trained, out of their joules.
            self._end()

    def finish(self, finished: Finished) -> None:
        """Log what was found, once, with report and summary, and end all runs."""
        if not finished.interrupted:
            markdown = need_extra("trackio", "trackio", "trackio").Markdown
            run, n_before = self._run(FINDING, {})
            if not n_before:
                run.log({"finding": markdown(note(finished))}, step=0)
                for path in (finished.report, finished.summary):
                    name = f"{self._begun.identity}-{path.stem}"
                    _quietly(lambda file=path, name=name: run.log_artifact(str(file), name=name))
        self._end()

    def _end(self) -> None:
        """End the runs that are open, once all is written; one begins again with its next row."""
        _quietly(lambda: [each.finish() for each, _ in self._runs.values()])
        self._runs.clear()

    def look(self) -> str:
        """How it is looked at."""
        return f"trackio: trackio show --project {shlex.quote(self._project)}"

    def _run(self, name: str, told: Mapping[str, Any]) -> tuple[Any, int]:
        """A run of the comparison, and how many rows it had when it was opened."""
        if name not in self._runs:
            own = f"{self._begun.name}/{name} {self._begun.identity[:6]}"
            config = {**settings(self._begun), **told}
            self._runs[name] = _quietly(lambda: _open(self._project, own, self._begun, config))
        return self._runs[name]


def _open(project: str, name: str, begun: Begun, config: Mapping[str, Any]) -> tuple[Any, int]:
    trackio = need_extra("trackio", "trackio", "trackio")
    storage = need_extra("trackio.sqlite_storage", "trackio", "trackio").SQLiteStorage
    # trackio ends the run that was begun last in the same context.
    run = Context().run(
        lambda: trackio.init(
            project=project,
            name=name,
            group=begun.name,
            config=dict(config),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
    )
    last = storage.get_last_step(project, run=name)
    return run, 0 if last is None else last + 1


def _quietly(do: Callable[[], Any]) -> Any:
    """Do it without what trackio prints to stdout, which is for results."""
    with redirect_stdout(io.StringIO()):
        return do()
