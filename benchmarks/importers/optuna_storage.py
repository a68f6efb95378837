"""Studies of Optuna as they are stored: journal files, read line by line, and databases.

A journal (``optuna.storages.journal.JournalFileBackend``) has one operation a line, as JSON with an
``op_code``. Optuna's own reader keeps all trials in memory (736 MiB for a journal of 300 MB, Optuna
5.0, November 2026); here, a trial is forgotten once it has ended, since nothing can change it then.
Relied on is this, the same in Optuna 3.1, 3.6, 4.5 and 5.0:

==  =====================  ==========================================================
0   create a study         ``study_name, directions`` (2: maximise); numbered from 0
1   delete a study         ``study_id``
3   set a system attribute ``study_id, system_attr``; ``study:metric_names`` names the objectives
4   create a trial         ``study_id, datetime_start``; numbered from 0 over all studies. A
                           trial that was added has ``state, value, values, params,
                           distributions, user_attrs, intermediate_values, datetime_complete`` too
5   set a parameter        ``trial_id, param_name, param_value_internal, distribution``
6   set state and values   ``trial_id, state, values, datetime_start, datetime_complete``
7   report a value         ``trial_id, step, intermediate_value``
8   set a user attribute   ``trial_id, user_attr``
==  =====================  ==========================================================

Other operations do not matter here. A study of a name that exists is not created twice; operations
on studies that do not exist, and on trials that have ended, are void; a torn last line is dropped.
Dates have a zone since Optuna 5 and are local time before, as they are in databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import optuna
import sqlalchemy.exc
from optuna.distributions import json_to_distribution
from optuna.exceptions import OptunaError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from ...errors import DataError
from ...files.bounded import LINE, lines, open_file, unreadable
from ...models.metric import ACCURACY, Metric
from ...plain import read_json
from .files import hide_password
from .writing import Notes

_CREATE_STUDY, _DELETE_STUDY, _CREATE_TRIAL, _SET_PARAM, _SET_STATE, _SET_ATTR = 0, 1, 4, 5, 6, 8
_REPORT = 7
_SET_STUDY_ATTR, _METRIC_NAMES = 3, "study:metric_names"
_DIRECTIONS = {True: StudyDirection.MAXIMIZE, False: StudyDirection.MINIMIZE}
_SQLITE = b"SQLite format 3\0"
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_UNREADABLE = (sqlalchemy.exc.SQLAlchemyError, OptunaError, ImportError, RuntimeError, ValueError)
_distribution = lru_cache(maxsize=1_000)(json_to_distribution)


class Study(NamedTuple):
    """A study: its name, and whether each of its objectives is maximised."""

    name: str
    maximised: tuple[bool, ...]
    metric_names: tuple[str, ...] = ()  # of the objectives; empty if they have none

    def metric(self, objective: int) -> Metric:
        """What an objective is: an accuracy if it is maximised and has no name."""
        maximised = self.maximised[objective]
        if not self.metric_names:
            return ACCURACY if maximised else Metric("value", "minimize")
        direction = "maximize" if maximised else "minimize"
        return Metric.parse({"name": self.metric_names[objective], "direction": direction})


@dataclass(slots=True)
class StoredTrial:
    """A trial as it was stored; dates are in UTC."""

    number: int  # in its study
    state: TrialState
    values: Sequence[float] = ()  # of the objectives; empty if there are none
    params: dict[str, Any] = field(default_factory=dict)  # as the objective saw them
    attrs: dict[str, Any] = field(default_factory=dict)
    reported: dict[int, float] = field(default_factory=dict)  # values on the way, by step
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Its user attributes, and its objectives as ``value`` or ``values_0``, ``values_1`` …."""
        if len(self.values) == 1:
            return {**self.attrs, "value": self.values[0]}
        return {**self.attrs, **{f"values_{i}": value for i, value in enumerate(self.values)}}


def _describe(
    name: str, directions: Iterable[StudyDirection], names: Iterable[str] | None = None
) -> Study:
    maximised = tuple([each is StudyDirection.MAXIMIZE for each in directions])
    known = tuple([str(each).strip() for each in names or ()])
    return Study(name, maximised, known if all(known) and len(known) == len(maximised) else ())


def open_storage(path: str, notes: Notes) -> Journal | Database:
    """Open a storage URL, an SQLite file or a journal file; nothing is made or changed."""
    if "://" in path:
        return Database(path)
    try:
        with open_file(path) as file:
            start = file.read(len(_SQLITE))
    except OSError as error:
        raise unreadable(path, error, "give a journal file or a storage URL") from error
    if start == _SQLITE:
        return Database(f"sqlite:///{path}")
    return Journal(path, notes)


class Journal:
    """A journal file, read anew for each question; a torn line is noted."""

    def __init__(self, path: str, notes: Notes) -> None:
        self._path, self._notes = path, notes
        self._number = 0

    def studies(self) -> dict[int, Study]:
        """The studies there are in the end, as they are numbered."""
        studies = _Studies()
        with self._refusing():
            for line in self._lines():
                if b'"trial_id"' not in line:  # as most have
                    studies.apply(read_json(line))
        return studies.known

    def trials(self, study: int) -> Iterator[StoredTrial]:
        """The trials of a study in the order in which they ended; then those that did not."""
        studies, running = _Studies(), dict[int, StoredTrial]()
        n_trials = n_own = 0
        with self._refusing():
            for line in self._lines():
                log = read_json(line)
                studies.apply(log)
                number = log.get("trial_id", n_trials)
                if log["op_code"] == _CREATE_TRIAL and log["study_id"] in studies.known:
                    n_trials += 1
                    if log["study_id"] == study:
                        running[number] = _create_trial(log, n_own)
                        n_own += 1
                elif number in running:
                    _change(running[number], log)
                if number in running and running[number].state.is_finished():
                    yield running.pop(number)
        yield from running.values()

    def _lines(self) -> Iterator[bytes]:
        with open_file(self._path) as file:
            numbered = enumerate(lines(self._path, file, 16 * LINE), 1)
            for self._number, line in numbered:
                if line.endswith(b"\n"):
                    yield line
                else:
                    self._notes.add(f"{self._path}: the last line is torn and left out")

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Refuse a line that is no operation of a journal."""
        try:
            yield
        except _MALFORMED as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise DataError(
                f"{self._path}, line {self._number}: no operation of Optuna's journal "
                f"({reason}): give the file of a JournalFileBackend"
            ) from error


class _Studies:
    """The studies that exist at some line of a journal."""

    def __init__(self) -> None:
        self.known: dict[int, Study] = {}
        self._numbers = count()

    def apply(self, log: Mapping[str, Any]) -> None:
        """Go on by one operation."""
        if log["op_code"] == _CREATE_STUDY:
            name = log["study_name"]
            if not isinstance(name, str):
                raise TypeError(f"study_name {name!r} is no text")
            if all(study.name != name for study in self.known.values()):
                study = _describe(name, map(StudyDirection, log["directions"]))
                self.known[next(self._numbers)] = study
        elif log["op_code"] == _SET_STUDY_ATTR and log["study_id"] in self.known:
            if names := log["system_attr"].get(_METRIC_NAMES):
                study = self.known[log["study_id"]]
                directions = [_DIRECTIONS[each] for each in study.maximised]
                self.known[log["study_id"]] = _describe(study.name, directions, names)
        elif log["op_code"] == _DELETE_STUDY:
            self.known.pop(log["study_id"], None)


def _create_trial(log: Mapping[str, Any], number: int) -> StoredTrial:
    kinds = {name: _distribution(text) for name, text in log.get("distributions", {}).items()}
    params = log.get("params", {})
    value = log.get("value")
    return StoredTrial(
        number,
        TrialState(log.get("state", TrialState.RUNNING.value)),
        log.get("values") or (() if value is None else (value,)),
        {name: kinds[name].to_external_repr(inner) for name, inner in params.items()},
        dict(log.get("user_attrs", {})),
        {int(step): value for step, value in log.get("intermediate_values", {}).items()},
        _moment(log["datetime_start"]),
        _moment(log.get("datetime_complete")),
    )


def _change(trial: StoredTrial, log: Mapping[str, Any]) -> None:
    op = log["op_code"]
    if op == _SET_PARAM:
        kind = _distribution(log["distribution"])
        trial.params[log["param_name"]] = kind.to_external_repr(log["param_value_internal"])
    elif op == _SET_ATTR:
        trial.attrs.update(log["user_attr"])
    elif op == _REPORT:
        trial.reported[int(log["step"])] = float(log["intermediate_value"])
    elif op == _SET_STATE:
        state = TrialState(log["state"])
        if state is TrialState.RUNNING and trial.state is not state:
            trial.started_at = _moment(log["datetime_start"])
        if state.is_finished():
            trial.ended_at = _moment(log["datetime_complete"])
        trial.state = state
        trial.values = log["values"] or trial.values


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


class Database:
    """A storage URL such as ``sqlite:///studies.db``, whose studies Optuna reads into memory."""

    def __init__(self, url: str) -> None:
        self._url = url
        kind, _, file = url.partition("?")[0].partition(":///")
        if kind.startswith("sqlite") and not Path(file).is_file():
            raise DataError(f"{url}: no such file as {file}: name one that exists")
        if kind.startswith("sqlite") and not Path(file).stat().st_size:
            raise DataError(f"{file} is empty: give another storage")
        with self._refusing():
            self._storage = optuna.storages.RDBStorage(url, skip_table_creation=True)
            self._names = optuna.get_all_study_names(self._storage)

    def studies(self) -> dict[int, Study]:
        """The studies there are."""
        with self._refusing():
            studies = [self._load(name) for name in self._names]
            found = [_describe(s.study_name, s.directions, s.metric_names) for s in studies]
        return dict(enumerate(found))

    def trials(self, study: int) -> Iterator[StoredTrial]:
        """The trials of a study in the order in which they ended; then those that did not."""
        with self._refusing():
            trials = self._load(self._names[study]).get_trials(deepcopy=False)
        for trial in sorted(trials, key=lambda each: each.datetime_complete or datetime.max):
            begin, end = trial.datetime_start, trial.datetime_complete
            yield StoredTrial(
                trial.number,
                trial.state,
                trial.values or (),
                trial.params,
                trial.user_attrs,
                trial.intermediate_values,
                begin and begin.astimezone(UTC),
                end and end.astimezone(UTC),
            )

    def _load(self, name: str) -> optuna.Study:
        return optuna.load_study(study_name=name, storage=self._storage)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Refuse a database that Optuna cannot read."""
        try:
            yield
        except _UNREADABLE as error:
            # What Optuna says of it may be a guess; the database's own word is not.
            word = getattr(error.__cause__, "orig", None) or getattr(error, "orig", None) or error
            reason = str(word).strip().partition("\n")[0]
            raise DataError(
                f"{hide_password(self._url)}: cannot be read: {reason}; give a storage of Optuna"
            ) from error
