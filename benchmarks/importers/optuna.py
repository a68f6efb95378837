"""A study of Optuna: one trial for each of its trials, joules from a user attribute.

::

    import_table("optuna", "studies.journal", energy_attr="energy_j")
    import_table("optuna", "sqlite:///studies.db", energy_attr="kwh*3.6e6", study="mnist")

Failed and pruned trials keep their joules, running ones count as interrupted, waiting ones are left
out. Without the user attribute a trial's energy is unknown, not zero, and so is one that can be
none; where that is more than a tenth of them, the study is refused. ``strategy`` and run are the
name of the study, since Optuna does not record its sampler. ``energy_j``, as ``metered`` writes it,
is taken if ``energy_attr`` is not given, and ``energy_kind`` is then what the user attribute of
that name says.

Values that were reported on the way are learning curves, where they are of the objective that the
score is made of: their steps count as epochs, from 1, and their joules are unknown.

The score is the objective of a study with one, whose direction is that of the metric. Its name is
the one that ``set_metric_names`` gave it; without a name it is an accuracy where the study
maximises, and a ``value`` without bounds where it minimises. ``metric`` says it otherwise.
``score_attr`` names what else is the score: ``"values_0"``, the first of several objectives,
``"value/100"`` of percent, or a user attribute; ``"1-value"`` makes an accuracy of an error rate
that is minimised. ``accuracy_attr`` is the same of an accuracy. ``energy_attr`` may name an
objective likewise. Where the score is infinite or no number, it is unknown.

A journal file is read line by line and may be of any size; of a storage URL Optuna itself holds the
study in memory. Dates without a zone are local time of this machine, as Optuna reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState

from ...errors import ConfigurationError, DataError
from ...models.outcome import State
from ..tables.contract import KINDS
from .files import hide_password, labels
from .optuna_amounts import OWN_ENERGY, Amount, Score, energy_amount, score_amount
from .optuna_storage import Database, Journal, StoredTrial, Study, open_storage
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_MOST_IMPOSSIBLE = 0.1  # share of trials whose energy cannot be one
_TOO_LARGE = 2**1023  # for a float, or nearly so
_STATES = {
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAIL: State.FAILED,
    TrialState.RUNNING: State.INTERRUPTED,
}


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trials of one study of each storage."""
    types: dict[str, set[str]] = {}
    stored: list[_StoredStudy] = []
    reported: list[_StoredStudy] = []
    for path, label in zip(paths, labels([*map(hide_password, paths)]), strict=True):
        storage = open_storage(path, notes)
        number, study = _choose(storage.studies(), hide_password(path), options.study)
        where = f"{hide_password(path)}, study {study.name}"
        fields: set[str] = set()
        on_the_way = _Reported()
        for trial in storage.trials(number):  # a first look at all of them
            fields.update(trial.fields)
            on_the_way.add(trial.reported)
            for name, value in trial.params.items():
                types.setdefault(f"p.{name}", set()).add(_type(value))
        run = f"{label}:{study.name}" if len(paths) > 1 else study.name
        energy = energy_amount(fields, options, where)
        score = score_amount(study, fields, options, where)
        if stored and score.metric != stored[0].score.metric:
            raise ConfigurationError(
                f"--metric: {where} has {score.metric.name}, {stored[0].where} has "
                f"{stored[0].score.metric.name}: import studies of different metrics apart"
            )
        first_step = on_the_way.first
        stored.append(
            _StoredStudy(storage, number, study.name, run, where, energy, score, first_step)
        )
        if why := on_the_way.unlike(score):
            notes.add(f"{where}: values reported on the way are left out: {why}")
        elif on_the_way.first is not None:
            reported.append(stored[-1])
            notes.add(
                f"{where}: values reported on the way are its learning curves, of unknown joules; "
                "steps count as epochs"
            )
    columns = {name: _common_type(found) for name, found in types.items()}
    rows = (row for study in stored for row in study.rows(columns, options, notes))
    return Trials(
        rows,
        columns,
        stored[0].score.metric,
        params=tuple(name.removeprefix("p.") for name in columns),
        curves=(lambda: (point for study in reported for point in study.curves()))
        if reported
        else None,
    )


def _choose(studies: dict[int, Study], path: str, wanted: str | None) -> tuple[int, Study]:
    names = ", ".join(sorted(study.name for study in studies.values()))
    if not studies:
        raise DataError(f"{path}: no study in it: give another storage")
    found = [each for each in studies.items() if wanted in {None, each[1].name}]
    if len(found) == 1:
        return found[0]
    several, none = f"several studies, {names}: name one", f"no study {wanted!r} among {names}"
    raise ConfigurationError(f"--study: {path}: {several if wanted is None else none}")


class _Reported:
    """What the trials of a study reported on the way: first step, least and largest value."""

    def __init__(self) -> None:
        self.first: int | None = None
        self._ends: list[float] = []

    def add(self, reported: Mapping[int, float]) -> None:
        if reported:
            self.first = min([*reported, *([] if self.first is None else [self.first])])
            known = [value for value in reported.values() if math.isfinite(value)]
            self._ends = [f([*known, *self._ends]) for f in (min, max)] if known else self._ends

    def unlike(self, score: Score) -> str:
        """Why they are not of the score; empty if they are, or if there are none."""
        if self.first is None:
            return ""
        if score.amount.names != (score.objective,):
            return f"they are of the objective, and {score.amount.text} is something else"
        odd = [end for end in self._ends if score.between(end) is None]
        return f"one is {odd[0]:g}, which gives no {score.metric.name}" if odd else ""


@dataclass(frozen=True)
class _StoredStudy:
    """One study, and what its rows are made of."""

    storage: Journal | Database
    number: int
    study: str
    run: str
    where: str
    energy: Amount
    score: Score
    first_step: int | None  # of what was reported on the way

    def curves(self) -> Iterator[Row]:
        """What was reported on the way, a row for each step; the first is epoch 1."""
        shift = 1 if self.first_step == 0 else 0
        for trial in self.storage.trials(self.number):
            if trial.state not in _STATES:
                continue
            for step, value in sorted(trial.reported.items()):
                yield {
                    "run": self.run,
                    "trial": trial.number,
                    "epoch": step + shift,
                    "score": self.score.between(value) if math.isfinite(value) else None,
                }

    def rows(self, columns: dict[str, str], options: ImportOptions, notes: Notes) -> Iterator[Row]:
        """The rows of its trials."""
        told = 0
        impossible: list[str] = []
        for trial in self.storage.trials(self.number):
            where = f"{self.where}, trial {trial.number}"
            if trial.state not in _STATES:
                notes.add("trials that wait to be run are left out", where)
                continue
            score, energy_j = self.score.of(trial, where), None
            try:
                energy_j = self.energy.joules(trial, where)
                if energy_j is None:
                    notes.add(f"no user attribute {self.energy.text}: energy_j is unknown", where)
                told += energy_j is not None
            except DataError as error:
                impossible.append(str(error))
                words = f"{self.energy.text} can be no energy in joules: energy_j is unknown"
                notes.add(words, where)
            if score is None and self.score.amount.of(trial.fields, where) is not None:
                notes.add(f"{self.score.amount.text} is not finite: the score is unknown", where)
            yield {
                "run": self.run,
                "strategy": options.strategy or self.study,
                "trial": trial.number,
                "state": _STATES[trial.state].value,
                "score": score,
                "energy_j": energy_j,
                "energy_kind": self._kind(trial),
                "duration_s": _duration_s(trial),
                "started_at": trial.started_at,
                **{name: _param(trial, name, kind) for name, kind in columns.items()},
            }
        if len(impossible) > _MOST_IMPOSSIBLE * (told + len(impossible)):
            among = f"{len(impossible)} of {told + len(impossible)} trials with that attribute"
            raise DataError(f"{impossible[0]} ({among} are like that)")

    def _kind(self, trial: StoredTrial) -> str | None:
        kind = trial.attrs.get("energy_kind") if self.energy.text == OWN_ENERGY else None
        known = isinstance(kind, str) and {*KINDS}.issuperset(kind.split("+"))
        return kind if known else None


def _duration_s(trial: StoredTrial) -> float | None:
    if trial.started_at is None or trial.ended_at is None:
        return None
    duration_s = (trial.ended_at - trial.started_at).total_seconds()
    return duration_s if duration_s >= 0 else None


def _type(value: Any) -> str:
    """What a hyperparameter's value is, as a type of the table; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int):
        return "whole" if abs(value) < 2**63 else "number" if abs(value) < _TOO_LARGE else "text"
    return "number" if isinstance(value, float) and math.isfinite(value) else "text"


def _common_type(types: set[str]) -> str:
    """The type that holds all of them."""
    known = types - {""}
    if known == {"whole", "number"}:
        return "number"
    return known.pop() if len(known) == 1 else "text"


def _param(trial: StoredTrial, column: str, kind: str) -> Any:
    value = trial.params.get(column.removeprefix("p."))
    if value is None or kind not in {"number", "text"}:
        return value
    return float(value) if kind == "number" else str(value)
