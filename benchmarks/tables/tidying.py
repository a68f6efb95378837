"""From any tidy table to the trial table: names mapped, columns filled in, every value checked.

Nothing is guessed, and nothing that is missing becomes zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ...errors import DataError
from ...models.metric import ACCURACY, Metric
from ...models.outcome import State
from .columns import free, moments, numbers, texts, wholes
from .contract import (
    COLUMNS,
    KINDS,
    OLD_NAMES,
    PANDAS_TYPES,
    REQUIRED,
    SCORES,
    STATES,
    TRIAL_COLUMNS,
    Column,
    contract_name,
)
from .hints import how_to_map, misspelt, total_of
from .mapping import ColumnMapping, apply_mapping, as_option, plain_name
from .refusals import check, distinct, listed, refuse, short, shown

_OTHER_STATES = {  # as Optuna, Weights & Biases and MLflow have them
    **dict.fromkeys(("finished", "completed"), State.COMPLETE),
    **dict.fromkeys(("fail", "crashed"), State.FAILED),
    **dict.fromkeys(("running", "killed", "preempted"), State.INTERRUPTED),
}


def tidy(
    frame: pd.DataFrame,
    where: str,
    mapping: Sequence[ColumnMapping] = (),
    by: Sequence[str] = (),
    metric: Metric = ACCURACY,
) -> pd.DataFrame:
    """Make a trial table of a tidy table: every column of the contract, then ``g.…`` and ``p.…``.

    Rows stay in their order, which is that of completion; where there is a column ``trial`` and no
    column ``run``, they are put in order of trials. Without a column ``run``, a run is a strategy
    with a seed (0 if there is none) within its group, and is called after them.

    Raises:
        DataError: A column is missing or unknown, or a value cannot be; the message says where.
    """
    table = check_columns(frame, where, mapping, by, metric)
    for name in ("run", "state", "seed", "trial"):
        missing = table[name].isna().to_numpy()
        if missing.any() and not missing.all():
            raise DataError(
                f"{where}, row {missing.argmax() + 1}, column {name}: empty, though others have "
                "one: give it one too, or leave the column out"
            )
    groups = groups_in(table)
    named, numbered = (bool(table[name].notna().any()) for name in ("run", "trial"))
    if named:
        table["seed"] = _seeds_of_runs(table, groups, where)
    else:
        table["seed"] = table["seed"].fillna(0)
        table["run"] = _names_of_runs(table, groups, where)
    if not numbered:
        table["trial"] = table.groupby("run", sort=False).cumcount().astype("Int64")
    table["state"] = table["state"].where(table["state"].notna(), State.COMPLETE.value)
    _check_once(table, where)
    if named or not numbered:
        return table
    return table.sort_values("trial", kind="stable", ignore_index=True)


def check_columns(
    frame: pd.DataFrame,
    where: str,
    mapping: Sequence[ColumnMapping] = (),
    by: Sequence[str] = (),
    metric: Metric = ACCURACY,
) -> pd.DataFrame:
    """Return the same columns with every value checked as in `tidy`; rows as they are."""
    frame = _rename_groups(apply_mapping(_clean_names(frame, where), mapping, where), by, where)
    frame = _add_parts(frame, where)
    _check_names(frame, where, metric)
    if frame.empty:
        raise DataError(f"{where}: no rows below the header: give a table with trials")
    sources = {entry.target: entry.operand for entry in mapping}
    frame, called = of_contract(frame, metric, where, sources)
    made = {
        column.name: read_column(
            frame[column.name].rename(called.get(column.name, column.name)), column, where, metric
        )
        if column.name in frame
        else _unknown(column, frame.index)
        for column in COLUMNS
    }
    groups = {name: free(frame[name], where) for name in groups_in(frame)}
    settings = {
        f"p.{name.removeprefix('p.')}": free(frame[name], where)
        for name in map(str, frame)
        if name not in made and name not in groups
    }
    return pd.DataFrame({**made, **groups, **settings}, copy=False)


def of_contract(
    frame: pd.DataFrame, metric: Metric, where: str, made: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The same columns by their names in this version, and what the file calls those.

    A DataError refuses a score that goes by the name of another metric, unless ``--map`` made it;
    ``made`` are the columns that it did, and of what.
    """
    old = {name: new for name, new in OLD_NAMES.items() if name in frame}
    for name, new in old.items():
        wrong = "" if name in made else f"the metric is {short(metric.name)}"
        wrong = wrong if metric.name != ACCURACY.name else ""
        wrong = f"there is {new}, which is the same" if new in frame else wrong
        if wrong:
            raise DataError(
                f"{where}: column {name}, but {wrong}: leave one out, or say what is what, as in "
                f"--map {new}=NAME or --map p.{name}={name}"
            )
    called = {new: name for name, new in old.items()}
    called |= {contract_name(name): expression for name, expression in made.items()}
    return frame.rename(columns=old), called


def groups_in(frame: pd.DataFrame) -> list[str]:
    """The columns ``g.<name>``."""
    return [name for name in map(str, frame) if name.startswith("g.")]


def read_column(
    values: pd.Series, column: Column, where: str, metric: Metric = ACCURACY
) -> pd.Series:
    """Read a column of the contract from text or values of any type."""
    if column.type == "text":
        return _read_text(values, column.name, where)
    if column.type == "time":
        return moments(values, where)
    found = (wholes if column.type == "whole" else numbers)(values, where)
    known = found.to_numpy(dtype=float, na_value=np.nan)
    if column.least is not None:
        check(values, known < column.least, f"below zero: no {column.name} can be", where)
    if column.name in SCORES:
        _check_bounds(values, known, column, metric, where)
    return found


def _check_bounds(
    values: pd.Series, known: np.ndarray, column: Column, metric: Metric, where: str
) -> None:
    name = short(metric.name)
    if metric.low is not None:
        least = f"below zero: no {name} can be" if metric.low == 0 else ""
        least = least or f"below {metric.low:g}, the least that {name} can be"
        check(values, known < metric.low, least, where)
    if metric.high is not None:
        most = f"above {metric.high:g}, the most that {name} can be"
        if (metric.low, metric.high) == (0.0, 1.0) and np.nanmax(known, initial=0.0) <= 100:
            option = as_option(column.name, str(values.name), "/100")
            most = f"above 1: is it in percent? Then --map {option}"
        check(values, known > metric.high, most, where)


def _unknown(column: Column, index: pd.Index) -> pd.Series:
    """A column of which nothing is known."""
    return pd.Series([None], dtype=PANDAS_TYPES[column.type]).repeat(len(index)).set_axis(index)


def _read_text(values: pd.Series, name: str, where: str) -> pd.Series:
    words = texts(values, where)
    known = words.notna()
    if name == "strategy":
        check(values, ~known, "empty: every trial has a strategy", where)
    if name not in _READ:
        return words
    read, allowed = _READ[name]
    found = {word: read(word) for word in words[known].unique()}
    if None in found.values():
        check(values, known & words.map(found).isna(), f"unknown: write one of {allowed}", where)
    return words.map(found).astype(object).where(known, None)


def _state(word: str) -> str | None:
    state = _OTHER_STATES.get(word.lower(), word.lower())
    return str(state) if state in STATES else None


def _kind(word: str) -> str | None:
    kinds = [kind.strip() for kind in word.lower().split("+")]
    return "+".join(kinds) if {*KINDS}.issuperset(kinds) else None


_READ = {
    "state": (_state, ", ".join(STATES)),
    "energy_kind": (_kind, f"{', '.join(KINDS)}, or several joined by +"),
}


def _clean_names(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Names on one line, without spaces around them; an index that has a name is a column."""
    levels = [level for level in frame.index.names if level is not None]
    frame = frame.reset_index(level=levels, allow_duplicates=True) if levels else frame
    names = [" ".join(str(name).split()) for name in frame.columns]
    distinct(names, where)
    frame = frame.set_axis(names, axis="columns").reset_index(drop=True)
    nameless = [name for name in names if not name or name.startswith("Unnamed: ")]
    for name in nameless:
        if not _says_nothing(frame[name], where):
            raise DataError(f"{where}: column {names.index(name) + 1} has no name: give it one")
    return frame.drop(columns=nameless)


def _says_nothing(values: pd.Series, where: str) -> bool:
    """Whether a column is empty or only counts the rows, as pandas and R like to write it."""
    said = free(values, where)
    places = pd.Series(np.arange(len(said)), index=said.index)
    counts = pd.api.types.is_integer_dtype(said) and (said - places).nunique(dropna=False) == 1
    return bool((counts and said.iloc[0] in (0, 1)) or said.isna().all())


def _rename_groups(frame: pd.DataFrame, by: Sequence[str], where: str) -> pd.DataFrame:
    names = {}
    for name in by:
        wanted = plain_name(name)
        known = [n for n in (f"g.{wanted}", wanted, f"p.{wanted}") if n in frame]
        if not known:
            plain = dict.fromkeys(contract_name(plain_name(str(each))) for each in frame)
            may = [each for each in plain if each not in TRIAL_COLUMNS]
            raise DataError(
                f"{where}: --by {short(name)}: no such column: {listed(may)} may group it"
            )
        if contract_name(known[0]) in TRIAL_COLUMNS:
            raise DataError(f"--by {name}: a column of every trial table cannot group it")
        names[known[0]] = f"g.{wanted}"
    return frame.rename(columns=names)


def _add_parts(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """``energy_j`` as the sum of its components, unknown where one is, if there is nothing else."""
    parts = total_of([*map(str, frame)])
    if not parts:
        return frame
    amounts = frame[parts].apply(numbers, where=where)
    return frame.assign(energy_j=amounts.sum(axis="columns", skipna=False))


def _check_names(frame: pd.DataFrame, where: str, metric: Metric) -> None:
    names = list(frame.columns)
    if odd := misspelt(names, (*TRIAL_COLUMNS, *OLD_NAMES)):
        plain, name = next(iter(odd.items()))
        option = ",".join(as_option(*pair) for pair in odd.items())
        raise DataError(
            f"{where}: column {short(name)}: did you mean {plain}? Then --map {option}, or "
            f"p.{plain} for {plain} if it is a hyperparameter of that name"
        )
    if missing := [name for name in REQUIRED if name not in map(contract_name, names)]:
        raise DataError(
            f"{where}: no column {' and no column '.join(missing)} among {listed(names)}: say "
            f"what it is made of, such as {how_to_map(missing, names, metric)}"
        )
    for name in names:
        if name in ("g.", "p."):
            raise DataError(f"{where}: column {name} has no name behind the point: give it one")
        if name not in TRIAL_COLUMNS and f"p.{name}" in frame:
            raise DataError(
                f"{where}: columns {short(name)} and p.{short(name)} are the same "
                "hyperparameter: leave one out"
            )


def _names_of_runs(table: pd.DataFrame, groups: list[str], where: str) -> pd.Series:
    """A run's strategy and seed, and its group's values where groups share that name."""
    runs = table[[*groups, "strategy", "seed"]].drop_duplicates()
    names = runs["strategy"] + "-" + runs["seed"].astype(str)
    if names.duplicated().any():
        for group in reversed(groups):
            names = runs[group].astype(object).where(runs[group].notna(), "").map(str) + ":" + names
    twice = names.duplicated(keep=False)
    if twice.any():
        first, second, *_ = names.index[names == names[twice].iloc[0]]
        raise DataError(
            f"{where}, rows {first + 1} and {second + 1}: two runs would be called "
            f"{short(names[first])}: give each its own name in a column run"
        )
    places = table.groupby(list(runs), dropna=False, sort=False).ngroup()
    return places.map(dict(enumerate(names))).astype(object)


def _seeds_of_runs(table: pd.DataFrame, groups: list[str], where: str) -> pd.Series:
    """The seeds, or where there are none the place of a run among those of its strategy."""
    for name in ("strategy", "seed", *groups):
        runs = table[["run", name]].drop_duplicates()
        twice = runs["run"].duplicated()
        if twice.any():
            run = short(table["run"][runs.index[twice][0]])
            words = (
                f"another than the rows of run {run} above: give every run its own name, or say "
                "--map seed=run if it counts repetitions"
            )
            refuse(table[name], int(runs.index[twice][0]), words, where)
    if table["seed"].notna().all():
        return table["seed"]
    runs = table.drop_duplicates("run")
    places = runs.groupby("strategy", sort=False).cumcount()
    return table["run"].map(dict(zip(runs["run"], places, strict=True))).astype("Int64")


def _check_once(table: pd.DataFrame, where: str) -> None:
    twice = table.duplicated(["run", "trial"])
    if twice.any():
        at = int(twice.to_numpy().argmax())
        row = table.iloc[at]
        same = (table["run"] == row["run"]) & (table["trial"] == row["trial"])
        raise DataError(
            f"{where}, rows {int(same.to_numpy().argmax()) + 1} and {at + 1}: both are trial "
            f"{row['trial']} of run {shown(row['run'])}: drop one, or tell runs apart by a column "
            "seed, or by --by"
        )
