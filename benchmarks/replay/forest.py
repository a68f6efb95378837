"""An objective that predicts what was not recorded: random forests of scores and of joules.

Two forests (Breiman, Machine Learning 45, 2001) learn from the recorded trials that did not fail:
one predicts the validation score, plain or as its logit (of a metric from 0 to 1), whichever
explains more; the other the logarithm of the joules of an epoch, setup included. Where curves were
recorded, the epoch is a feature of the score, at 1, 2, 4 … epochs, so that a whole curve is
predicted. Five-fold cross-validation that keeps the repeats of a candidate together measures the
quality.

A trial gets its prediction and noise: the residuals, of scores at each epoch and of joules, of
one of the recorded trials whose prediction is closest. They are residuals from the mean of repeats
where enough were recorded, else those of the cross-validation, which take what the forest cannot
know for noise. A candidate whose nearest recorded one failed fails as that one did.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from ...models.metric import ACCURACY, Metric
from ...tuners.parts.encoding import Encoding
from .nearest import NearestObjective
from .objective import Curve
from .recording import Recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

N_TREES = 64
N_FOLDS = 5
LEAST_R2 = 0.5
LEAST_CANDIDATES = 20
LEAST_REPEATS = 10
"""Repeats beyond the first of their candidate, from which noise is learnt."""
N_DONORS = 20
"""Recorded trials of the closest predictions, one of which lends its residuals."""
_LOGIT_EDGE = 1e-3


@dataclass(frozen=True)
class Quality:
    """How well the forests predict trials that they did not learn from."""

    score_r2: float  # share of the variance of scores, at a trial's end, that is explained
    energy_r2: float  # the same of the logarithm of joules
    score_mae: float  # mean absolute error
    energy_error: float  # median relative error of joules
    scale: str  # what a score is predicted as: "plain" or "logit"
    metric: Metric = ACCURACY

    @property
    def is_enough(self) -> bool:
        """Whether it is worth searching: half of the variance of both is explained."""
        return min(self.score_r2, self.energy_r2) >= LEAST_R2

    def __str__(self) -> str:
        name, mae = self.metric.name, f"{self.score_mae:.3g}"
        if self.metric.is_share:
            mae = f"{100 * self.score_mae:.1f} points of {name}"
        return (
            f"{self.score_r2:.0%} of the variance of {name} and {self.energy_r2:.0%} of that "
            f"of log-joules (cross-validated R2; mean error {mae}, median error "
            f"{self.energy_error:.0%} of joules)"
        )


class ForestObjective:
    """Predicts any candidate, a `benchmarks.replay.objective.Simulated`.

    Args:
        recording: What was recorded, of `LEAST_CANDIDATES` or more candidates.
        workers: Threads that the forests may grow in.

    Attributes:
        quality: How well it predicts.
    """

    def __init__(self, recording: Recording, workers: int = 1) -> None:
        self.space, self.n_samples = recording.space, recording.n_samples
        self.cheapest_j, self.metric = recording.cheapest_j, recording.metric
        self._nearest, self._recording = NearestObjective(recording), recording
        self._encoding = Encoding(recording.space.with_fixed("epochs", 1))
        known = _Examples.of(recording, self._encoding)
        self._longest = max(len(points) for _, points in recording.curves)
        self._epochs = known.epochs
        validated = _cross_validate(known, self.metric, workers)
        self.quality = validated.quality
        self._scale = self.quality.scale
        self._score = _Forest(known.inputs, _to_scale(known.score, self._scale), workers)
        self._log_j = _Forest(known.features, known.log_j, workers)
        self._donors = validated.donors(known)

    def fresh(self) -> ForestObjective:
        """The same objective for another run; it keeps nothing of a run."""
        return self

    @property
    def cost_of(self) -> Callable[[Mapping[str, Any]], tuple[float, float]] | None:
        """Forward operations per image, and parameters, of the nearest recorded candidate."""
        return self._nearest.cost_of

    def curve(self, params: Mapping[str, Any], trial: int, seed: int) -> Curve:
        """A predicted curve without setup, its noise drawn by seed and trial."""
        nearest = self._nearest.nearest(params)
        if self._recording.failed[nearest]:
            return self._recording.curves[nearest]
        features = self._encoding.features(params)
        score = self._score.predict(_with_epochs(features, self._epochs))
        noise, noise_log_j = self._donors.draw(score[-1], seed, trial)
        score = _from_scale(score + noise, self._scale, self.metric)
        epoch_j = math.exp(self._log_j.predict(features[None])[0] + noise_log_j)
        every = np.log(np.arange(1, self._longest + 1))
        values = np.interp(every, np.log(self._epochs), score).tolist()
        return 0.0, [(epoch_j, value) for value in values]


@dataclass(frozen=True)
class _Examples:
    """What the forests learn from; n trials, m validated epochs of them, k features."""

    features: Array  # of each trial, shape [n, k]
    log_j: Array  # logarithm of each trial's joules per epoch, shape [n]
    groups: NDArray[np.int64]  # candidate of each trial, shape [n]
    epochs: tuple[int, ...]  # that are learnt from
    inputs: Array  # features and the logarithm of the epoch, shape [m, k + 1]
    score: Array  # shape [m]
    trial: NDArray[np.int64]  # index of the trial of each epoch, shape [m]
    place: NDArray[np.int64]  # index in `epochs`, shape [m]
    last: NDArray[np.int64]  # index among the m of each trial's last epoch, shape [n]

    @classmethod
    def of(cls, recording: Recording, encoding: Encoding) -> _Examples:
        members = recording.candidates.values()
        group_of = {number: group for group, own in enumerate(members) for number in own}
        kept = [number for number, failed in enumerate(recording.failed) if not failed]
        features = np.array([encoding.features(recording.params[number]) for number in kept])
        curves = [recording.curves[number] for number in kept]
        longest = max(len(points) for _, points in curves)
        epochs = (*(2**k for k in range(longest.bit_length()) if 2**k < longest), longest)
        examples, last = [], []
        for number, (_, points) in enumerate(curves):
            for place, epoch in enumerate(epochs):
                # A trial that ends between two of them ends at its own last epoch.
                own = min(epoch, len(points))
                inputs = _with_epochs(features[number], (own,))[0]
                examples.append((inputs, points[own - 1][1], number, place))
                if own == len(points):
                    break
            last.append(len(examples) - 1)
        inputs, score, trial, place = map(np.array, zip(*examples, strict=True))
        energies_j = [(s + sum(j for j, _ in points)) / len(points) for s, points in curves]
        groups = np.array([group_of[number] for number in kept])
        log_j, last = np.log(energies_j), np.array(last)
        return cls(features, log_j, groups, epochs, inputs, score, trial, place, last)


@dataclass(frozen=True)
class _Validated:
    """Predictions by forests that did not see a candidate."""

    quality: Quality
    score: Array
    log_j: Array

    def donors(self, known: _Examples) -> _Donors:
        """The residuals that noise is drawn from."""
        observed = _to_scale(known.score, self.quality.scale)
        expected, log_j, lenders = self.score, self.log_j, np.arange(len(known.log_j))
        counts = np.bincount(known.groups)[known.groups]
        if (counts > 1).sum() - len(set(known.groups[counts > 1])) >= LEAST_REPEATS:
            # Around a mean of n the residuals are too small by sqrt(1 - 1 / n).
            lenders = np.flatnonzero(counts > 1)
            widen = np.sqrt(counts / np.maximum(counts - 1, 1))
            cells = known.groups[known.trial] * len(known.epochs) + known.place
            expected = observed - (observed - _means(observed, cells)) * widen[known.trial]
            log_j = known.log_j - (known.log_j - _means(known.log_j, known.groups)) * widen
        residuals = np.zeros((len(known.log_j), len(known.epochs)))
        for row, (trial, place) in enumerate(zip(known.trial, known.place, strict=True)):
            residuals[trial, place:] = observed[row] - expected[row]
        predicted = self.score[known.last]
        order = lenders[np.argsort(predicted[lenders], kind="stable")]
        return _Donors(predicted[order], residuals[order], (known.log_j - log_j)[order])


@dataclass(frozen=True)
class _Donors:
    """Residuals of recorded trials, in the order of their predicted score."""

    predicted: Array
    score: Array
    log_j: Array

    def draw(self, predicted: float, seed: int, trial: int) -> tuple[Array, float]:
        """The residuals of scores, by epoch, and of log-joules of a trial much like this one."""
        count = min(N_DONORS, len(self.predicted))
        start = int(np.searchsorted(self.predicted, predicted)) - count // 2
        start = min(max(start, 0), len(self.predicted) - count)
        donor = start + Random(f"{seed}/{trial}").randrange(count)
        return self.score[donor], float(self.log_j[donor])


class _Forest:
    """A forest that predicts a few candidates in a fraction of scikit-learn's time.

    All trees are walked side by side, on one thread, in the same order on every machine.
    """

    def __init__(self, inputs: Array, target: Array, workers: int) -> None:
        from sklearn.ensemble import RandomForestRegressor

        grown = RandomForestRegressor(N_TREES, random_state=0, n_jobs=workers).fit(inputs, target)
        trees = [each.tree_ for each in grown.estimators_]
        self._roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
        shifts = np.repeat(self._roots, [tree.node_count for tree in trees])
        left, right, feature, self._threshold = (
            np.concatenate([getattr(tree, name) for tree in trees])
            for name in ("children_left", "children_right", "feature", "threshold")
        )
        itself = np.arange(len(left))
        # A leaf is its own child, so that a walk that has arrived stays.
        self._left = np.where(left < 0, itself, left + shifts)
        self._right = np.where(left < 0, itself, right + shifts)
        self._feature = np.maximum(feature, 0)
        self._value = np.concatenate([tree.value[:, 0, 0] for tree in trees])
        self._depth = max(tree.max_depth for tree in trees)

    def predict(self, inputs: Array) -> Array:
        """The mean of all trees, for each row of the inputs."""
        singles = inputs.astype(np.float32)  # as they were grown
        rows = np.arange(len(singles))[:, None]
        nodes = np.broadcast_to(self._roots, (len(singles), len(self._roots)))
        for _ in range(self._depth):
            below = singles[rows, self._feature[nodes]] <= self._threshold[nodes]
            nodes = np.where(below, self._left[nodes], self._right[nodes])
        return self._value[nodes].mean(axis=1)


def _cross_validate(known: _Examples, metric: Metric, workers: int) -> _Validated:
    """Let forests predict what they did not learn from; of two scales the better one."""
    from sklearn.metrics import mean_absolute_error, r2_score
    from sklearn.model_selection import GroupKFold

    folds = np.zeros(len(known.groups), dtype=int)
    splits = GroupKFold(N_FOLDS).split(known.features, groups=known.groups)
    for number, (_, asked) in enumerate(splits):
        folds[asked] = number

    def predict(inputs: Array, target: Array, folds: NDArray[np.int64]) -> Array:
        predicted = np.zeros(len(target))
        for asked in (folds == number for number in range(N_FOLDS)):
            forest = _Forest(inputs[~asked], target[~asked], workers)
            predicted[asked] = forest.predict(inputs[asked])
        return predicted

    log_j = predict(known.features, known.log_j, folds)
    true = known.score[known.last]
    found = []
    is_share = (metric.low, metric.high) == (0.0, 1.0)
    for scale in ("plain", "logit") if is_share else ("plain",):
        target = _to_scale(known.score, scale)
        score = predict(known.inputs, target, folds[known.trial])
        predicted = _from_scale(score[known.last], scale, metric)
        quality = Quality(
            float(r2_score(true, predicted)),
            float(r2_score(known.log_j, log_j)),
            float(mean_absolute_error(true, predicted)),
            float(np.median(np.abs(np.expm1(log_j - known.log_j)))),
            scale,
            metric,
        )
        found.append(_Validated(quality, score, log_j))
    return max(found, key=lambda each: each.quality.score_r2)


def _with_epochs(features: Array, epochs: Sequence[int]) -> Array:
    """The features of a candidate at each of some epochs."""
    return np.column_stack([np.tile(features, (len(epochs), 1)), np.log(epochs)])


def _to_scale(score: Array, scale: str) -> Array:
    if scale == "plain":
        return score
    inside = np.clip(score, _LOGIT_EDGE, 1 - _LOGIT_EDGE)
    return np.log(inside / (1 - inside))


def _from_scale(value: Array, scale: str, metric: Metric) -> Array:
    if scale == "logit":
        return 1 / (1 + np.exp(-value))
    return value if metric.low is metric.high is None else np.clip(value, metric.low, metric.high)


def _means(values: Array, groups: NDArray[np.int64]) -> Array:
    """Of each value's group."""
    return (np.bincount(groups, values) / np.maximum(np.bincount(groups), 1))[groups]
