"""The scores of a run as observations of learning curves, in the order in which they came."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...models.metric import Metric
from .curve_kernel import Integers, Seen
from .encoding import Array
from .history import TrialSoFar
from .merits import Merits

_LOWEST = 3.0
"""Merits lie at most so many times as far below the median as the best tenth lies above it: how bad
a diverged training is tells nothing of the good ones."""


class _Score(NamedTuple):
    trial: int
    rung: int
    score: float | None  # None of a trial that failed
    features: Array


class CurvesSeen:
    """Scores by rung: the first that a trial was validated with at each rung that it reached."""

    def __init__(self, rungs: Sequence[int], metric: Metric) -> None:
        self._rungs, self._metric = rungs, metric
        self._scores: list[_Score] = []
        self._reached: dict[int, int] = {}  # the highest rung by trial

    def __len__(self) -> int:
        return len(self._scores)

    def add(self, trial: TrialSoFar, features: Array) -> None:
        """Take what is new of a trial."""
        before = self._reached.get(trial.number, -1)
        for epoch in sorted(trial.scores):
            rung = bisect_right(self._rungs, epoch) - 1
            if rung > before:
                before = rung
                self._scores.append(_Score(trial.number, rung, trial.scores[epoch], features))
        if trial.failed:
            at = max(before, 0)
            self._scores.append(_Score(trial.number, at, None, features))
        self._reached[trial.number] = before

    def seen(self, rows: Integers) -> Seen:
        """Where the scores of some rows were seen."""
        chosen = [self._scores[row] for row in rows]
        return Seen(
            np.array([each.features for each in chosen]),
            np.array([each.trial for each in chosen], dtype=np.int64),
            np.array([each.rung for each in chosen], dtype=np.int64),
        )

    def scale(self, count: int | None = None) -> Merits:
        """The scale of the merits of the first so many scores, or of all."""
        scores = (each.score for each in self._scores[:count])
        return Merits.of(self._metric, (score for score in scores if score is not None))

    def merits(self, count: int | None = None) -> Array:
        """Merits of the first so many scores, or of all; a failure merits as the worst of all."""
        scores, merit = [each.score for each in self._scores[:count]], self.scale(count)
        known = [merit(score) for score in scores if score is not None]
        worst = min(known, default=merit.unknown)
        merits = np.array([worst if score is None else merit(score) for score in scores])
        middle, high = np.percentile(merits, [50, 90])
        return np.maximum(merits, middle - _LOWEST * max(high - middle, 1e-3))
