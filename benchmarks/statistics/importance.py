"""Which hyperparameters matter: for the score, and for the joules.

A forest learns each from the candidates of a table. The importance of a hyperparameter is the share
of the forest's variance that it explains alone (see `forests`). The interval holds 95 % of the
trees, each of which saw a bootstrap sample of the candidates. Of a forest that explains little of
candidates it has not seen, nothing is told. In simulations with 10 to 150 candidates of 8
hyperparameters, fewer than 2 % of those without any effect came out above chance; most of those
with one did from 20 candidates on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...energy.quantities import format_percent
from ...tuners.parts.quiet import quietly
from ...tuners.parts.studies import silent_study
from ..tables.table import counted
from .candidates import MOST_TRIALS, Candidates
from .forests import N_TREES, Forest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..tables.table import Table

    Array = NDArray[np.float64]

LEAST_CANDIDATES = 20
_LEAST_TRIALS, _LEAST_TREES = 300, 40
"""What each of many tables is looked at with, however many there are."""
LEAST_R2 = 0.25
"""Share of the variance of unseen candidates that a forest explains of which anything is told."""
_FARTHEST = 10.0
"""A score without a worst one counts as so many times behind the median as the best is ahead."""
_CHANCE = 95.0
_SHUFFLES = 19
"""So many times the scores are shuffled. What is above all hyperparameters in all of them is so by
chance in 5 % of the tables, however many hyperparameters there are (Westfall and Young, 1993)."""
_LEAST_OF_TENTHS, _MOST_OF_TENTHS = 100, 500
"""Candidates from which their best tenth is told; of more a seeded sample."""


@dataclass(frozen=True)
class Share:
    """What one hyperparameter explains alone, as a share of the variance, with its interval."""

    name: str
    value: float
    low: float
    high: float
    clear: bool  # whether it is more than a column of random numbers explains


@dataclass(frozen=True)
class Importance:
    """What explains one quantity."""

    candidates: int
    r2: float | None  # share of the variance of unseen candidates that the forest explains
    shares: tuple[Share, ...] = ()  # by hyperparameter, the largest first; none: cannot be told
    chance: float = 0.0  # what random numbers explain at most, in 95 % of trees
    reason: str = ""  # why it cannot be told

    @property
    def combined(self) -> float:
        """The share that only combinations of hyperparameters explain."""
        return max(1 - sum(each.value for each in self.shares), 0.0)

    def of(self, name: str) -> Share | None:
        """What a hyperparameter explains; None if that cannot be told."""
        return next((each for each in self.shares if each.name == name), None)


@dataclass(frozen=True, eq=False)
class Landscape:
    """The candidates of a table, and the forests that learnt from them; each is grown once."""

    candidates: Candidates
    n_trees: int = N_TREES

    @classmethod
    def of(cls, table: Table, tables: int = 1) -> Landscape | None:
        """The candidates of a table; None if nothing that varies was searched.

        Args:
            table: The trials.
            tables: How many tables share what time there is.
        """
        found = Candidates.of(table, max(MOST_TRIALS // tables, _LEAST_TRIALS))
        return None if found is None else cls(found, max(N_TREES // tables, _LEAST_TREES))

    @cached_property
    def score(self) -> Forest | None:
        """The forest of the oriented score; None if there are too few candidates."""
        scores, metric = self.candidates.score, self.candidates.metric
        known = scores[~np.isnan(scores)]
        if len(known) and not metric.is_share:
            middle = float(np.median(known))
            scores = np.maximum(scores, middle - _FARTHEST * (known.max() - middle))
        return self._grow(scores)

    @cached_property
    def log_j(self) -> Forest | None:
        """The forest of the logarithm of joules; None if there are too few candidates."""
        return self._grow(self.candidates.log_j)

    @cached_property
    def score_importance(self) -> Importance:
        """What explains the score."""
        return self._importance(self.score, self.candidates.score)

    @cached_property
    def energy_importance(self) -> Importance:
        """What explains the logarithm of the joules."""
        return self._importance(self.log_j, self.candidates.log_j)

    @cached_property
    def best_tenth(self) -> tuple[Share, ...]:
        """What sets the best tenth of the candidates apart, as shares of all that does; or ().

        By Optuna's PED-ANOVA (Watanabe et al., IJCAI 2023), beside what it says of shuffled scores.
        """
        return _ped_anova(self.candidates) if self.score_importance.shares else ()

    def _grow(self, target: Array) -> Forest | None:
        known = ~np.isnan(target)
        if known.sum() < LEAST_CANDIDATES:
            return None
        return Forest.grow(self.candidates.points[known], target[known], self.n_trees)

    def _importance(self, forest: Forest | None, target: Array) -> Importance:
        count = int((~np.isnan(target)).sum())
        if forest is None:
            few = f"known of {counted(count, 'different candidate')}, {LEAST_CANDIDATES} are needed"
            return Importance(count, None, reason=few)
        if not forest.r2 >= LEAST_R2:
            share = "nothing" if not forest.r2 > 0 else format_percent(forest.r2, 0)
            weak = f"a forest explains {share} of the variance of candidates not seen"
            return Importance(count, forest.r2, reason=weak)
        return Importance(count, forest.r2, *_shares(forest, self.candidates.names))


def _shares(forest: Forest, names: tuple[str, ...]) -> tuple[tuple[Share, ...], float]:
    found = forest.shares[~np.isnan(forest.shares).any(axis=1)]
    chance = float(np.percentile(found[:, -1], _CHANCE))
    mean, middle = found.mean(axis=0), np.median(found, axis=0)
    low, high = np.percentile(found, [2.5, 97.5], axis=0)
    shares = [
        Share(name, float(mean[i]), float(low[i]), float(high[i]), bool(middle[i] > chance))
        for i, name in enumerate(names)
    ]
    return tuple(sorted(shares, key=lambda each: -each.value)), chance


def _ped_anova(candidates: Candidates) -> tuple[Share, ...]:
    import optuna

    axes = {name: candidates.encoding.space.distributions[name] for name in candidates.names}
    draw = np.random.default_rng(0)
    known = np.flatnonzero(~np.isnan(candidates.score))
    if len(known) < _LEAST_OF_TENTHS:
        return ()
    if len(known) > _MOST_OF_TENTHS:
        known = np.sort(draw.choice(known, _MOST_OF_TENTHS, replace=False))
    trials = []
    for row in known:
        own = {name: value for name in axes if (value := candidates.params[row][name]) is not None}
        distributions = {name: axes[name] for name in own}
        trials.append(optuna.create_trial(params=own, distributions=distributions, value=0.0))
    with quietly():
        study = silent_study(0)
        study.add_trials(trials)

        def importances(scores: Array) -> dict[str, float]:
            return optuna.importance.get_param_importances(
                study, target=lambda trial: -float(scores[trial.number]), normalize=False
            )

        scores = candidates.score[known]
        found = importances(scores)
        shuffled = [importances(draw.permutation(scores)) for _ in range(_SHUFFLES)]
    chance = max(value for each in shuffled for value in each.values())
    total = sum(found.values()) or 1.0
    return tuple(
        Share(name, value / total, float("nan"), float("nan"), value > chance)
        for name, value in sorted(found.items(), key=lambda item: -item[1])
    )
