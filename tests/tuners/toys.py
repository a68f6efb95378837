"""A toy objective on which wide networks are dear, and searches of it and of others."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf, log10
from types import SimpleNamespace

import pytest

from perjoule.benchmarks.replay import simulation
from perjoule.models.metric import ACCURACY
from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.parts.history import trials_of
from perjoule.tuners.strategy import Strategy, Told

SPACE = Space.parse(
    {
        "rate": {"low": 1e-4, "high": 0.3, "log": True},
        "width": {"low": 8, "high": 512, "log": True},
        "pool": ["max", "mean", "none"],
        "epochs": 3,
    }
)
CHANGES = {
    "known": {},
    "failed": {"state": State.FAILED},
    "unmetered": {"energy_j": None},
    "nothing measured": {"energy_j": 0.0},
    "cut short": {"state": State.TRUNCATED, "score": None},
}
LOST = {"state": State.FAILED, "score": None}
SLOW = {"gp", "gp-ehvi", "skopt-gp", "skopt-gbrt", "skopt-forest", "skopt-eipj"}


def each_of(names):
    """A parameter for each strategy, of which the slow ones are left to thorough tests."""
    marks = {name: pytest.mark.thorough if name in SLOW else () for name in names}
    parameters = [pytest.param(name, marks=mark) for name, mark in marks.items()]
    return pytest.mark.parametrize("name", parameters)


def score(params, _epoch=0):
    rate = 0.1 * abs(log10(params["rate"]) + 2)
    return 0.95 - rate - 2 / params["width"] - 0.03 * (params["pool"] == "none")


def energy_j(params):
    return params["width"] ** 0.8 * (1 + (params["pool"] == "none"))


def search(strategy, count, outcome=lambda params, number: {}, *, first=0):
    """Ask and tell ``count`` times, or to the end; return what was told: 0.5 for 1 J, or else."""
    history = []
    for number in range(first, first + count):
        if (work := strategy.ask(float(number))) is None:
            break
        assert work.until == work.params["epochs"]
        told = Told(work.params, State.COMPLETE, 0.5, 1.0, trial=number, epochs=work.until)
        history.append(replace(told, **outcome(work.params, number)))
        strategy.tell(history[-1])
    return history


def search_toy(strategy, kinds):
    """Train the toy for a trial of each kind; return the proposals and all that was told."""

    def outcome(params, number):
        return {"score": score(params), "energy_j": energy_j(params)} | CHANGES[kinds[number]]

    history = search(strategy, len(kinds), outcome)
    return [told.params for told in history], history


@dataclass
class Recorder:
    """A strategy that begins so many trials at most, with all that it was asked and told."""

    strategy: Strategy
    n_trials: float
    ends: Callable[[int], State | None] | None
    works: list = field(default_factory=list)
    history: list = field(default_factory=list)

    @property
    def trials(self):
        return trials_of(self.history)

    def ask(self, spent_j):
        work = self.strategy.ask(spent_j)
        n_begun = sum(each.trial is None for each in self.works)
        if work is None or (work.trial is None and n_begun >= self.n_trials):
            return None
        self.works.append(work)
        return work

    def tell(self, result):
        if (state := self.ends and self.ends(len(self.history))) is not None:
            curve, epochs = result.curve[:-1], result.epochs - 1
            score = curve[-1].score if curve else None
            result = replace(result, state=state, score=score, epochs=epochs, curve=curve)
        self.history.append(result)
        self.strategy.tell(result)


def simulate(
    strategy, score, epoch_j=lambda _: 1.0, *, budget_j=inf, n_trials=inf, ends=None, ask_j=0.0
):
    """Run a strategy on known curves: ``accuracy(params, epoch)`` and ``epoch_j(params)``.

    The run is over when the budget is spent, the strategy has no work, or it wants to begin more
    than ``n_trials``. Of a slice by its number ``ends`` tells in which state it ends, if before its
    last epoch.
    """

    def curve(params, *_):
        epochs = range(1, params["epochs"] + 1)
        return 0.0, [(epoch_j(params), score(params, epoch)) for epoch in epochs]

    recorder = Recorder(strategy, n_trials, ends)
    objective = SimpleNamespace(cheapest_j=0.0, curve=curve, metric=ACCURACY)
    simulation.simulate(recorder, objective, simulation.Terms(budget_j, search_j=ask_j))
    return recorder
