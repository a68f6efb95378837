"""The numbers of one group of trials: of the group, and of each of its strategies.

What each means, and where it comes from, stands in ``CONTRACT.md``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...energy.source import Kind
from ...models.outcome import RESULTS, State
from ..statistics import (
    Interval,
    accuracies_per_joule,
    coefficient_of_variation,
    energy_to_target,
    equal_energy,
    expected_energy_to_target,
    hypervolume,
    incumbents,
    interval,
    totals_j,
)
from .criteria import FRACTIONS, Criteria, Criterion, compare_by_criteria
from .facts import (
    Area,
    Evidence,
    GroupFacts,
    MeansTest,
    PairTest,
    PerJoule,
    RankTest,
    Reached,
    Spread,
    StrategyFacts,
    VerdictFacts,
)
from .target import Target
from .timeline import allotment, common_energy, timeline
from .wording import target_sentence, verdict_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from ..tables.table import Table

NOT_STATED = "not stated"
"""Kind of joules of which a table does not say how they became known."""


def group_facts(by: Mapping[str, Any], table: Table, target: Target) -> GroupFacts:
    """Work out the numbers of a group.

    Args:
        by: The values that make the group.
        table: Its trials, and its slices and runs where it has any.
        target: The accuracy to reach.
    """
    timed = timeline(table)
    trials = table.trials.assign(kind=_kinds(table.trials))
    best = incumbents(timed)
    best_accuracy = float(best["accuracy"].max())
    target_accuracy = target.accuracy(best_accuracy)
    spent_j = totals_j(timed)
    common_j, common_is = common_energy(table, spent_j)
    reference_j = float(trials["energy_j"].max())
    runs = energy_to_target(timed, target_accuracy).assign(
        total_j=spent_j,
        best=best["accuracy"],
        test_accuracy=best["test_accuracy"],
        per_joule=accuracies_per_joule(timed),
        **{str(share): equal_energy(timed, share, common_j) for share in FRACTIONS},
    )
    criteria = compare_by_criteria(timed, common_j, target_accuracy)
    own_trials = dict(iter(trials.groupby("strategy", sort=False)))
    slices = table.trials if table.slices is None else table.slices
    own_slices = dict(iter(slices.groupby("strategy", sort=False)))
    strategies = {
        str(name): StrategyFacts(
            runs=len(own),
            **_over_time(own, criteria),
            **_of_trials(own_trials.get(name, trials.iloc[:0]), reference_j),
            accuracy_per_joule=PerJoule(
                run=_spread(own["per_joule"]),
                trial=_best_per_joule(own_trials.get(name, trials.iloc[:0]), target_accuracy),
                floor=number(target_accuracy),
            ),
            prediction_error=_prediction_error(own_slices.get(name, slices.iloc[:0])),
        )
        for name, own in runs.groupby("strategy", sort=False)
    }
    at_end = criteria.equal_energy[1.0]
    facts = GroupFacts(
        by={name: _value(value) for name, value in by.items()},
        trials=len(trials),
        runs=len(runs),
        common_j=number(common_j),
        common_is=common_is,
        allotment_j=allotment(table),
        best_accuracy=number(best_accuracy),
        target_accuracy=number(target_accuracy),
        reference_j=number(reference_j),
        energy_kinds=_counts(trials["kind"]),
        strategies=strategies,
        winners=criteria.each(lambda each: each.winner),
        ties=criteria.each(lambda each: each.verdict.tied),
        tests=criteria.each(_evidence),
        verdict=VerdictFacts(
            winner=at_end.winner,
            tie=at_end.verdict.tie,
            supported=at_end.verdict.supported,
            sentence="",
            reason=at_end.reason,
            target_sentence="",
        ),
    )
    sentences = {
        "sentence": verdict_sentence(facts),
        "target_sentence": target_sentence(facts),
    }
    return replace(facts, verdict=replace(facts.verdict, **sentences))


def number(value: float) -> float | None:
    """Return a number as JSON has it: None where it is unknown or not finite."""
    return float(value) if math.isfinite(value) else None


def _over_time(runs: pd.DataFrame, criteria: Criteria) -> dict[str, Any]:
    """What the runs of a strategy had found when, and what they spent."""
    name, hit = str(runs["strategy"].iloc[0]), runs["hit"]

    def placed(criterion: Criterion, share: float) -> Spread | None:
        """The interval that was compared; None if no run had a result by then."""
        if runs[str(share)].isna().all():
            return None
        return _as_spread(criterion.verdict.intervals[name])

    return {
        "energy_j": _spread(runs["total_j"]),
        "energy_cv": number(coefficient_of_variation(runs["total_j"])),
        "accuracy": _spread(runs["best"]),
        "test_accuracy": _spread(runs["test_accuracy"]),
        "equal_energy": {
            str(share): placed(each, share) for share, each in criteria.equal_energy.items()
        },
        "energy_to_target": Reached(
            hits=int(hit.sum()),
            runs=len(runs),
            censored=tuple(str(run) for run in runs.index[~hit]),
            ert_j=number(expected_energy_to_target(runs)),
            energy_j=_spread(runs["energy_j"][hit]),
        ),
        "anytime": placed(criteria.anytime, 1.0),
    }


def _of_trials(trials: pd.DataFrame, reference_j: float) -> dict[str, Any]:
    """What the trials of a strategy are, whenever they ended."""
    known = trials.dropna(subset=["energy_search_j", "energy_j"])
    known_j = float(known["energy_j"].sum())
    area_j = hypervolume(trials, reference_j) if trials["energy_j"].notna().any() else math.nan
    return {
        "trials": len(trials),
        "states": _counts(trials["state"]),
        "energy_kind": _joined(trials["kind"]),
        "hypervolume": Area(number(area_j), number(area_j / reference_j) if reference_j else None),
        "search_share": float(known["energy_search_j"].sum()) / known_j if known_j else None,
    }


def _best_per_joule(trials: pd.DataFrame, floor: float) -> float | None:
    """The most accuracy per joule of a trial at or above the floor."""
    counted = trials["state"].isin(RESULTS) & (trials["energy_j"] > 0)
    good = trials[counted & (trials["accuracy"] >= floor)]
    return number((good["accuracy"] / good["energy_j"]).max())


def _prediction_error(slices: pd.DataFrame) -> float | None:
    """Median relative error of the joules that a strategy predicted of its whole slices."""
    whole = slices["state"].isin((State.COMPLETE, State.PAUSED)) & (slices["energy_j"] > 0)
    known = slices[whole].dropna(subset=["predicted_j"])
    return number((known["predicted_j"] / known["energy_j"] - 1).abs().median())


def _evidence(criterion: Criterion) -> Evidence:
    test, means = criterion.verdict.test, criterion.verdict.means
    return Evidence(
        kruskal_wallis=RankTest(
            number(test.h), number(test.p), number(test.eta_squared), test.k, test.n
        ),
        pairs=tuple(
            PairTest(each.a, each.b, number(each.p), number(each.cliffs_delta))
            for each in criterion.verdict.pairs
        ),
        parametric=MeansTest(
            method=means.method,
            f=number(means.f),
            p=number(means.p),
            omega_squared=number(means.omega_squared),
            shapiro_p={name: number(p) for name, p in means.shapiro_p.items()},
            levene_p=number(means.levene_p),
            reason=means.reason,
        ),
        conclusive=criterion.conclusive,
        reason=criterion.reason,
    )


def _spread(values: pd.Series) -> Spread | None:
    return _as_spread(interval(values))


def _as_spread(found: Interval) -> Spread | None:
    if not found.n:
        return None
    return Spread(found.median, number(found.low), number(found.high), found.n)


def _kinds(trials: pd.DataFrame) -> pd.Series:
    """How the joules of each trial became known."""
    kinds = trials["energy_kind"].fillna(NOT_STATED)
    return kinds.where(trials["energy_j"].notna(), Kind.UNAVAILABLE.value)


def _value(value: Any) -> Any:
    """The value of a group in JSON's types."""
    known = value is None or isinstance(value, str | int)
    return value if known or (isinstance(value, float) and math.isfinite(value)) else str(value)


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts().items()}


def _joined(kinds: Iterable[str]) -> str:
    return "+".join(sorted({part for kind in set(kinds) for part in kind.split("+")}))
