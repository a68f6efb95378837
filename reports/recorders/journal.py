"""``studies.journal``: a comparison as Optuna studies, for optuna-dashboard and Optuna's own tools.

Each run is a study, whose trials have the score as value, the validated epochs as intermediate
values, and joules as user attributes. One more study has all trials with a score and known joules
as its two objectives, so that it shows the Pareto front. All of it is derived from the ledger.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.study import Study, StudyDirection, load_study
from optuna.trial import FrozenTrial, TrialState

from ...benchmarks.comparison.ended import points_of
from ...benchmarks.tables.contract import TRIAL_COLUMNS
from ...benchmarks.tables.table import plain
from ...files.writing import write_whole
from ...models.outcome import State
from ...models.space import Space

if TYPE_CHECKING:
    from ...benchmarks.comparison.recorder import Begun, Point
    from ...benchmarks.tables.table import Table
    from ...models.metric import Metric

TOGETHER = "all runs: score and joules"
"""The study that has the trials of all runs."""
_ENDED = {State.COMPLETE: TrialState.COMPLETE, State.TRUNCATED: TrialState.COMPLETE}
_STOPPED = {State.TRUNCATED, State.PAUSED, State.PRUNED}
_ANNOUNCER = logging.getLogger("optuna.storages.journal._storage")
"""Announces every new study."""
_NOT_ATTRIBUTES = ("run", "score", "started_at")
Row = tuple[Mapping[str, Any], "Sequence[Point]"]
"""A row of the trial table, and its curve."""


class _Memory(BaseJournalBackend):
    """Lines of a journal that are still to be written."""

    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        yield from self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.logs += logs


@dataclass(frozen=True)
class Described:
    """What must be known of a comparison, to mirror its trials."""

    runs: Mapping[str, Mapping[str, Any]]  # what is told of each run, by its name
    metric: Metric
    space: Space
    created: datetime  # stands for the time of trials of which none is known
    name: str = ""  # begins the names of its studies, where there are several comparisons

    @classmethod
    def of(cls, table: Table, name: str = "") -> Described:
        """Take it from the table of a run folder."""
        described, rows = dict(table.description or {}), table.runs
        assert rows is not None
        told = {
            str(row["run"]): {
                key: value
                for key in ("strategy", "seed", "allotment_j", "end")
                if (value := plain(row.get(key))) is not None
            }
            for row in rows.to_dict("records")
        }
        created = datetime.fromisoformat(str(described["created"]))
        return cls(told, table.metric, Space.parse(described["space"]), created, name)

    @classmethod
    def begun(cls, comparison: Begun) -> Described:
        """Take it from what is known of a comparison when it begins."""
        told: dict[str, dict[str, Any]] = {}
        for run in comparison.runs:
            told[run.name] = {"strategy": run.strategy, "seed": run.seed}
            if comparison.allotment_j is not None:
                told[run.name]["allotment_j"] = comparison.allotment_j
        space = Space.parse(comparison.space)
        return cls(told, comparison.metric, space, comparison.created)

    @property
    def together(self) -> str:
        """The name of the study of all runs."""
        return self.study(TOGETHER)

    def study(self, run: str) -> str:
        """The name of a run's study."""
        return f"{self.name}: {run}" if self.name else run


class Mirror:
    """The studies of comparisons, written to a journal whole or line by line."""

    def __init__(self, comparisons: Iterable[Described]) -> None:
        self._memory = _Memory()
        self._storage = JournalStorage(self._memory)
        self._studies: dict[str, Study] = {}
        self._joules: dict[tuple[str, int], float | None] = {}  # of each trial that is mirrored
        self._n_written = 0
        for each in comparisons:
            direction = StudyDirection[each.metric.direction.upper()]
            for run, told in each.runs.items():
                self._begin(each.study(run), {each.metric.name: direction}, told)
            both = {each.metric.name: direction, "energy_j": StudyDirection.MINIMIZE}
            self._begin(each.together, both, {"runs": len(each.runs)})

    def _begin(
        self, name: str, objectives: Mapping[str, StudyDirection], told: Mapping[str, Any]
    ) -> None:
        with _quietly():
            study_id = self._storage.create_new_study([*objectives.values()], name)
        for key, value in told.items():
            self._storage.set_study_user_attr(study_id, key, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names of metrics are experimental
            study = load_study(study_name=name, storage=self._storage)
            study.set_metric_names([*objectives])
        self._studies[name] = study

    def add(self, of: Described, trials: Iterable[Row]) -> bool:
        """Add trials that are not there yet; False if the joules of one that is have changed.

        Args:
            of: Their comparison.
            trials: Rows of the trial table, each with its curve.
        """
        unchanged = True
        for row, points in trials:
            key = of.study(row["run"]), int(row["trial"])
            energy_j = plain(row["energy_j"])
            if key in self._joules:
                unchanged = unchanged and self._joules[key] == energy_j
                continue
            self._joules[key] = energy_j
            trial = _frozen(of, row, points)
            self._studies[key[0]].add_trial(trial)
            if trial.state is TrialState.COMPLETE and energy_j is not None:
                both = _again(trial, [trial.value, energy_j], {"run": row["run"]})
                self._studies[of.together].add_trial(both)
        return unchanged

    def write(self, path: Path) -> None:
        """Write all of it, in place of a file that is there.

        Raises:
            OutputError: It cannot be written.
        """
        text = "".join(f"{json.dumps(log, separators=(',', ':'))}\n" for log in self._memory.logs)
        write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
        self._n_written = len(self._memory.logs)

    def append(self, path: Path) -> None:
        """Write what was added since the last time.

        Raises:
            OSError: It cannot be written.
        """
        if new := self._memory.logs[self._n_written :]:
            JournalFileBackend(str(path)).append_logs(new)
            self._n_written += len(new)


def write_mirror(path: Path, tables: Mapping[str, Table]) -> None:
    """Write the mirror of run folders' tables anew.

    Args:
        path: The journal.
        tables: By what begins the names of their studies.

    Raises:
        OutputError: It cannot be written.
    """
    described = {name: Described.of(table, name) for name, table in tables.items()}
    mirror = Mirror(described.values())
    for name, table in tables.items():
        mirror.add(described[name], rows_of(table))
    mirror.write(path)


def rows_of(table: Table) -> Iterator[Row]:
    """The trials of a table, each with its curve."""
    points = points_of(table.curves)
    for row in cast("list[dict[str, Any]]", table.trials.to_dict("records")):
        yield row, points.get((row["run"], int(row["trial"])), ())


@contextmanager
def _quietly() -> Iterator[None]:
    """Announce no study in here, and leave Optuna's verbosity as the user has it."""

    def refuse(_: logging.LogRecord) -> bool:
        return False

    _ANNOUNCER.addFilter(refuse)
    try:
        yield
    finally:
        _ANNOUNCER.removeFilter(refuse)


def _frozen(of: Described, row: Mapping[str, Any], points: Sequence[Point]) -> FrozenTrial:
    """A row of the trial table as a trial of Optuna's."""
    score, started_at = plain(row["score"]), plain(row["started_at"])
    state = _state(State(row["state"]), score)
    params, distributions, others = _params(of.space, row)
    begun = of.created if started_at is None else started_at.floor("us").to_pydatetime()
    names = [name for name in TRIAL_COLUMNS if name not in _NOT_ATTRIBUTES]
    told = {name: value for name in names if (value := plain(row[name])) not in (None, "")}
    return FrozenTrial(
        number=-1,  # Optuna numbers what is added
        trial_id=-1,
        state=state,
        value=None if state is TrialState.FAIL else score,
        datetime_start=begun.astimezone(UTC),
        datetime_complete=begun.astimezone(UTC) + timedelta(seconds=plain(row["duration_s"]) or 0),
        params=params,
        distributions=distributions,
        user_attrs={**told, **others},
        system_attrs={},
        intermediate_values={each.epoch: each.score for each in points if each.score is not None},
    )


def _state(state: State, score: float | None) -> TrialState:
    """How a trial ended, in Optuna's words: a truncated one by whether it has a score."""
    if score is not None and state in _ENDED:
        return _ENDED[state]
    return TrialState.PRUNED if state in _STOPPED else TrialState.FAIL


def _params(
    space: Space, row: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, BaseDistribution], dict[str, Any]]:
    """Hyperparameters that count in a trial, their distributions, and values that no one holds."""
    params: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, distribution in space.distributions.items():
        value = plain(row.get(f"p.{name}"))
        if value is None:  # it is inactive, or its worker died before it was known
            continue
        try:
            held = distribution._contains(distribution.to_internal_repr(value))
        except ValueError:
            held = False
        (params if held else others)[name] = value
    return params, {name: space.distributions[name] for name in params}, others


def _again(trial: FrozenTrial, values: list[Any], told: Mapping[str, Any]) -> FrozenTrial:
    """The same trial with other values, and without its curve."""
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=trial.state,
        value=None,
        values=values,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={**trial.user_attrs, **told},
        system_attrs={},
        intermediate_values={},
    )
