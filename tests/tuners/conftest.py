"""A simulated run, to see what a strategy does with curves and joules that are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from perjoule.benchmarks.replay import simulation
from perjoule.models.outcome import State
from perjoule.tuners.parts.history import trials_of
from perjoule.tuners.strategy import Strategy, Told, Work


@dataclass
class Recorder:
    """A strategy that begins so many trials at most, with all that it was asked and told."""

    strategy: Strategy
    n_trials: float
    ends: Callable[[int], State | None]
    works: list[Work] = field(default_factory=list)
    history: list[Told] = field(default_factory=list)

    @property
    def trials(self):
        return trials_of(self.history)

    @property
    def spent_j(self):
        return sum(told.energy_j for told in self.history)

    def ask(self, spent_j):
        work = self.strategy.ask(spent_j)
        n_begun = sum(each.trial is None for each in self.works)
        if work is None or (work.trial is None and n_begun >= self.n_trials):
            return None
        self.works.append(work)
        return work

    def tell(self, result):
        if (state := self.ends(len(self.history))) is not None:
            curve, epochs = result.curve[:-1], result.epochs - 1
            accuracy = curve[-1].accuracy if curve else None
            result = replace(result, state=state, accuracy=accuracy, epochs=epochs, curve=curve)
        self.history.append(result)
        self.strategy.tell(result)


@pytest.fixture
def simulate():
    """Run a strategy on known curves: ``accuracy(params, epoch)`` and ``epoch_j(params)``.

    The run is over when the budget is spent, the strategy has no work, or it wants to begin more
    than ``n_trials``. Of a slice by its number ``ends`` tells in which state it ends, if before its
    last epoch.
    """

    def run(
        strategy,
        accuracy,
        epoch_j=lambda _: 1.0,
        *,
        budget_j=math.inf,
        n_trials=math.inf,
        ends=lambda _: None,
        ask_j=0.0,
    ):
        def curve(params, *_):
            epochs = range(1, params["epochs"] + 1)
            return 0.0, [(epoch_j(params), accuracy(params, epoch)) for epoch in epochs]

        recorder = Recorder(strategy, n_trials, ends)
        objective = SimpleNamespace(cheapest_j=0.0, curve=curve)
        simulation.simulate(recorder, objective, simulation.Terms(budget_j, search_j=ask_j))
        return recorder

    return run
