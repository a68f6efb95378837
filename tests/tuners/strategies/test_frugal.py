"""The frugal strategy, on objectives whose joules and accuracies are known."""

import math
from dataclasses import replace
from functools import cache

import pytest

from perjoule.benchmarks.replay.simulation import Terms, simulate, task_of
from perjoule.benchmarks.replay.synthetic import SURFACES
from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategies.frugal import N_STARTUP, FrugalStrategy
from perjoule.tuners.strategy import Task, Told

SURFACE = SURFACES["frugal"]
BUDGET_J = 60.0


@cache
def run(seed=0, budget_j=BUDGET_J, build=FrugalStrategy, stop_early=None):
    task = replace(task_of(SURFACE, budget_j), stop_early=stop_early)
    strategy = build(SURFACE.space, seed, task)
    return simulate(strategy, SURFACE, Terms(budget_j, seed=seed)).slices


@pytest.mark.thorough
def test_it_needs_half_the_joules_of_random_search_to_the_same_accuracy():
    target = 0.97 * SURFACE.best_score

    def median_j(**options):
        runs = (run(seed, **options) for seed in range(3))
        hits = (next((s.spent_j for s in r if s.score >= target), math.inf) for r in runs)
        return sorted(hits)[1]

    assert median_j() <= median_j(build=RECIPES["random"].build) / 2


def test_it_begins_with_an_epoch_of_cheap_candidates():
    first = run()[:N_STARTUP]
    assert [s.trial for s in first] == list(range(N_STARTUP))
    assert max(s.epochs for s in first) == 1
    dearest_j = SURFACE.curve(SURFACE.space.heaviest(), 0, 0)[1][0][0]
    assert max(s.energy_j for s in first) < dearest_j / 3


def test_it_pauses_and_goes_on():
    slices = run()
    trials = {s.trial for s in slices}
    assert len(slices) > 1.5 * len(trials)
    epochs = [s.epochs for s in slices if s.trial == slices[-1].trial]
    assert epochs == sorted(set(epochs))
    assert len({tuple(sorted(s.params.items())) for s in slices}) == len(trials)


@pytest.mark.thorough
def test_it_stops_only_if_asked_to():
    assert run()[-1].spent_j > 0.9 * BUDGET_J
    assert run(stop_early=10.0)[-1].spent_j < 0.8 * BUDGET_J


@pytest.mark.thorough
def test_slices_grow_with_what_asking_costs():
    surface, budget_j = SURFACES["scaling"], 100.0

    def epochs_of_20(ask_j):
        strategy = FrugalStrategy(surface.space, 0, task_of(surface, budget_j))
        slices = simulate(strategy, surface, Terms(budget_j, search_j=ask_j, max_trials=20)).slices
        return sum(s.epochs for s in slices[6:20])

    assert epochs_of_20(ask_j=2.0) > epochs_of_20(ask_j=0.0)


@pytest.mark.parametrize("epochs", [1, {"low": 1, "high": 5}, [2, 6]])
def test_any_space_will_do(epochs):
    space = Space.parse({"width": [8, 16], "epochs": epochs})
    strategy, asked = FrugalStrategy(space, 0, Task(10.0)), []
    while (work := strategy.ask(0.0)) is not None:
        asked.append(work)
        assert len(asked) < 20
        trial = work.params["width"] if work.trial is None else work.trial
        state = State.PAUSED if work.pause else State.COMPLETE
        strategy.tell(Told(work.params, state, 0.5, 0.1, trial=trial, epochs=work.until))
    assert {work.params["width"] for work in asked} == {8, 16}
    assert max(work.until for work in asked) == space.longest()


def test_what_cannot_fit_the_budget_is_not_begun():
    slices = run(budget_j=3.0)
    assert slices[-1].spent_j <= 3.0
    assert sum(s.state is State.TRUNCATED for s in slices) <= 1
    strategy = FrugalStrategy(SURFACE.space, 0, task_of(SURFACE, 3.0))
    for s in (s for s in slices if s.epochs):
        curve = (CurvePoint(s.epochs, s.energy_j, 0.5, 0.0),)
        told = Told(s.params, State.PAUSED, 0.5, s.energy_j, trial=s.trial, epochs=s.epochs)
        strategy.tell(replace(told, curve=curve))
    assert strategy.ask(2.9999) is None
