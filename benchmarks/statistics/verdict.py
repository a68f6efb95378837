"""Which strategy found the most accurate networks, and whether the runs support saying so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ...errors import UnknownNameError
from .inference import (
    SIGNIFICANCE,
    Interval,
    KruskalWallis,
    Pair,
    cliffs_delta,
    dunn_holm,
    interval,
    kruskal_wallis,
)
from .runs import (
    anytime_score,
    common_energy_j,
    energy_to_target,
    expected_energy_to_target,
    levels_at,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

Metric = Literal["equal_energy", "anytime_score"]

TIE = 1e-9
"""Accuracies closer than this are the same."""


@dataclass(frozen=True)
class Verdict:
    """Which strategy found the most accurate networks, and whether that is more than chance.

    Attributes:
        metric: What was compared.
        intervals: Median and interval of each strategy over its runs, the best first.
        test: Whether the strategies differ at all.
        pairs: Every two strategies, in the order of ``intervals``.
        winner: The strategy of the highest median; None if there is no result.
        tie: Whether another strategy has the same median, and joules broke the tie.
        supported: Whether the runs are enough to say that the winner beats the next one.
        reason: Why, or why not, in a sentence.
    """

    metric: Metric
    intervals: Mapping[str, Interval]
    test: KruskalWallis
    pairs: tuple[Pair, ...]
    winner: str | None
    tie: bool
    supported: bool
    reason: str


def compare_strategies(
    trials: pd.DataFrame, metric: Metric = "equal_energy", common_j: float | None = None
) -> Verdict:
    """Say which strategy wins, and whether the runs support it.

    The winner has the highest median over its runs. A run that has no result within the common
    energy counts as 0; a run whose joules are unknown there is left out. Of strategies with the
    same median, the one with the smaller expected energy to that accuracy wins. The win is
    supported if each strategy has at least five runs and the winner beats the next one by Dunn's
    test with Holm's correction at 5 %.

    Args:
        trials: The trial table.
        metric: ``"equal_energy"`` or ``"anytime_score"``.
        common_j: The joules that every run was given, as in `equal_energy`.

    Returns:
        The verdict.

    Raises:
        UnknownNameError: If there is no such metric.
    """
    if metric not in get_args(Metric):
        raise UnknownNameError("metric", metric, get_args(Metric))
    end_j = common_energy_j(trials) if common_j is None else common_j
    final = levels_at(trials, end_j).clip(lower=0.0)
    scores = anytime_score(trials, common_j=end_j) if metric == "anytime_score" else final
    strategy_of = trials.drop_duplicates("run").set_index("run")["strategy"]
    groups = {
        str(name): own.to_numpy()
        for name, own in scores.groupby(strategy_of, sort=False, observed=True)
    }
    intervals = {name: interval(values) for name, values in groups.items()}

    def median(name: str) -> float:
        known_median = intervals[name].median
        return -math.inf if math.isnan(known_median) else known_median

    order = sorted(groups, key=median, reverse=True)
    found = bool(order) and median(order[0]) > 0
    tied = [name for name in order if found and median(order[0]) - median(name) <= TIE]
    if len(tied) > 1:
        accuracy = min(np.nanmedian(final[strategy_of == name]) for name in tied)
        order[: len(tied)] = _fewest_joules_first(tied, trials, accuracy - TIE)
    p = dunn_holm({name: groups[name] for name in order}).to_numpy()
    pairs = tuple(
        Pair(order[i], order[j], float(p[i, j]), cliffs_delta(groups[order[i]], groups[order[j]]))
        for i, j in combinations(range(len(order)), 2)
    )
    test = kruskal_wallis(groups)
    supported, reason = False, "No strategy has a result within the energy that all runs had."
    if found:
        supported, reason = _judge(order, tied, pairs, test)
    return Verdict(
        metric=metric,
        intervals={name: intervals[name] for name in order},
        test=test,
        pairs=pairs,
        winner=order[0] if found else None,
        tie=len(tied) > 1,
        supported=supported,
        reason=reason,
    )


def _fewest_joules_first(names: Sequence[str], trials: pd.DataFrame, target: float) -> list[str]:
    spent = energy_to_target(trials, target).groupby("strategy", observed=True)
    ert_j = {name: expected_energy_to_target(own) for name, own in spent}
    return sorted(names, key=lambda name: (math.isnan(ert_j[name]), ert_j[name]))


def _judge(
    order: Sequence[str], tied: Sequence[str], pairs: Sequence[Pair], test: KruskalWallis
) -> tuple[bool, str]:
    """Return whether the first strategy's win over the second is supported, and why."""
    if len(order) < 2:
        return False, f"Only {order[0]} was run: there is nothing to compare it with."
    first = pairs[0]
    lead = f"{first.a} leads by its median run"
    if len(tied) > 1:
        names = f"{', '.join(order[: len(tied) - 1])} and {order[len(tied) - 1]}"
        lead = f"{names} have the same median, and none needs fewer joules for it than {first.a}"
    if not test.conclusive:
        return False, f"{lead}. {test.reason}"
    if len(tied) > 1:
        return False, f"{lead}; otherwise none of them is ahead."
    tested = f"p = {first.p:.2g} by Dunn's test with Holm's correction"
    if first.p >= SIGNIFICANCE or first.cliffs_delta <= 0:
        return False, f"{lead}, but its lead over {first.b} may be chance ({tested})."
    share = f"{(1 + first.cliffs_delta) / 2:.0%}"
    return True, f"{first.a} beats {first.b} in {share} of the pairings of their runs ({tested})."
