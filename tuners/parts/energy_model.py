"""What a candidate will cost, before it is trained: learnt from the run's own trials.

Before the first trial only ratios of its predictions mean anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...models.outcome import State
from ...models.space import Space, batch_size_of
from ..strategy import Task, Told
from .encoding import Array, Encoding, Params
from .surrogate import GaussianProcess, sobol

COST_POINTS = 64
"""Networks that are built to learn what all others cost. Building one takes milliseconds; building
one for every candidate of every ask would cost more than many trainings."""
BACKWARD_AND_FORWARD = 3
CLEAR_MARGIN = 0.7
"""A candidate predicted to cost up to 1 / 0.7 of what is left is still tried if it is the cheapest:
predictions err by about that much."""

_POWERS = np.array([0.6, 0.4, 0.0])
_POWERS_PENALTY = 1.0
_FEATURES_PENALTY = 0.2
_LOG_J = -15.0  # of one thread of a CPU; only until the first trial


class Epochs(NamedTuple):
    """What the validated epochs of one trial cost."""

    params: Params
    n_epochs: int
    energy_j: float  # of all of them, without the search where the trial has a curve


class _Law(NamedTuple):
    """The logarithm of an epoch's joules: ``level + (work - centre) @ slopes``."""

    level: float
    slopes: Array
    centre: Array


class EnergyModel:
    """Predicts joules as a power law of a candidate's work, or from its hyperparameters.

    Where networks can be built, ``log(joules of an epoch) = a + b log(operations) + c log(steps) +
    d log(parameters)`` of an epoch, with three times the operations of the forward pass. That is
    ridge regression (Hoerl and Kennard, 1970, doi:10.1080/00401706.1970.10488634) towards b = 0.6,
    c = 0.4, d = 0: networks that keep the hardware busy cost by their operations, small ones by
    their steps. Elsewhere the logarithm is linear in `Encoding.features`.

    Of 287 random trials of the default network on digits (AMD EPYC, one thread, joules modelled
    from CPU time, November 2026) the median prediction of an epoch is 21, 19 and 18 % off after 5,
    10 and 20 trials, and 52, 39 and 26 % without the operations.

    ``task.cost_of`` is asked about the same `COST_POINTS` candidates in every run: cache it.
    """

    def __init__(self, space: Space, task: Task) -> None:
        self._task = task
        if "epochs" in space.distributions:
            space = space.with_fixed("epochs", space.longest())
        self._encoding = Encoding(space)
        self._work = self._shared_work()
        level, slopes, self._penalty = _LOG_J, _POWERS, _POWERS_PENALTY
        if self._work is None:
            slopes = np.zeros(len(self._encoding.features(space.cheapest())))
            level, self._penalty = 0.0, _FEATURES_PENALTY
        self._law = self._unlearnt = _Law(level, slopes, np.zeros(len(slopes)))
        self.n_trials = 0  # trials that it learnt from
        self.overhead_j = 0.0  # joules of a trial outside its epochs: what its search costs

    def fit(self, history: Iterable[Told]) -> EnergyModel:
        """Learn from a run's results, and return itself; what was learnt before is forgotten."""
        history = list(history)
        trials = epochs_of(history)
        self.n_trials, self.overhead_j = len(trials), _overhead_j(history)
        self._law = self._learn(trials) if trials else self._unlearnt
        return self

    def predict_epoch(self, candidates: Sequence[Params]) -> Array:
        """Joules of one epoch of each candidate."""
        return self.epoch_j(self.work_of(candidates)) if candidates else np.zeros(0)

    def epoch_j(self, work: Array) -> Array:
        """Joules of one epoch, by what `work_of` gave, which stays as the model learns."""
        law = self._law
        return np.exp(law.level + (work - law.centre) @ law.slopes)

    def predict(self, candidates: Sequence[Params]) -> Array:
        """Joules of each candidate, trained for its own epochs, with what a trial costs besides."""
        epochs = np.array([epochs_wanted(params) for params in candidates], dtype=float)
        return epochs * self.predict_epoch(candidates) + self.overhead_j

    def affordable(self, joules: Array, left_j: float) -> NDArray[np.bool_]:
        """Which candidates fit what is left of a budget; all before the first trial.

        Where none does, the cheapest counts as fitting unless it is clearly too dear.
        """
        if not self.n_trials:
            return np.ones(len(joules), dtype=bool)
        fits = joules <= left_j
        if len(joules) and not fits.any():
            cheapest = int(joules.argmin())
            fits[cheapest] = CLEAR_MARGIN * joules[cheapest] <= left_j
        return fits

    def _learn(self, trials: Sequence[Epochs]) -> _Law:
        inputs = self.work_of([trial.params for trial in trials])
        logs = np.log([trial.energy_j / trial.n_epochs for trial in trials])
        centre = inputs.mean(axis=0)
        inputs = inputs - centre  # so that the level is not drawn towards anything
        residuals = logs - inputs @ self._unlearnt.slopes
        level = float(residuals.mean())
        # Hoerl and Kennard 1970: (X'X + kI) slopes = X'y, here from the slopes before any trial
        precision = inputs.T @ inputs + self._penalty * np.eye(len(centre))
        change = np.linalg.solve(precision, inputs.T @ (residuals - level))
        return _Law(level, self._unlearnt.slopes + change, centre)

    def work_of(self, candidates: Sequence[Params]) -> Array:
        """What the logarithm of an epoch's joules is linear in, shape ``[n, k]``."""
        features = np.array([self._encoding.features(params) for params in candidates])
        if self._work is None:
            return features
        operations, parameters = (model.predict(features)[0] for model in self._work)
        n_samples = self._task.n_samples
        steps = [max(n_samples / batch_size_of(params), 1) for params in candidates]
        operations += np.log(BACKWARD_AND_FORWARD * n_samples)
        return np.stack([operations, np.log(steps), parameters], axis=1)

    def _shared_work(self) -> tuple[GaussianProcess, GaussianProcess] | None:
        """Logarithms of operations per image and parameters, between networks that were built.

        They meet true operations within 3 % on the default space, and all runs share them.
        """
        key, shared = (EnergyModel, repr(self._encoding.space)), self._task.shared
        if key not in shared:
            shared[key] = self._learn_work()
        return shared[key]

    def _learn_work(self) -> tuple[GaussianProcess, GaussianProcess] | None:
        if (cost_of := self._task.cost_of) is None:
            return None
        features, costs = [], []
        for point in sobol(self._encoding, 0, COST_POINTS):
            params = self._encoding.decode(point)
            try:
                costs.append(cost_of(params))
            except Exception:  # noqa: BLE001 - the network is the user's, and may not exist
                continue
            features.append(self._encoding.features(params))
        if not costs:
            return None
        operations, parameters = np.log(np.maximum(costs, 1.0)).T
        points = np.array(features)
        return GaussianProcess.fit(points, operations), GaussianProcess.fit(points, parameters)


def epochs_wanted(params: Params) -> int:
    """Epochs that a candidate asks for; 1 where epochs are no hyperparameter."""
    return int(params.get("epochs", 1))


def epochs_of(history: Iterable[Told]) -> list[Epochs]:
    """What the known whole epochs of each trial cost, in the order trials were begun."""
    found: dict[int, Epochs] = {}
    behind: dict[int, int] = {}
    for told in history:
        count, energy_j = told.epochs - behind.get(told.trial, 0), told.energy_j
        behind[told.trial] = told.epochs
        if told.curve:
            count, energy_j = len(told.curve), told.curve[-1].energy_j
        elif told.state not in (State.COMPLETE, State.PAUSED):
            continue  # its joules are those of a part of an epoch, too
        if count < 1 or energy_j is None or not 0 < energy_j < np.inf:
            continue
        before = found.get(told.trial, Epochs(told.params, 0, 0.0))
        found[told.trial] = Epochs(told.params, before.n_epochs + count, before.energy_j + energy_j)
    return list(found.values())


def _overhead_j(history: Iterable[Told]) -> float:
    """Median joules of a slice outside its epochs, as far as curves tell."""
    outside = [
        max(told.energy_j - told.curve[-1].energy_j, 0.0)
        for told in history
        if told.state in (State.COMPLETE, State.PAUSED)
        and told.curve
        and told.energy_j is not None
        and told.curve[-1].energy_j is not None
    ]
    return median(outside) if outside else 0.0
