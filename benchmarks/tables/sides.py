"""What lies beside the trials of a table: curves, slices and runs, read and fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DataError
from ...models.metric import ACCURACY, Metric
from .columns import free
from .contract import CURVES, RUNS, Column, contract_name
from .refusals import check, listed, shown
from .tidying import check_columns, groups_in, of_contract, read_column

_TRIAL = ["run", "trial"]


def check_curves(frame: pd.DataFrame, where: str, metric: Metric) -> pd.DataFrame:
    """Check the rows of a file of curves, which may lack ``loss`` and may have ``x.…``."""
    curves = _read(frame, CURVES, ("loss",), where, metric)
    for name in (*_TRIAL, "epoch"):
        check(frame[name], curves[name].isna(), "empty: every epoch has one", where)
    twice = curves.duplicated([*_TRIAL, "epoch"])
    check(frame["epoch"], twice, "there twice in its trial: drop one row", where)
    ordered = curves.sort_values([*_TRIAL, "epoch"], kind="stable")
    falls = ordered.groupby(_TRIAL, sort=False)["energy_j"].diff() < 0
    words = "less than at the epoch before: the joules of a curve are those of its trial so far"
    check(frame["energy_j"], falls.reindex(curves.index), words, where)
    further = {str(n): free(frame[n], where) for n in frame if str(n).startswith("x.")}
    return curves.astype({"trial": "int64", "epoch": "int64"}).assign(**further)


def check_slices(frame: pd.DataFrame, where: str, metric: Metric) -> pd.DataFrame:
    """Check the rows of a file of slices, which has the columns of the trials."""
    slices = check_columns(frame, where, metric=metric)
    for name in _TRIAL:
        check(slices[name], slices[name].isna(), "empty: every slice has one", where)
    return slices


def check_runs(frame: pd.DataFrame, where: str, metric: Metric = ACCURACY) -> pd.DataFrame:
    """Check the rows of a file of runs, which may have ``g.…``."""
    runs = _read(frame, RUNS, (), where, metric)
    check(frame["run"], runs["run"].isna(), "empty: every run has a name", where)
    check(frame["run"], runs.duplicated("run"), "there twice: drop one row", where)
    return runs.assign(**{name: free(frame[name], where) for name in groups_in(frame)})


def _read(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    optional: Sequence[str],
    where: str,
    metric: Metric,
) -> pd.DataFrame:
    """The columns of a side, each with its values checked; others are left out."""
    names = [column.name for column in columns]
    there = {*map(contract_name, map(str, frame))}
    if missing := [name for name in names if name not in there and name not in optional]:
        raise DataError(f"{where}: no column {missing[0]} among {listed(frame.columns)}")
    frame, called = of_contract(frame, metric, where, {})
    frame = frame.reindex(columns=names)
    read = {
        c.name: read_column(frame[c.name].rename(called.get(c.name, c.name)), c, where, metric)
        for c in columns
    }
    return frame.assign(**read)


def of_trials(
    frame: pd.DataFrame, trials: pd.DataFrame, what: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of curves or slices whose trials there are, and a note if there are others."""
    mine = _keys(frame).isin(_keys(trials))
    if mine.all():
        return frame, ()
    run, trial = frame.loc[~mine, _TRIAL].iloc[0]
    return frame[mine].reset_index(drop=True), (
        f"{(~mine).sum():,} of {len(mine):,} {what} belong to no trial, such as trial "
        f"{trial} of run {shown(run)}, and were left out.",
    )


def check_slices_add_up(slices: pd.DataFrame, trials: pd.DataFrame, where: str) -> None:
    """Refuse slices of other trials: each trial has some, with all of its joules."""
    spent_j = slices["energy_j"].groupby(_keys(slices)).sum(skipna=False)  # type: ignore[arg-type]
    keys = _keys(trials)
    bad, words = ~keys.isin(spent_j.index), "has no slice"
    if not bad.any():
        parts_j, whole_j = spent_j.reindex(keys).to_numpy(), trials["energy_j"].to_numpy()
        bad = ~np.isclose(parts_j, whole_j, rtol=1e-9, atol=1e-12, equal_nan=True)
        words = "does not have the joules of its slices together"
    if bad.any():
        run, trial = keys[int(bad.argmax())]
        raise DataError(
            f"{where}: trial {trial} of run {shown(run)} {words}: are the slices another table's? "
            "Then remove them"
        )


def fit_runs(runs: pd.DataFrame, trials: pd.DataFrame, where: str) -> pd.DataFrame:
    """Give runs the seeds and groups of their trials, which must agree where both are known."""
    per_run = trials.drop_duplicates("run").set_index("run")
    missing = per_run.index[~per_run.index.isin(runs["run"])]
    if len(missing):
        raise DataError(
            f"{where}: no row for run {shown(missing[0])}, which has trials: are they the runs of "
            "another table? Then remove them"
        )
    known = runs["run"].isin(per_run.index)
    groups = groups_in(trials)
    for name in ("strategy", "seed", *groups):
        theirs = runs["run"].map(per_run[name]).astype(object)
        if name in runs:
            own = runs[name].astype(object)
            differ = known & own.notna() & (_objects(own) != _objects(theirs))
            check(own, differ, "another than in the trials of the run", where)
            theirs = theirs.where(known, own)
        runs = runs.assign(**{name: theirs})
    typed = {name: free(runs[name], where) for name in groups}
    return runs.astype({"seed": "Int64"}).assign(**typed)


def _keys(frame: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[_TRIAL].astype({"trial": "int64"}))


def _objects(values: pd.Series) -> Any:
    """Python's own values, which compare with None where nothing is known."""
    return values.astype(object).where(values.notna(), None).to_numpy()
