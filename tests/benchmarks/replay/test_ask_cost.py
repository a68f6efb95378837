"""The model of what asks cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.replay.ask_cost import AskCosts, load_ask_costs
from perjoule.tuners.registry import RECIPES

COSTS = AskCosts("2026-11-21", "here", "small", {}, (0, 5, 10, 20), {"a": (1, 1, 2), "b": (1, 5)})


def test_costs_are_measured_for_every_strategy():
    assert set(load_ask_costs().cpu_s) == set(RECIPES)


def cost(costs, strategy, n_told):
    cost_s = costs.of(strategy)
    assert cost_s is not None
    return cost_s(n_told)


def test_a_cost_is_interpolated_and_goes_on_by_the_last_slope():
    assert [cost(COSTS, "a", n) for n in (0, 3, 5, 6, 10, 15)] == pytest.approx(
        [1, 1, 1, 1.2, 2, 3]
    )
    assert cost(COSTS, "b", 10) == pytest.approx(9)


@given(st.sampled_from(sorted(RECIPES)), st.integers(0, 400), st.integers(0, 400))
def test_an_ask_never_gets_cheaper_as_more_is_told(name, n_told, more):
    costs = load_ask_costs()
    assert 0 < cost(costs, name, n_told) <= cost(costs, name, n_told + more) + 1e-12
