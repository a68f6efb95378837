"""Frugal search: every next epoch goes where it promises most for its joules.

    >>> from perjoule.models.outcome import CurvePoint, State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Task, Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 4})
    >>> strategy = FrugalStrategy(space, seed=0, task=Task(budget_j=1000.0))
    >>> for number in range(4):
    ...     work = strategy.ask(spent_j=0.0)
    ...     width = work.params["width"]
    ...     curve = (CurvePoint(epoch=1, energy_j=width, score=1 - 1 / width, loss=0.1),)
    ...     told = Told(work.params, State.PAUSED, 1 - 1 / width, width, trial=number, epochs=1,
    ...                 curve=curve)
    ...     strategy.tell(told)
    >>> work = strategy.ask(spent_j=100.0)
    >>> work.predicted_j is not None and work.until <= 4
    True

When to use it: always, if joules count; it is made for them. It combines five ideas, each of which
pays by itself (`benchmarks/performance/strategies.py` measures them):

1. *Cheapest first*: it begins with one epoch of the cheapest of a few well-spread candidates.
2. *One model of all epochs*: a Gaussian process over hyperparameters and epochs learns from every
   validated epoch, so that half-trained candidates are worth as much as they tell (after Swersky,
   Snoek and Adams, "Freeze-Thaw Bayesian Optimization", 2014, arXiv 1406.3896).
3. *Pause and promote by value*: going on with a paused trial and beginning a new one are weighed
   alike, by log expected improvement at the best of several numbers of epochs, less a part of the
   log of the joules that takes from here: ``log EI - alpha log(joules)``, as in cost-cooled
   Bayesian optimisation (Lee et al. 2020, arXiv 2003.10870). What a trial took is not paid again.
4. *A thrifty search*: candidates are drawn once, hyperparameters of the model are fitted again only
   when data have grown by half, and a slice is at least a few times as dear as its ask.
5. *Knowing when to stop*: it ends when no option promises an improvement that is worth its joules,
   by the price of Xie et al. 2025 (arXiv 2507.12453), with the budget worth `WORTH` of accuracy
   (of other metrics, of the scale that `parts.merits` says).

What was tried and left out, by the expected joules to 99 % of the best accuracy on recorded digits
(16 seeds, so within a third or so): exploring around the best candidates (1.7 to 3 times the
joules: near copies of a cheap, middling network win by their price), twice as many candidates (1.8
times), the full price, alpha = 1 (1.3 times), alpha that cools with the budget (1.6 times), rungs
four apart instead of two (1.1 times). Where good learning rates are rare and show late, it may
settle too early: `gp-cooled` is the safer choice there.

What it promises: proposals are a function of space, seed and results. It never proposes what cannot
fit the budget by its prediction, pauses every trial at its rungs, and never trains a candidate
twice. It ends when nothing fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...models.outcome import State
from ...models.space import Space
from ..parts.encoding import Array, Encoding, Params
from ..parts.energy_aware import LEAST_BEFORE_STOP
from ..parts.energy_model import EnergyModel
from ..parts.history import TrialSoFar, trials_of
from ..parts.merits import Merits
from ..parts.surrogate import GaussianProcess, log_ei, sobol
from ..strategy import Task, Told, Work

ALPHA = 0.35  # how much the joules count: 0 is plain expected improvement, 1 improvement per joule
WORTH = 0.0001
"""Accuracy that is worth the whole budget: below its share, joules are better kept."""
N_CANDIDATES = 256
STARTUP_TRIALS, STARTUP_POINTS = 4, 16
REFIT_GROWTH = 1.5
LEAST_SLICE = 3.0  # a slice costs at least so many times what its ask does
MOST_OBSERVATIONS = 160  # above it, the best half and the latest half are kept: asks stay cheap
_LEAST_STD = 1e-6


class _Candidates(NamedTuple):
    """What may be begun: hyperparameters, their features, and the work of an epoch."""

    params: Sequence[Params]
    features: Array
    work: Array


class FrugalStrategy:
    """Weighs going on with each paused trial against beginning each candidate, by joules.

    ``alpha`` and ``worth`` are as `ALPHA` and `WORTH`; a worth of 0 never stops early.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        task: Task | None = None,
        *,
        alpha: float = ALPHA,
        worth: float = WORTH,
    ) -> None:
        self._seed, self._alpha, self._worth = seed, alpha, worth
        self._task = task or Task()
        longest = space.longest()
        self._rungs = (*(2**k for k in range(longest.bit_length()) if 2**k < longest), longest)
        self._encoding = Encoding(space.with_fixed("epochs", longest))
        self._energy = EnergyModel(space, self._task)
        self._history: list[Told] = []
        self._features: dict[int, Array] = {}
        self._trials: dict[int, TrialSoFar] = {}
        self._fitted: tuple[int, GaussianProcess] | None = None
        self._fit_after = self._next_fit = 0

    def ask(self, spent_j: float) -> Work | None:
        """The slice that promises most for its joules; None if none fits the budget."""
        trials = self._trials
        self._energy.fit(self._history)
        tried = {_key(trial.params) for trial in trials.values()}
        new = [i for i, params in enumerate(self._candidates.params) if _key(params) not in tried]
        epoch_j = self._energy.epoch_j(self._candidates.work)
        start = [i for i in new if i < STARTUP_POINTS]
        if start and len(trials) < STARTUP_TRIALS:
            return self._begin(min(start, key=lambda i: epoch_j[i]), 0.0)
        if not self._fit_after:  # nothing is validated yet
            return self._begin(new[0], 0.0) if new else None
        points, merits = self._observations(trials)
        model = self._process.learnt(points, merits)
        options, joules, owners = self._options(trials, new, epoch_j)
        fits = self._energy.affordable(joules, self._task.budget_j - spent_j)
        if not fits.any():
            return None
        mean, std = model.predict(options)
        best = float(merits.max())
        value = log_ei(mean, np.maximum(std, _LEAST_STD), best)
        if len(trials) >= LEAST_BEFORE_STOP and not self._any_worth_it(value, joules, best):
            return None
        # EI-cool of Lee et al. 2020 with a fixed alpha: log EI - alpha log(joules)
        value = np.where(fits, value - self._alpha * np.log(joules), -np.inf)
        owner = owners[int(value.argmax())]
        if isinstance(owner, TrialSoFar):
            return self._work(owner.params, owner.epochs, self._price(owner), owner.number)
        return self._begin(owner, float(epoch_j[owner]))

    def tell(self, result: Told) -> None:
        """Learn a result; the next ask fits the model, since a rebuilt one needs the last fit."""
        self._history.append(result)
        self._trials.setdefault(result.trial, TrialSoFar(result.trial, result.params)).add(result)
        trials = self._trials.values()
        n_observations = sum(len(self._learnt_at(trial)) + trial.failed for trial in trials)
        if n_observations and n_observations >= self._next_fit:
            self._fit_after = len(self._history)
            self._next_fit = math.ceil(REFIT_GROWTH * n_observations)

    @property
    def _process(self) -> GaussianProcess:
        """The model with the hyperparameters of the last fit that was due."""
        if self._fitted is None or self._fitted[0] != self._fit_after:
            known = trials_of(self._history[: self._fit_after])
            self._fitted = self._fit_after, GaussianProcess.fit(*self._observations(known))
        return self._fitted[1]

    def _learnt_at(self, trial: TrialSoFar) -> list[int]:
        """The epochs of a trial that the model learns from."""
        return [e for e in trial.scores if e in self._rungs or e == trial.epochs]

    def _any_worth_it(self, log_gain: Array, joules: Array, best: float) -> bool:
        """Whether a gain, about that in merit times the error, is worth its joules."""
        gain = np.exp(np.minimum(log_gain - best, 0.0))
        return bool((gain > self._worth / self._task.budget_j * joules).any())

    @cached_property
    def _candidates(self) -> _Candidates:
        """Drawn once: what was learnt of one is not lost among thousands of others.

        They are a function of space, networks and seed, kept for when this strategy is rebuilt.
        """
        shared, key = self._task.shared, (FrugalStrategy, repr(self._encoding.space), self._seed)
        if key not in shared:
            points = sobol(self._encoding, self._seed, N_CANDIDATES)
            drawn = (self._encoding.decode(point) for point in points)
            params = list({_key(each): each for each in drawn}.values())
            features = np.array([self._encoding.features(each) for each in params])
            shared[key] = _Candidates(params, features, self._energy.work_of(params))
        return shared[key]

    def _observations(self, trials: Mapping[int, TrialSoFar]) -> tuple[Array, Array]:
        """Points of the model and merits; a trial that failed merits as the worst of all."""
        learnt = [(t, e) for t in trials.values() for e in self._learnt_at(t)]
        merit = Merits.of(self._task.metric, (trial.scores[epoch] for trial, epoch in learnt))
        seen = [(trial, epoch, merit(trial.scores[epoch])) for trial, epoch in learnt]
        worst = min((each[2] for each in seen), default=merit.unknown)
        seen += [(t, max(t.epochs, 1), worst) for t in trials.values() if t.failed]
        points = np.array([self._point(trial, epoch) for trial, epoch, _ in seen])
        merits = np.array([each[2] for each in seen])
        if len(merits) <= MOST_OBSERVATIONS:
            return points, merits
        half = MOST_OBSERVATIONS // 2
        best = np.argsort(-merits, kind="stable")[:half]
        kept = np.union1d(best, np.arange(len(merits) - half, len(merits)))
        return points[kept], merits[kept]

    def _options(
        self, trials: Mapping[int, TrialSoFar], new: Sequence[int], epoch_j: Array
    ) -> tuple[Array, Array, list[TrialSoFar | int]]:
        """Every candidate and paused trial up to every rung: point, joules from here, index."""
        points, joules, owners = [], [], list[TrialSoFar | int]()
        besides_j = self._energy.overhead_j
        features, prices = self._candidates.features[new], epoch_j[new]
        for rung in self._rungs:
            height = np.full((len(new), 1), self._height(rung))
            points.append(np.hstack([features, height]))
            joules.append(rung * prices + besides_j)
            owners += new
        for trial in trials.values():
            if trial.state is not State.PAUSED:
                continue
            price = self._price(trial)
            for rung in (rung for rung in self._rungs if rung > trial.epochs):
                points.append(self._point(trial, rung)[None])
                joules.append(np.array([(rung - trial.epochs) * price + besides_j]))
                owners.append(trial)
        return np.vstack(points), np.concatenate(joules), owners

    def _begin(self, candidate: int, epoch_j: float) -> Work:
        """One epoch of a candidate, or as many as are worth an ask."""
        return self._work(self._candidates.params[candidate], 0, epoch_j)

    def _work(self, params: Params, epochs: int, epoch_j: float, trial: int | None = None) -> Work:
        """Train to the next rung that makes the slice worth its ask."""
        least_j = LEAST_SLICE * self._energy.overhead_j if epoch_j else 0.0
        above = [rung for rung in self._rungs if rung > epochs]
        until = next((r for r in above if (r - epochs) * epoch_j >= least_j), above[-1])
        known = self._energy.n_trials and epoch_j
        predicted_j = (until - epochs) * epoch_j + self._energy.overhead_j if known else None
        pause = until < self._rungs[-1]
        return Work(params, until, pause=pause, trial=trial, predicted_j=predicted_j)

    def _price(self, trial: TrialSoFar) -> float:
        """Joules of an epoch of a trial, by what its own took."""
        if last := max(trial.energies_j, default=0):
            return trial.energies_j[last] / last
        return float(self._energy.predict_epoch([trial.params])[0])

    def _point(self, trial: TrialSoFar, epoch: int) -> Array:
        if trial.number not in self._features:
            self._features[trial.number] = self._encoding.features(trial.params)
        return np.append(self._features[trial.number], self._height(epoch))

    def _height(self, epochs: int) -> float:
        """A number of epochs on the unit interval, logarithmic."""
        longest = self._rungs[-1]
        return math.log(epochs) / math.log(longest) if longest > 1 else 0.0


def _key(params: Params) -> tuple[Any, ...]:
    return tuple(sorted(params.items()))
