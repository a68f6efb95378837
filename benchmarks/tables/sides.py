"""What lies beside the trials of a table: curves, slices and runs, read and fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DataError
from .columns import free
from .contract import CURVES, RUNS, Column
from .refusals import check, listed, shown
from .tidying import check_columns, read_column

_TRIAL = ["run", "trial"]


def check_curves(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Check learning curves: one row per validated epoch, with the columns of `CURVES`.

    Args:
        frame: Columns of text or of numbers; ``loss`` need not be there.
        where: The file's name, for messages.

    Raises:
        DataError: A column is missing, or a value cannot be; the message says where.
    """
    curves = _read(frame, CURVES, ("loss",), where)
    for name in (*_TRIAL, "epoch"):
        check(frame[name], curves[name].isna(), "empty: every epoch has one", where)
    twice = curves.duplicated([*_TRIAL, "epoch"])
    check(frame["epoch"], twice, "there twice in its trial: drop one row", where)
    ordered = curves.sort_values([*_TRIAL, "epoch"], kind="stable")
    falls = ordered.groupby(_TRIAL, sort=False)["energy_j"].diff() < 0
    check(
        frame["energy_j"],
        falls.reindex(curves.index),
        "less than at the epoch before: the joules of a curve are those of its trial so far",
        where,
    )
    return curves.astype({"trial": "int64", "epoch": "int64"})


def check_slices(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Check slices: rows with the columns of trials, one per slice, in order of completion.

    Raises:
        DataError: A column is missing, or a value cannot be; the message says where.
    """
    slices = check_columns(frame, where)
    for name in _TRIAL:
        check(slices[name], slices[name].isna(), "empty: every slice has one", where)
    return slices


def check_runs(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Check runs: one row each, with the columns of `RUNS`, then ``g.…``.

    Raises:
        DataError: A column is missing, or a value cannot be; the message says where.
    """
    runs = _read(frame, RUNS, (), where)
    check(frame["run"], runs["run"].isna(), "empty: every run has a name", where)
    check(frame["run"], runs.duplicated("run"), "there twice: drop one row", where)
    groups = [str(name) for name in frame if str(name).startswith("g.")]
    return runs.assign(**{name: free(frame[name], where) for name in groups})


def _read(
    frame: pd.DataFrame, columns: Sequence[Column], optional: Sequence[str], where: str
) -> pd.DataFrame:
    """The columns of a side, each with its values checked; others are left out."""
    names = [column.name for column in columns]
    if missing := [name for name in names if name not in frame and name not in optional]:
        raise DataError(f"{where}: no column {missing[0]} among {listed(frame.columns)}")
    found = frame.reindex(columns=names)
    return found.assign(
        **{each.name: read_column(found[each.name], each, where) for each in columns}
    )


# Fitting to the trials ----------------------------------------------------------------------------


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
    """Make sure that slices are those of these trials: each has some, with all of its joules.

    Raises:
        DataError: They are not; the message names a trial.
    """
    spent_j = slices["energy_j"].groupby(_keys(slices)).sum(skipna=False)  # type: ignore[arg-type]
    keys = _keys(trials)
    bad = ~keys.isin(spent_j.index)
    words = "has no slice"
    if not bad.any():
        of_slices_j = spent_j.reindex(keys).to_numpy(dtype=float)
        of_trial_j = trials["energy_j"].to_numpy(dtype=float)
        bad = ~np.isclose(of_slices_j, of_trial_j, rtol=1e-9, atol=0.0, equal_nan=True)
        words = "does not have the joules of its slices together"
    if bad.any():
        run, trial = keys[int(bad.argmax())]
        raise DataError(
            f"{where}: trial {trial} of run {shown(run)} {words}: are the slices another table's? "
            "Then remove them"
        )


def fit_runs(runs: pd.DataFrame, trials: pd.DataFrame, where: str) -> pd.DataFrame:
    """Give runs the seeds and groups of their trials, which must agree where both are known.

    Raises:
        DataError: A run of the trials is missing, or is of another strategy, seed or group.
    """
    per_run = trials.drop_duplicates("run").set_index("run")
    missing = per_run.index[~per_run.index.isin(runs["run"])]
    if len(missing):
        raise DataError(
            f"{where}: no row for run {shown(missing[0])}, which has trials: are they the runs of "
            "another table? Then remove them"
        )
    has_trials = runs["run"].isin(per_run.index)
    groups = [str(name) for name in trials if str(name).startswith("g.")]
    for name in ("strategy", "seed", *groups):
        theirs = runs["run"].map(per_run[name])
        if name in runs:
            own = runs[name]
            differ = own.notna() & has_trials & (_objects(own) != _objects(theirs))
            check(own, differ, "another than in the trials of the run", where)
            theirs = theirs.astype(object).where(has_trials, own.astype(object))
        runs = runs.assign(**{name: theirs})
    typed = {name: free(runs[name], where) for name in groups}
    return runs.astype({"seed": "Int64"}).assign(**typed)


def _keys(frame: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[_TRIAL].astype({"trial": "int64"}))


def _objects(values: pd.Series) -> Any:
    """Python's own values, which compare with None where nothing is known."""
    return values.astype(object).where(values.notna(), None).to_numpy()
