"""How much the scores of two slices of training tell of each other: a kernel of learning curves.

What a candidate ``x`` merits at the rung ``i`` of its training is taken to be

    f(x, i) = mean(i) + g(x, i) + noise

where ``mean`` is a random walk over the rungs that all candidates share, and ``g`` has the
covariance ``C[i, j] (smooth k(x, x') + own [x is x'])``: a product kernel of candidates and epochs
as in latent Kronecker Gaussian processes (Lin et al. 2024, arXiv 2410.09239). ``k`` is Matérn 5/2
with a length scale for each feature, ``own`` is what no hyperparameter tells, such as a lucky
initialisation. ``C`` is a chain: ``C[i, j] = s_i s_j rho_i ... rho_(j-1)``, one correlation for
each step from a rung to the next, as between the fidelities of Kennedy and O'Hagan (2000,
doi:10.1093/biomet/87.1.1). So a first epoch that ranks candidates no better than chance has a small
``rho_0``, learnt from the trials that went on, and is discounted by it; one that does tell is not.

Parameters are the most probable ones, as those of `surrogate.GaussianProcess`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .encoding import Array
from .surrogate import matern, square_distances

Integers = NDArray[np.int64]

_FIRST_STEP, _LATER_STEP = 0.5, 0.7  # correlations of a rung and the next, before any is seen
_CHAIN_SPREAD = 1.0  # of their logits
_LOG_OWN, _OWN_SPREAD = -2.5, 0.5
_LOG_NOISE = -5.0
_SCALE_SPREAD = 0.3  # of the logarithm of how much more, or less, candidates differ a rung higher
_BOUND = 4.0  # spreads of the priors that the fit keeps to, so that matrices are well conditioned
_MOST_STEPS = 40


class Seen(NamedTuple):
    """Where scores were seen, ``n`` of them."""

    features: Array  # of the candidates, shape [n, d]
    trials: Integers  # their numbers, shape [n]; the same number is the same training
    rungs: Integers  # counted from 0, shape [n]

    def at(self, rows: Integers) -> Seen:
        """Some of them."""
        return Seen(self.features[rows], self.trials[rows], self.rungs[rows])

    def and_then(self, other: Seen) -> Seen:
        """These, then others."""
        return Seen(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.trials, other.trials]),
            np.concatenate([self.rungs, other.rungs]),
        )


@dataclass(frozen=True)
class CurveKernel:
    """The covariance of merits, in units of their variance."""

    lengths: Array  # length scale of each feature, shape [d]
    smooth: float  # variance that the hyperparameters explain
    own: float  # variance of a trial that they do not
    noise: float  # variance of a single score
    chain: Array  # how rungs go together, shape [rungs, rungs]; 1 for the last with itself
    mean: Array  # covariance of what all candidates share at a rung, shape [rungs, rungs]

    @classmethod
    def fit(cls, seen: Seen, targets: Array, n_rungs: int) -> CurveKernel:
        """The most probable parameters for merits of mean 0 and variance 1, shape ``[n]``."""
        from scipy.optimize import minimize

        fit = _Fit(seen, targets, n_rungs)
        low, high = fit.prior - _BOUND * fit.spread, fit.prior + _BOUND * fit.spread
        found = minimize(
            fit,
            fit.prior,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(low, high, strict=True)),
            options={"maxiter": _MOST_STEPS},
        )
        return fit.kernel(found.x)

    def between(self, one: Seen, other: Seen) -> Array:
        """Covariances without noise, shape ``[n, m]``."""
        alike = self.smooth * matern(
            square_distances(one.features / self.lengths, other.features / self.lengths)
        )
        alike += self.own * (one.trials[:, None] == other.trials)
        pairs = one.rungs[:, None], other.rungs
        return self.mean[pairs] + self.chain[pairs] * alike

    def variances(self, rungs: Integers) -> Array:
        """Variances without noise, shape ``[n]``."""
        return self.mean[rungs, rungs] + self.chain[rungs, rungs] * (self.smooth + self.own)


class _Fit:
    """The negative logarithm of the posterior of a kernel's parameters, with its gradient.

    Parameters are logarithms of the lengths, of smooth, own and noise; logits of the chain's
    correlations; and logarithms of the ratios of the scales of a rung and the one below.
    """

    def __init__(self, seen: Seen, targets: Array, n_rungs: int) -> None:
        self._y, self._steps = targets, n_rungs - 1
        self._n, self._d = seen.features.shape
        by_feature = seen.features.T
        self._squares = (by_feature[:, :, None] - by_feature[:, None, :]) ** 2
        self._squares = self._squares.reshape(self._d, self._n**2)
        self._same = (seen.trials[:, None] == seen.trials).astype(float)
        self._at = np.zeros((self._n, n_rungs))
        self._at[np.arange(self._n), seen.rungs] = 1.0
        self._pairs = seen.rungs[:, None], seen.rungs
        self._mean = _walk(n_rungs)
        log_length = math.log(0.5 * math.sqrt(self._d or 1))  # as of `surrogate.GaussianProcess`
        steps = [_FIRST_STEP, *[_LATER_STEP] * self._steps][: self._steps]
        logits = [math.log(each / (1 - each)) for each in steps]
        own = [0.0, _LOG_OWN, _LOG_NOISE]
        self.prior = np.array([*[log_length] * self._d, *own, *logits, *[0.0] * self._steps])
        spread = [*[1.0] * self._d, 1.0, _OWN_SPREAD, 1.0]
        steps = [_CHAIN_SPREAD] * self._steps
        self.spread = np.array([*spread, *steps, *[_SCALE_SPREAD] * self._steps])

    def kernel(self, logs: Array) -> CurveKernel:
        """The kernel with these parameters."""
        d, steps = self._d, self._steps
        smooth, own, noise = (float(each) for each in np.exp(logs[d : d + 3]))
        logits, ratios = logs[d + 3 : d + 3 + steps], logs[d + 3 + steps :]
        falls = np.concatenate([[0.0], np.cumsum(np.logaddexp(0.0, -logits))])  # -log rho
        scales = np.concatenate([[0.0], np.cumsum(ratios)])
        scales -= scales[-1]
        chain = np.exp(scales[:, None] + scales - np.abs(falls[:, None] - falls))
        return CurveKernel(np.exp(logs[:d]), smooth, own, noise, chain, self._mean)

    def __call__(self, logs: Array) -> tuple[float, Array]:
        from scipy.linalg import cho_solve

        kernel, n, d, steps = self.kernel(logs), self._n, self._d, self._steps
        inverse_squares = kernel.lengths**-2
        root = np.sqrt(5 * (inverse_squares @ self._squares)).reshape(n, n)
        decay = kernel.smooth * np.exp(-root)
        smooth = decay * (1 + root + root**2 / 3)
        chain = kernel.chain[self._pairs]
        varying = chain * (smooth + kernel.own * self._same)
        covariance = kernel.mean[self._pairs] + varying + kernel.noise * np.eye(n)
        cholesky = np.linalg.cholesky(covariance)
        weights = cho_solve((cholesky, True), self._y)
        away = (logs - self.prior) / self.spread
        value = self._y @ weights / 2 + np.log(np.diag(cholesky)).sum() + away @ away / 2
        # Rasmussen and Williams (5.9): half the trace of (K^-1 - weights weights') dK
        slope = (cho_solve((cholesky, True), np.eye(n)) - np.outer(weights, weights)) / 2
        slope_of_g = slope * chain
        by_length = self._squares @ (slope_of_g * decay * (1 + root)).ravel()
        by_rungs = self._at.T @ (slope * varying) @ self._at
        # A correlation divides the rungs below it from those above; a ratio scales those below.
        crossing = np.array([by_rungs[: k + 1, k + 1 :].sum() for k in range(steps)])
        below = np.cumsum(by_rungs.sum(axis=1))[:steps]
        rho = 1 / (1 + np.exp(-logs[d + 3 : d + 3 + steps]))
        gradient = np.array(
            [
                *by_length * inverse_squares * 5 / 3,
                (slope_of_g * smooth).sum(),
                kernel.own * (slope_of_g * self._same).sum(),
                kernel.noise * np.trace(slope),
                *2 * crossing * (1 - rho),
                *-2 * below,
            ]
        )
        return float(value), gradient + away / self.spread


def _walk(n_rungs: int) -> Array:
    """Covariance of the rungs' means: 1 for the first, and up to 1 more for the last."""
    steps = np.arange(n_rungs)
    return 1.0 + np.minimum(steps[:, None], steps) / max(n_rungs - 1, 1)
