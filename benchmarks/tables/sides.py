"""Reading the learning curves of a trial table, and fitting them to its trials."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...errors import DataError
from .columns import numbers
from .frames import read_frame
from .refusals import check, listed, shown
from .table import COLUMNS, CURVE_COLUMNS, Column
from .tidying import read_column

_KEY = ["run", "trial", "epoch"]
_CONTRACT = {column.name: column for column in COLUMNS}
_CONTRACT["epoch"] = Column("epoch", "whole", "", None, "whole epochs of training so far")


def read_curves(path: Path) -> pd.DataFrame:
    """Read a file of curves: one row per validated epoch.

    Args:
        path: A Parquet or CSV file with the columns ``run, trial, epoch, energy_j, accuracy`` and
            maybe ``loss``.

    Raises:
        DataError: A column is missing, or a value cannot be; the message says where.
    """
    frame, _ = read_frame(path)
    if missing := [name for name in CURVE_COLUMNS if name not in frame and name != "loss"]:
        raise DataError(f"{path}: no column {missing[0]} among {listed(frame.columns)}")
    frame = frame.reindex(columns=[*CURVE_COLUMNS])
    curves = frame.assign(
        loss=numbers(frame["loss"], str(path)),
        **{
            name: read_column(frame[name], _CONTRACT[name], str(path))
            for name in CURVE_COLUMNS
            if name != "loss"
        },
    )
    for name in _KEY:
        check(frame[name], curves[name].isna(), "empty: every epoch has one", str(path))
    twice = curves.duplicated(_KEY)
    check(frame["epoch"], twice, "there twice in its trial: drop one row", str(path))
    ordered = curves.sort_values(_KEY, kind="stable")
    falls = ordered.groupby(_KEY[:2], sort=False)["energy_j"].diff() < 0
    check(
        frame["energy_j"],
        falls.reindex(curves.index),
        "less than at the epoch before: the joules of a curve are those of its trial so far",
        str(path),
    )
    return curves.astype({"trial": "int64", "epoch": "int64"})


def of_trials(curves: pd.DataFrame, trials: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The curves of the trials that there are, and a note if some belong to none."""
    known = pd.MultiIndex.from_frame(trials[["run", "trial"]].astype({"trial": "int64"}))
    mine = pd.MultiIndex.from_frame(curves[["run", "trial"]]).isin(known)
    if mine.all():
        return curves, ()
    run, trial = curves.loc[~mine, ["run", "trial"]].iloc[0]
    return curves[mine].reset_index(drop=True), (
        f"{(~mine).sum():,} of {len(mine):,} points of curves belong to no trial, such as trial "
        f"{trial} of run {shown(run)}, and were left out.",
    )
