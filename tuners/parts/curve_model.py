"""A Gaussian process over learning curves that takes one score after the other.

The kernel is that of `curve_kernel`. Appending a score to n of them costs n^2 operations, where a
process made anew costs n^3; and what points in `watched` need is kept as scores are appended, so
that a pool of candidates is looked at for n operations each.

Each new score is first forecast from those before it. By how much these forecasts missed tells
whether the model is too sure of itself; `CurveModel.doubt` is what its deviations are multiplied by
for that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .curve_kernel import CurveKernel, Seen
from .encoding import Array

_JUDGED = 40  # latest forecasts by which the model's certainty is judged
_BELIEVED = 5.0  # forecasts that are believed to have been right besides
_MOST_MISS = 4.0  # deviations; a larger miss counts as one of these
_MOST_DOUBT = 3.0
_LEAST_VARIANCE = 1e-10


class Belief(NamedTuple):
    """Merits as they are expected, each of shape ``[n]``."""

    mean: Array
    std: Array  # without the noise of a single score


class CurveModel:
    """What is believed of merits, after scores of which the first came first.

    Args:
        kernel: The covariance.
        watched: Points of which `watch` tells; none if not given.
    """

    def __init__(self, kernel: CurveKernel, watched: Seen | None = None) -> None:
        self._kernel, self._watched = kernel, watched
        n_features = len(kernel.lengths)
        self._seen = Seen(np.zeros((0, n_features)), np.zeros(0, int), np.zeros(0, int))
        self._cholesky = np.zeros((64, 64))
        self._solved_watched = np.zeros((0, 0 if watched is None else len(watched.trials)))
        self._n_solved = 0  # scores that `_solved_watched` knows
        self._centre, self._spread, self.doubt = 0.0, 1.0, 1.0
        self._solved = np.zeros(0)

    def __len__(self) -> int:
        """How many scores it has."""
        return len(self._seen.trials)

    def append(self, seen: Seen) -> None:
        """Take where further scores were seen."""
        from scipy.linalg import solve_triangular

        n, more = len(self), len(seen.trials)
        if n + more > len(self._cholesky):
            grown = np.zeros((2 * (n + more),) * 2)
            grown[:n, :n] = self._cholesky[:n, :n]
            self._cholesky = grown
        lower = self._cholesky
        for row in range(more):
            one, at = seen.at(np.array([row])), n + row
            variance = float(self._kernel.variances(one.rungs)[0]) + self._kernel.noise
            if at:
                known = self._kernel.between(self._seen, one)[:, 0]
                solved = solve_triangular(lower[:at, :at], known, lower=True, check_finite=False)
                lower[at, :at] = solved
                variance -= float(solved @ solved)
            lower[at, at] = math.sqrt(max(variance, _LEAST_VARIANCE))
            self._seen = self._seen.and_then(one)

    def learn(self, merits: Array) -> None:
        """Take the merits of all scores, shape ``[n]``: new ones may change those before."""
        from scipy.linalg import solve_triangular

        self._centre, spread = float(merits.mean()), float(merits.std())
        self._spread = spread if spread > 1e-9 else 1.0
        n, targets = len(self), (merits - self._centre) / self._spread
        lower = self._cholesky[:n, :n]
        # What is solved are also the misses of each forecast from those before, in deviations.
        self._solved = solve_triangular(lower, targets, lower=True, check_finite=False)
        misses = np.clip(self._solved[-_JUDGED:], -_MOST_MISS, _MOST_MISS)
        mean_square = (misses @ misses + _BELIEVED) / (len(misses) + _BELIEVED)
        self.doubt = min(max(math.sqrt(mean_square), 1.0), _MOST_DOUBT)

    def predict(self, points: Seen) -> Belief:
        """What is believed of points; a trial's number that was seen is the same training."""
        from scipy.linalg import solve_triangular

        n = len(self)
        known = self._kernel.between(self._seen, points)
        lower = self._cholesky[:n, :n]
        return self._belief(points, solve_triangular(lower, known, lower=True, check_finite=False))

    def watch(self) -> Belief:
        """What is believed of the points that are watched."""
        assert self._watched is not None
        n, lower = len(self), self._cholesky
        if n > len(self._solved_watched):
            grown = np.zeros((2 * n, len(self._watched.trials)))
            grown[: self._n_solved] = self._solved_watched[: self._n_solved]
            self._solved_watched = grown
        solved = self._solved_watched
        # One by one, so that rounding does not depend on when it is asked.
        for row in range(self._n_solved, n):
            latest = self._seen.at(np.array([row]))
            known = self._kernel.between(latest, self._watched)[0]
            solved[row] = (known - lower[row, :row] @ solved[:row]) / lower[row, row]
        self._n_solved = n
        return self._belief(self._watched, solved[:n])

    @property
    def misses(self) -> Array:
        """How far each score lay off its forecast from those before, in deviations, ``[n]``."""
        return self._solved

    @property
    def noise_std(self) -> float:
        """Standard deviation of a single score, in merit."""
        return self._spread * math.sqrt(self._kernel.noise)

    def _belief(self, points: Seen, solved: Array) -> Belief:
        variances = self._kernel.variances(points.rungs) - np.einsum("ij,ij->j", solved, solved)
        std = np.sqrt(np.maximum(variances, _LEAST_VARIANCE))
        mean = self._centre + self._spread * (solved.T @ self._solved)
        return Belief(mean, self.doubt * self._spread * std)
