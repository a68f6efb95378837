"""Whether a difference between strategies is more than chance.

Medians with bootstrap intervals, rank tests with their effect sizes, and the verdict on a
comparison. Below five runs of each strategy nothing is concluded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from ..errors import UnknownNameError
from .statistics import (
    anytime_score,
    common_energy_j,
    energy_to_target,
    expected_energy_to_target,
    floats,
    levels_at,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

Metric = Literal["equal_energy", "anytime_score"]

MIN_RUNS = 5
"""Fewest runs of each strategy from which anything is concluded."""
SIGNIFICANCE = 0.05
"""A difference is called one below this p-value."""
TIE = 1e-9
"""Accuracies closer than this are the same."""
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A median of ``n`` values with its confidence interval; NaN where there is none."""

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class KruskalWallis:
    """Whether several groups of values differ at all.

    Attributes:
        h: The statistic, corrected for ties.
        p: Its p-value.
        eta_squared: Size of the effect, at most 1, about 0 for none; NaN if not defined.
        k: Number of groups.
        n: Number of values.
        conclusive: Whether there are groups and values enough to conclude anything.
        reason: Why, or why not, in a sentence.
    """

    h: float
    p: float
    eta_squared: float
    k: int
    n: int
    conclusive: bool
    reason: str


@dataclass(frozen=True)
class Pair:
    """Two strategies compared: Dunn-Holm p-value, and Cliff's delta (positive: ``a`` is higher)."""

    a: str
    b: str
    p: float
    cliffs_delta: float


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


def interval(values: ArrayLike, *, seed: int = 0, level: float = 0.95) -> Interval:
    """Return a median with its bootstrap percentile interval.

    Efron and Tibshirani, 1993, chapter 13, with 10,000 resamples and quantiles that are resampled
    medians themselves.

    Args:
        values: One value per run; NaN is left out.
        seed: Seed of the resampling.
        level: Confidence level.

    Returns:
        The interval; without bounds if there is but one value, all NaN if there is none.
    """
    known = _known(values)
    if len(known) < 2:
        return Interval(float(known[0]) if len(known) else math.nan, math.nan, math.nan, len(known))
    indices = np.random.default_rng(seed).integers(len(known), size=(RESAMPLES, len(known)))
    medians = np.median(known[indices], axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(medians, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(np.median(known)), float(low), float(high), len(known))


def kruskal_wallis(groups: Mapping[str, ArrayLike]) -> KruskalWallis:
    """Test whether groups of values differ, by ranks (Kruskal and Wallis, 1952).

    The effect size is ``eta squared = (H - k + 1) / (n - k)`` (Tomczak and Tomczak, 2014).

    Args:
        groups: Values by group; NaN is left out.

    Returns:
        The test. ``p`` is 1 if all values are equal or fewer than two groups have values.
    """
    from scipy.stats import kruskal

    known = {name: _known(values) for name, values in groups.items()}
    filled = [values for values in known.values() if len(values)]
    k, n = len(filled), sum(map(len, filled))
    h, p = (0.0, 1.0) if _no_contrast(filled) else map(float, kruskal(*filled))
    eta_squared = (h - k + 1) / (n - k) if 1 < k < n else math.nan
    conclusive, reason = _enough_runs({name: len(values) for name, values in known.items()})
    return KruskalWallis(h, p, eta_squared, k, n, conclusive, reason)


def dunn_holm(groups: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Test every two groups (Dunn, 1964), with the correction of Holm, 1979, for many tests.

    Args:
        groups: Values by group; NaN is left out.

    Returns:
        Symmetric table of p-values by group name, 1 on its diagonal; NaN for empty groups.
    """
    from scikit_posthocs import posthoc_dunn

    known = {name: _known(values) for name, values in groups.items() if len(_known(values))}
    if _no_contrast(list(known.values())):
        table = pd.DataFrame(1.0, index=list(known), columns=list(known))
    else:
        long = pd.DataFrame(
            [(name, value) for name, values in known.items() for value in values],
            columns=["group", "value"],
        )
        table = posthoc_dunn(long, "value", "group", p_adjust="holm", sort=False)
    return table.reindex(index=list(groups), columns=list(groups))


def cliffs_delta(a: ArrayLike, b: ArrayLike) -> float:
    """Return how far ``a`` lies above ``b``: ``P(a > b) - P(a < b)`` over all pairs.

    Cliff, 1993 (doi:10.1037/0033-2909.114.3.494).

    Args:
        a: Values; NaN is left out.
        b: Values; NaN is left out.

    Returns:
        Between -1 and 1; NaN if either is empty.
    """
    one, other = _known(a)[:, None], _known(b)[None, :]
    if not (one.size and other.size):
        return math.nan
    return float((one > other).mean() - (one < other).mean())


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


def _enough_runs(counts: Mapping[str, int]) -> tuple[bool, str]:
    """Return whether so many runs of each strategy allow a conclusion, with a sentence on it."""
    if len(counts) < 2:
        return False, "Nothing can be concluded: there are not two strategies to compare."
    few = {name: n for name, n in counts.items() if n < MIN_RUNS}
    if few:
        short = ", ".join(f"{name} has {n}" for name, n in few.items())
        if len(few) == len(counts) and len(set(few.values())) == 1:
            short = f"each has {next(iter(few.values()))}"
        return False, (
            f"Nothing can be concluded: each strategy needs at least {MIN_RUNS} runs, but {short}."
        )
    return True, f"Each strategy has at least {MIN_RUNS} runs."


def _no_contrast(groups: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether there is nothing to rank: fewer than two groups, or one value throughout."""
    return len(groups) < 2 or len(np.unique(np.concatenate(groups))) == 1


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = floats(values)
    return array[~np.isnan(array)]
