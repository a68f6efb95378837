"""The frugal strategy, on objectives whose joules and accuracies are known."""

from __future__ import annotations

import math
from functools import cache

import pytest

from perjoule.benchmarks.replay.simulation import Terms, simulate, task_of
from perjoule.benchmarks.replay.synthetic import SURFACES
from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategies.frugal import STARTUP_TRIALS, FrugalStrategy
from perjoule.tuners.strategy import Task, Told

SURFACE = SURFACES["frugal"]
BUDGET_J = 60.0


@cache
def run(seed=0, budget_j=BUDGET_J, **options):
    strategy = FrugalStrategy(SURFACE.space, seed, task_of(SURFACE, budget_j), **options)
    return simulate(strategy, SURFACE, Terms(budget_j, seed=seed)).slices


def joules_to(slices, target):
    return next((s.spent_j for s in slices if s.accuracy >= target), math.inf)


@pytest.mark.thorough
def test_it_needs_half_the_joules_of_random_search_to_the_same_accuracy():
    target = 0.97 * SURFACE.best_accuracy
    ours, random = [], []
    for seed in range(3):
        ours.append(joules_to(run(seed), target))
        strategy = RECIPES["random"].build(SURFACE.space, seed, task_of(SURFACE, BUDGET_J))
        random.append(
            joules_to(simulate(strategy, SURFACE, Terms(BUDGET_J, seed=seed)).slices, target)
        )
    assert sorted(ours)[1] <= sorted(random)[1] / 2


def test_it_begins_with_an_epoch_of_cheap_candidates():
    first = run()[:STARTUP_TRIALS]
    assert [s.trial for s in first] == list(range(STARTUP_TRIALS))
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
def test_it_stops_when_nothing_is_worth_its_joules():
    assert run(worth=0.0)[-1].spent_j > 0.9 * BUDGET_J
    assert run(worth=1.0)[-1].spent_j < 0.5 * BUDGET_J


@pytest.mark.thorough
def test_slices_grow_with_what_asking_costs():
    surface, budget_j = SURFACES["scaling"], 100.0
    mean_epochs = []
    for ask_j in (0.0, 2.0):
        strategy = FrugalStrategy(surface.space, 0, task_of(surface, budget_j))
        slices = simulate(strategy, surface, Terms(budget_j, search_j=ask_j)).slices
        mean_epochs.append(sum(s.epochs for s in slices[6:20]) / 14)
    assert mean_epochs[1] > mean_epochs[0]


@pytest.mark.parametrize("epochs", [1, {"low": 1, "high": 5}, [2, 6]])
def test_any_space_will_do(epochs):
    space = Space.parse({"width": [8, 16], "epochs": epochs})
    strategy, asked = FrugalStrategy(space, 0, Task(10.0)), []
    for number in range(20):
        work = strategy.ask(0.0)
        if work is None:
            break
        asked.append(work)
        trial = work.params["width"] if work.trial is None else work.trial
        state = State.PAUSED if work.pause else State.COMPLETE
        curve = (CurvePoint(work.until, 0.1, 0.5 + number / 100, 0.0),)
        strategy.tell(
            Told(work.params, state, 0.5, 0.1, trial=trial, epochs=work.until, curve=curve)
        )
    assert strategy.ask(0.0) is None
    assert {work.params["width"] for work in asked} == {8, 16}
    assert max(work.until for work in asked) == space.longest()


def test_what_cannot_fit_the_budget_is_not_begun():
    slices = run(budget_j=3.0)
    assert slices[-1].spent_j <= 3.0
    assert sum(s.state is State.TRUNCATED for s in slices) <= 1
    strategy = FrugalStrategy(SURFACE.space, 0, task_of(SURFACE, 3.0))
    for each in [s for s in slices if s.epochs]:
        strategy.ask(each.spent_j)
        curve = (CurvePoint(each.epochs, each.energy_j, 0.5, 0.0),)
        strategy.tell(
            Told(each.params, State.PAUSED, 0.5, each.energy_j, trial=each.trial,
                 epochs=each.epochs, curve=curve)
        )  # fmt: skip
    assert strategy.ask(2.9999) is None
