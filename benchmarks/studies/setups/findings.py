"""What the study of training setups finds in a trial table: which trainings reached the target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....models.outcome import State
from ...analysis.target import DEFAULT_TARGET, parse_target
from ...statistics.runs import floats
from ...tables.table import counted
from ..comparing import repetitions
from ..facts import Exhibit, Findings
from ..wording import write
from .grid import FACTORS, Grid, claim_of, heats, sheets
from .halves import Halves, claims_of, plot_of, sheet_of, unsaid

if TYPE_CHECKING:
    import pandas as pd

    from ...tables.table import Table

ENDED = (State.COMPLETE.value, State.FAILED.value)
"""A training that failed, as by a loss that is no number, did not reach the target."""


def analyse(table: Table) -> Findings:
    """Name the claims of a trial table, with the tables and figures behind them."""
    trials, target = judged(table)
    missing = [name for name in FACTORS if trials[name].isna().all()]
    setups = trials[trials["training"].isna()].dropna(subset=list(FACTORS))
    grid = Grid(setups, target)
    halves = [
        Halves(rows, str(optimizer), target)
        for optimizer, rows in trials.dropna(subset=["training"]).groupby("optimizer")
    ]
    exhibits: list[Exhibit] = []
    if len(setups):
        exhibits += [*heats(grid), *sheets(grid)]
    if halves:
        exhibits += [*filter(None, map(plot_of, halves)), sheet_of(halves)]
    claims = (claim_of(grid, missing), *(claims_of(halves) if halves else unsaid()))
    return Findings(claims, tuple(exhibits), tuple(left_out(table)))


def judged(table: Table) -> tuple[pd.DataFrame, str]:
    """The trainings that ended with a known energy, and the score that they were to reach.

    The target is what the column ``p.target`` says, and a training stopped there. Without it, it is
    `DEFAULT_TARGET` of the best score, and where there are curves they say when it was reached.

    Returns:
        One row a training: the factors and ``training``, ``seed``, ``epochs``, ``hit``,
        ``energy_j`` until the target or in all, and ``pre_j``, joules of the first stage where
        there were two; and the target in words.
    """
    import pandas as pd

    trials = table.trials
    ended = trials[trials["state"].isin(ENDED) & (floats(trials["energy_j"]) > 0)]
    found = ended[["run", "trial", "seed", "state", "score", "energy_j", "epochs"]].copy()
    for name in (*FACTORS, "training"):
        found[name] = ended.get(f"p.{name}")
    for name in FACTORS[1:]:  # words in their place cannot be ordered
        found[name] = pd.to_numeric(found[name], errors="coerce")
    found = repetitions(found, (*FACTORS, "training"))
    target = _targets(table, ended)
    hit = table.metric.oriented(found["score"]) >= table.metric.oriented(target)
    found["hit"] = hit & (found["state"] == State.COMPLETE.value)
    found["pre_j"] = float("nan")
    if table.curves is not None:
        found = _staged(table.curves, found)
        if "p.target" not in ended:
            found = _followed(table, found, target)
    levels = target.dropna().unique()
    unit = "%" if table.metric.is_share else ""
    words = " or ".join(write(float(each), unit) for each in sorted(levels))
    return found, f"{table.metric.name} {words or 'to be reached'}"


def left_out(table: Table) -> Iterator[str]:
    """What of the trials stands in no ratio, in sentences."""
    trials = table.trials
    failed = int((trials["state"] == State.FAILED.value).sum())
    cut = int((~trials["state"].isin(ENDED)).sum())
    unknown = int(trials["energy_j"].isna().sum())
    if failed:
        yield f"{counted(failed, 'training')} failed, and counts as not having reached the target."
    if cut:
        yield f"{counted(cut, 'training')} did not end: the joules are in the trial table alone."
    if unknown:
        yield f"{counted(unknown, 'training')} without known joules is left out."


def _targets(table: Table, ended: pd.DataFrame) -> pd.Series:
    """The score that each training was to reach."""
    import pandas as pd

    if "p.target" in ended:
        stated = pd.to_numeric(ended["p.target"], errors="coerce")
        if stated.notna().any():
            return stated.astype(float)
    oriented = table.metric.oriented(ended["score"])
    told = ended.assign(score=oriented)[["strategy", "state", "score"]]
    score = parse_target(DEFAULT_TARGET, table.metric).of(float(oriented.max()), told).score
    reach = float("nan") if score is None else table.metric.oriented(score)
    return ended["score"].astype(float) * 0 + reach


def _staged(curves: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Take from the curves what the first of two stages cost; the target is of the second one."""
    if "x.stage" not in curves:
        return found
    rows = curves.merge(found[["run", "trial"]].assign(row=found.index))
    stages = rows["x.stage"].astype(float)
    pre_j = rows[stages == 0].groupby("row")["energy_j"].max()
    last = stages.groupby(rows["row"]).max()
    hit = found["hit"] & ~found.index.isin(last.index[last == 0])
    return found.assign(pre_j=pre_j, hit=hit)


def _followed(table: Table, found: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    """Take from the curves when trainings that went on had reached the target."""
    assert table.curves is not None
    rows = table.curves.merge(found[["run", "trial"]].assign(target=target, row=found.index))
    oriented = table.metric.oriented
    above = oriented(rows["score"]) >= oriented(rows["target"])
    hits = rows[above].sort_values("epoch").groupby("row")[["energy_j", "epoch"]].first()
    hits = hits[found.loc[hits.index, "state"] == State.COMPLETE.value]
    found = found.astype({"energy_j": float, "epochs": float})
    found.loc[hits.index, ["energy_j", "epochs"]] = hits.to_numpy()
    found.loc[hits.index, "hit"] = True
    return found
