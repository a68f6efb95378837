"""What the study of search strategies reads off a trial table: each of its searches, as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...statistics.expected import ExpectedRatio, expected_energy_ratio
from ...statistics.inference import MIN_RUNS, interval
from ..comparing import quantity
from ..facts import Quantity

if TYPE_CHECKING:
    import pandas as pd

    from ...analysis.facts import GroupFacts
    from ...tables.table import Table

GRID, RANDOM = "grid", "random"
BAYESIAN = ("skopt-gp", "gp")
"""Bayesian search by Gaussian processes; the first that a table has is set beside the paper's."""


@dataclass(frozen=True, eq=False)
class Search:
    """One search: a data set, a network and a number of hyperparameters.

    Attributes:
        by: These three, as far as the table knows them.
        facts: What the one analysis says of it.
        table: Its trials.
        rounds: The rounds that every run had.
        best: By run ``strategy``, ``seed``, the best oriented ``score`` of these rounds, and the
            ``round`` in which it was found, from 1.
        reached: By run ``strategy``, ``hit``, and ``energy_j`` until the target or the end, in
            shares of the common energy; and ``trained_j``, the same without the optimiser's joules.
    """

    by: Mapping[str, Any]
    facts: GroupFacts
    table: Table
    rounds: int
    best: pd.DataFrame
    reached: pd.DataFrame

    @property
    def dataset(self) -> str:
        """Its data set."""
        return str(self.by.get("dataset") or "all data")

    @property
    def key(self) -> tuple[str, str, int]:
        """What the paper's figures are found by."""
        size = self.by.get("hyperparameters")
        return self.dataset, str(self.by.get("network")), size if isinstance(size, int) else 0

    @property
    def label(self) -> str:
        """What it is called."""
        parts = (
            f"{value} hyperparameters" if name == "hyperparameters" else str(value)
            for name, value in self.by.items()
        )
        return ", ".join(parts) or "all trials"


def searches_of(table: Table) -> list[Search]:
    """Read all searches off a table."""
    from ...analysis.analysing import analyse

    analysis = analyse(table)
    groups = zip(analysis.groups, table.groups, strict=True)
    return [_search(by, facts, part) for facts, (by, part) in groups]


def _search(by: Mapping[str, Any], facts: GroupFacts, part: Table) -> Search:
    counted = in_rounds(part)
    rounds = int(counted.groupby("run")["round"].max().min())
    within = counted[(counted["round"] <= rounds) & counted["score"].notna()]
    first = within.sort_values(["score", "round"], ascending=[False, True]).groupby("run").head(1)
    best = first[["run", "strategy", "seed", "score", "round"]].set_index("run")
    return Search(by, facts, part, rounds, best, _reached(part, facts))


def in_rounds(part: Table) -> pd.DataFrame:
    """The trials of a search with their ``round``, from 1, and the oriented score of results."""
    from ....models.outcome import RESULTS
    from ...analysis.orientation import oriented

    trials = oriented(part.trials, part.metric).sort_values(["run", "trial"])
    score = trials["score"].astype(float).where(trials["state"].isin(RESULTS))
    return trials.assign(score=score, round=trials.groupby("run").cumcount() + 1)


def _reached(part: Table, facts: GroupFacts) -> pd.DataFrame:
    from ...analysis.timeline import timeline

    target, common_j = facts.target.score, facts.common_j
    oriented = math.nan if target is None else part.metric.oriented(target)
    scale = math.nan if common_j is None else common_j
    reached = timeline(part).energy_to_target(oriented)
    trials = part.trials
    alone = trials.assign(energy_j=trials["energy_j"] - trials["energy_search_j"])
    trained = timeline(replace(part, trials=alone, slices=None, runs=None))
    trained_j = trained.energy_to_target(oriented)["energy_j"]
    return reached.assign(
        energy_j=reached["energy_j"] / scale, trained_j=trained_j.reindex(reached.index) / scale
    )


def difference(searches: Sequence[Search], one: str, other: str) -> tuple[Quantity | None, int]:
    """How much better one strategy's best is than another's after as many rounds.

    Of each seed it is the mean over searches; over seeds the median with its interval.

    Returns:
        The difference, and of how many seeds it is.
    """
    import pandas as pd

    found = {}
    for search in searches:
        scores = search.best.pivot_table("score", "seed", "strategy")
        if one in scores and other in scores:
            found[search.label] = scores[one] - scores[other]
    if not found:
        return None, 0
    by_seed = pd.DataFrame(found).mean(axis=1).dropna()
    share = searches[0].table.metric.is_share
    times, unit = (100.0, "points") if share else (1.0, "")
    return quantity(interval(by_seed * times), unit), len(by_seed)


def energy_ratio(
    searches: Sequence[Search], one: str, other: str, column: str = "energy_j"
) -> ExpectedRatio | None:
    """How many times the expected joules to the target one strategy takes of another.

    Several searches are pooled in shares of the common energy of each, and their runs are resampled
    within each.

    Args:
        searches: What is pooled.
        one: The strategy whose joules are above the line.
        other: That below it.
        column: ``energy_j``, or ``trained_j`` without those of the optimiser.

    Returns:
        The ratio; None if a strategy has no run.
    """
    import pandas as pd

    if not searches:
        return None
    rows = [each.reached.assign(search=place) for place, each in enumerate(searches)]
    pooled = pd.concat(rows, ignore_index=True)
    pooled["energy_j"] = pooled[column]
    above, below = (pooled[pooled["strategy"] == name] for name in (one, other))
    if above.empty or below.empty:
        return None
    return expected_energy_ratio(above, below, within="search")


def enough(searches: Sequence[Search], *names: str) -> bool:
    """Whether each of these strategies has runs enough in each search to conclude anything."""
    counts = (search.reached["strategy"].value_counts() for search in searches)
    return bool(searches) and all(
        each.get(name, 0) >= MIN_RUNS for each in counts for name in names
    )


def as_quantity(found: ExpectedRatio | None) -> Quantity | None:
    """A ratio of expected joules as a quantity: where it has no end or no middle, as far as known.

    >>> as_quantity(ExpectedRatio(0.5, 0.3, math.inf, (5, 5), (5, 2)))
    Quantity(value=0.5, low=0.3, high=None, unit='', note='interval from 0.3 up')
    """
    if found is None or math.isnan(found.value):
        return None
    low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
    if math.isinf(found.value):
        return Quantity(None, low, note="never reached") if low else None
    if found.value == 0:
        return Quantity(None, high=high) if high else None
    open_end = f"interval from {found.low:.2g} up" if math.isinf(found.high) else ""
    return Quantity(found.value, low, high, note=open_end)


def best_so_far(
    searches: Sequence[Search], strategy: str
) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    """The best score by round: the median over runs, and of these the mean over searches.

    Returns:
        Rounds from 1, and scores in the units of the metric; None before all runs have a result.
    """
    rounds = range(1, min(search.rounds for search in searches) + 1)
    medians = []
    for search in searches:
        counted = in_rounds(search.table)
        mine = counted[counted["strategy"] == strategy]
        by_run = mine.pivot_table("score", "round", "run", dropna=False).reindex(rounds)
        medians.append(by_run.cummax().ffill().median(axis=1, skipna=False).to_numpy())
    turn: Callable[[float], float] = searches[0].table.metric.oriented
    means = np.mean(medians, axis=0)
    return tuple(map(float, rounds)), tuple(
        turn(float(each)) if math.isfinite(each) else None for each in means
    )
