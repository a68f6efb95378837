"""Bayesian optimisation that weighs what a candidate may bring against its joules.

Strategies of this kind differ in their acquisition function alone. All begin with a few startup
trials, propose full trainings, never the same candidate twice, and none that cannot fit what is
left of the budget, as `EnergyModel` predicts; they end when nothing fits. A failed trial counts as
the worst result so far, and its joules are charged. What they propose is a function of seed,
results and joules spent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...models.metric import Metric
from ...models.space import Space
from ..strategy import Task, Told, Work, ask_seed
from .encoding import Array, Encoding, Params
from .energy_model import EnergyModel, epochs_wanted
from .history import TrialSoFar, trials_of
from .merits import Merits
from .surrogate import GaussianProcess, neighbours, sobol

STARTUP_TRIALS = 5
"""Trials before a model is asked. Starting with the five cheapest of 8 or 16 points, as Lee et al.
2020, made searches of a model of digits longer: they teach little of what good candidates share."""
POOL_POINTS, POOL_NEIGHBOURS, N_BEST = 256, 256, 5
"""Candidates of one ask, and how many of the best trials it looks around. With 1,000 points and 200
neighbours searches were no better (12 seeds, a model of digits), and asks took twice as long."""
LEAST_BEFORE_STOP = 10  # trials before a model is believed that nothing is worth its joules


class Beliefs(NamedTuple):
    """What is believed of n candidates."""

    mean: Array  # expected merit of each, shape [n]; see `merits`
    std: Array  # its standard deviation, shape [n]
    joules: Array  # predicted joules of each, shape [n]
    best: float  # merit so far
    spent_share: float  # of the budget, 0 without one
    n_trials: int  # so far


class EnergyAwareStrategy(ABC):
    """Proposes what an acquisition function ranks highest of a pool of candidates."""

    cheapest_first: ClassVar[bool] = False
    """Whether the startup trials, points of a Sobol sequence, begin with the one that is predicted
    to cost least, so that the model of joules is learnt on cheap ones; else they come as drawn."""

    def __init__(self, space: Space, seed: int, task: Task | None = None) -> None:
        self._seed, self._task = seed, task or Task()
        self._encoding = Encoding(space)
        self._energy = EnergyModel(space, self._task)
        self._history: list[Told] = []
        self.why_done = ""  # see `Strategy`

    @abstractmethod
    def acquire(self, beliefs: Beliefs) -> Array | None:
        """The worth of each candidate, ``[n]``, highest first; None if none is worth it."""

    def ask(self, spent_j: float) -> Work | None:
        """A candidate for its own epochs; None if none fits the budget or is worth its joules."""
        trials = list(trials_of(self._history).values())
        points, merits = observations(self._encoding, trials, self._task.metric)
        self._energy.fit(self._history)
        left_j = self._task.budget_j - spent_j
        if len(trials) < STARTUP_TRIALS:
            points_of_start = sobol(self._encoding, self._seed, STARTUP_TRIALS)
            start = unseen(self._encoding, points_of_start, trials)
            options, joules = self._fitting(start, left_j)
            if options:
                first = int(joules.argmin()) if self.cheapest_first else 0
                return self._work(options, joules, first)
        seed = ask_seed(self._seed, len(self._history))
        options, joules = self._fitting(candidate_pool(self._encoding, trials, seed), left_j)
        if not options:
            self.why_done = "no candidate that is new fits what is left"
            return None
        if not len(merits):
            return self._work(options, joules, int(joules.argmin()))
        mean, std = GaussianProcess.fit(points, merits).predict(
            np.array([self._encoding.features(params) for params in options])
        )
        spent_share = spent_j / self._task.budget_j
        beliefs = Beliefs(mean, std, joules, float(merits.max()), spent_share, len(trials))
        worth = self.acquire(beliefs)
        if worth is None:
            self.why_done = "nothing is worth its joules"
            return None
        return self._work(options, joules, int(worth.argmax()))

    def tell(self, result: Told) -> None:
        """Learn a result."""
        self._history.append(result)

    def _work(self, options: Sequence[Params], joules: Array, chosen: int) -> Work:
        """One of several, with its predicted joules once there are trials to predict from."""
        predicted_j = float(joules[chosen]) if self._energy.n_trials else None
        return Work(options[chosen], epochs_wanted(options[chosen]), predicted_j=predicted_j)

    def _fitting(self, pool: Sequence[Params], left_j: float) -> tuple[list[Params], Array]:
        """Those that fit what is left of the budget, and their predicted joules."""
        joules = self._energy.predict(pool)
        fits = self._energy.affordable(joules, left_j)
        return [params for params, fit in zip(pool, fits, strict=True) if fit], joules[fits]


def observations(
    encoding: Encoding, trials: Sequence[TrialSoFar], metric: Metric
) -> tuple[Array, Array]:
    """Features of the trials at the epochs they reached, shape ``[n, d]``, and merits, ``[n]``.

    A failed trial merits as the worst; one without a score for another reason is left out.
    """
    known = [trial for trial in trials if trial.failed or trial.score is not None]
    reached = [trial.score for trial in known if trial.score is not None]
    merit = Merits.of(metric, reached)
    worst = min(map(merit, reached), default=merit.unknown)
    merits = [worst if t.score is None else merit(t.score) for t in known]
    searched = "epochs" in encoding.space.distributions
    points = [
        encoding.features({**t.params, "epochs": t.epochs} if searched and t.epochs else t.params)
        for t in known
    ]
    return np.array(points), np.array(merits)


def candidate_pool(encoding: Encoding, trials: Sequence[TrialSoFar], seed: int) -> list[Params]:
    """New candidates to choose from: all over the space, near the best trials, and the cheapest."""
    points = [*sobol(encoding, seed, POOL_POINTS), encoding.unit(encoding.space.cheapest())]
    known = [(trial.score, trial.params) for trial in trials if trial.score is not None]
    if known:
        best = sorted(known, key=lambda each: -each[0])[:N_BEST]
        around = np.array([encoding.unit(params) for _, params in best])
        points += [*neighbours(around, seed, POOL_NEIGHBOURS)]
    return unseen(encoding, points, trials)


def unseen(
    encoding: Encoding, points: Iterable[Array], trials: Sequence[TrialSoFar]
) -> list[Params]:
    """The candidates at some points of the unit cube, once each, without those that were tried."""
    tried = {_key(trial.params) for trial in trials}
    candidates = {_key(params): params for params in map(encoding.decode, points)}
    return [params for key, params in candidates.items() if key not in tried]


def _key(params: Params) -> tuple[Any, ...]:
    """A candidate to nine digits: decoding a point of the unit cube may change the last ones."""
    return tuple(f"{x:.9g}" if isinstance(x, float) else x for _, x in sorted(params.items()))
