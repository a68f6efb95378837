"""A model of merit from a few dozen trials, and the points it is asked about.

A Gaussian process in numpy. Fitting and asking it about 512 points takes 4, 7, 16 and 55 ms after
20, 50, 100 and 200 trials of 14 features; scikit-learn's takes 25, 57, 114 and 757 ms, and has no
priors on its length scales, which a dozen trials in a dozen dimensions need: on real trials (287
random ones of the default network on digits) the rank correlation of prediction and truth after 20
is 0.37 with them and 0.25 without. (Median of 7, one thread of an AMD EPYC, November 2026.)

Everything here is a function of its arguments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .encoding import Array, Encoding

_LOG_NOISE = -3.0
_BOUND = 4.0  # spreads of the priors that the fit keeps to, so that matrices are well conditioned
_MOST_STEPS = 60


@dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process with a Matérn 5/2 kernel, one length scale per dimension, and noise.

    Equations are numbered as in Rasmussen and Williams, Gaussian Processes for Machine Learning,
    2006; variances are in standardised targets.
    """

    points: Array  # what it learnt from, each divided by its length scale, shape [n, d]
    lengths: Array  # length scales, shape [d]
    scale: float  # variance of the function
    noise: float  # variance of the noise
    weights: Array  # solution of the kernel matrix and the targets, shape [n]
    cholesky: Array  # lower factor of the kernel matrix, shape [n, n]
    centre: float  # mean of the targets
    spread: float  # standard deviation of the targets

    @classmethod
    def fit(cls, points: Array, targets: Array) -> GaussianProcess:
        """Fit the most probable length scales, variance and noise to n points of the unit cube.

        The priors are log-normal, as in Hvarfner, Hellsten and Nardi, ICML 2024 (arXiv 2402.02229):
        length scales grow with the square root of the number of dimensions, so that few trials in
        many dimensions do not look like noise. Theirs are eight times as long, which on the trials
        above made the model overconfident (rank correlation after 50 trials 0.50 for 0.74).
        """
        from scipy.optimize import minimize

        n_dimensions = points.shape[1]
        centre, spread = _level_and_spread(targets)
        y = (targets - centre) / spread
        log_length = math.log(0.5 * math.sqrt(n_dimensions or 1))
        prior = np.array([*[log_length] * n_dimensions, 0, _LOG_NOISE])
        squares = (points.T[:, :, None] - points.T[:, None, :]) ** 2
        found = minimize(
            _negative_log_posterior,
            prior,
            (squares.reshape(n_dimensions, len(y) ** 2), y, prior),
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(prior - _BOUND, prior + _BOUND, strict=True)),
            options={"maxiter": _MOST_STEPS},
        )
        lengths = np.exp(found.x[:-2])
        scale, noise = (float(variance) for variance in np.exp(found.x[-2:]))
        return cls._given(points, targets, lengths, scale, noise)

    @classmethod
    def _given(
        cls, points: Array, targets: Array, lengths: Array, scale: float, noise: float
    ) -> GaussianProcess:
        from scipy.linalg import cho_solve

        centre, spread = _level_and_spread(targets)
        scaled = points / lengths
        kernel = scale * matern(square_distances(scaled, scaled))
        cholesky = np.linalg.cholesky(kernel + noise * np.eye(len(points)))
        weights = cho_solve((cholesky, True), (targets - centre) / spread)
        lower = np.asarray(cholesky, dtype=np.float64)
        return cls(scaled, lengths, scale, noise, weights, lower, centre, spread)

    def learnt(self, points: Array, targets: Array) -> GaussianProcess:
        """The same process after other observations: a hundredth of the cost of fitting one."""
        return self._given(points, targets, self.lengths, self.scale, self.noise)

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function, without its noise, at points ``[m, d]``."""
        from scipy.linalg import solve_triangular

        cross = self.scale * matern(square_distances(points / self.lengths, self.points))
        reduction = solve_triangular(self.cholesky, cross.T, lower=True)
        variance = np.maximum(self.scale - (reduction**2).sum(axis=0), 1e-12)  # (2.26)
        mean = cross @ self.weights  # (2.25)
        return self.centre + self.spread * mean, self.spread * np.sqrt(variance)


def log_ei(mean: Array, std: Array, best: float) -> Array:
    """Logarithm of the expected improvement over ``best``, finite where the improvement is not.

    LogEI of Ament et al., NeurIPS 2023 (arXiv 2310.20708).
    """
    from scipy.special import erfcx, ndtr

    z = (mean - best) / std  # of which EI / std is h(z) = pdf(z) + z cdf(z)
    plain = np.maximum(z, -1.0)
    near = np.log(np.exp(-(plain**2) / 2) / math.sqrt(2 * math.pi) + plain * ndtr(plain))
    tail = np.minimum(z, -1.0)
    # 1 - |z| cdf(z) / pdf(z) falls like 1 / z^2, until it drowns in rounding.
    ratio = 1 - math.sqrt(math.pi / 2) * -tail * erfcx(-tail / math.sqrt(2))
    ratio = np.where(tail > -1e4, np.maximum(ratio, 1e-300), 1 / tail**2)
    far = -(tail**2) / 2 - math.log(2 * math.pi) / 2 + np.log(ratio)
    return np.log(std) + np.where(z > -1, near, far)  # log EI = log std + log h(z)


def sobol(encoding: Encoding, seed: int, count: int) -> Array:
    """A scrambled Sobol sequence, ``[count, n_dimensions]`` (Owen, doi:10.1006/jcom.1998.0487)."""
    from scipy.stats.qmc import Sobol

    if encoding.n_dimensions == 0:
        return np.zeros((1, 0))
    sequence = Sobol(encoding.n_dimensions, rng=np.random.default_rng(seed))
    return sequence.random_base2(max(count - 1, 1).bit_length())[:count]


def neighbours(points: Array, seed: int, count: int) -> Array:
    """Points near the given ones, shape ``[count, d]``: two coordinates or so of each are changed.

    Most by a small step; some are drawn anew, without which a choice would never change.
    """
    rng = np.random.default_rng(seed)
    near = points[np.arange(count) % len(points)].copy()
    changed = rng.random(near.shape) < 2 / max(near.shape[1], 1)
    anew = rng.random(near.shape) < 1 / 3
    steps = np.clip(near + rng.normal(0, 0.1, near.shape), 0, 1)
    return np.where(changed, np.where(anew, rng.random(near.shape), steps), near)


def _level_and_spread(targets: Array) -> tuple[float, float]:
    """Mean and standard deviation; 1 for equal targets, whose spread is rounding errors only."""
    spread = float(targets.std())
    return float(targets.mean()), spread if spread > 1e-9 else 1.0


def matern(squares: Array) -> Array:
    """Matérn 5/2 correlation of squared scaled distances."""
    root = np.sqrt(5 * squares)
    return (1 + root + root**2 / 3) * np.exp(-root)  # (4.17)


def square_distances(one: Array, other: Array) -> Array:
    """Squares of Euclidean distances, shape ``[n, m]``."""
    lengths = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)
    return np.maximum(lengths - 2 * one @ other.T, 0)


def _negative_log_posterior(
    logs: Array, squares: Array, y: Array, prior: Array
) -> tuple[float, Array]:
    """Of logarithms of the parameters, with its gradient; the prior is normal with deviation 1."""
    from scipy.linalg import cho_solve

    n = len(y)
    inverse_squares = np.exp(-2 * logs[:-2])
    scale, noise = np.exp(logs[-2:])
    root = np.sqrt(5 * (inverse_squares @ squares)).reshape(n, n)
    decay = scale * np.exp(-root)
    kernel = decay * (1 + root + root**2 / 3)
    cholesky = np.linalg.cholesky(kernel + noise * np.eye(n))
    weights = cho_solve((cholesky, True), y)
    away = logs - prior
    value = y @ weights / 2 + np.log(np.diag(cholesky)).sum() + away @ away / 2  # (2.30) and prior
    # (5.9): half the trace of (K^-1 - weights weights') dK
    slope = (cho_solve((cholesky, True), np.eye(n)) - np.outer(weights, weights)) / 2
    by_length = squares @ (slope * decay * (1 + root)).ravel() * inverse_squares * 5 / 3
    gradient = np.array([*by_length, (slope * kernel).sum(), noise * np.trace(slope)])
    return float(value), gradient + away
