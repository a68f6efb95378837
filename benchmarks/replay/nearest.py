"""An objective that gives a candidate what the nearest recorded one gave."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from ...tuners.parts.encoding import Encoding
from .objective import Curve
from .recording import Recording

if TYPE_CHECKING:
    from numpy.typing import NDArray


class NearestObjective:
    """Gives what the nearest recorded candidate gave, a `benchmarks.replay.objective.Simulated`.

    Nearest is the least Euclidean distance between features (`Encoding.features`), so a choice that
    differs counts for more than a range from end to end. Epochs do not count; where the nearest one
    did not fail and was trained for fewer than are asked for, it is the nearest of those that were
    trained for as many. Repeats of a candidate are drawn without replacement and shuffled anew when
    all were; their order depends on seed and candidate alone, so all strategies meet the same.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.space, self.n_samples = recording.space, recording.n_samples
        self.best_score, self.cheapest_j = recording.best_score, recording.cheapest_j
        self.metric = recording.metric
        self._encoding = Encoding(recording.space.with_fixed("epochs", 1))
        self._members = members = list(recording.candidates.values())
        self._features = np.array(
            [self._encoding.features(recording.params[each[0]]) for each in members]
        )
        self._reach = [
            math.inf if failed else len(points)
            for (_, points), failed in zip(recording.curves, recording.failed, strict=True)
        ]
        lengths = [[n for n in map(self._reach.__getitem__, m) if n < math.inf] for m in members]
        self._longest = np.array([max(own, default=0) for own in lengths])
        self._fails = [not own for own in lengths]
        self._waiting: dict[int, tuple[int, list[int]]] = {}

    def fresh(self) -> NearestObjective:
        """The same objective for another run: no repeat is drawn yet."""
        other = copy.copy(self)
        other._waiting = {}
        return other

    @property
    def cost_of(self) -> Callable[[Mapping[str, Any]], tuple[float, float]] | None:
        """Forward operations per image, and parameters, of the nearest candidate."""
        costs = self.recording.costs
        return None if costs is None else lambda params: costs[self.nearest(params)]

    def nearest(self, params: Mapping[str, Any]) -> int:
        """The first trial of the nearest candidate, for however many epochs it was trained."""
        return self._members[int(self._distances(params).argmin())][0]

    def curve(self, params: Mapping[str, Any], trial: int, seed: int) -> Curve:
        """Setup and all epochs of a trial of the nearest candidate."""
        epochs, distances = params["epochs"], self._distances(params)
        candidate = int(distances.argmin())
        if self._longest[candidate] < epochs and not self._fails[candidate]:
            candidate = int(np.where(self._longest < epochs, math.inf, distances).argmin())
        members = self._members[candidate]
        number = members[0] if len(members) == 1 else self._draw_repeat(candidate, seed, epochs)
        return self.recording.curves[number]

    def _distances(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """The squares of all candidates' distances."""
        gaps = self._features - self._encoding.features(params)
        return np.einsum("ij,ij->i", gaps, gaps)

    def _draw_repeat(self, candidate: int, seed: int, epochs: int) -> int:
        """A repeat that this run has not had yet, of those that were trained for long enough."""
        shuffles, waiting = self._waiting.get(candidate, (0, []))
        fitting = [number for number in waiting if self._reach[number] >= epochs]
        if not fitting:
            shuffles, waiting = shuffles + 1, list(self._members[candidate])
            Random(f"{seed}/{candidate}/{shuffles}").shuffle(waiting)
            fitting = [number for number in waiting if self._reach[number] >= epochs]
        waiting.remove(fitting[0])
        self._waiting[candidate] = shuffles, waiting
        return fitting[0]
