"""The runs of a table, each with its incumbent: the best network it found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...energy.carbon import CarbonIntensity
from ..statistics.runs import AnytimeCurves
from ..tables.facts import Fact, read_fact
from ..tables.table import plain
from .facts import number
from .orientation import oriented
from .timeline import timeline

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.table import Table

OPEN = "open"
"""Status of a run that is not over."""


@dataclass(frozen=True)
class Incumbent(Fact):
    """The best network that a run found, by validation score; the first of equals."""

    trial: int
    score: float
    test_score: float | None
    energy_j: float | None  # joules of its trial until then; None if unknown
    found_at_j: float | None  # joules that the run had spent by then; None if unknown
    params: Mapping[str, Any]  # its hyperparameters


@dataclass(frozen=True)
class RunFacts(Fact):
    """One strategy with one seed."""

    run: str  # its name
    strategy: str
    seed: int
    status: str | None  # why it is over, or ``"open"``; None where the table does not tell
    reason: str  # more about its end
    allotment_j: float | None  # joules it may spend; None where the table does not tell
    spent_j: float | None  # joules it spent; None if unknown
    trials: int
    incumbent: Incumbent | None  # the best network it found; None if it has no result


def run_facts(table: Table, names: Collection[str] | None = None) -> list[RunFacts]:
    """Return the runs of a table in its order.

    Args:
        table: The trials, with slices and runs where it has any.
        names: The runs to return; None for all.
    """
    totals_j = timeline(table).totals_j
    order = totals_j.index if table.runs is None else table.runs["run"]
    wanted = [run for run in order if names is None or run in names]
    slices = table.rows_in_time
    known = slices if names is None else slices[slices["run"].isin(wanted)]
    by_trial = known.groupby(["run", "trial"], sort=False)["energy_j"]
    known = oriented(known.assign(trial_j=by_trial.cumsum(skipna=False)), table.metric)
    best = oriented(AnytimeCurves.of(known).incumbents(), table.metric)
    rows = dict(iter(known.groupby("run", sort=False)))
    counts = known.groupby("run")["trial"].nunique()
    about = {} if table.runs is None else table.runs.set_index("run").to_dict("index")
    facts = []
    for run in wanted:
        stated = about.get(run, {})
        first = stated or rows[run].iloc[0]
        facts.append(
            RunFacts(
                run=str(run),
                strategy=str(first["strategy"]),
                seed=int(first["seed"]),
                status=(plain(stated["end"]) or OPEN) if stated else None,
                reason=plain(stated.get("message")) or "",
                allotment_j=plain(stated.get("allotment_j")),
                spent_j=number(totals_j[run]),
                trials=int(counts.get(run, 0)),
                incumbent=_incumbent(best.loc[run]) if run in best.index else None,
            )
        )
    return facts


def best_runs(table: Table) -> dict[str, RunFacts]:
    """Return the run of each strategy that found the best network, the best of all first."""
    best = AnytimeCurves.of(oriented(table.rows_in_time, table.metric)).incumbents()
    ranked = best.sort_values("score", ascending=False, kind="stable")
    names = ranked.drop_duplicates("strategy").index
    facts = {each.run: each for each in run_facts(table, set(names))}
    return {facts[name].strategy: facts[name] for name in names}


def spent_j(table: Table) -> float | None:
    """Return the joules of all runs, asks that gave no work included; None if any is unknown."""
    return number(timeline(table).totals_j.sum(skipna=False))


def carbon_intensity(table: Table) -> CarbonIntensity | None:
    """Return what a kilowatt-hour emits, if the experiment names a place or a figure."""
    return read_fact(CarbonIntensity, (table.description or {}).get("carbon"))


def emissions(table: Table) -> dict[str, Any] | None:
    """Return grams of CO2 equivalents of all runs, if the experiment names a place or a figure."""
    grid = carbon_intensity(table)
    if grid is None:
        return None
    return {**asdict(grid), "intensity": str(grid), "total_g": grid.grams(spent_j(table))}


def _incumbent(row: pd.Series) -> Incumbent:
    return Incumbent(
        trial=int(row["trial"]),
        score=float(row["score"]),
        test_score=plain(row["test_score"]),
        energy_j=plain(row["trial_j"]),
        found_at_j=plain(row["found_j"]),
        params={
            str(name).removeprefix("p."): plain(value)
            for name, value in row.items()
            if str(name).startswith("p.")
        },
    )
