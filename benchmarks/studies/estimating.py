"""What a study will take, foreseen before it starts by the first steps of its trials."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ...energy.quantities import total
from ...tuners.registry import find_recipe
from ..tables.facts import Fact
from .cells import CELL, read_cell, write_cell
from .design import Part

if TYPE_CHECKING:
    from ...models.space import Space
    from ..comparison.experiment import Experiment
    from ..comparison.rehearsal import Price

PROBE_S = 0.4  # of one candidate
MOST_S = 15.0  # of all of a part: cells that do not fit cost what the others do on the mean
SAMPLED = 6  # candidates of a search


@dataclass(frozen=True)
class Estimate(Fact):
    """What trials should take on this machine."""

    duration_s: float
    energy_j: float | None  # None if unavailable
    trials: int

    def __add__(self, other: Estimate) -> Estimate:
        """Both, one after the other."""
        return Estimate(
            self.duration_s + other.duration_s,
            total([self.energy_j, other.energy_j]),
            self.trials + other.trials,
        )


def estimate(part: Part, experiment: Experiment, workers: int) -> Estimate:
    """Foresee a part: its cells, or some candidates of its search, are begun to be trained.

    Raises:
        PerjouleError: The data set, device or meter cannot be used, or a cell cannot be trained.
    """
    from ..comparison.start import setting_of
    from ..comparison.worker import Session

    session = Session(setting_of(experiment, Path()))
    try:
        candidates = _candidates(part, session.space)
        if part.steps is None:  # an epoch is all that is seen: the first one loads a GPU's kernels
            session.price(candidates[0], None, PROBE_S)
        prices, began_s = [], time.perf_counter()
        for params in candidates:
            steps = None if part.steps is None else part.steps(read_cell(params[CELL]))
            prices.append(session.price(params, steps, PROBE_S))
            if time.perf_counter() - began_s > MOST_S:
                break
        asks_j = session.prepared.ask_j
    finally:
        session.close()
    trials = experiment.n_runs * (experiment.trials or 1)
    searched_j = 0.0 if part.cells else _asking_j(experiment, asks_j)
    return _together(prices, trials, workers, searched_j)


def _candidates(part: Part, space: Space) -> Sequence[Mapping[str, Any]]:
    """All cells in random order, or some candidates of a search."""
    if part.cells:
        cells = [{CELL: write_cell(cell), "epochs": part.epochs} for cell in part.cells]
        random.Random(0).shuffle(cells)
        return cells
    asked = (find_recipe("random").build(space, seed).ask(0.0) for seed in range(SAMPLED))
    return [work.params for work in asked if work is not None]


def _asking_j(experiment: Experiment, asks_j: Mapping[str, tuple[float, float]]) -> float:
    """Joules of all asks: as dear as the rehearsed ones, which grow dearer with the history."""
    searched_j = 0.0
    for name in experiment.strategies:
        early_j, fitted_j = asks_j[name]
        early = min(find_recipe(name).startup_trials or math.inf, experiment.trials or 0)
        later = (experiment.trials or 0) - early
        searched_j += experiment.seeds * (early * early_j + 2 * later * fitted_j)
    return searched_j


def _together(prices: Sequence[Price], trials: int, workers: int, searched_j: float) -> Estimate:
    duration_s, energies_j = fmean(each.duration_s for each in prices), [p.energy_j for p in prices]
    energy_j = total(energies_j)
    trained_j = None if energy_j is None else trials * energy_j / len(prices)
    # Asking runs on one core at the power of training.
    power_w = energy_j / (duration_s * len(prices)) if energy_j else math.inf
    seconds = trials * duration_s + searched_j / power_w
    return Estimate(seconds / workers, total([trained_j, searched_j]), trials)
