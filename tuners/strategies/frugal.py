"""Frugal search by learning curves and joules: ``frugal``, ``frugal-prior``.

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

How it works:

1. Trials are paused at rungs (1, 2, 4 … epochs) and gone on with only if that is worth it, as in
   freeze-thaw optimisation (Swersky, Snoek and Adams 2014, arXiv 1406.3896).
2. A Gaussian process of candidates and rungs (`parts.curve_kernel`), with a product kernel as in
   latent Kronecker processes (Lin et al. 2024, arXiv 2410.09239), learns from the trials that went
   on how much each rung tells of the next. First epochs that rank candidates by chance count
   little; first epochs that tell count much. A model whose forecasts missed is less sure of the
   next ones (`parts.curve_model`).
3. The most promising new candidates and paused trials are weighed at every rung ahead of them: the
   logarithm of the expected improvement less ``alpha`` times that of the joules, the cost cooling
   of Lee et al. (2020, arXiv 2003.10870) with a fixed alpha. The best is trained to its next rung,
   and all are weighed again.
4. Half of the joules go to plain asynchronous successive halving (Li et al., MLSys 2020), by scores
   alone. The model learns from its results, and halving goes on with trials of the model too. So
   a model that is wrong cannot take all joules.
5. Candidates are 512 well-spread points (`parts.candidate_pool`), twice as many when
   three quarters of them are tried. With ``frugal-prior`` half as many more come from published
   defaults of optimisers (`parts.priors`): two thirds of the new trials at first, fewer where the
   best trials lie far from the defaults, by the rule of PriorBand (Mallik et al. 2023, arXiv
   2306.12370) without its mutations. The first four trials are the cheapest of the first sixteen
   candidates.
6. Of earlier searches (`Task.earlier`) each candidate gets its expected rank as one more feature,
   whose worth is learnt like that of any other. Every second candidate that is begun without the
   model, at the start and by halving, is then the best by those searches. This is after Feurer,
   Letham and Bakshy (2018, arXiv 1802.02219).
7. If `Task.stop_early` says what the budget is worth, it ends once no slice promises its price in
   score (Xie et al. 2025, arXiv 2507.12453) and ten candidates in a row gained nothing.

When to use it: to find a good network for few joules where trainings take several epochs. With
``frugal-prior`` if the space has a learning rate whose range holds the usual ones. With one epoch
there are no rungs, and it is a Gaussian process beside evenly spread points.

Formula: the candidate x and the rung i of which the most is made; EI as forecast at that rung,
joules those until it:

    log EI(x, i) - alpha log joules(x, i),    alpha = 0.5

What it promises: proposals are a function of the seed, of what was told and of the joules spent. No
candidate is begun twice, and no trial is begun again. About half of the joules go to halving,
whatever the model believes. It spends its budget, unless `Task.stop_early` asks otherwise: it ends
when nothing fits the joules left, or when the whole space is trained. Slices that the model
chose carry a forecast of their score, an 80 % interval, and are long enough to take three times the
joules of an ask and a thousandth of the budget, as far as rungs allow. Rungs are counted in epochs,
whatever `Task.fidelity` is.

What was tried: mean joules to 95 to 99 % of the best score over those of the best of random, TPE,
ASHA and Hyperband on each task, on 22 tasks of LCBench or every second of them, 4 seeds, so within
about 0.06. Compare within a line only, since the rest of the strategy changed in between:

- No halving 0.98; a quarter of the joules to it 0.83, half 0.73, 70 % 0.80.
- Halving ranked by the model's forecasts instead of scores: 0.89.
- Fresh candidates at each fit: 1.09, since near copies of the best are tried again and again.
- Candidates around the best: worse still, many searches never left them.
- A correlation of 0.95 between neighbouring rungs before any is seen: 0.98, with 0.7 it was 0.83.
- The first look at the rung of the greatest squared correlation per epoch of all rungs: 1.03, with
  the choice among the first two (`CurveLearner.first_rung`) it was 0.87.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...models.outcome import State
from ...models.space import Space
from ..parts.candidate_pool import CandidatePool, CandidateSource, Key, key_of
from ..parts.curve_kernel import Integers, Seen
from ..parts.curve_learner import CurveLearner
from ..parts.curve_model import Belief, CurveModel
from ..parts.encoding import Array, Encoding, Params
from ..parts.energy_aware import LEAST_BEFORE_STOP
from ..parts.energy_model import EnergyModel
from ..parts.history import TrialSoFar
from ..parts.multifidelity import promotion
from ..parts.prior_shares import PriorShares
from ..parts.priors import Prior
from ..parts.rungs import Ladder, Standing
from ..parts.surrogate import log_ei
from ..parts.transfer import Transfer
from ..strategy import Task, Told, Work, ask_seed, resembles

ALPHA = 0.5  # how much the joules count: 0 is plain expected improvement, 1 improvement per joule
HALVING = 0.5  # share of the joules that goes to plain successive halving
N_STARTUP = 4  # trials before the model is asked
STARTUP_POINTS = 16  # of which the cheapest are these
SHORTLIST = 16  # best candidates by their forecast for the last rung, looked at closely
MOST_PAUSED = 48  # the same of paused trials
ETA = 2.0  # ratio of a rung to the one below
LEAST_SLICE = 3.0  # a slice costs at least so many times what its ask does
LEAST_SHARE = 1e-3  # and this share of the budget, where that is finite
NOTHING_FITS = "no slice that is left to train fits the joules left"
_ENERGY_GROWTH = 1.15  # of results, when the model of joules is fitted again


class _Option(NamedTuple):
    """What may be trained next."""

    params: Params
    features: Array
    epochs: int  # behind it
    epoch_j: float
    trial: int | None  # None of a new one


class FrugalStrategy:
    """Weighs going on with each paused trial against beginning each candidate, by joules.

    ``alpha`` and ``halving`` are as `ALPHA` and `HALVING`; with ``prior`` candidates also come from
    published defaults (`parts.priors`), by the rule of `parts.prior_shares`.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        task: Task | None = None,
        *,
        alpha: float = ALPHA,
        halving: float = HALVING,
        prior: bool = False,
    ) -> None:
        self._seed, self._alpha, self._halving = seed, alpha, halving
        self._task = task or Task()
        self._ladder = Ladder(space.longest(), eta=ETA)
        self._rungs = self._ladder.rungs
        self._encoding = Encoding(space.with_fixed("epochs", space.longest()))
        self._energy = EnergyModel(space, self._task)
        claimed = Prior.of(self._encoding.space) if prior else None
        self._prior = None if claimed is None or claimed.claims_nothing else claimed
        transfer = Transfer(self._encoding, self._task.earlier)
        self._transfer = None if transfer.knows_nothing else transfer
        self._source = CandidateSource(
            self._encoding, self._energy, seed, self._prior, self._transfer
        )
        self._history: list[Told] = []
        self._trials: dict[int, TrialSoFar] = {}
        self._features: dict[int, Array] = {}
        self._tried: set[Key] = set()
        self._learner = CurveLearner(self._rungs, self._task.metric)
        self._halved_j = self._spent_j = 0.0
        self._best_score, self._in_vain = -math.inf, 0  # candidates begun since it was found
        self._shared: Params = {}  # what is common to the candidates that are asked for
        self.why_done = ""  # see `Strategy`
        self._energy_due = self._energy_known = 0  # results that the model of joules learns from

    def ask_like(self, spent_j: float, shared: Params) -> Work | None:
        """The same among candidates that have these values."""
        self._shared = shared
        try:
            return self.ask(spent_j)
        finally:
            self._shared = {}

    def ask(self, spent_j: float) -> Work | None:
        """The next slice, of halving or of the model; None if none fits the budget."""
        if self._energy_known != self._energy_due:
            self._energy.fit(self._history[: self._energy_due])
            self._energy_known = self._energy_due
        new, epoch_j = self._untried(), self._energy.epoch_j(self._pool.work)
        left_j = self._task.budget_j - spent_j
        joules = self._rungs[0] * epoch_j[new] + self._energy.overhead_j
        fitting = new[self._energy.affordable(joules, left_j)]
        start = fitting[fitting < STARTUP_POINTS]
        if len(self._trials) < N_STARTUP and len(start):
            first = start[0 if self._transfer else epoch_j[start].argmin()]
            return self._work(self._new(first, epoch_j), self._rungs[0])
        if not self._learner.is_ready:  # nothing is validated yet
            if not len(fitting):
                self.why_done = NOTHING_FITS
                return None
            return self._work(self._new(fitting[0], epoch_j), self._rungs[0])
        work = self._halve(new, epoch_j, left_j) if self._halves else None
        return work or self._choose(new, epoch_j, left_j)

    def tell(self, result: Told) -> None:
        """Learn a result; the next ask fits the models, since a rebuilt one needs the last fit."""
        energy_j = result.energy_j or 0.0
        self._halved_j += energy_j if self._halves else 0.0
        self._spent_j += energy_j
        self._history.append(result)
        if len(self._history) >= _ENERGY_GROWTH * self._energy_due:
            self._energy_due = len(self._history)
        number = result.trial
        trial = self._trials.setdefault(number, TrialSoFar(number, result.params))
        trial.add(result)
        if number not in self._features:
            self._in_vain += 1
            self._features[number] = self._features_of(result.params)
            self._tried.add(key_of(result.params))
        if trial.score is not None and trial.score > self._best_score:
            self._best_score, self._in_vain = trial.score, 0
        self._learner.add(trial, self._features[number])

    @property
    def _halves(self) -> bool:
        """Whether the next slice is one of successive halving."""
        is_started = len(self._trials) >= N_STARTUP and self._learner.is_ready
        return is_started and self._halved_j < self._halving * self._spent_j

    @property
    def _pool(self) -> CandidatePool:
        return self._source.pool(len(self._tried), self._shared, self._task.shared)

    def _features_of(self, params: Params) -> Array:
        features = self._encoding.features(params)
        if self._transfer is None:
            return features
        return np.append(features, self._transfer.expected(features[None]))

    def _untried(self) -> Integers:
        """The candidates of the pool that may be begun; with a prior, those from it or the others.

        Which of the two follows from their shares, which favour what made the best candidates.
        """
        keys, history = self._pool.keys, len(self._history)
        new = np.array([i for i, key in enumerate(keys) if key not in self._tried], dtype=int)
        if self._prior is None:
            return new
        share = PriorShares.after(self._prior, self._trials.values()).prior
        is_wanted = np.random.default_rng(ask_seed(self._seed, history)).random() < share
        chosen = new[self._pool.is_of_prior[new] == is_wanted]
        return chosen if len(chosen) else new

    def _halve(self, new: Integers, epoch_j: Array, left_j: float) -> Work | None:
        """The next slice of asynchronous halving among all trials, by what they scored.

        None if it would not fit the budget.
        """
        standing = Standing(self._ladder, self._trials, left_j)
        standing.wanted = {n for n, t in self._trials.items() if resembles(t.params, self._shared)}
        step = promotion(standing, self._trials, self._learner.first_rung)
        if step is not None and step.trial is not None:
            option, until = self._paused(self._trials[step.trial]), step.until
        elif len(new):
            option = self._new(new[0], epoch_j)
            until = self._until(option, least_share=0.0)
        else:
            return None
        work = self._work(option, until)
        return None if (work.predicted_j or 0.0) > left_j else work

    def _choose(self, new: Integers, epoch_j: Array, left_j: float) -> Work | None:
        """The slice that the model makes most of."""
        model, best = self._learner.model(self._pool.features), self._learner.best
        options = [
            *(self._new(i, epoch_j) for i in _promising(model.watch(), new, best)),
            *(self._paused(trial) for trial in self._waiting(model, best)),
        ]
        if not options:
            self.why_done = "all its candidates were trained"
            return None
        epochs = np.array([each.epochs for each in options])[:, None]
        further = np.maximum(np.array(self._rungs) - epochs, 0)
        prices = np.array([each.epoch_j for each in options])[:, None]
        joules = (further * prices + self._energy.overhead_j).ravel()
        ahead = np.flatnonzero(further.ravel())
        ahead = ahead[self._energy.affordable(joules[ahead], left_j)]
        if not len(ahead):
            self.why_done = NOTHING_FITS
            return None
        belief = model.predict(self._points(options))
        # EI-cool of Lee et al. 2020 with a fixed alpha: log EI - alpha log(joules)
        gain = log_ei(belief.mean[ahead], belief.std[ahead], best)
        value = gain - self._alpha * np.log(joules[ahead])
        if self._task.stop_early is not None and self._is_enough(gain, joules[ahead], best):
            return None
        n_rungs = len(self._rungs)
        index = int(ahead[value.argmax()]) // n_rungs
        until = self._until(options[index])
        row = index * n_rungs + self._rungs.index(until)
        forecast = self._learner.forecast(float(belief.mean[row]), float(belief.std[row]))
        return replace(self._work(options[index], until), predicted_score=forecast)

    def _is_enough(self, log_gain: Array, joules: Array, best: float) -> bool:
        """Whether nothing is worth its joules, by the price of Xie et al. 2025, arXiv 2507.12453.

        A gain in merit times the error is about the gain in score. The model is believed only
        once `LEAST_BEFORE_STOP` candidates in a row, well spread as all are, gained nothing.
        """
        worth = (self._task.stop_early or 0.0) / self._task.budget_j * joules
        gain = self._learner.scale * np.exp(np.minimum(log_gain - best, 0.0))
        if self._in_vain < LEAST_BEFORE_STOP or (gain > worth).any():
            return False
        self.why_done = (
            f"nothing promises what its joules are worth, and {self._in_vain} candidates in a row "
            "gained nothing"
        )
        return True

    def _waiting(self, model: CurveModel, best: float) -> list[TrialSoFar]:
        """The paused trials that promise most at the last rung."""
        waiting = [
            trial
            for trial in self._trials.values()
            if trial.state is State.PAUSED and resembles(trial.params, self._shared)
        ]
        if len(waiting) <= MOST_PAUSED:
            return waiting
        last = np.full(len(waiting), self._ladder.top)
        numbers = np.array([trial.number for trial in waiting])
        points = Seen(np.array([self._features[n] for n in numbers]), numbers, last)
        rows = np.arange(len(waiting))
        return [waiting[i] for i in _promising(model.predict(points), rows, best, MOST_PAUSED)]

    def _points(self, options: Sequence[_Option]) -> Seen:
        """All rungs of each option."""
        n_rungs = len(self._rungs)
        numbers = [-1 - i if each.trial is None else each.trial for i, each in enumerate(options)]
        return Seen(
            np.repeat(np.array([each.features for each in options]), n_rungs, axis=0),
            np.repeat(np.array(numbers), n_rungs),
            np.tile(np.arange(n_rungs), len(options)),
        )

    def _new(self, candidate: int, epoch_j: Array) -> _Option:
        pool = self._pool
        features = pool.features[candidate]
        return _Option(pool.params[candidate], features, 0, float(epoch_j[candidate]), None)

    def _paused(self, trial: TrialSoFar) -> _Option:
        """Going on with a trial, whose epochs take what its own took."""
        if last := max(trial.energies_j, default=0):
            epoch_j = trial.energies_j[last] / last
        else:
            epoch_j = float(self._energy.predict_epoch([trial.params])[0])
        number = trial.number
        return _Option(trial.params, self._features[number], trial.epochs, epoch_j, number)

    def _until(self, option: _Option, least_share: float = LEAST_SHARE) -> int:
        """The next rung at which to look: one that tells something, and is worth its ask."""
        first = self._rungs[self._learner.first_rung]
        above = [rung for rung in self._rungs if rung > option.epochs and rung >= first]
        budget_j = self._task.budget_j if math.isfinite(self._task.budget_j) else 0.0
        least_j = max(LEAST_SLICE * self._energy.overhead_j, least_share * budget_j)
        worth = (r for r in above if (r - option.epochs) * option.epoch_j >= least_j)
        return next(worth, above[-1])

    def _work(self, option: _Option, until: int) -> Work:
        predicted_j = (until - option.epochs) * option.epoch_j + self._energy.overhead_j
        return Work(
            option.params,
            until,
            pause=until < self._rungs[-1],
            trial=option.trial,
            predicted_j=predicted_j if self._energy.n_trials else None,
        )


def _promising(belief: Belief, rows: Integers, best: float, most: int = SHORTLIST) -> Integers:
    """The rows of the greatest expected improvement."""
    value = log_ei(belief.mean[rows], belief.std[rows], best)
    return rows[np.argsort(-value, kind="stable")[:most]]
