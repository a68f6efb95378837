"""The numbers of one group of trials: of the group, and of each of its strategies.

What each means, and where it comes from, stands in ``CONTRACT.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...energy.source import Kind
from ...models.outcome import RESULTS, State
from ..statistics.inference import coefficient_of_variation
from ..statistics.runs import expected_energy_to_target, hypervolume
from .criteria import Criterion, compare_by_criteria
from .facts import (
    Area,
    ByCriterion,
    GroupFacts,
    PerJoule,
    Reached,
    StrategyFacts,
    number,
    spread,
)
from .findings import spoken, unspoken
from .naming import has_zero
from .orientation import best_bound, in_units, oriented, worst_bound
from .target import Target
from .timeline import allotment, common_energy, timeline

if TYPE_CHECKING:
    import pandas as pd

    from ...models.metric import Metric
    from ..tables.table import Table

NOT_STATED = "not stated"
"""Kind of joules of which a table does not say how they became known."""
OF_TRIALS = ["strategy", "state", "score", "energy_j", "energy_search_j"]
"""What the numbers of trials are read off."""


def group_facts(by: Mapping[str, Any], table: Table, target: Target) -> GroupFacts:
    """Work out the numbers of a group.

    Args:
        by: The values that make the group.
        table: Its trials, and its slices and runs where it has any.
        target: The score to reach.
    """
    curves, metric = timeline(table), table.metric
    trials = oriented(table.trials[OF_TRIALS].assign(kind=_kinds(table.trials)), metric)
    best = curves.incumbents()
    best_score = float(best["score"].max())
    to_reach = target.of(best_score, trials)
    target_score = math.nan if to_reach.score is None else to_reach.score
    worst, ideal = _reference_scores(trials, metric)
    common_j, common_is = common_energy(table, curves)
    reference_j = float(trials["energy_j"].max())
    reached = curves.energy_to_target(target_score)
    criteria = compare_by_criteria(curves, common_j, reached, target_score, metric)
    runs = reached.assign(
        total_j=curves.totals_j,
        best=best["score"],
        test_score=best["test_score"],
        per_joule=best["score"].astype(float) / best["found_j"].where(best["found_j"] > 0),
    )
    slices = table.rows_in_time
    slices = slices[["strategy", "state", "energy_j", "predicted_j"]]
    strategies = {}
    for name, own in runs.groupby("strategy", sort=False):
        mine = trials[trials["strategy"] == name]
        strategies[str(name)] = StrategyFacts(
            **_of_runs(own, criteria),
            **_of_trials(mine, reference_j, worst, ideal),
            score_per_joule=PerJoule(
                run=spread(own["per_joule"]),
                trial=_best_per_joule(mine, target_score),
                floor=number(target_score),
            )
            if has_zero(metric)
            else None,
            prediction_error=_prediction_error(slices[slices["strategy"] == name]),
        )
    facts = GroupFacts(
        by={name: _value(value) for name, value in by.items()},
        metric=metric,
        trials=len(trials),
        runs=len(runs),
        common_j=number(common_j),
        common_is=common_is,
        allotment_j=allotment(table),
        best_score=number(best_score),
        target=to_reach,
        reference_j=number(reference_j),
        reference_score=number(worst),
        ideal_score=number(ideal),
        energy_kinds=_counts(trials["kind"]),
        strategies=strategies,
        winners=criteria.each(lambda each: each.winner),
        ties=criteria.each(lambda each: each.tied),
        tests=criteria.each(lambda each: each.evidence),
        verdict=unspoken(criteria),
    )
    facts = in_units(facts)
    return replace(facts, verdict=spoken(facts))


def _of_runs(runs: pd.DataFrame, criteria: ByCriterion[Criterion]) -> dict[str, Any]:
    """What the runs of a strategy had found when, and what they spent."""
    name, hit = str(runs["strategy"].iloc[0]), runs["hit"]
    return {
        "runs": len(runs),
        "energy_j": spread(runs["total_j"]),
        "energy_cv": number(coefficient_of_variation(runs["total_j"])),
        "score": spread(runs["best"]),
        "test_score": spread(runs["test_score"]),
        "equal_energy": {key: each.spreads[name] for key, each in criteria.equal_energy.items()},
        "energy_to_target": Reached(
            hits=int(hit.sum()),
            runs=len(runs),
            censored=tuple(str(run) for run in runs.index[~hit]),
            ert_j=number(expected_energy_to_target(runs)),
            energy_j=spread(runs["energy_j"][hit]),
        ),
        "anytime": criteria.anytime.spreads[name],
    }


def _reference_scores(trials: pd.DataFrame, metric: Metric) -> tuple[float, float]:
    """The worst and the ideal oriented score: the bounds of the metric, else those of the trials.

    NaN where neither is known.
    """
    counted = trials["score"][trials["state"].isin(RESULTS)]
    worst, ideal = worst_bound(metric), best_bound(metric)
    return (
        float(counted.min()) if math.isinf(worst) else worst,
        float(counted.max()) if math.isinf(ideal) else ideal,
    )


def _of_trials(
    trials: pd.DataFrame, reference_j: float, worst: float, ideal: float
) -> dict[str, Any]:
    """What the trials of a strategy are, whenever they ended."""
    known = trials[["energy_search_j", "energy_j"]].dropna()
    known_j = float(known["energy_j"].sum())
    area_j = math.nan
    if trials["energy_j"].notna().any():
        area_j = hypervolume(trials, reference_j, worst, ideal)
    return {
        "trials": len(trials),
        "states": _counts(trials["state"]),
        "energy_kind": _joined(trials["kind"]),
        "hypervolume": Area(number(area_j), number(area_j / reference_j) if reference_j else None),
        "search_share": float(known["energy_search_j"].sum()) / known_j if known_j else None,
    }


def _best_per_joule(trials: pd.DataFrame, floor: float) -> float | None:
    """The most score per joule of a trial at or above the floor."""
    counted = trials["state"].isin(RESULTS) & (trials["energy_j"] > 0)
    good = trials[counted & (trials["score"] >= floor)]
    return number((good["score"] / good["energy_j"]).max())


def _prediction_error(slices: pd.DataFrame) -> float | None:
    """Median relative error of the joules that a strategy predicted of its whole slices."""
    whole = slices["state"].isin((State.COMPLETE, State.PAUSED)) & (slices["energy_j"] > 0)
    return number((slices["predicted_j"] / slices["energy_j"] - 1)[whole].abs().median())


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
