"""A simulated run, to see what a strategy does with curves and joules that are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import scipy.linalg  # noqa: F401 - its library is among those to be limited
from threadpoolctl import threadpool_limits

from perjoule.models.outcome import CurvePoint, State
from perjoule.tuners.parts.history import TrialSoFar, trials_of
from perjoule.tuners.strategy import Strategy, Told, Work


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread():
    """As a worker has, so that sums add up in one order."""
    with threadpool_limits(1):
        yield


@dataclass
class Simulation:
    """What a simulated run did: its asks, what each gave, and joules by trial."""

    works: list[Work] = field(default_factory=list)
    history: list[Told] = field(default_factory=list)

    @property
    def trials(self) -> dict[int, TrialSoFar]:
        return trials_of(self.history)

    @property
    def spent_j(self) -> float:
        return sum(told.energy_j for told in self.history)


@pytest.fixture
def simulate() -> Callable[..., Simulation]:
    """Run a strategy on known curves.

    Takes the strategy and, of a candidate's params: ``accuracy(params, epoch)`` and
    ``epoch_j(params)``; ``ends(number of the slice, epoch)``, the state in which a slice ends
    inside that epoch, or None; the joules of an ask, ``ask_j``. A slice is truncated when its next
    epoch does not fit the budget. The run is over when nothing fits, the strategy has no work, or
    it wants to begin more than ``n_trials``.
    """

    def run(
        strategy: Strategy,
        accuracy: Callable[[Mapping[str, Any], int], float],
        epoch_j: Callable[[Mapping[str, Any]], float] = lambda _: 1.0,
        *,
        budget_j: float = math.inf,
        n_trials: float = math.inf,
        ends: Callable[[int, int], State | None] = lambda _slice, _epoch: None,
        ask_j: float = 0.0,
    ) -> Simulation:
        simulation = Simulation()
        paused: dict[int, tuple[int, float]] = {}  # epochs and joules of those that wait
        n_begun, spent_j = 0, 0.0
        while True:
            work = strategy.ask(spent_j)
            if work is None or (work.trial is None and n_begun >= n_trials):
                return simulation
            epochs, trial_j = (0, 0.0) if work.trial is None else paused.pop(work.trial)
            number = n_begun if work.trial is None else work.trial
            cost_j, slice_j, points = epoch_j(work.params), 0.0, []
            state = State.PAUSED if work.pause else State.COMPLETE
            while epochs < work.until:
                inside = ends(len(simulation.history), epochs + 1)
                if spent_j + ask_j + slice_j + cost_j > budget_j:
                    inside = State.TRUNCATED
                else:
                    slice_j += cost_j
                if inside is not None:
                    state = inside
                    break
                epochs += 1
                points.append(CurvePoint(epochs, slice_j, accuracy(work.params, epochs), 1.0))
                if work.until_j is not None and slice_j >= work.until_j - trial_j:
                    break
            if slice_j == 0.0:
                return simulation
            told = Told(
                work.params,
                state,
                points[-1].accuracy if points else None,
                slice_j + ask_j,
                trial=number,
                epochs=epochs,
                curve=tuple(points),
            )
            if state is State.PAUSED:
                paused[number] = epochs, trial_j + slice_j + ask_j
            n_begun += work.trial is None
            spent_j += slice_j + ask_j
            simulation.works.append(work)
            simulation.history.append(told)
            strategy.tell(told)

    return run
