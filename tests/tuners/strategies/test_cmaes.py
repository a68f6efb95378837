from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategies.cmaes import CmaesStrategy
from perjoule.tuners.strategy import Told, restore

from ..toys import LOST, search

SPACE = Space.parse(
    {
        "learning_rate": {"low": 1e-4, "high": 1.0, "log": True},
        "decay": {"low": 0.0, "high": 1.0},
        "dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
        "width": {"low": 8, "high": 64, "log": True},
        "blocks": {"low": 1, "high": 9},
        "optimizer": ["sgd", "adam", "adamw", "lion"],
        "augment": [False, True],
        "epochs": {"low": 1, "high": 2},
        "kernel_size": 3,
    }
)
GENERATION = 10  # 4 + 3 ln 8
CHOICES = Space.parse({"a": [1, 2, 3], "b": ["x", "y"], "epochs": 1})


def judged(params, _number):
    """Best with a learning rate of 0.01, 7 blocks, a decay of 0.7 and the optimiser adamw."""
    score = (
        1.0
        - abs(params["learning_rate"] ** 0.25 - 0.01**0.25)
        - (params["decay"] - 0.7) ** 2
        - 0.05 * abs(params["blocks"] - 7)
        - 0.2 * (params["optimizer"] != "adamw")
        - 0.1 * params["augment"]
    )
    return {"score": score}


def params_of(history):
    return [each.params for each in history]


@pytest.mark.thorough
def test_it_finds_better_than_random_search():
    def best(strategy):
        return max(each.score for each in search(strategy, 80, judged))

    builders = CmaesStrategy, RECIPES["random"].build
    ours, random = ([best(build(SPACE, seed)) for seed in range(10)] for build in builders)
    assert median(ours) > median(random) + 0.08


def test_it_settles_on_the_right_choice_and_whole_number():
    last = params_of(search(CmaesStrategy(SPACE, 0), 200, judged))[-3 * GENERATION :]
    assert sum(each["optimizer"] == "adamw" for each in last) > 2 * GENERATION
    assert sum(abs(each["blocks"] - 7) <= 1 for each in last) > 2 * GENERATION
    # The margin keeps the others alive.
    assert len({each["blocks"] for each in last}) > 1


@pytest.mark.parametrize("best", CHOICES.distributions["a"].choices)
def test_choices_have_no_order(best):
    """The best of three is the middle one or an end alike."""
    history = search(CmaesStrategy(CHOICES, 1), 60, lambda p, _: {"score": float(p["a"] == best)})
    late = [each["a"] for each in params_of(history)[-20:]]
    assert max(set(late), key=late.count) == best


@pytest.mark.parametrize(
    "entries",
    [
        {"x": {"low": 0.0, "high": 1.0}},
        {"x": {"low": 1, "high": 100_000}},
        {"x": {"low": 1, "high": 2}},
        {"x": {"low": 1, "high": 3}, "y": {"low": 0.0, "high": 0.3, "step": 0.1}},
        {"x": ["a", "b"]},
        {"x": 3, "y": {"low": 2, "high": 2}},
    ],
    ids=["real", "many levels", "two levels", "levels", "choice", "nothing"],
)
@pytest.mark.parametrize("judge", [lambda p: len(str(p)) % 5 / 5, lambda p: 0.5])
def test_any_space_is_searched_from_inside(entries, judge):
    space = Space.parse({**entries, "epochs": 2})
    history = search(
        CmaesStrategy(space, 0), 60, lambda p, n: LOST if n % 7 == 3 else {"score": judge(p)}
    )
    assert all(space.complete(params) == params for params in params_of(history))


@pytest.mark.thorough
@pytest.mark.parametrize("space", [SPACE, CHOICES], ids=["mixed", "choices"])
@given(seed=st.integers(0, 2**31 - 1), count=st.integers(0, 45))
@settings(max_examples=8)
def test_a_restored_strategy_goes_on_as_the_uninterrupted_one(space, seed, count):
    def go(strategy, count, first=0):
        def outcome(params, number):
            return LOST if number % 6 == 2 else {"score": params["epochs"] / 3}

        return search(strategy, count, outcome, first=first)

    whole = CmaesStrategy(space, seed)
    restored = restore(CmaesStrategy(space, seed), go(whole, count))
    assert go(restored, 15, first=count) == go(whole, 15, first=count)


def after(results):
    """Proposals that follow a first generation with these accuracies, None for a failed trial."""
    strategy = CmaesStrategy(SPACE, 0)
    for each in results:
        state = State.FAILED if each is None else State.COMPLETE
        strategy.tell(Told({}, state, each, 1.0))
    return params_of(search(strategy, 3, judged))


def test_a_failed_trial_counts_as_the_worst_of_its_generation():
    others = [0.3 + number / 100 for number in range(GENERATION - 1)]
    assert after([*others, None]) == after([*others, 0.1]) != after([*others, 0.9])


def test_only_the_ranks_of_accuracies_count():
    scores = [0.1 + (number * 7 % 10) / 20 for number in range(GENERATION)]
    assert after(scores) == after([each**3 for each in scores]) != after(scores[::-1])


def test_a_generation_without_a_difference_begins_the_search_anew():
    assert after([None] * GENERATION) == after([0.5] * GENERATION)
    strategy = CmaesStrategy(SPACE, 0)
    search(strategy, 20 * GENERATION, judged)

    def spread():
        """How far apart the candidates of a generation are, which are equally accurate."""
        decays = [each["decay"] for each in params_of(search(strategy, GENERATION))]
        return max(decays) - min(decays)

    assert spread() < 0.15
    assert spread() > 0.3
