"""What trackers are told of a trial: the same figures, by the same names, in all of them.

``score``, ``energy_j`` and the other columns are those of the trial table. ``spent_j`` is what the
run had spent by the end of the trial, and ``incumbent`` its best score by then. Of a validated
epoch it is ``epoch_score``, ``epoch_loss`` and ``epoch_energy_j``, the joules of the trial so far.
Unknown figures are left out, and never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from ...benchmarks.tables.contract import COLUMNS
from ...benchmarks.tables.table import plain

if TYPE_CHECKING:
    from ...benchmarks.comparison.recorder import Begun, EndedTrial, Finished, Point

_NOT_FIGURES = ("seed", "trial")
_FIGURES = [
    column.name
    for column in COLUMNS
    if column.type in ("number", "whole") and column.name not in _NOT_FIGURES
]


def figures(trial: EndedTrial) -> dict[str, float]:
    """The known figures of a trial."""
    told = {name: trial.row.get(name) for name in _FIGURES}
    told |= {"spent_j": trial.spent_j, "incumbent": trial.incumbent}
    return {name: value for name, value in told.items() if value is not None}


def improvements(trial: EndedTrial) -> dict[float, float]:
    """The best score of its run by the joules that the run had spent, up to the trial's end."""
    found = {each.spent_j: each.score for each in trial.improved}
    if trial.incumbent is not None:
        found[trial.spent_j] = trial.incumbent
    return {spent_j: score for spent_j, score in found.items() if spent_j is not None}


def epoch_figures(point: Point) -> dict[str, float]:
    """The known figures of a validated epoch."""
    told = {
        "epoch_score": point.score,
        "epoch_loss": point.loss,
        "epoch_energy_j": point.energy_j,
    }
    return {name: value for name, value in told.items() if value is not None}


def facts(trial: EndedTrial) -> dict[str, str]:
    """What is known of a trial that is no figure: how it ended, and how its joules became known."""
    told = {
        "state": trial.state,
        "energy_kind": trial.energy_kind,
        "trained_on": trial.row.get("trained_on"),
        "message": trial.row.get("message"),
    }
    return {name: str(value) for name, value in told.items() if value}


def settings(comparison: Begun) -> dict[str, Any]:
    """What was compared: the experiment, what is optimised, and how joules become known."""
    stated = {name: each for name, each in comparison.experiment.items() if plain(each) is not None}
    return {
        **stated,
        "space": dict(comparison.space),
        "metric": comparison.metric.name,
        "direction": comparison.metric.direction,
        "energy_kinds": ", ".join(f"{name}: {kind}" for name, kind in comparison.kinds.items()),
    }


def note(finished: Finished) -> str:
    """What was found, in sentences."""
    analysis = finished.analysis
    return "\n\n".join(filter(None, (analysis.headline, analysis.because)))


class Numbered:
    """The rows of each run, numbered in the order of their trials' ends.

    The numbers are the same whenever a comparison is recorded, so that a tracker that has the first
    of them is given only the others.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, Iterator[int]] = {}

    def rows(self, trial: EndedTrial) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Rows of a trial with their numbers: epochs, best scores since the last one, its end."""
        numbers = self._numbers.setdefault(trial.run, count())
        for point in trial.curve:
            told = {"trial": trial.trial, "epoch": point.epoch, **epoch_figures(point)}
            yield next(numbers), told
        for spent_j, score in improvements(trial).items():
            if spent_j != trial.spent_j:
                yield next(numbers), {"spent_j": spent_j, "incumbent": score}
        params = {f"params/{name}": value for name, value in trial.params.items()}
        yield next(numbers), {"trial": trial.trial, **figures(trial), **facts(trial), **params}
