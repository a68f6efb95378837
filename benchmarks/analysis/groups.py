"""The numbers of one group of trials: of the group, and of each of its strategies.

What each means, and where it comes from, stands in ``CONTRACT.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...energy.source import Kind
from ...models.outcome import RESULTS
from ..statistics import (
    Interval,
    accuracies_per_joule,
    coefficient_of_variation,
    common_energy_j,
    energy_to_target,
    equal_energy,
    expected_energy_to_target,
    hypervolume,
    incumbents,
    interval,
    totals_j,
)
from .winners import FRACTIONS, Criteria, Criterion, compare_by_criteria

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from ..tables.table import Table

NOT_STATED = "not stated"
"""Kind of joules of which a table does not say how they became known."""
_COLUMNS = ["run", "strategy", "state", "accuracy", "test_accuracy", "energy_j"]


@dataclass(frozen=True)
class Target:
    """The accuracy to reach.

    Attributes:
        text: As it was asked for.
        value: An accuracy, or a share of the best accuracy in the group.
        is_share: Which of the two.
    """

    text: str
    value: float
    is_share: bool

    def accuracy(self, best: float) -> float:
        """The accuracy to reach in a group with this best one; NaN if that is not known."""
        return self.value * best if self.is_share else self.value


def group_numbers(by: Mapping[str, Any], table: Table, target: Target) -> dict[str, Any]:
    """Work out the numbers of a group, fit for JSON: what is not known is None.

    Args:
        by: The values that make the group.
        table: Its trials, and its slices where it has any: what goes by time is read off them.
        target: The accuracy to reach.
    """
    timed = (table.trials if table.slices is None else table.slices)[_COLUMNS]
    trials = table.trials[[*_COLUMNS, "energy_search_j"]].assign(kind=_kinds(table.trials))
    trials_of = dict(iter(trials.groupby("strategy", sort=False)))
    best = incumbents(timed)
    best_accuracy = float(best["accuracy"].max())
    target_accuracy = target.accuracy(best_accuracy)
    common_j, reference_j = common_energy_j(timed), float(trials["energy_j"].max())
    runs = energy_to_target(timed, target_accuracy).assign(
        total_j=totals_j(timed),
        best=best["accuracy"],
        test_accuracy=best["test_accuracy"],
        per_joule=accuracies_per_joule(timed),
        **{str(share): equal_energy(timed, share, common_j) for share in FRACTIONS},
    )
    criteria = compare_by_criteria(timed, common_j, target_accuracy)
    best_per_joule, search_share = _best_per_joule(trials, target_accuracy), _search_share(trials)
    strategies = {
        name: {
            "runs": len(own),
            "trials": len(trials_of[name]),
            "states": _counts(trials_of[name]["state"]),
            "energy_kind": _joined(trials_of[name]["kind"]),
            **_over_time(own, criteria),
            "accuracy_per_joule": {
                "run": _interval(own["per_joule"]),
                "trial": number(best_per_joule.get(name, math.nan)),
                "floor": number(target_accuracy),
            },
            "hypervolume": _hypervolume(trials_of[name], reference_j),
            "search_share": number(search_share.get(name, math.nan)),
        }
        for name, own in runs.groupby("strategy", sort=False)
    }
    at_end = criteria.equal_energy[1.0]
    return {
        "by": {name: _value(value) for name, value in by.items()},
        "trials": len(trials),
        "runs": len(runs),
        "common_j": number(common_j),
        "best_accuracy": number(best_accuracy),
        "target_accuracy": number(target_accuracy),
        "reference_j": number(reference_j),
        "energy_kinds": _counts(trials["kind"]),
        "strategies": strategies,
        "winners": criteria.each(lambda each: each.winner),
        "ties": criteria.each(lambda each: list(each.verdict.tied)),
        "tests": criteria.each(_test),
        "verdict": {
            "winner": at_end.winner,
            "tie": at_end.verdict.tie,
            "supported": at_end.verdict.supported,
            "reason": at_end.reason,
        },
    }


def number(value: float) -> float | None:
    """A number as JSON has it: None where it is unknown or not finite."""
    return float(value) if math.isfinite(value) else None


def _over_time(runs: pd.DataFrame, criteria: Criteria) -> dict[str, Any]:
    """What the runs of a strategy had found when, and what they spent."""
    name, hit = str(runs["strategy"].iloc[0]), runs["hit"]

    def placed(criterion: Criterion, share: float) -> dict[str, Any] | None:
        """The interval that was compared; None if no run had a result by then."""
        if runs[str(share)].isna().all():
            return None
        return _plain(criterion.verdict.intervals[name])

    return {
        "energy_j": _interval(runs["total_j"]),
        "energy_cv": number(coefficient_of_variation(runs["total_j"])),
        "accuracy": _interval(runs["best"]),
        "test_accuracy": _interval(runs["test_accuracy"]),
        "equal_energy": {
            str(share): placed(each, share) for share, each in criteria.equal_energy.items()
        },
        "energy_to_target": {
            "hits": int(hit.sum()),
            "runs": len(runs),
            "censored": [str(run) for run in runs.index[~hit]],
            "ert_j": number(expected_energy_to_target(runs)),
            "energy_j": _interval(runs["energy_j"][hit]),
        },
        "anytime": placed(criteria.anytime, 1.0),
    }


def _best_per_joule(trials: pd.DataFrame, floor: float) -> pd.Series:
    """The most accuracy per joule of a trial at or above the floor, by strategy."""
    counted = trials["state"].isin(RESULTS) & (trials["energy_j"] > 0)
    good = trials[counted & (trials["accuracy"] >= floor)]
    return (good["accuracy"] / good["energy_j"]).groupby(good["strategy"]).max()


def _search_share(trials: pd.DataFrame) -> pd.Series:
    """Share of the search in the joules of those trials of which both are known, by strategy."""
    known = trials.dropna(subset=["energy_search_j", "energy_j"]).groupby("strategy")
    return known["energy_search_j"].sum() / known["energy_j"].sum()


def _hypervolume(trials: pd.DataFrame, reference_j: float) -> dict[str, float | None]:
    known = trials["energy_j"].notna().any()
    area_j = hypervolume(trials, reference_j) if known else math.nan
    return {
        "energy_j": number(area_j),
        "share": number(area_j / reference_j) if reference_j else None,
    }


def _test(criterion: Criterion) -> dict[str, Any]:
    test, means = criterion.verdict.test, criterion.verdict.means
    return {
        "kruskal_wallis": {
            **{name: number(getattr(test, name)) for name in ("h", "p", "eta_squared")},
            "k": test.k,
            "n": test.n,
        },
        "pairs": [
            {
                "a": each.a,
                "b": each.b,
                "p": number(each.p),
                "cliffs_delta": number(each.cliffs_delta),
            }
            for each in criterion.verdict.pairs
        ],
        "parametric": {
            "method": means.method,
            **{name: number(getattr(means, name)) for name in ("f", "p", "omega_squared")},
            "shapiro_p": {name: number(p) for name, p in means.shapiro_p.items()},
            "levene_p": number(means.levene_p),
            "reason": means.reason,
        },
        "conclusive": criterion.conclusive,
        "reason": criterion.reason,
    }


def _interval(values: pd.Series) -> dict[str, Any] | None:
    return _plain(interval(values))


def _plain(found: Interval) -> dict[str, Any] | None:
    bounds = {name: number(getattr(found, name)) for name in ("median", "low", "high")}
    return {**bounds, "n": found.n} if found.n else None


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
