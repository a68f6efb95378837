"""What all strategies keep, and how one is rebuilt."""

import doctest
import random
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import pytest

from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners import strategies
from perjoule.tuners.parts.samplers import STARTUP_TRIALS
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategy import Told, Work, restore

from .toys import each_of

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
ENDING = {
    "grid",
    "grid-cheapest",
    "sobol",
    "gp-eipj",
    "gp-cooled",
    "pbgi",
    "frugal",
    "frugal-prior",
}
"""Those that propose each candidate once."""

every_recipe = each_of(RECIPES)


def score(params):
    return 1 - abs(params["learning_rate"] - 0.01) - params["dropout"] / 5 - 1 / params["width"]


def result(work, number):
    """What a slice gives; every fifth one fails."""
    trial = number if work.trial is None else work.trial
    if number % 5 == 3:
        return Told(work.params, State.FAILED, None, 1.0, trial=trial)
    state = State.PAUSED if work.pause else State.COMPLETE
    reached = score(work.params) * (1 - 0.5**work.until)
    curve = (CurvePoint(work.until, 1.0, reached, 0.0),)
    return Told(work.params, state, reached, 1.0, trial=trial, epochs=work.until, curve=curve)


def search(strategy, count, first=0):
    """Ask and tell ``count`` times; return the work and all that was told."""
    works, told = [], []
    for number in range(first, first + count):
        works.append(strategy.ask(float(number)))
        told.append(result(works[-1], number))
        strategy.tell(told[-1])
    return works, told


@cache
def searched(name):
    """The beginning of a search with the seed 7, and what came of it after that."""
    strategy = RECIPES[name].build(SPACE, 7)
    return search(strategy, N_TOLD), search(strategy, 2, first=N_TOLD)


@pytest.mark.parametrize("name", [module.name for module in iter_modules(strategies.__path__)])
def test_a_file_of_a_strategy_opens_with_an_example_that_runs(name):
    module = import_module(f"{strategies.__name__}.{name}")
    text = module.__doc__ or ""
    assert ">>> " in text.partition("When to use it")[0]
    assert ".ask(" in text
    assert ".tell(" in text
    assert doctest.testmod(module).failed == 0


@every_recipe
def test_proposals_are_complete_inside_the_space_and_trained_for_their_epochs(name):
    for work in searched(name)[0][0]:
        assert SPACE.complete(work.params) == work.params
        assert work.until <= work.params["epochs"]
        assert work.pause == (work.until < work.params["epochs"])
        assert RECIPES[name].prunes or not work.pause


@every_recipe
def test_a_restored_strategy_goes_on_as_the_uninterrupted_one(name):
    (works, history), after = searched(name)
    for count in (1, 4, 7):
        restored = restore(RECIPES[name].build(SPACE, 7), history[:count])
        assert restored.ask(float(count)) == works[count]
        assert restored.ask(float(count)) == works[count]
    restored = restore(RECIPES[name].build(SPACE, 7), history)
    assert search(restored, 2, first=N_TOLD) == after
    assert search(RECIPES[name].build(SPACE, 8), 3)[0] != works[:3]  # by another seed


@pytest.mark.parametrize(
    "entries",
    [
        {"epochs": 2},
        {"width": [8], "epochs": {"low": 2, "high": 2}, "rate": {"low": 0.1, "high": 0.1}},
        {"width": [8, 16], "epochs": {"low": 2, "high": 2}},
    ],
)
@every_recipe
def test_spaces_of_few_values_are_searched_to_their_end(name, entries):
    space = Space.parse(entries)
    strategy, works = RECIPES[name].build(space, 0), []
    while len(works) < 2 * STARTUP_TRIALS and (work := strategy.ask(0.0)) is not None:
        assert space.complete(work.params) == work.params
        assert work.until == 2 or RECIPES[name].prunes
        trial = sum(each.trial is None for each in works) if work.trial is None else work.trial
        works.append(work)
        state = State.PAUSED if work.pause else State.COMPLETE
        strategy.tell(Told(work.params, state, 0.5, 1.0, trial=trial, epochs=work.until))
    assert (len(works) < 2 * STARTUP_TRIALS) == (name in ENDING)
    if name in ENDING:
        begun = [tuple(work.params.values()) for work in works if work.trial is None]
        assert len(begun) == len(set(begun)) == len(entries.get("width", [8]))


@pytest.mark.parametrize("state", [State.FAILED, State.TRUNCATED])
@every_recipe
def test_without_any_result_it_goes_on_with_other_candidates(name, state):
    strategy, proposals = RECIPES[name].build(SPACE, 0), []
    for number in range(STARTUP_TRIALS + 3):
        proposals.append(strategy.ask(0.0).params)
        assert SPACE.complete(proposals[-1]) == proposals[-1]
        strategy.tell(Told(proposals[-1], state, None, None, trial=number))
    assert len({tuple(params.values()) for params in proposals}) == len(proposals)


@each_of(["tpe", "gp", "skopt-gp", "skopt-forest", "skopt-gbrt"])
def test_a_model_learns_from_accuracies_but_not_from_failures(name):
    _, known = search(RECIPES["random"].build(SPACE, 3), N_TOLD)

    def proposal(**change):
        strategy = RECIPES[name].build(SPACE, 3)
        for told in known:
            given = {"state": told.state, "score": told.score} | change
            strategy.tell(Told(told.params, energy_j=1.0, trial=told.trial, **given))
        return strategy.ask(0.0).params

    assert proposal() != proposal(score=0.5, state=State.COMPLETE)
    # A failed trial is one whatever its accuracy was, and so is one without an accuracy.
    lost = proposal(state=State.FAILED)
    assert SPACE.complete(lost) == lost
    assert lost == proposal(score=None, state=State.FAILED)
    assert lost == proposal(score=None, state=State.TRUNCATED)


class Walk:
    """Walks at random from its last proposal: it has a memory of its own asks."""

    def __init__(self, *, says_so):
        self.random, self.at, self.asked_at_j = random.Random(0), 0.5, []
        if says_so:
            self.replays_tells = False

    def ask(self, spent_j):
        self.asked_at_j.append(spent_j)
        self.at += self.random.uniform(-0.1, 0.1)
        return Work({"at": self.at, "epochs": 1}, 1)

    def tell(self, result):
        if result.score is None:
            self.at = 0.5


def test_a_strategy_that_remembers_its_asks_is_asked_again_if_it_says_so():
    whole, history = Walk(says_so=True), []
    for number in range(5):
        params = whole.ask(2.0 * number).params
        history.append(Told(params, State.COMPLETE, None if number == 2 else 0.5, 2.0))
        whole.tell(history[-1])
    assert len({told.params["at"] for told in history}) == 5
    restored = restore(Walk(says_so=True), history)
    assert restored.asked_at_j == whole.asked_at_j
    assert restored.ask(10.0) == whole.ask(10.0)
    assert restore(Walk(says_so=False), history).asked_at_j == []
