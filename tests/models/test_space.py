import doctest
import json
import math

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models import conditions
from perjoule.models import space as space_module
from perjoule.models.networks.cnn import DEFAULT_SPACE
from perjoule.models.networks.registry import default_space
from perjoule.models.space import Space, batch_size_of
from perjoule.models.training import TrainingSettings

LEARNING_RATE = {"low": 1e-4, "high": 0.1, "log": True}

numbers = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
scalars = st.booleans() | st.integers(-(2**50), 2**50) | numbers | st.text(max_size=5)


def ends(values, make, **options):
    pairs = st.tuples(values, values).map(sorted)
    return pairs.map(lambda pair: make(*pair, **options))


distributions = st.one_of(
    ends(numbers, FloatDistribution),
    ends(st.floats(1e-9, 1e9), FloatDistribution, log=True),
    ends(st.integers(1, 1000), IntDistribution, log=True),
    st.builds(
        lambda low, steps, step: IntDistribution(low, low + steps * step, step=step),
        st.integers(-1000, 1000),
        st.integers(0, 50),
        st.integers(1, 9),
    ),
    st.lists(scalars, min_size=1, max_size=4, unique=True).map(CategoricalDistribution),
)
names = st.text(min_size=1, max_size=8)


@settings(max_examples=50)
@given(st.dictionaries(names, distributions | scalars, min_size=1, max_size=4))
def test_a_space_survives_json_and_yaml(mapping):
    space = Space.parse(mapping)
    plain = space.to_mapping()
    assert Space.parse(plain) == space
    assert Space.parse(json.loads(json.dumps(plain))) == space
    assert Space.parse(yaml.safe_load(yaml.safe_dump(plain))) == space


@settings(max_examples=50)
@given(st.dictionaries(names, distributions, min_size=1, max_size=4))
def test_the_cheapest_candidate_is_in_the_space(mapping):
    space = Space.parse(mapping)
    assert space.complete(space.cheapest()) == space.cheapest()


def test_the_heaviest_candidate_takes_the_high_ends_and_last_choices():
    space = Space.parse({"width": {"low": 8, "high": 64}, "kernel_size": [3, 5], "epochs": 4})
    assert space.heaviest() == {"width": 64, "kernel_size": 5, "epochs": 4}


def test_types_are_inferred_also_of_numbers_that_yaml_takes_for_text():
    written = """
        learning_rate: {low: 1e-4, high: 1E-1, log: true}
        width: {low: 8, high: 64}
        momentum: {low: 0, high: 1, step: 0.25}
        optimizer: {choices: [sgd, adam]}
        kernel_size: [3, 5]
        weight_decay: 5e-4
        epochs: 4
    """
    space = Space.parse(yaml.safe_load(written))
    assert space.distributions == {
        "learning_rate": FloatDistribution(1e-4, 0.1, log=True),
        "width": IntDistribution(8, 64),
        "momentum": FloatDistribution(0, 1, step=0.25),
        "optimizer": CategoricalDistribution(["sgd", "adam"]),
        "kernel_size": CategoricalDistribution([3, 5]),
    }
    assert space.fixed == {"weight_decay": 5e-4, "epochs": 4}


@pytest.mark.parametrize(
    ("entry", "mend"),
    [
        ({"low": 3, "high": 1}, "swap"),
        ({"low": 0.0, "high": 1.0, "log": True}, "log needs low above 0"),
        ({"low": 0, "high": 8, "type": "int", "log": True}, "log needs low above 0"),
        ({"low": 1, "high": 8, "log": True, "step": 2}, "drop one"),
        ({"low": 1, "high": 8, "step": 2}, "set high to 7"),
        ({"low": 1, "high": 8, "step": 0}, "above 0"),
        ({"low": 1, "high": 8, "step": 1e-320}, "drop the step"),
        ({"low": 1, "high": 8, "log": 1}, "true or false"),
        ({"low": 1}, "high is missing"),
        ({}, "low is missing"),
        ({"low": 1.5, "high": 8, "type": "int"}, "whole"),
        ({"low": math.nan, "high": 1.0}, "finite"),
        ({"low": 1.0, "high": math.inf}, "finite"),
        ({"low": "one", "high": 2}, "finite"),
        ({"low": True, "high": 2}, "finite"),
        ({"low": 1, "high": 2, "hihg": 3}, "'high'"),
        ({"low": 1, "high": 2, "type": "real"}, "float, int, categorical"),
        ({"choices": []}, "at least one"),
        ({"choices": "adam"}, "list"),
        ({"choices": ["adam"], "low": 1}, "unknown key 'low'"),
        ([], "at least one"),
        ([1, 1.0], "twice"),
        ([1, math.nan], "finite"),
        ([None, "adam"], "text"),
        ([[1, 2], [3]], "text"),
        (None, "text"),
        (math.inf, "finite"),
    ],
)
def test_a_mistake_names_the_hyperparameter_and_the_mend(entry, mend):
    with pytest.raises(ConfigurationError, match="units") as caught:
        Space.parse({"units": entry})
    assert mend in str(caught.value)


@pytest.mark.parametrize("mapping", [{}, [], None, {3: 1}])
def test_a_space_needs_names(mapping):
    with pytest.raises(ConfigurationError, match=r"the space is empty|the hyperparameter name 3"):
        Space.parse(mapping)


def test_complete_merges_checks_and_casts():
    space = Space.parse({"learning_rate": LEARNING_RATE, "width": {"low": 8, "high": 64}, "k": 3})
    params = space.complete({"learning_rate": np.float64(0.01), "width": np.int64(16)})
    assert params == {"learning_rate": 0.01, "width": 16, "k": 3}
    assert [type(value) for value in params.values()] == [float, int, int]


def test_complete_refuses_what_the_space_does_not_hold():
    space = Space.parse({"width": {"low": 8, "high": 64}, "activation": ["relu"], "k": 3})
    held = {"width": 16, "activation": "relu"}
    changes = [{"width": 65}, {"width": 16.5}, {"width": "wide"}, {"activation": "tanh"}, {"k": 5}]
    for params in ({"width": 16}, *(held | change for change in changes)):
        with pytest.raises(ConfigurationError):
            space.complete(params)
    with pytest.raises(UnknownNameError):
        space.complete(held | {"depth": 5})


def test_the_cheapest_candidate_has_the_largest_batch_and_larger_data_sets_get_fewer_epochs():
    cheapest = Space.parse(DEFAULT_SPACE).cheapest()
    assert [cheapest[name] for name in ("log2_batch_size", "epochs", "width")] == [9, 1, 8]
    assert default_space("cnn", "fashion-mnist")["epochs"]["high"] < DEFAULT_SPACE["epochs"]["high"]
    assert default_space("cnn", "digits") == DEFAULT_SPACE


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(space_module).attempted >= 4
    for module in (space_module, conditions):
        assert doctest.testmod(module).failed == 0


def test_the_batch_size_of_a_candidate_is_that_of_its_training():
    assert batch_size_of({"log2_batch_size": 4}) == 16
    assert batch_size_of({"width": 8}) == TrainingSettings().batch_size == 64


# Conditions ---------------------------------------------------------------------------------------

OPTIMIZER = ["adam", "sgd"]
CONDITIONAL = {
    "momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": "sgd"}},
    "optimizer": OPTIMIZER,
    "nesterov": {"choices": [False, True], "when": {"optimizer": "sgd", "depth": [2, 3]}},
    "damping": {"low": 0.0, "high": 0.5, "step": 0.1, "when": {"nesterov": False}},
    "extra": {"value": 7, "when": {"damping": 0.3}},
    "depth": {"low": 1, "high": 3},
}


def test_a_condition_holds_where_all_it_names_are_active_and_have_one_of_the_values():
    space = Space.parse(CONDITIONAL)
    assert Space.parse(json.loads(json.dumps(space.to_mapping()))) == space
    assert space.order == ("optimizer", "momentum", "depth", "nesterov", "damping", "extra")
    adam = {"optimizer": "adam", "depth": 2}
    nothing = dict.fromkeys(CONDITIONAL)
    assert space.complete(adam) == nothing | adam
    # What stands beside it counts for nothing: the one that damping depends on is inactive.
    assert space.active(adam | {"nesterov": False, "momentum": 0.5}) == {"optimizer", "depth"}
    sgd = {"optimizer": "sgd", "depth": 3, "momentum": 0.5, "nesterov": False}
    assert space.complete({**sgd, "damping": 0.1}) == {**nothing, **sgd, "damping": 0.1}
    summed = 0.1 + 0.2  # which is not 0.3 to the last digit
    assert space.complete({**sgd, "damping": summed})["extra"] == 7
    everything = {**sgd, "optimizer": "adam", "damping": 0.1, "extra": 7}
    assert space.activate(everything) == {"optimizer": "adam", "depth": 3}


def test_corners_of_a_conditional_space_are_candidates():
    space = Space.parse(CONDITIONAL)
    assert space.cheapest() == dict.fromkeys(CONDITIONAL) | {"optimizer": "adam", "depth": 1}
    heavy = {"optimizer": "sgd", "depth": 3, "momentum": 0.9, "nesterov": True}
    assert space.heaviest() == dict.fromkeys(CONDITIONAL) | heavy
    assert space.heaviest({"nesterov": False, "damping": 0.3})["extra"] == 7


def test_a_value_for_what_is_inactive_is_refused_and_says_when_it_counts():
    space = Space.parse(CONDITIONAL)
    for name, value in (("momentum", 0.5), ("extra", 7)):
        with pytest.raises(ConfigurationError, match=f"{name} = {value}, but it counts only where"):
            space.complete({"optimizer": "adam", "depth": 1, name: value})
    with pytest.raises(ConfigurationError, match="'momentum' has no value"):
        space.complete({"optimizer": "sgd", "depth": 1})
    with pytest.raises(ConfigurationError, match="'optimizer' has no value"):
        space.complete({"momentum": 0.5, "depth": 1})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"m": {"value": 1, "when": {"optimiser": "sgd"}}}, "the space lacks: choose from"),
        ({"m": {"value": 1, "when": {"optimizer": "sgdd"}}}, "'sgdd' lies outside"),
        ({"m": {"value": 1, "when": {"depth": [1, 4]}}}, "4 lies outside"),
        ({"m": {"value": 1, "when": {"depth": 1.5}}}, "1.5 lies outside"),
        ({"m": {"value": 1, "when": {"m": 1}}}, "names itself"),
        ({"m": {"value": 1, "when": {}}}, "must map"),
        ({"m": {"value": 1, "when": "sgd"}}, "must map"),
        ({"m": {"value": 1, "when": {"optimizer": []}}}, "has no value"),
        ({"m": {"value": 1, "when": {"optimizer": None}}}, "text"),
        ({"m": {"value": 1, "when": {3: 1}}}, "names 3, which the space lacks"),
        ({"m": {"value": 1, "wen": {"optimizer": "sgd"}}}, "did you mean 'when'"),
        ({"m": {"value": 1, "low": 3}}, "unknown key 'low'"),
        ({"m": {"value": None}}, "text"),
        ({"m": {"value": 1, "when": {"optimizer": "adam", "nesterov": True}}}, "m: can never be"),
        ({"optimizer": "adam"}, "can never be active, for the space fixes optimizer at 'adam'"),
        ({"m": {"value": 1, "when": {"momentum": 0.5}}}, "hits no value exactly"),
        ({"optimizer": {"choices": OPTIMIZER, "when": {"momentum": 1}}}, "hits no value exactly"),
        ({"depth": {"low": 1, "high": 3, "when": {"damping": 0}}}, "circle: "),
        ({"epochs": {"low": 1, "high": 3, "when": {"depth": 1}}}, "epochs cannot be in a cond"),
        ({"epochs": 3, "m": {"value": 1, "when": {"epochs": 3}}}, "epochs cannot be in a cond"),
    ],
)
def test_a_condition_that_cannot_be_is_refused_in_one_line(changes, message):
    with pytest.raises(ConfigurationError) as caught:
        Space.parse(CONDITIONAL | changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parent_that_is_fixed_decides_for_good():
    space = Space.parse({"a": 1, "b": {"low": 1, "high": 2, "when": {"a": [1, 2]}}})
    assert space.cheapest() == {"a": 1, "b": 1}
    searched = Space.parse({"a": [1, 2], "b": {"low": 1, "high": 2, "when": {"a": 1}}})
    assert searched.with_fixed("a", 2).cheapest() == {"a": 2, "b": None}
    assert searched.with_fixed("b", 2).complete({"a": 2}) == {"a": 2, "b": 2}
