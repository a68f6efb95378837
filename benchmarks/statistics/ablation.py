"""What each hyperparameter gained and cost on the way from the centre of a space to its best.

Ablation (Fawcett and Hoos, Journal of Heuristics 22, 2016): from one candidate to another, that
hyperparameter is changed next whose change gains the most. Forests that learnt from the table
forecast what was never trained (Biedenkapp et al., AAAI 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...tuners.parts.encoding import Encoding
from .candidates import EPOCHS, Candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .importance import Landscape

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """The mean of a forest's trees, and what holds 95 % of them."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Stop:
    """A candidate on the way: what was changed last, and what it gives."""

    name: str | None  # the hyperparameter that was changed; None at the start
    before: Any  # its value before
    value: Any  # its value from here on
    score: Forecast  # in units of the metric
    energy_j: Forecast | None  # joules without search; None if they cannot be forecast
    gain: Forecast | None = None  # oriented score gained by the change
    factor: Forecast | None = None  # how many times as many joules the change takes
    recorded_score: float | None = None  # mean of its trials, where the table holds the candidate
    recorded_j: float | None = None
    repeats: int = 0  # of those trials


@dataclass(frozen=True)
class Ablation:
    """The way from the centre of the space to the best candidate."""

    stops: tuple[Stop, ...]  # the first is the centre
    start: Mapping[str, Any]  # the hyperparameters of the centre
    score_error: float  # mean absolute error of forecasts of unseen candidates
    energy_error: float | None  # median relative error of forecasts of their joules


def ablate(landscape: Landscape) -> Ablation | None:
    """Walk from the centre of the space to the best candidate of a table.

    Where a strategy cut the epochs, and did not choose them, all stops have those of the best.

    Returns:
        None where the score cannot be forecast: see `Landscape.score_importance`.
    """
    found, forest = landscape.candidates, landscape.score
    if forest is None or found.best is None or not landscape.score_importance.shares:
        return None
    way = _way(found, found.params[found.best])
    points = [way.point(way.full)]
    changes: list[tuple[str | None, Any, Any]] = [(None, None, None)]
    while names := way.open_names():
        asked = np.array([way.point({**way.full, n: way.target[n]}) for n in names])
        name = names[int(forest.predict(asked).mean(axis=0).argmax())]
        changes.append((name, way.shown(name), way.target[name]))
        way.full[name] = way.target[name]
        points.append(way.point(way.full))
    stops = _stops(landscape, np.array(points), changes)
    energy_error = None
    if landscape.energy_importance.shares and landscape.log_j is not None:
        energy_error = float(np.nanmedian(np.abs(np.expm1(-landscape.log_j.errors))))
    score_error = float(np.nanmean(np.abs(forest.errors)))
    return Ablation(stops, way.start, score_error, energy_error)


@dataclass
class _Way:
    """Where one is on the way; `full` has a value for inactive hyperparameters, too."""

    encoding: Encoding
    full: dict[str, Any]
    target: Mapping[str, Any]
    start: Mapping[str, Any]

    def active(self, full: Mapping[str, Any]) -> dict[str, Any]:
        """The candidate, None for what is inactive."""
        return {**dict.fromkeys(full), **self.encoding.space.activate(full)}

    def point(self, full: Mapping[str, Any]) -> Array:
        return self.encoding.unit(self.active(full))

    def shown(self, name: str) -> Any:
        """The value of a hyperparameter, None where it is inactive."""
        return self.active(self.full)[name]

    def open_names(self) -> list[str]:
        """What differs from the target, and counts now."""
        return [
            name
            for name in self.encoding.axes
            if self.target[name] is not None
            and self.full[name] != self.target[name]
            and name in self.encoding.space.active(self.full)
        ]


def _way(found: Candidates, target: Mapping[str, Any]) -> _Way:
    encoding = found.encoding
    centre = encoding.decode(np.full(encoding.n_dimensions, 0.5))
    centre = {name: centre[name] for name in encoding.space.distributions}
    if not found.searched_epochs and EPOCHS in centre:
        centre[EPOCHS] = target[EPOCHS]
    return _Way(encoding, encoding.fill(centre), target, {n: centre[n] for n in encoding.axes})


def _stops(
    landscape: Landscape, points: Array, changes: Sequence[tuple[str | None, Any, Any]]
) -> tuple[Stop, ...]:
    found, forest = landscape.candidates, landscape.score
    assert forest is not None
    metric = found.metric
    score = forest.predict(points)
    log_j = None
    if landscape.energy_importance.shares and landscape.log_j is not None:
        log_j = landscape.log_j.predict(points)
    stops = []
    for at, (name, before, value) in enumerate(changes):
        stop: dict[str, Any] = {
            "score": _forecast(metric.oriented(score[:, at])),
            "energy_j": None if log_j is None else _forecast(log_j[:, at], np.exp),
        }
        if at:
            stop["gain"] = _forecast(score[:, at] - score[:, at - 1])
            if log_j is not None:
                stop["factor"] = _forecast(log_j[:, at] - log_j[:, at - 1], np.exp)
        stops.append(Stop(name, before, value, **stop, **_recorded(found, points[at])))
    return tuple(stops)


def _recorded(found: Candidates, point: Array) -> dict[str, Any]:
    """What the table holds of a candidate, if it holds it."""
    same = np.flatnonzero((found.points == point).all(axis=1))
    if not len(same):
        return {}
    row = int(same[0])
    score, log_j = found.score[row], found.log_j[row]
    return {
        "recorded_score": None if np.isnan(score) else float(found.metric.oriented(score)),
        "recorded_j": None if np.isnan(log_j) else float(np.exp(log_j)),
        "repeats": int(found.repeats[row]),
    }


def _forecast(trees: Array, scale: Any = float) -> Forecast:
    low, high = np.percentile(trees, [2.5, 97.5])
    return Forecast(float(scale(trees.mean())), float(scale(low)), float(scale(high)))
