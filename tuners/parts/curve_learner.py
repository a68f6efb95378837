"""What is believed of all candidates at all rungs, learnt as a run goes on.

The kernel is fitted again when scores have grown by half, or by `REFIT_MOST`; in between each score
is appended. All is a function of the scores in their order, fitted when it is asked for: a learner
that is rebuilt, and asked only at the end, believes the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from ...models.metric import Metric
from ..strategy import Forecast
from .curve_kernel import CurveKernel, Integers, Seen
from .curve_model import CurveModel
from .curves_seen import CurvesSeen
from .encoding import Array
from .history import TrialSoFar

REFIT_GROWTH, REFIT_MOST = 1.5, 60
MOST_FITTED = 120  # scores that the kernel is fitted to
MOST_KEPT = 200  # scores that the model keeps at a fit
_OF_80 = (0.1, 0.5, 0.9)  # quantiles: the ends of an 80 % interval, and its middle
_BELIEVED = 1.6 * ndtri((np.arange(20) + 0.5) / 20) - 0.4
"""Misses in deviations that are believed in besides, as on the recorded tables of LCBench."""


class CurveLearner:
    """Learns merits by candidate and rung.

    Args:
        rungs: Epochs of the rungs.
        metric: What scores are of.
    """

    def __init__(self, rungs: Sequence[int], metric: Metric) -> None:
        self._rungs, self._curves = rungs, CurvesSeen(rungs, metric)
        self._fit_after = self._next_fit = 0
        self._fitted_after = self._seen = 0
        self._kernel: CurveKernel | None = None
        self._model: CurveModel | None = None
        self._pool: Array | None = None  # that the model watches
        self._kept: list[int] = []
        self._n_fitted = 0  # of those kept, the scores that were there when the kernel was fitted

    @property
    def is_ready(self) -> bool:
        """Whether there is anything to learn from."""
        return self._fit_after > 0

    def add(self, trial: TrialSoFar, features: Array) -> None:
        """Take what is new of a trial."""
        self._curves.add(trial, features)
        count = len(self._curves)
        if count and count >= self._next_fit:
            self._fit_after = count
            self._next_fit = min(math.ceil(REFIT_GROWTH * count), count + REFIT_MOST)

    @property
    def best(self) -> float:
        """The best merit of all."""
        return float(self._curves.merits().max())

    @property
    def scale(self) -> float:
        """The score that an error of 1 is."""
        return self._curves.scale().scale

    def forecast(self, mean: float, std: float) -> Forecast:
        """The score that is expected of a merit of the model, with a mean and a deviation.

        The interval is as wide, and lies as far off, as the model missed since its kernel was
        fitted, and as it misses on recorded searches: what a search chooses is worse than forecast.
        """
        assert self._model is not None
        missed = np.concatenate([self._model.misses[self._n_fitted :], _BELIEVED])
        spread = math.hypot(std / self._model.doubt, self._model.noise_std)
        score_of = self._curves.scale().score_of
        return Forecast(*(score_of(mean + spread * q) for q in np.quantile(missed, _OF_80)))

    @property
    def first_rung(self) -> int:
        """The rung at which a new trial is first looked at: the second, unless the first tells.

        It does where its squared correlation with the second is at least the ratio of their epochs:
        then it tells as much for its joules.
        """
        if len(self._rungs) < 3:
            return 0
        chain = self.kernel.chain
        correlation_2 = chain[0, 1] ** 2 / (chain[0, 0] * chain[1, 1])
        return int(correlation_2 < self._rungs[0] / self._rungs[1])

    @property
    def kernel(self) -> CurveKernel:
        """The kernel of the last fit that was due; only if `is_ready`."""
        if self._kernel is None or self._fitted_after != self._fit_after:
            self._fitted_after, self._model = self._fit_after, None
            merits = self._curves.merits(self._fit_after)
            rows = _best_and_any(merits, MOST_FITTED)
            chosen = merits[rows]
            spread = float(chosen.std())
            targets = (chosen - chosen.mean()) / (spread if spread > 1e-9 else 1.0)
            self._kernel = CurveKernel.fit(self._curves.seen(rows), targets, len(self._rungs))
        return self._kernel

    def model(self, pool: Array) -> CurveModel:
        """What is believed now, with the last rung of a pool of candidates watched, ``[n, d]``."""
        kernel, count = self.kernel, len(self._curves)
        n = len(pool)
        if self._model is None or self._pool is not pool:
            self._pool = pool
            numbers = -1 - np.arange(n)  # of no training
            watched = Seen(pool, numbers, np.full(n, len(self._rungs) - 1))
            self._model = CurveModel(kernel, watched)
            merits = self._curves.merits(self._fit_after)
            self._kept = [int(row) for row in _best_and_latest(merits, MOST_KEPT)]
            self._model.append(self._curves.seen(np.array(self._kept)))
            self._n_fitted = len(self._kept)
            self._seen = self._fit_after
        if self._seen < count:
            latest = np.arange(self._seen, count)
            self._model.append(self._curves.seen(latest))
            self._kept += [int(row) for row in latest]
            self._seen = count
        self._model.learn(self._curves.merits()[np.array(self._kept)])
        return self._model


def _best_and_any(merits: Array, most: int) -> Integers:
    """Rows of the best half and of others at random, so many at most, in their order.

    The latest in their place would be those that the search favours now: all alike.
    """
    count = len(merits)
    if count <= most:
        return np.arange(count)
    drawn = np.random.default_rng(count).choice(count, most // 2, replace=False)
    return np.union1d(_best(merits, most), drawn)


def _best_and_latest(merits: Array, most: int) -> Integers:
    """Rows of the best half and of the latest half, so many at most, in their order."""
    count = len(merits)
    if count <= most:
        return np.arange(count)
    return np.union1d(_best(merits, most), np.arange(count - most // 2, count))


def _best(merits: Array, most: int) -> Integers:
    return np.argsort(-merits, kind="stable")[: most // 2]
