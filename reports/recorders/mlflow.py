"""MLflow: a run for the comparison, in it one for each of its runs, in these one for each trial.

A trial's run has its hyperparameters, its curve over epochs and over joules, and how its joules
became known; a run's has its trials over their number, and its best score over the joules spent.
Steps are whole numbers, so joules are told in steps of a millijoule. All runs of a comparison are
found by its identity, so that recording goes on where it was.
"""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...benchmarks.comparison.recorder import Recorder
from ...errors import ConfigurationError, OutputError
from ...models.importing import describe_error, need_extra, without_passwords
from ...models.outcome import State
from .places import inside
from .rows import epoch_figures, facts, figures, improvements, note, settings

if TYPE_CHECKING:
    from ...benchmarks.comparison.recorder import Begun, EndedTrial, Finished

EXPERIMENT = "perjoule"
"""The experiment of all comparisons, where ``MLFLOW_EXPERIMENT_NAME`` gives no other."""
IDENTITY, PART = "perjoule.comparison", "perjoule.part"
"""Tags by which the runs of a comparison are found again: which it is, and which of its parts."""
_BOUNDS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # which is for results
}
"""What holds while perjoule talks to a server, unless the user said otherwise."""
_MOST_METRICS = 800
"""In one request, which may hold 1,000 things in all."""
_Figure = tuple[str, float, int, int]
"""Name, value, milliseconds of Unix time, and step."""
_TALKATIVE = ("mlflow", "alembic")


def make(where: str | None) -> Recorder:
    """The recorder to a tracking server or database; in the run folder if none is given."""
    return MLflow(where or os.environ.get("MLFLOW_TRACKING_URI") or None)


class MLflow(Recorder):
    """Logs the trials that its database does not have."""

    name = "mlflow"

    def __init__(self, uri: str | None) -> None:
        self._uri = uri
        self._runs: dict[str, str] = {}  # identities of MLflow's runs, by part
        self._ended: set[str] = set()  # parts that need no more

    def check(self) -> None:
        """See that it is installed, and that what was given answers.

        Raises:
            ConfigurationError: It is not, or it does not.
        """
        with _bounded():
            need_extra("mlflow.tracking", "mlflow", "MLflow")
            if self._uri is None:
                return
            try:
                self._connect().search_experiments(max_results=1)
            except Exception as error:
                uri = without_passwords(self._uri)
                raise ConfigurationError(
                    f"record mlflow: {uri} does not answer ({describe_error(error)[:300]}); "
                    "start it, or give another, mlflow:sqlite:///FILE.db"
                ) from error

    def begin(self, comparison: Begun) -> None:
        """Find the runs of this comparison, and begin it if there are none."""
        self._begun = comparison
        is_ours = self._uri is None
        if self._uri is None:
            inside(comparison.folder, "mlflow")
            self._uri = _database(inside(comparison.folder, "mlflow.db").absolute())
        with _bounded():
            self._client = self._connect()
            self._experiment = self._find_experiment(_home(self._uri), is_ours=is_ours)
            self._find_runs()
            is_new = "" not in self._runs
            whole = self._run("", comparison.name, None, comparison.created.timestamp())
            self._client.update_run(whole, status="RUNNING")
            if is_new:  # what MLflow has cannot be changed
                told = _flat(settings(comparison))
                self._log(whole, params=told, tags={"energy_kinds": told["energy_kinds"]})

    def trials(self, ended: Sequence[EndedTrial]) -> None:
        """Log each trial as a run of its own, and to the run that it belongs to."""
        with _bounded():
            new = [trial for trial in ended if _part(trial) not in self._ended]
            for run in dict.fromkeys(trial.run for trial in new):
                self._log_run([trial for trial in new if trial.run == run])
            for trial in new:
                self._log_trial(trial)
                self._ended.add(_part(trial))

    def finish(self, finished: Finished) -> None:
        """Log what was found, with report and summary, and end what is over."""
        status = "KILLED" if finished.interrupted else "FINISHED"
        with _bounded():
            whole = self._runs[""]
            self._client.set_tag(whole, "mlflow.note.content", note(finished))
            self._client.set_tag(whole, "headline", finished.analysis.headline)
            for path in (finished.report, finished.summary):
                self._client.log_artifact(whole, str(path))
            for run in self._begun.runs:
                if run.name in self._runs:
                    self._client.set_terminated(self._runs[run.name], status)
            self._client.set_terminated(whole, status)

    def look(self) -> str:
        """How it is looked at."""
        uri = without_passwords(self._uri or "")
        if "://" not in uri or uri.startswith("http"):
            return f"MLflow: {uri}"
        return f"MLflow: mlflow ui --backend-store-uri {shlex.quote(uri)} (pip install mlflow)"

    def _connect(self) -> Any:
        return need_extra("mlflow.tracking", "mlflow", "MLflow").MlflowClient(self._uri)

    def _find_experiment(self, home: Path | None, *, is_ours: bool) -> str:
        """The experiment, which is made if there is none; with a home, its files go there.

        Args:
            home: The folder beside a database that is a file.
            is_ours: Whether the database is the run folder's, so that its files lie there and
                nowhere else.
        """
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        found = self._client.get_experiment_by_name(name)
        place = None if home is None else home.as_uri()
        if found is not None:
            if is_ours and found.artifact_location != place:
                raise OutputError(
                    f"{home}.db keeps its files in {found.artifact_location}, and not beside it, "
                    "so it was moved or is somebody else's: remove it, and record again"
                )
            return found.experiment_id
        return self._client.create_experiment(name, artifact_location=place)

    def _find_runs(self) -> None:
        """Know what an earlier recording of this comparison left."""
        wanted, token = f"tags.`{IDENTITY}` = '{self._begun.identity}'", None
        while True:
            page = self._client.search_runs(
                [self._experiment], wanted, max_results=1_000, page_token=token
            )
            for run in page:
                part = run.data.tags.get(PART, "")
                self._runs[part] = run.info.run_id
                if "/" in part and run.info.status != "RUNNING":
                    self._ended.add(part)
            token = page.token
            if not token:
                return

    def _run(self, part: str, name: str, parent: str | None, began_s: float) -> str:
        """MLflow's run of a part of the comparison, which is begun if there is none."""
        if part not in self._runs:
            tags = {IDENTITY: self._begun.identity, PART: part}
            if parent is not None:
                tags["mlflow.parentRunId"] = self._runs[parent]
            made = self._client.create_run(
                self._experiment, start_time=round(1e3 * began_s), tags=tags, run_name=name
            )
            self._runs[part] = made.info.run_id
        return self._runs[part]

    def _log_run(self, trials: Sequence[EndedTrial]) -> None:
        """Log trials to the run that they are of, by their number."""
        first = trials[0]
        run = self._run(first.run, first.run, "", _began_s(first))
        made: list[_Figure] = []
        for trial in trials:
            at_ms = round(1e3 * trial.ended_at.timestamp())
            made += [(name, x, at_ms, trial.number) for name, x in figures(trial).items()]
            best = {round(1e3 * joules): score for joules, score in improvements(trial).items()}
            made += [("incumbent_by_mJ", score, at_ms, by_mj) for by_mj, score in best.items()]
        self._log(run, made, _stated(first))

    def _log_trial(self, trial: EndedTrial) -> None:
        """Log a trial as a run of its own."""
        at_ms = round(1e3 * trial.ended_at.timestamp())
        name = f"{trial.run} trial {trial.trial}"
        own = self._run(_part(trial), name, trial.run, _began_s(trial))
        made: list[_Figure] = [(name, x, at_ms, 0) for name, x in figures(trial).items()]
        for point in trial.curve:
            told = epoch_figures(point)
            made += [(name, x, at_ms, point.epoch) for name, x in told.items()]
            if point.score is not None and point.energy_j is not None:
                by_mj = round(1e3 * point.energy_j)
                made.append(("epoch_score_by_mJ", point.score, at_ms, by_mj))
        self._log(own, made, {**_stated(trial), **_flat(trial.params)}, facts(trial))
        status = "FAILED" if trial.state == State.FAILED else "FINISHED"
        self._client.set_terminated(own, status, end_time=at_ms)  # last: it is whole then

    def _log(
        self,
        run: str,
        metrics: Sequence[_Figure] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log to a run; what it has already, at the same time, is not there twice."""
        entities = need_extra("mlflow.entities", "mlflow", "MLflow")
        made = [entities.Metric(*figure) for figure in metrics]
        self._client.log_batch(
            run,
            made[:_MOST_METRICS],
            [entities.Param(name, value) for name, value in (params or {}).items()],
            [entities.RunTag(name, value) for name, value in (tags or {}).items()],
        )
        for first in range(_MOST_METRICS, len(made), _MOST_METRICS):
            self._client.log_batch(run, made[first : first + _MOST_METRICS])


@contextmanager
def _bounded() -> Iterator[None]:
    """Let no request take longer than seconds, and MLflow's own news be silent, in here."""
    given = {name: value for name, value in _BOUNDS.items() if name not in os.environ}
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    os.environ.update(given)
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for name in given:
            os.environ.pop(name, None)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _database(path: Path) -> str:
    if {*"?#%"} & {*str(path)}:
        raise OutputError(
            f"{path} has one of ?#% in it, so it would be read as another file; rename the folder, "
            "or give another, mlflow:sqlite:///FILE.db"
        )
    return f"sqlite:///{path}"


def _home(uri: str) -> Path | None:
    """The folder for files beside a database that is a file; None if it is none.

    Without one MLflow would make ``mlruns`` in the current folder, wherever that is.
    """
    scheme, _, path = uri.partition("?")[0].partition(":///")
    is_file = scheme == "sqlite" and path not in {"", ":memory:"}
    return Path(path).absolute().with_suffix("") if is_file else None


def _part(trial: EndedTrial) -> str:
    return f"{trial.run}/{trial.trial}"


def _began_s(trial: EndedTrial) -> float:
    return trial.ended_at.timestamp() - (trial.row.get("duration_s") or 0.0)


def _stated(trial: EndedTrial) -> dict[str, str]:
    return {"strategy": trial.strategy, "seed": str(trial.seed)}


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as MLflow's parameters, which are text; what is known of none is left out."""
    return {name: str(value)[:6_000] for name, value in values.items() if value is not None}
