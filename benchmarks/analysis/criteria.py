"""Which strategy of a group wins by which criterion, and what its runs say to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ..statistics.expected import Expected
from ..statistics.inference import (
    cliffs_delta,
    dunn_holm,
    holm,
    known,
    kruskal_wallis,
)
from ..statistics.parametric import anova
from ..statistics.permutation import log_rank, rank_sum
from ..statistics.runs import AnytimeCurves, expected_energy_to_target
from ..tables.facts import finite
from .facts import (
    ByCriterion,
    Evidence,
    FieldTest,
    MeansTest,
    PairTest,
    RankTest,
    Spread,
    as_fact,
    spread,
)
from .orientation import best_bound, worst_bound
from .reasons import JOULES, SCORE, Words, reason
from .support import Pair, Support, lacking, support

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ...models.metric import Metric

    Values = Mapping[str, NDArray[np.float64]]
    """The values of the runs, by strategy."""

FRACTIONS = (0.25, 0.5, 1.0)
"""Shares of the energy that all runs had, at which scores are compared."""
TIE = 1e-9
"""Scores closer than this share of their scale are the same, and joules likewise."""


@dataclass(frozen=True)
class Criterion:
    """What one criterion says of a group."""

    # The median of each strategy with its interval; None if no run has a result by then.
    spreads: Mapping[str, Spread | None]
    # The best strategy; None where nothing can be compared, or none has a result.
    winner: str | None
    # The winner and those as good, among whom joules broke the tie; empty without a tie.
    tied: tuple[str, ...]
    support: Support  # whether the runs are enough to say that the winner is better than all others
    evidence: Evidence  # what the runs say to it


def compare_by_criteria(
    curves: AnytimeCurves, common_j: float, reached: pd.DataFrame, target: float, metric: Metric
) -> ByCriterion[Criterion]:
    """Compare the strategies of a group by each criterion.

    `support` says when the runs support a win.

    Args:
        curves: What the runs knew when, of oriented scores.
        common_j: The joules that all runs are compared at; NaN if no total is known.
        reached: What each run spent until it reached the target.
        target: The oriented score to reach; NaN if there is none.
        metric: What the scores are of.
    """
    compare = partial(_compare_scores, curves, metric)
    worst = worst_bound(metric)
    no_target = f"No trial has a result, so there is no {metric.name} to reach."
    levels = {str(share): curves.levels_at(share * common_j) for share in FRACTIONS}
    return ByCriterion(
        {share: compare(each, each.clip(lower=worst)) for share, each in levels.items()},
        _compare_joules(curves, reached, no_target if math.isnan(target) else None),
        compare(levels["1.0"], curves.anytime_score(common_j, worst=worst)),
    )


def _compare_scores(
    curves: AnytimeCurves, metric: Metric, levels: pd.Series, scores: pd.Series
) -> Criterion:
    """The highest median score over the runs wins.

    ``levels`` are the scores by the energy in question. A run that has no result by then counts as
    the worst score there can be, or ranks last where there is none; a run whose joules are unknown
    there is left out. Of strategies with the same median, the one with the smaller expected energy
    to that score wins.
    """
    worst, tie = worst_bound(metric), TIE * score_scale(curves, metric)
    values, reached = _by_strategy(curves, scores), _by_strategy(curves, levels)
    medians = {name: _median(own) for name, own in values.items()}
    order = sorted(values, key=medians.__getitem__, reverse=True)
    best = max(medians.values(), default=-math.inf)
    tied = [name for name in order if best > worst and best - medians[name] <= tie]
    if len(tied) > 1:
        score = min(_median(reached[name].clip(min=worst)) for name in tied)
        ert_j = _expected_j(curves.energy_to_target(score - tie))
        order[: len(tied)] = sorted(tied, key=lambda name: _unknown_last(ert_j[name]))
    spreads = {
        name: spread(own) if np.isfinite(reached[name]).any() else None
        for name, own in values.items()
    }
    values = {name: values[name] for name in order}
    above = "" if math.isinf(worst) else f" above {worst:g}"
    if above and not metric.maximised:
        above = f" below {-worst:g}"
    words = SCORE._replace(missing=SCORE.missing.format(above=above))
    return _judge(words, _score_pairs(values), values, len(tied), _unplaced(reached), spreads)


def _score_pairs(values: Values) -> tuple[list[Pair], Pair]:
    """Every two strategies, the one with the better median first; the best beside all others."""
    order, p = list(values), dunn_holm(values).to_numpy()

    def pair(a: str, b: str, other: NDArray[np.float64], p: float = math.nan) -> Pair:
        alone = rank_sum(values[a], other)
        return Pair(a, b, p, alone.p, alone.z, cliffs_delta(values[a], other))

    places = combinations(range(len(order)), 2)
    pairs = [pair(order[i], order[j], values[order[j]], float(p[i, j])) for i, j in places]
    others = [values[name] for name in order[1:]]
    return pairs, pair(order[0], "", np.concatenate(others) if others else np.empty(0))


def _joule_pairs(reached: pd.DataFrame, values: Values) -> tuple[list[Pair], Pair]:
    """Every two strategies, the one with the fewer expected joules first; the best beside all."""
    rows = {str(name): own for name, own in reached.groupby("strategy")}
    expected = {name: Expected.of(own) for name, own in rows.items()}
    order = list(values)

    def pair(a: str, b: str, other: pd.DataFrame, of_other: Expected) -> Pair:
        one = rows[a]
        alone = log_rank(one["energy_j"], one["hit"], other["energy_j"], other["hit"])
        ratio = of_other.over(expected[a])
        delta = cliffs_delta(values[a], values[b]) if b else math.nan
        times = ratio.value, ratio.low, ratio.high
        return Pair(a, b, math.nan, alone.p, alone.z, delta, *times, in_joules=True)

    pairs = [pair(a, b, rows[b], expected[b]) for a, b in combinations(order, 2)]
    corrected = holm([each.alone for each in pairs])
    pairs = [replace(each, p=float(p)) for each, p in zip(pairs, corrected, strict=True)]
    others = reached[reached["strategy"] != order[0]]
    return pairs, pair(order[0], "", others, Expected.of(others, within="strategy"))


def score_scale(curves: AnytimeCurves, metric: Metric) -> float:
    """How large scores are: the distance of their bounds, or the largest of them."""
    if metric.bounded:
        return best_bound(metric) - worst_bound(metric)
    return float(np.abs(curves.score[np.isfinite(curves.score)]).max(initial=0.0))


def _compare_joules(curves: AnytimeCurves, reached: pd.DataFrame, missing: str | None) -> Criterion:
    """The smallest expected energy to the target wins, of equal ones the fewer joules in all.

    For the tests, a run that never reached the target is censored and ranks last: it counts as
    infinitely many joules, whatever it spent. A hit after an unknown amount of joules is left out
    of them, and a strategy with unknown joules comes last.
    """
    values = _by_strategy(curves, reached["energy_j"].where(reached["hit"], math.inf))
    ert_j = _expected_j(reached)
    order = sorted(values, key=lambda name: _unknown_last(ert_j[name]))
    best = min((j for j in ert_j.values() if not math.isnan(j)), default=math.inf)
    tied = [n for n in order if best < math.inf and ert_j[n] - best <= TIE * best]
    total_j = {name: own.sum() for name, own in _by_strategy(curves, curves.totals_j).items()}
    order[: len(tied)] = sorted(tied, key=lambda name: _unknown_last(total_j[name]))
    values = {name: values[name] for name in order}
    unplaced = {name for name, energy_j in ert_j.items() if math.isnan(energy_j)}
    unplaced |= _unplaced(_by_strategy(curves, reached["energy_j"]))
    words = JOULES if missing is None else JOULES._replace(missing=missing)
    return _judge(words, _joule_pairs(reached, values), values, len(tied), unplaced, {})


def _judge(
    words: Words,
    compared: tuple[Sequence[Pair], Pair],
    values: Values,
    n_best: int,
    unplaced: Iterable[str],
    spreads: Mapping[str, Spread | None],
) -> Criterion:
    """Test strategies that stand in order, the first ``n_best`` of them as good as the first.

    ``compared`` are every two of them, and the first beside all others together.
    """
    order, unplaced = list(values), [name for name in values if name in unplaced]
    pairs, together = compared
    test = kruskal_wallis(values)
    comparable = len(order) - len(unplaced) > 1
    found = Support(over=None, beaten=(), together=None, more_seeds=None)
    own = [pair for pair in pairs if pair.a == order[0]]
    if unplaced and not comparable:
        unknown = ", ".join(unplaced)
        told = f"Nothing can be compared: joules of {unknown} are not known."
    elif not n_best:
        told = words.missing
    elif not own:
        told = f"Only {order[0]} was run: there is nothing to compare it with."
    else:
        runs = min(len(known(each)) for each in values.values())
        found = replace(found, more_seeds=lacking(runs))
        if n_best == 1:
            found = support(own, together, runs)
        told = reason(words, order[:n_best], own, found, test)
    return Criterion(
        spreads=spreads,
        winner=order[0] if n_best and comparable else None,
        tied=tuple(order[:n_best]) if n_best > 1 else (),
        support=found,
        evidence=Evidence(
            kruskal_wallis=as_fact(RankTest, test),
            pairs=tuple(_told(pair) for pair in pairs),
            together=None if found.together is None else as_fact(FieldTest, found.together),
            parametric=as_fact(MeansTest, anova(values)),
            conclusive=comparable and test.conclusive,
            supported=found.over is not None,
            reason=told,
        ),
    )


def _told(pair: Pair) -> PairTest:
    return PairTest.from_dict({**finite(vars(pair)), "shown": pair.shown})


def _by_strategy(curves: AnytimeCurves, per_run: pd.Series) -> dict[str, NDArray[np.float64]]:
    """The values of the runs by strategy, in order of appearance."""
    grouped = per_run.groupby(curves.strategies, sort=False)
    return {str(name): own.to_numpy() for name, own in grouped}


def _unplaced(values: Values) -> set[str]:
    """The strategies of which no run can be placed, since its joules are not known."""
    return {name for name, own in values.items() if np.isnan(own).all()}


def _expected_j(reached: pd.DataFrame) -> dict[str, float]:
    per_strategy = reached.groupby("strategy")
    return {str(name): expected_energy_to_target(own) for name, own in per_strategy}


def _median(values: NDArray[np.float64]) -> float:
    return float(np.nanmedian(values)) if (~np.isnan(values)).any() else -math.inf


def _unknown_last(energy_j: float) -> tuple[bool, float]:
    return math.isnan(energy_j), energy_j
