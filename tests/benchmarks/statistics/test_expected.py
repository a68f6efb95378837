"""Ratios of expected joules to a target, of runs that may never reach it."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, t

from perjoule.benchmarks.statistics.expected import expected_energy_ratio

from ..samples import quick

reached = st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=2, max_size=6)


def side(runs, factor=1.0):
    return pd.DataFrame(
        {
            "energy_j": [factor * joules for joules, _ in runs],
            "hit": [hit for _, hit in runs],
            "set": [i % 2 for i, _ in enumerate(runs)],
        }
    )


def test_censored_runs_cost_joules_and_give_no_hit():
    found = expected_energy_ratio(
        side([(2, True), (4, True)]), side([(10, True), (20, False), (30, False)])
    )
    assert found.value == (6 / 2) / (60 / 1)
    assert (found.runs, found.hits) == ((2, 3), (2, 1))
    # The variances of the logarithms by hand: of 2/3, 4/3 and of 10/20 - 3, 20/20, 30/20.
    one, other = np.var([2 / 3, 4 / 3], ddof=1) / 2, np.var([-2.5, 1.0, 1.5], ddof=1) / 3
    freedom = (one + other) ** 2 / (one**2 / 1 + other**2 / 2)
    reach = t.ppf(0.975, freedom) * math.sqrt(one + other)
    assert found.low == pytest.approx(found.value * math.exp(-reach))
    assert found.high == pytest.approx(found.value * math.exp(reach))


def test_a_strategy_that_never_arrives_is_bounded_by_the_hits_it_may_have():
    never, sure = side([(10, False)] * 5), side([(2, True)] * 5)
    found = expected_energy_ratio(sure, never)
    most = 1 - 0.025 ** (1 / 5)  # five runs without a hit, in 2.5 % of the cases
    assert binom.pmf(0, 5, most) == pytest.approx(0.025)
    assert (found.value, found.low, found.high) == (0.0, 0.0, pytest.approx(2 / (10 / most)))
    found = expected_energy_ratio(never, sure)
    assert (found.value, found.low, found.high) == (
        math.inf,
        pytest.approx(10 / most / 2),
        math.inf,
    )


@pytest.mark.parametrize("ends", [math.inf, 2.0])
def test_of_five_runs_each_the_interval_holds_the_truth(ends):
    """In at least 90 % of the cases; the percentile bootstrap does in 85 to 88 %."""
    rng, held, cases = np.random.default_rng(0), 0, 300
    # Of exponential joules that are cut off, the ratio of the expected ones is that of their means.
    for _ in range(cases):
        one, other = 2 * rng.exponential(size=5), rng.exponential(size=5)
        runs = [[(min(j, ends), j <= ends) for j in own] for own in (one, other)]
        found = expected_energy_ratio(*map(side, runs))
        held += found.low <= 2.0 <= found.high
    assert 0.9 * cases <= held


@quick
@given(reached, reached, st.sampled_from([None, "set"]))
def test_a_unit_cancels_and_joules_count_in_proportion(one, other, within):
    found = expected_energy_ratio(side(one), side(other), within=within)
    in_kilojoules = expected_energy_ratio(side(one, 4.0), side(other, 4.0), within=within)
    dearer = expected_energy_ratio(side(one, 4.0), side(other), within=within)
    for name in ("value", "low", "high"):
        value = getattr(found, name)
        assert getattr(in_kilojoules, name) == pytest.approx(value, nan_ok=True)
        assert getattr(dearer, name) == pytest.approx(4 * value, nan_ok=True)
    mine, theirs = found.hits
    assert math.isnan(found.value) == (not mine and not theirs)
    assert math.isinf(found.value) == (not mine and bool(theirs))
    assert (found.value == 0) == (bool(mine) and not theirs)
    if mine and theirs:
        turned = expected_energy_ratio(side(other), side(one), within=within)
        assert turned.value == pytest.approx(1 / found.value)
    turned = expected_energy_ratio(side(other), side(one), within=within)
    reordered = expected_energy_ratio(side(one)[::-1], side(other)[::-1], within=within)
    if math.isnan(found.low):  # a level with a single run of a strategy that has a hit
        assert within == "set"
        assert math.isnan(found.high)
        assert min(len(one), len(other)) < 4
        return
    assert found.low <= found.high
    for end, opposite in ((found.low, turned.high), (found.high, turned.low)):
        assert end * opposite == pytest.approx(1) or {end, opposite} == {0.0, math.inf}
    assert (reordered.low, reordered.high) == pytest.approx((found.low, found.high))


@quick
@given(st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_runs_that_all_reach_it_are_compared_by_their_means(joules):
    runs = [(each, True) for each in joules]
    found = expected_energy_ratio(side(runs, 3.0), side(runs))
    assert found.value == pytest.approx(3.0)
    assert found.low <= 3.0 <= found.high
    assert found.low * found.high == pytest.approx(9.0)
    if len(set(joules)) == 1:
        assert found.high == pytest.approx(3.0)


def test_what_is_unknown_stays_so():
    one, two = side([(2, True), (4, True)]), side([(2, True), (math.nan, True)])
    lone = side([(2, True)])
    assert math.isnan(expected_energy_ratio(one, two).value)
    assert math.isnan(expected_energy_ratio(one, lone).low)
    assert expected_energy_ratio(lone, lone).value == 1.0
    never = side([(5, False), (6, False)])
    found = expected_energy_ratio(never, never)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, math.inf)
