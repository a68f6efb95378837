"""What an analysis finds, as facts: `CONTRACT.md` says what each means, its unit, and its source.

What is not known is None, never zero and never NaN, so that all of it is JSON as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from ...models.metric import Metric
from ..statistics.inference import interval
from ..tables.facts import Fact, finite
from .support import Over

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

T = TypeVar("T")
R = TypeVar("R")
F = TypeVar("F", bound=Fact)

Basis = Literal["allotment", "interrupted", "smallest total"]
"""What the energy is at which strategies are compared: what each run may spend; what each had spent
when the comparison was interrupted; or, where the table knows no allotments, what each spent."""


@dataclass(frozen=True)
class ByCriterion(Fact, Generic[T]):
    """One thing for each criterion.

    Attributes:
        equal_energy: The best median score, by share of the common energy: ``"0.25"`` ….
        energy_to_target: The fewest expected joules to the target.
        anytime: The best median anytime score.
    """

    equal_energy: Mapping[str, T]
    energy_to_target: T
    anytime: T

    @property
    def at_end(self) -> T:
        """That of the whole common energy, by which the verdict is given."""
        return list(self.equal_energy.values())[-1]

    @property
    def all(self) -> list[T]:
        """Those of all criteria, in their order."""
        return [*self.equal_energy.values(), self.energy_to_target, self.anytime]

    def each(self, say: Callable[[T], R]) -> ByCriterion[R]:
        """What is said of every criterion."""
        equal = {share: say(one) for share, one in self.equal_energy.items()}
        return ByCriterion(equal, say(self.energy_to_target), say(self.anytime))


@dataclass(frozen=True)
class Spread(Fact):
    """A median over ``n`` runs with its bootstrap interval; no bounds for one run."""

    median: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Reached(Fact):
    """How the runs of a strategy came to the target: joules, and the runs that never did."""

    hits: int
    runs: int
    censored: tuple[str, ...]
    ert_j: float | None
    energy_j: Spread | None


@dataclass(frozen=True)
class PerJoule(Fact):
    """Score per joule: of the runs, and of the best trial above the floor."""

    run: Spread | None
    trial: float | None
    floor: float | None


@dataclass(frozen=True)
class Area(Fact):
    """The hypervolume that the trials of a strategy dominate, in joules and as a share.

    The score goes from 0, the reference score of the group, to 1, its ideal one.
    """

    energy_j: float | None
    share: float | None


@dataclass(frozen=True)
class StrategyFacts(Fact):
    """The numbers of one strategy in one group."""

    runs: int
    trials: int
    states: Mapping[str, int]
    energy_kind: str
    energy_j: Spread | None
    energy_cv: float | None
    score: Spread | None
    test_score: Spread | None
    equal_energy: Mapping[str, Spread | None]
    energy_to_target: Reached
    anytime: Spread | None
    score_per_joule: PerJoule | None
    hypervolume: Area
    search_share: float | None
    prediction_error: float | None

    @property
    def level(self) -> float | None:
        """Median score at the whole common energy."""
        found = list(self.equal_energy.values())[-1]
        return None if found is None else found.median


@dataclass(frozen=True)
class RankTest(Fact):
    """Whether the strategies differ at all, by ranks (Kruskal and Wallis)."""

    h: float | None
    p: float | None
    eta_squared: float | None
    k: int
    n: int


@dataclass(frozen=True)
class PairTest(Fact):
    """Two strategies, the better one first.

    Attributes:
        a: The better one.
        b: The other.
        p: Of the test over all pairs, corrected for their number.
        alone: Of the exact test of these two by themselves, not corrected.
        shown: Whether ``a`` is shown to be better by that, and by the interval of the ratio.
        cliffs_delta: How far the values of ``a`` lie above those of ``b``, -1 to 1.
        ratio: The expected joules of ``b`` over those of ``a``; None where ``b`` has none because
            it never reached the target, and for criteria that are no joules.
        low: Lower end of the ratio's 95 % interval; None where the ratio has no interval.
        high: Its upper end; None beside a ``low`` means that there is no upper bound.
    """

    a: str
    b: str
    p: float | None
    alone: float | None
    shown: bool
    cliffs_delta: float | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class FieldTest(Fact):
    """The winner of a criterion beside all other strategies together.

    Attributes:
        p: Of the exact test of its runs against all others, times half the number of strategies.
        ratio: The expected joules of the others together over those of the winner; None where they
            never reached the target, and for criteria that are no joules.
        low: Lower end of the ratio's 95 % interval; None where the ratio has no interval.
        high: Its upper end; None beside a ``low`` means that there is no upper bound.
    """

    p: float | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class MeansTest(Fact):
    """The same question asked of means, where the values allow it."""

    method: str | None
    f: float | None
    p: float | None
    omega_squared: float | None
    shapiro_p: Mapping[str, float | None]
    levene_p: float | None
    reason: str


@dataclass(frozen=True)
class Evidence(Fact):
    """What the runs say to one criterion, and whether they support its winner (`support`)."""

    kruskal_wallis: RankTest
    pairs: tuple[PairTest, ...]
    together: FieldTest | None
    parametric: MeansTest
    conclusive: bool
    supported: bool
    reason: str


@dataclass(frozen=True)
class Finding(Fact):
    """Who is best in one of the two ways that count, and whether the runs support it.

    Attributes:
        winner: The strategy that leads; None where there is none.
        tied: The winner and those as good as it, among whom joules broke the tie; else empty.
        supported: Whether the runs support it, as the sentence says it.
        over: What the winner is then shown to be better than: ``"each"`` other strategy, or all
            others ``"together"``, of which some may be as good; else None.
        beaten: Single strategies that it is shown to be better than: all others where that is
            ``"each"``, otherwise those that are left by the correction for all pairs.
        more_seeds: About how many more seeds would support it, if what the runs show is so; None
            where that cannot be said, where it is supported, and where it would take too many.
        sentence: The finding, in a sentence; empty where there is none.
        reason: What the runs say to it, in a sentence.
    """

    winner: str | None
    tied: tuple[str, ...]
    supported: bool
    over: Over | None
    beaten: tuple[str, ...]
    more_seeds: int | None
    sentence: str
    reason: str


@dataclass(frozen=True)
class VerdictFacts(Fact):
    """What a group shows: the two findings, and the sentence that says which the runs support.

    Attributes:
        budget: Fixed budget: who has the best score for the same joules.
        target: Fixed target: who reaches the target for the fewest expected joules.
        sentence: The finding or findings that the runs support; else what is ahead, and what would
            settle it.
        reason: What that rests on.
    """

    budget: Finding
    target: Finding
    sentence: str
    reason: str


@dataclass(frozen=True)
class TargetFacts(Fact):
    """The score to reach, and what it is made of.

    Attributes:
        score: The score to reach; None if no trial has a result.
        share: The share that was asked for; None if a score was.
        start: Where the way to the best begins, of which it is that share: the median score of
            random candidates; None if it is a share of the best score itself.
        start_of: Of which trials ``start`` is the median: those of the strategy ``random``, or all.
    """

    score: float | None
    share: float | None
    start: float | None
    start_of: Literal["random", "all"] | None


@dataclass(frozen=True)
class GroupFacts(Fact):
    """The numbers of one group of trials; scores are in the units of the metric."""

    by: Mapping[str, Any]
    metric: Metric
    trials: int
    runs: int
    common_j: float | None
    common_is: Basis
    allotment_j: float | None
    best_score: float | None
    target: TargetFacts
    reference_j: float | None
    reference_score: float | None
    ideal_score: float | None
    energy_kinds: Mapping[str, int]
    strategies: Mapping[str, StrategyFacts]
    winners: ByCriterion[str | None]
    ties: ByCriterion[tuple[str, ...]]
    tests: ByCriterion[Evidence]
    verdict: VerdictFacts

    @property
    def is_scored(self) -> bool:
        """Whether any score is known."""
        return self.best_score is not None


@dataclass(frozen=True)
class Ranks(Fact):
    """How strategies rank over groups."""

    statistic: float | None
    p: float | None
    n_groups: int
    strategies: Mapping[str, float]
    critical_difference: float | None
    cliques: tuple[tuple[str, ...], ...]
    conclusive: bool
    reason: str


@dataclass(frozen=True)
class RanksBy(Fact):
    """Ranks by score at the whole common energy, and by the anytime score."""

    equal_energy: Ranks | None
    anytime: Ranks | None


def number(value: float) -> float | None:
    """Return a number as JSON has it: None where it is unknown or not finite."""
    return float(value) if math.isfinite(value) else None


def as_fact(kind: type[F], statistic: Any) -> F:
    """Return a statistic as the fact with the same fields, None for numbers that JSON lacks."""
    return kind.from_dict(finite(vars(statistic)))


def spread(values: ArrayLike) -> Spread | None:
    """Return the median of values with its interval; None where there is none."""
    found = interval(values)
    return as_fact(Spread, found) if math.isfinite(found.median) else None
