import math
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution

from perjoule.errors import ConfigurationError
from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.strategies.grid import DEFAULT_LEVELS, GridStrategy, axis_levels
from perjoule.tuners.strategy import Task, Told, restore


def proposals(strategy):
    """Yield the proposed candidates until there are none left."""
    while (work := strategy.ask(0.0)) is not None:
        assert work.until == work.params["epochs"]
        yield work.params
        strategy.tell(Told(work.params, State.COMPLETE, 0.5, 1.0))


@st.composite
def entries(draw):
    """One hyperparameter as a user writes it: a choice, a whole or a real range."""
    kind = draw(st.sampled_from(["choices", "int", "float", "stepped float"]))
    if kind == "choices":
        return draw(st.lists(st.integers(-9, 9), min_size=1, max_size=4, unique=True))
    log = draw(st.booleans())
    if kind == "int":
        low, width = draw(st.integers(1 if log else -50, 50)), draw(st.integers(0, 10**6))
        step = {} if log else {"step": draw(st.integers(1, 7))}
        return {"low": low, "high": low + width * step.get("step", 1), "log": log, **step}
    if kind == "float":
        low = draw(st.floats(1e-8 if log else -1e3, 1e3))
        return {"type": "float", "low": low, "high": draw(st.floats(low, 1e4)), "log": log}
    low, step, count = (draw(st.integers(*ends)) for ends in ((-9, 9), (1, 7), (0, 9)))
    tenths = {"low": low, "high": low + count * step, "step": step}
    return {"type": "float", **{name: value / 10 for name, value in tenths.items()}}


spaces = st.dictionaries(st.sampled_from("abcd"), entries(), max_size=4).map(
    lambda searched: Space.parse({"epochs": 2, **searched})
)


@pytest.mark.parametrize("order", ["shuffled", "cheapest"])
@given(spaces, st.integers(0, 2**31 - 1), st.integers(0, 40))
@settings(max_examples=25)
def test_every_point_comes_exactly_once_and_a_restored_grid_goes_on(order, space, seed, told):
    def grid():
        return GridStrategy(space, seed, order=order)

    strategy = grid()
    seen = list(proposals(strategy))
    axes = [axis_levels(each, DEFAULT_LEVELS) for each in space.distributions.values()]
    once = {tuple(params.values()) for params in seen}
    assert len(seen) == len(once) == math.prod(map(len, axes))
    strategy.tell(Told({}, State.COMPLETE, 0.5, 1.0))
    assert strategy.ask(0.0) is None
    history = [Told({}, State.FAILED, None, 1.0)] * min(told, len(seen))
    assert list(proposals(restore(grid(), history))) == seen[len(history) :]


@given(entries(), st.integers(2, 5))
def test_levels_lie_inside_and_reach_both_ends(entry, levels):
    distribution = Space.parse({"x": entry}).distributions["x"]
    axis = axis_levels(distribution, levels)
    assert all(distribution._contains(distribution.to_internal_repr(level)) for level in axis)
    if isinstance(distribution, CategoricalDistribution):
        assert axis == entry
    else:
        assert axis == sorted(set(axis))
        assert len(axis) <= levels
        assert (axis[0], axis[-1]) == (entry["low"], pytest.approx(entry["high"]))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"low": 1, "high": 4}, [1, 3, 4]),
        ({"low": 2, "high": 10, "step": 4}, [2, 6, 10]),
        ({"low": 8, "high": 128, "log": True}, [8, 32, 128]),
        ({"low": 0.0, "high": 0.5}, [0.0, 0.25, 0.5]),
        ({"low": 0.1, "high": 0.3, "step": 0.1}, [0.1, 0.2, 0.3]),
        ({"low": 1e-4, "high": 1e-2, "log": True}, [1e-4, 1e-3, 1e-2]),
        ({"low": 0, "high": 2**63 - 1}, [0, 2**62, 2**63 - 1]),
        (["sgd", "adam", "adamw", "lion"], ["sgd", "adam", "adamw", "lion"]),
        ([True, False], [True, False]),
    ],
)
def test_levels_are_spread_evenly_on_its_own_scale(entry, expected):
    axis = axis_levels(Space.parse({"x": entry}).distributions["x"], DEFAULT_LEVELS)
    assert axis == (expected if isinstance(expected[0], str) else pytest.approx(expected))


NETWORKS = Space.parse(
    {
        "learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
        "width": {"low": 8, "high": 64, "log": True},
        "kernel": [5, 3],
        "blocks": {"low": 1, "high": 4},
        "optimizer": ["sgd", "adam"],
        "log2_batch_size": {"low": 4, "high": 8},
        "epochs": {"low": 1, "high": 4},
    }
)
N_SAMPLES = 512


def cnn_cost(params):
    """Operations of an image and weights of a pretended network; wide deep ones do not fit."""
    if params["width"] * params["blocks"] > 200:
        raise ValueError("too large")
    operations = params["blocks"] * params["width"] ** 2 * params["kernel"] ** 2
    return float(operations), float(operations / 4)


def operations(params):
    try:
        forward, weights = cnn_cost(params)
    except ValueError:
        return math.inf
    n_steps = N_SAMPLES // 2 ** params["log2_batch_size"]
    return params["epochs"] * (3 * forward * N_SAMPLES + 10 * weights * n_steps)


def cheapest(space, seed=0, cost_of=cnn_cost):
    task = Task(cost_of=cost_of, n_samples=N_SAMPLES)
    return proposals(GridStrategy(space, seed, order="cheapest", task=task))


def test_cheapest_first_by_the_operations_of_the_training():
    seen = list(cheapest(NETWORKS))
    costs = [operations(params) for params in seen]
    assert costs == sorted(costs)
    assert costs[-1] == math.inf
    # A small batch is dearer, and choices are ordered by what they cost.
    assert (seen[0]["log2_batch_size"], seen[0]["kernel"]) == (8, 3)
    assert len({tuple(params.values()) for params in seen}) == 3**5 * 2 * 2


def test_what_costs_nothing_comes_in_a_seeded_order():
    def first(seed):
        found = list(islice(cheapest(NETWORKS, seed), 6))
        assert len({operations(params) for params in found}) == 1
        return [(params["learning_rate"], params["optimizer"]) for params in found]

    assert len(set(first(0))) == 6
    assert first(0) == first(0)
    assert len({tuple(first(seed)) for seed in range(5)}) > 1


def test_each_network_is_built_once():
    built = []

    def cost_of(params):
        built.append(tuple(params[name] for name in ("width", "kernel", "blocks")))
        return cnn_cost(params)

    assert len(list(cheapest(NETWORKS, 0, cost_of))) > 900
    # All 18, and those that show that learning rate and optimiser shape none, at two corners.
    assert len(set(built)) == 18
    assert len(built) <= 18 + 2 * (3 + 2)


def test_a_hyperparameter_that_matters_in_large_networks_only_is_priced():
    def cost_of(params):
        return 100.0 + (params["blocks"] > 2) * params["units"], 1.0

    space = Space.parse({"blocks": [1, 2, 3], "units": [30, 10, 20], "epochs": 1})
    seen = cheapest(space, 0, cost_of)
    assert [params["units"] for params in seen if params["blocks"] == 3] == [10, 20, 30]


def test_without_networks_larger_values_count_as_dearer():
    space = Space.parse(
        {
            "epochs": {"low": 1, "high": 3},
            "log2_batch_size": {"low": 4, "high": 8},
            "width": {"low": 8, "high": 64, "log": True},
            "depth": [1, 2],
        }
    )
    seen = list(cheapest(space, 0, None))
    assert seen[0] == space.cheapest()
    assert seen[-1] == {**space.heaviest(), "log2_batch_size": 4}
    ranks = [
        (params["epochs"] - 1) / 2
        + (8 - params["log2_batch_size"]) / 4
        + math.log2(params["width"] / 8) / 3
        + (params["depth"] - 1)
        for params in seen
    ]
    assert ranks == pytest.approx(sorted(ranks), abs=0.02)  # a width of 23 is not quite half way
    assert len({tuple(map(str, cheapest(space, seed, None))) for seed in range(5)}) > 1


HUGE = Space.parse({"epochs": 1} | {f"x{i}": {"low": 0.0, "high": 1.0} for i in range(60)})
"""Its 3^60 points would neither fit the memory nor a 64-bit index."""


def test_a_huge_grid_is_not_listed():
    seen = list(islice(proposals(GridStrategy(HUGE, 0)), 100))
    assert len({tuple(params.values()) for params in seen}) == 100
    assert {value for params in seen for value in params.values()} == {0.0, 0.5, 1.0}
    for cost_of in (None, lambda params: (sum(params.values()), 1.0)):
        seen = list(islice(cheapest(HUGE, 0, cost_of), 100))
        assert [sum(params.values()) for params in seen] == [1.0] + 60 * [1.5] + 39 * [2.0]
        assert len({tuple(params.values()) for params in seen}) == 100


def test_an_unknown_order_is_refused():
    with pytest.raises(ConfigurationError, match="no order 'fastest': choose from shuffled, cheap"):
        GridStrategy(HUGE, 0, order="fastest")


def test_cheapest_first_by_the_joules_that_a_model_of_the_machine_foretells():
    def energy_of(params):  # the opposite of operations; narrow networks cannot be built
        if params["width"] == 8:
            return None
        return 1000.0 - params["width"] * params["blocks"] + params["epochs"]

    task = Task(cost_of=cnn_cost, n_samples=N_SAMPLES, energy_of=energy_of)
    seen = list(proposals(GridStrategy(NETWORKS, 0, task, order="cheapest")))
    joules = [energy_of(each) or math.inf for each in seen]
    assert len(seen) == len({tuple(params.values()) for params in seen}) == 3**5 * 2 * 2
    assert joules[0] == min(joules)
    assert joules[-1] == math.inf
    # Choices interact here, so that some points come late; on the whole joules rise.
    rises = [a <= b for a, b in pairwise(joules)]
    assert sum(rises) > 0.9 * len(rises)
    assert [operations(each) for each in seen] != sorted(map(operations, seen))
    # Without networks to build a model is enough.
    alone = GridStrategy(NETWORKS, 0, Task(energy_of=energy_of), order="cheapest")
    assert list(proposals(alone)) == seen
