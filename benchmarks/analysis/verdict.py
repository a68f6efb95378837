"""Which strategy found the best networks for its joules, and whether the runs support saying so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ...errors import ConfigurationError, UnknownNameError
from ..statistics.inference import (
    SIGNIFICANCE,
    Interval,
    KruskalWallis,
    Pair,
    cliffs_delta,
    dunn_holm,
    interval,
    kruskal_wallis,
)
from ..statistics.parametric import Anova, anova
from ..statistics.runs import (
    anytime_score,
    common_energy_j,
    energy_to_target,
    expected_energy_to_target,
    levels_at,
    totals_j,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

Metric = Literal["equal_energy", "anytime_score", "energy_to_target"]

TIE = 1e-9
"""Accuracies closer than this are the same, and joules that differ by no larger share."""


@dataclass(frozen=True)
class Verdict:
    """Which strategy found the best networks for its joules, and whether that is more than chance.

    Attributes:
        metric: What was compared.
        intervals: Median and interval of each strategy over its runs, the best first: accuracies or
            scores; for ``"energy_to_target"`` joules, infinite for a run that missed the target.
        test: Whether the strategies differ at all.
        pairs: Every two strategies, in the order of ``intervals``.
        means: The same question asked of means, where the values allow it.
        winner: The best strategy; None if there is no result.
        tied: The winner and those as good, among whom joules broke the tie; empty without a tie.
        supported: Whether the runs are enough to say that the winner beats the next one.
        reason: Why, or why not, in a sentence.
    """

    metric: Metric
    intervals: Mapping[str, Interval]
    test: KruskalWallis
    pairs: tuple[Pair, ...]
    means: Anova
    winner: str | None
    tied: tuple[str, ...]
    supported: bool
    reason: str

    @property
    def tie(self) -> bool:
        """Whether another strategy is as good as the winner, and joules broke the tie."""
        return bool(self.tied)


@dataclass(frozen=True)
class _Standing:
    """Strategies in order, before anything is tested.

    Attributes:
        groups: Values of the runs by strategy, the best strategy first.
        best: How many strategies are as good as the first; 0 if there is no result.
        sign: 1 if the highest values are best, -1 if the lowest.
        lead: By what the first one leads.
        shared: What those that are as good have in common, if there are several.
        missing: What is said if there is no result.
    """

    groups: Mapping[str, NDArray[np.float64]]
    best: int
    sign: int
    lead: str
    shared: str
    missing: str


def compare_strategies(
    trials: pd.DataFrame,
    metric: Metric = "equal_energy",
    common_j: float | None = None,
    *,
    fraction: float = 1.0,
    target: float | None = None,
) -> Verdict:
    """Say which strategy wins, and whether the runs support it.

    At equal energy and by the anytime score, the highest median over the runs wins. A run that has
    no result within the common energy counts as 0; a run whose joules are unknown there is left
    out. Of strategies with the same median, the one with the smaller expected energy to that
    accuracy wins.

    By energy to a target, the smallest expected energy wins; of strategies with the same one, the
    one that spent fewer joules in all. For the tests, a run that never reached the target is
    censored and ranks last: it counts as infinitely many joules, whatever it spent. A hit after an
    unknown amount of joules is left out of them, and a strategy with unknown joules comes last.

    The win is supported if each strategy has at least five runs and the winner beats the next one
    by Dunn's test with Holm's correction at 5 %.

    Args:
        trials: The trial table.
        metric: ``"equal_energy"``, ``"anytime_score"`` or ``"energy_to_target"``.
        common_j: The joules that every run was given, as in `equal_energy`; not for a target.
        fraction: Share of them that is compared at, above 0 and up to 1; not for a target.
        target: The accuracy to reach, for ``"energy_to_target"``.

    Returns:
        The verdict.

    Raises:
        UnknownNameError: If there is no such metric.
        ConfigurationError: If the fraction cannot be, or a target is missing.
    """
    if metric not in get_args(Metric):
        raise UnknownNameError("metric", metric, get_args(Metric))
    if not 0 < fraction <= 1:
        raise ConfigurationError(f"fraction {fraction:g}: give one above 0 and up to 1")
    if metric != "energy_to_target":
        end_j = fraction * (common_energy_j(trials) if common_j is None else common_j)
        standing = _by_accuracy(trials, metric, end_j)
    elif target is None:
        raise ConfigurationError("metric energy_to_target: give the target, an accuracy")
    else:
        standing = _by_energy(trials, target)
    groups = standing.groups
    order = list(groups)
    p = dunn_holm(groups).to_numpy()
    pairs = tuple(
        Pair(order[i], order[j], float(p[i, j]), cliffs_delta(groups[order[i]], groups[order[j]]))
        for i, j in combinations(range(len(order)), 2)
    )
    test = kruskal_wallis(groups)
    supported, reason = _judge(standing, pairs, test)
    return Verdict(
        metric=metric,
        intervals={name: interval(values) for name, values in groups.items()},
        test=test,
        pairs=pairs,
        means=anova(groups),
        winner=order[0] if standing.best else None,
        tied=tuple(order[: standing.best]) if standing.best > 1 else (),
        supported=supported,
        reason=reason,
    )


def _by_accuracy(trials: pd.DataFrame, metric: Metric, end_j: float) -> _Standing:
    final = levels_at(trials, end_j).clip(lower=0.0)
    scores = anytime_score(trials, common_j=end_j) if metric == "anytime_score" else final
    groups = _grouped(scores, trials)
    medians = {name: _median(values) for name, values in groups.items()}
    order = sorted(groups, key=medians.__getitem__, reverse=True)
    best = max(medians.values(), default=-math.inf)
    tied = [name for name in order if best > 0 and best - medians[name] <= TIE]
    if len(tied) > 1:
        reached = _grouped(final, trials)
        accuracy = min(_median(reached[name]) for name in tied)
        ert_j = _expected_j(energy_to_target(trials, accuracy - TIE))
        order[: len(tied)] = sorted(tied, key=lambda name: _unknown_last(ert_j[name]))
    return _Standing(
        groups={name: groups[name] for name in order},
        best=len(tied),
        sign=1,
        lead="by its median run",
        shared="have the same median, and none needs fewer joules for it than",
        missing="No strategy has a result within the energy that all runs had.",
    )


def _by_energy(trials: pd.DataFrame, target: float) -> _Standing:
    reached = energy_to_target(trials, target)
    groups = _grouped(reached["energy_j"].where(reached["hit"], math.inf), trials)
    ert_j = _expected_j(reached)
    total_j = {name: float(own.sum()) for name, own in _grouped(totals_j(trials), trials).items()}
    order = sorted(groups, key=lambda name: _unknown_last(ert_j[name]))
    best = min((j for j in ert_j.values() if not math.isnan(j)), default=math.inf)
    tied = [n for n in order if best < math.inf and ert_j[n] - best <= TIE * best]
    order[: len(tied)] = sorted(tied, key=lambda name: _unknown_last(total_j[name]))
    return _Standing(
        groups={name: groups[name] for name in order},
        best=len(tied),
        sign=-1,
        lead="by its expected energy to the target",
        shared="have the same expected energy to the target, and none spent fewer joules than",
        missing="No run of known joules reached the target.",
    )


def _grouped(per_run: pd.Series, trials: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """The values of the runs by strategy, in order of appearance."""
    strategy_of = trials.drop_duplicates("run").set_index("run")["strategy"]
    return {
        str(name): own.to_numpy()
        for name, own in per_run.groupby(strategy_of, sort=False, observed=True)
    }


def _expected_j(reached: pd.DataFrame) -> dict[str, float]:
    per_strategy = reached.groupby("strategy", observed=True)
    return {str(name): expected_energy_to_target(own) for name, own in per_strategy}


def _median(values: NDArray[np.float64]) -> float:
    return float(np.nanmedian(values)) if (~np.isnan(values)).any() else -math.inf


def _unknown_last(energy_j: float) -> tuple[bool, float]:
    return math.isnan(energy_j), energy_j


def _judge(standing: _Standing, pairs: tuple[Pair, ...], test: KruskalWallis) -> tuple[bool, str]:
    """Return whether the first strategy's win over the second is supported, and why."""
    order = list(standing.groups)
    tied = order[: standing.best]
    if not tied:
        return False, standing.missing
    if len(order) < 2:
        return False, f"Only {order[0]} was run: there is nothing to compare it with."
    first = pairs[0]
    lead = f"{first.a} leads {standing.lead}"
    if len(tied) > 1:
        lead = f"{', '.join(tied[:-1])} and {tied[-1]} {standing.shared} {first.a}"
    if not test.conclusive:
        return False, f"{lead}. {test.reason}"
    if len(tied) > 1:
        return False, f"{lead}; otherwise none of them is ahead."
    tested = f"p = {first.p:.2g} by Dunn's test with Holm's correction"
    ahead = standing.sign * first.cliffs_delta
    if first.p >= SIGNIFICANCE or ahead <= 0:
        return False, f"{lead}, but its lead over {first.b} may be chance ({tested})."
    share = f"{(1 + ahead) / 2:.0%}"
    return True, f"{first.a} beats {first.b} in {share} of the pairings of their runs ({tested})."
