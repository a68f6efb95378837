from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
import torch
from threadpoolctl import threadpool_limits

from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES, STARTUP_TRIALS
from perjoule.tuners.strategy import Told, Work, restore

SPACE = Space.parse(
    {
        "learning_rate": {"low": 1e-4, "high": 0.3, "log": True},
        "width": {"low": 8, "high": 64, "log": True},
        "dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
        "optimizer": ["sgd", "adam"],
        "epochs": {"low": 1, "high": 8},
        "kernel_size": 3,
    }
)
N_TOLD = STARTUP_TRIALS + 4
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@pytest.fixture(autouse=True)
def one_thread():
    """As a worker has, so that sums add up in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


def accuracy(params):
    return 1 - abs(params["learning_rate"] - 0.01) - params["dropout"] / 5 - 1 / params["width"]


def result(work, number, state=State.COMPLETE):
    """What a slice gives; every fifth one fails."""
    trial = number if work.trial is None else work.trial
    if number % 5 == 3:
        return Told(work.params, State.FAILED, None, 1.0, trial=trial)
    state = State.PAUSED if work.pause else state
    reached = accuracy(work.params) * (1 - 0.5**work.until)
    curve = (CurvePoint(work.until, 1.0, reached, 0.0),)
    return Told(work.params, state, reached, 1.0, trial=trial, epochs=work.until, curve=curve)


def search(strategy, count, first=0):
    """Ask and tell ``count`` times; return all that was told."""
    told = []
    for number in range(first, first + count):
        told.append(result(strategy.ask(float(number)), number))
        strategy.tell(told[-1])
    return told


@every_recipe
def test_proposals_are_complete_inside_the_space_and_trained_for_their_epochs(recipe):
    strategy = recipe.build(SPACE, 0)
    for number in range(N_TOLD):
        work = strategy.ask(float(number))
        assert SPACE.complete(work.params) == work.params
        assert work.until <= work.params["epochs"]
        assert work.pause == (work.until < work.params["epochs"])
        assert recipe.prunes or not work.pause
        strategy.tell(result(work, number))


@every_recipe
def test_a_restored_strategy_goes_on_as_the_uninterrupted_one(recipe):
    whole = recipe.build(SPACE, 7)
    history = search(whole, N_TOLD)
    restored = restore(recipe.build(SPACE, 7), history)
    assert search(restored, 3, first=N_TOLD) == search(whole, 3, first=N_TOLD)


@every_recipe
def test_the_seed_decides_the_proposals(recipe):
    first, again, other = (search(recipe.build(SPACE, seed), 3) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "recipe",
    [
        r
        for r in RECIPES.values()
        if r.startup_trials and r.optimises == "accuracy" and not r.prunes
    ],
    ids=lambda r: r.name,
)
def test_a_model_learns_from_accuracies_but_not_from_failures(recipe):
    def proposal(**change):
        strategy, proposals = recipe.build(SPACE, 3), RECIPES["random"].build(SPACE, 3)
        for told in search(proposals, N_TOLD):
            given = {"state": told.state, "accuracy": told.accuracy} | change
            strategy.tell(
                Told(told.params, given["state"], given["accuracy"], 1.0, trial=told.trial)
            )
        return strategy.ask(0.0).params

    assert proposal() != proposal(accuracy=0.5, state=State.COMPLETE)
    # A failed trial is one whatever its accuracy was, and so is one without an accuracy.
    lost = proposal(state=State.FAILED)
    assert lost == proposal(accuracy=None, state=State.FAILED)
    assert lost == proposal(accuracy=None, state=State.TRUNCATED)


@pytest.mark.parametrize("name", ["tpe", "gp", "skopt-gp", "skopt-forest"])
def test_all_trials_failing_stops_no_strategy(name):
    strategy: Any = RECIPES[name].build(SPACE, 0)
    for _ in range(STARTUP_TRIALS + 2):
        work = strategy.ask(0.0)
        assert SPACE.complete(work.params) == work.params
        strategy.tell(Told(work.params, State.FAILED, None, None))


class Walk:
    """A strategy with a memory of its own asks: it walks at random from its last proposal."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.at = 0.5
        self.asked_at_j = []

    def ask(self, spent_j):
        self.asked_at_j.append(spent_j)
        self.at += self.random.uniform(-0.1, 0.1)
        return Work({"at": self.at, "epochs": 1}, 1)

    def tell(self, result):
        if result.accuracy is None:
            self.at = 0.5


def test_a_strategy_that_remembers_its_asks_is_asked_again():
    def told(work, number):
        failed = number == 2
        state = State.FAILED if failed else State.COMPLETE
        return Told(work.params, state, None if failed else 0.5, 2.0)

    whole, history = Walk(0), []
    for number in range(5):
        history.append(told(whole.ask(2.0 * number), number))
        whole.tell(history[-1])
    restored = Walk(0)
    restore(restored, history)
    assert restored.asked_at_j == whole.asked_at_j
    assert restored.ask(10.0) == whole.ask(10.0)
    assert all(a != b for a, b in pairwise(each.params["at"] for each in history))
