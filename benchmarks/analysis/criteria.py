"""Which strategy of a group wins by which criterion, and whether its runs support saying so."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ..statistics import energy_to_target
from .facts import ByCriterion
from .verdict import Verdict, compare_strategies

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

FRACTIONS = (0.25, 0.5, 1.0)
"""Shares of the energy that all runs had, at which accuracies are compared."""


@dataclass(frozen=True)
class Criterion:
    """What one criterion says of a group.

    Attributes:
        verdict: All strategies, the best by this criterion first.
        unknown: Those of which no run can be placed, since its joules are not known.
    """

    verdict: Verdict
    unknown: tuple[str, ...]

    @property
    def comparable(self) -> bool:
        """Whether there are two strategies that can be compared."""
        return len(self.verdict.intervals) - len(self.unknown) > 1

    @property
    def winner(self) -> str | None:
        """The best strategy; None where nothing can be compared, or none has a result."""
        return self.verdict.winner if self.comparable else None

    @property
    def conclusive(self) -> bool:
        """Whether there are strategies and runs enough to conclude anything."""
        return self.comparable and self.verdict.test.conclusive

    @property
    def reason(self) -> str:
        """Why the winner wins, or why nothing can be said, in a sentence."""
        if self.comparable or not self.unknown:
            return self.verdict.reason
        return f"Nothing can be compared: the joules of {', '.join(self.unknown)} are not known."


@dataclass(frozen=True)
class Criteria:
    """What each criterion says of a group.

    Attributes:
        equal_energy: The highest median accuracy, by share of the energy that all runs had.
        energy_to_target: The fewest expected joules to the target.
        anytime: The highest median anytime score.
    """

    equal_energy: dict[float, Criterion]
    energy_to_target: Criterion
    anytime: Criterion

    def each(self, say: Callable[[Criterion], T]) -> ByCriterion[T]:
        """What is said of every criterion."""
        return ByCriterion(
            {str(share): say(each) for share, each in self.equal_energy.items()},
            say(self.energy_to_target),
            say(self.anytime),
        )


def compare_by_criteria(trials: pd.DataFrame, common_j: float, target: float) -> Criteria:
    """Compare the strategies of a group by each criterion.

    Args:
        trials: What the runs knew when: slices, or trials.
        common_j: The joules that all runs are compared at; NaN if no total is known.
        target: The accuracy to reach; NaN if there is none.
    """
    equal = {
        share: compare_strategies(trials, common_j=common_j, fraction=share) for share in FRACTIONS
    }
    anytime = compare_strategies(trials, "anytime_score", common_j=common_j)
    to_target = compare_strategies(trials, "energy_to_target", target=target)
    if math.isnan(target):
        reason = "No trial has a result, so there is no accuracy to reach."
        to_target = dataclasses.replace(to_target, reason=reason)
    reached = energy_to_target(trials, target)
    placed = set(reached["strategy"][reached["energy_j"].notna()])
    return Criteria(
        {share: Criterion(verdict, _unplaced(verdict)) for share, verdict in equal.items()},
        Criterion(to_target, tuple(name for name in to_target.intervals if name not in placed)),
        Criterion(anytime, _unplaced(equal[1.0])),  # its scores are unknown without a result, too
    )


def _unplaced(verdict: Verdict) -> tuple[str, ...]:
    return tuple(name for name, each in verdict.intervals.items() if not each.n)
