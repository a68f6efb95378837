"""A study of Optuna: one trial for each of its trials, joules from a user attribute.

::

    import_table("optuna", "studies.journal", energy_attr="energy_j")
    import_table("optuna", "sqlite:///studies.db", energy_attr="kwh*3.6e6", study="mnist")

Failed and pruned trials keep their joules, running ones count as interrupted, waiting ones are left
out. Without the user attribute a trial's energy is unknown, not zero. ``strategy`` and run are the
name of the study, since Optuna does not record its sampler. If ``energy_attr`` is ``energy_j``,
which is how ``metered`` writes it, ``energy_kind`` is what the user attribute of that name says.

The accuracy is the objective of a study that maximises one, from 0 to 1. A study that minimises, or
has several objectives, is refused unless ``accuracy_attr`` says what is what: ``"1-value"`` where
an error rate is minimised, ``"value/100"`` for percent, ``"values_0"`` for the first of several
objectives, or a user attribute. ``energy_attr`` may name an objective likewise.

A journal file is read line by line and may be of any size; of a storage URL Optuna itself holds the
study in memory. Dates without a zone are local time of this machine, as Optuna reads them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState

from ...errors import ConfigurationError, DataError
from ...models.outcome import State
from ..tables.contract import KINDS
from .files import hide_password, labels
from .optuna_storage import Database, Journal, StoredTrial, Study, open_storage
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_EXPRESSION = re.compile(r"(1\s*-\s*)?(.+?)(?:\s*([*/])\s*((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))?")
_TOO_LARGE = 2**1023  # for a float, or nearly so
_STATES = {
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAIL: State.FAILED,
    TrialState.RUNNING: State.INTERRUPTED,
}


@dataclass(frozen=True)
class _Amount:
    """A number made of a field of a trial: ``kwh*3.6e6``, ``1-value``."""

    text: str
    name: str
    most: float
    factor: float = 1.0
    from_one: bool = False

    @classmethod
    def parse(
        cls, text: str, option: str, where: str, known: Collection[str], most: float
    ) -> _Amount:
        """Read it; a field whose own name looks like a product is taken by its name."""
        match = _EXPRESSION.fullmatch(text.strip())
        if text in known or match is None:
            return cls(text, text, most)
        from_one, name, sign, number = match.groups()
        if name not in known:
            raise ConfigurationError(
                f"{option}: {where}: no user attribute or objective {name!r} among "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        factor = float(number or 1)
        if not 0 < factor < math.inf:
            raise ConfigurationError(f"{option} {text!r}: {number} is no factor")
        return cls(text, name, most, 1 / factor if sign == "/" else factor, from_one is not None)

    def of(self, trial: StoredTrial, where: str) -> float | None:
        """The number; None where the trial does not have the field."""
        value = trial.fields.get(self.name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataError(f"{where}: {self.name} is {value!r}, which is no number")
        try:
            amount = 1 - value * self.factor if self.from_one else value * self.factor
        except OverflowError:  # a whole number that no float holds
            amount = math.inf
        if not 0 <= amount < math.inf or amount > self.most:
            what = "energy in joules"
            if self.most == 1:
                what = (
                    "accuracy from 0 to 1: name what is one in accuracy_attr, such as "
                    f"{self.name}/100 of percent"
                )
            raise DataError(f"{where}: {self.text} is {amount:g}, which is no {what}")
        return amount


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trials of one study of each storage."""
    types: dict[str, set[str]] = {}
    stored: list[_StoredStudy] = []
    for path, label in zip(paths, labels([*map(hide_password, paths)]), strict=True):
        storage = open_storage(path, notes)
        number, study = _choose(storage.studies(), hide_password(path), options.study)
        where = f"{hide_password(path)}, study {study.name}"
        fields: set[str] = set()
        for trial in storage.trials(number):  # a first look at all of them
            fields.update(trial.fields)
            for name, value in trial.params.items():
                types.setdefault(f"p.{name}", set()).add(_type(value))
        run = f"{label}:{study.name}" if len(paths) > 1 else study.name
        energy = _energy_amount(fields, options, where)
        accuracy = _accuracy_amount(study, fields, options, where)
        stored.append(_StoredStudy(storage, number, study.name, run, where, energy, accuracy))
    columns = {name: _common_type(found) for name, found in types.items()}
    rows = (row for study in stored for row in study.rows(columns, options, notes))
    return Trials(rows, columns)


def _choose(studies: dict[int, Study], path: str, wanted: str | None) -> tuple[int, Study]:
    names = ", ".join(sorted(study.name for study in studies.values()))
    if not studies:
        raise DataError(f"{path}: no study in it: give another storage")
    found = [each for each in studies.items() if wanted in {None, each[1].name}]
    if len(found) == 1:
        return found[0]
    several, none = f"several studies, {names}: name one", f"no study {wanted!r} among {names}"
    raise ConfigurationError(f"study: {path}: {several if wanted is None else none}")


def _energy_amount(fields: set[str], options: ImportOptions, where: str) -> _Amount:
    if options.energy_attr is None:
        raise ConfigurationError(
            "energy_attr: name the user attribute that holds joules, or with a factor, such as "
            f"kwh*3.6e6; {where} has {', '.join(sorted(fields)) or 'none'}"
        )
    return _Amount.parse(options.energy_attr, "energy_attr", where, fields, math.inf)


def _accuracy_amount(study: Study, fields: set[str], options: ImportOptions, where: str) -> _Amount:
    if options.accuracy_attr is not None:
        return _Amount.parse(options.accuracy_attr, "accuracy_attr", where, fields, 1.0)
    if study.maximised == (True,):
        return _Amount("value", "value", 1.0)
    what = "minimises" if len(study.maximised) == 1 else f"has {len(study.maximised)} objectives"
    raise ConfigurationError(
        f"accuracy_attr: {where} {what}: say what the accuracy is: a user attribute, 1-value of an "
        "error rate, or values_0 of several objectives"
    )


@dataclass(frozen=True)
class _StoredStudy:
    """One study, and what its rows are made of."""

    storage: Journal | Database
    number: int
    study: str
    run: str
    where: str
    energy: _Amount
    accuracy: _Amount

    def rows(self, columns: dict[str, str], options: ImportOptions, notes: Notes) -> Iterator[Row]:
        """The rows of its trials."""
        for trial in self.storage.trials(self.number):
            where = f"{self.where}, trial {trial.number}"
            if trial.state not in _STATES:
                notes.add("trials that wait to be run are left out", where)
                continue
            energy_j = self.energy.of(trial, where)
            if energy_j is None:
                notes.add(f"no user attribute {self.energy.name}: energy_j is unknown", where)
            yield {
                "run": self.run,
                "strategy": options.strategy or self.study,
                "trial": trial.number,
                "state": _STATES[trial.state].value,
                "score": self.accuracy.of(trial, where),
                "energy_j": energy_j,
                "energy_kind": self._kind(trial),
                "duration_s": _duration_s(trial),
                "started_at": trial.started_at,
                **{name: _param(trial, name, kind) for name, kind in columns.items()},
            }

    def _kind(self, trial: StoredTrial) -> str | None:
        kind = trial.attrs.get("energy_kind") if self.energy.text == "energy_j" else None
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
    return "number" if isinstance(value, float) else "text"


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
