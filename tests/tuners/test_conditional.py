"""Every strategy on a space in which some hyperparameters count only sometimes."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perjoule.errors import ConfigurationError
from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import INACTIVE, Encoding
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategies.grid import GridStrategy, axis_levels
from perjoule.tuners.strategy import Told, restore

from .toys import each_of

SPACE = Space.parse(
    {
        "momentum": {"low": 0.1, "high": 0.99, "when": {"optimizer": "sgd"}},
        "nesterov": {"choices": [False, True], "when": {"optimizer": "sgd"}},
        "optimizer": ["adam", "sgd"],
        "beta1": {"value": 0.9, "when": {"optimizer": "adam"}},
        "damping": {"low": 1, "high": 3, "when": {"nesterov": False, "depth": [1, 2]}},
        "depth": {"low": 1, "high": 3},
        "learning_rate": {"low": 1e-4, "high": 0.3, "log": True},
        "epochs": {"low": 1, "high": 4},
    }
)
N_TOLD = 12


def told(work, number):
    """What a slice gives; every fifth one fails."""
    params, trial = work.params, number if work.trial is None else work.trial
    if number % 5 == 3:
        return Told(params, State.FAILED, None, 1.0, trial=trial)
    score = 0.9 - abs(params["learning_rate"] - 0.01) - 0.1 * (params["optimizer"] == "adam")
    score -= abs((params["momentum"] or 0.5) - 0.9) / 5
    curve = (CurvePoint(work.until, 1.0, score, 0.0),)
    state = State.PAUSED if work.pause else State.COMPLETE
    return Told(params, state, score, 1.0, trial=trial, epochs=work.until, curve=curve)


def search(strategy, first, count):
    works, history = [], []
    for number in range(first, first + count):
        works.append(strategy.ask(float(number)))
        history.append(told(works[-1], number))
        strategy.tell(history[-1])
    return works, history


@cache
def searched(name):
    strategy = RECIPES[name].build(SPACE, 7)
    return search(strategy, 0, N_TOLD), search(strategy, N_TOLD, 2)


@each_of(RECIPES)
def test_what_is_proposed_has_values_where_it_is_active_and_none_elsewhere(name):
    works, _ = searched(name)[0]
    for work in works:
        active = SPACE.active(work.params)
        assert {n for n, value in work.params.items() if value is not None} == active
        assert SPACE.complete(work.params) == work.params
        assert work.params.keys() == {*SPACE.distributions, *SPACE.fixed}
    assert {work.params["optimizer"] for work in works} == {"adam", "sgd"}


@each_of(RECIPES)
def test_a_restored_strategy_proposes_the_same(name):
    (works, history), after = searched(name)
    for count in (1, 7):
        restored = restore(RECIPES[name].build(SPACE, 7), history[:count])
        assert restored.ask(float(count)) == works[count]
    restored = restore(RECIPES[name].build(SPACE, 7), history)
    assert search(restored, N_TOLD, 2) == after


@st.composite
def conditional_spaces(draw):
    """A few axes; each may depend on one or two of those before it."""
    mapping = {"epochs": 2}
    parents = {}
    for name in "abcdef"[: draw(st.integers(2, 6))]:
        kind = draw(st.sampled_from(["choice", "steps", "range", "log", "value"]))
        entry = {
            "choice": {"choices": draw(st.sampled_from([["x", "y"], [1, 2, 3], [True, False]]))},
            "steps": {"low": 1, "high": draw(st.integers(1, 4))},
            "range": {"low": -1.0, "high": 2.0},
            "log": {"low": 1, "high": 32, "log": True},
            "value": {"value": 0.5},
        }[kind]
        chosen = draw(st.lists(st.sampled_from(sorted(parents)), max_size=2)) if parents else []
        when = {p: draw(st.lists(st.sampled_from(parents[p]), min_size=1)) for p in chosen}
        mapping[name] = {**entry, "when": when} if when else entry
        if kind == "choice":
            parents[name] = entry["choices"]
        elif kind == "steps":
            parents[name] = list(range(1, entry["high"] + 1))
    try:
        return Space.parse(mapping)
    except ConfigurationError as error:
        assume("can never be active" not in str(error))
        raise


@settings(max_examples=60)
@given(conditional_spaces(), st.integers(0, 2**31 - 1))
def test_points_of_the_cube_are_candidates_and_candidates_points(space, seed):
    assert Space.parse(space.to_mapping()) == space
    encoding = Encoding(space)
    for point in np.random.default_rng(seed).random((20, encoding.n_dimensions)):
        params = encoding.decode(point)
        active = space.active(params)
        assert {name for name, value in params.items() if value is not None} == active
        assert space.complete(params) == space.complete(space.activate(params)) == params
        again = encoding.unit(params)
        inactive = [name not in active for name in encoding.axes]
        assert (again[inactive] == INACTIVE).all()
        assert encoding.decode(again) == pytest.approx(params)
        assert encoding.features(params).shape == encoding.features(space.cheapest()).shape


@settings(max_examples=60)
@given(conditional_spaces(), st.sampled_from(["shuffled", "cheapest"]), st.integers(0, 99))
def test_a_grid_has_each_candidate_once_and_all_of_them(space, order, seed):
    strategy, seen = GridStrategy(space, seed, levels=2, order=order), []
    while (work := strategy.ask(0.0)) is not None:
        assert space.complete(work.params) == work.params
        seen.append(tuple(work.params.values()))
        strategy.tell(Told(work.params, State.COMPLETE, 0.5, 1.0))
    levels = {name: axis_levels(axis, 2) for name, axis in space.distributions.items()}
    for condition in space.conditions.values():
        for parent, values in condition.items():
            if parent in levels:
                levels[parent] = [*levels[parent], *set(values) - set(levels[parent])]
    drawn = (dict(zip(levels, values, strict=True)) for values in product(*levels.values()))
    distinct = {tuple(space.complete(space.activate(each)).values()) for each in drawn}
    assert len(seen) == len(distinct)
    assert set(seen) == distinct


def test_the_features_of_a_candidate_tell_inactive_from_middling():
    entries = {"a": ["x", "y"], "b": {"low": 0.0, "high": 1.0, "when": {"a": "y"}}, "epochs": 1}
    encoding = Encoding(Space.parse(entries))
    inactive = encoding.features({"a": "x", "b": None})
    middling = encoding.features({"a": "y", "b": 0.5})
    assert inactive.tolist() == [1, 0, 0.5, 0]
    assert middling.tolist() == [0, 1, 0.5, 1]
