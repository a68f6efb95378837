"""Ratios of expected joules to a target, of runs that may never reach it."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    # A resample without the one hit is as dear as you like, so that the ratio may be nothing. The
    # dearest for the strategy above are three draws of that hit: 10 J beside 4 J, or beside 3 J;
    # of 1 in 27 resamples a quarter are the former, below the 2.5 % that are cut off.
    assert found.low == 0.0
    assert found.high == 0.3


def test_a_strategy_that_never_arrives_is_bounded_by_what_it_spent():
    found = expected_energy_ratio(side([(2, True), (2, True)]), side([(10, False), (10, False)]))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 2 / 20)
    found = expected_energy_ratio(side([(10, False), (10, False)]), side([(2, True), (2, True)]))
    assert (found.value, found.low, found.high) == (math.inf, 20 / 2, math.inf)


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
    assert found.low <= found.high
    mine, theirs = found.hits
    assert math.isnan(found.value) == (not mine and not theirs)
    assert math.isinf(found.value) == (not mine and bool(theirs))
    assert (found.value == 0) == (bool(mine) and not theirs)
    if mine and theirs:
        turned = expected_energy_ratio(side(other), side(one), within=within)
        assert turned.value == pytest.approx(1 / found.value)
    turned = expected_energy_ratio(side(other), side(one), within=within)
    for end, opposite in ((found.low, turned.high), (found.high, turned.low)):
        assert end * opposite == pytest.approx(1) or {end, opposite} == {0.0, math.inf}
    reordered = expected_energy_ratio(side(one)[::-1], side(other)[::-1], within=within)
    assert (reordered.low, reordered.high) == (found.low, found.high)


@quick
@given(st.lists(st.integers(1, 50), min_size=2, max_size=6))
def test_runs_that_all_reach_it_are_compared_by_their_means(joules):
    runs = [(each, True) for each in joules]
    found = expected_energy_ratio(side(runs, 3.0), side(runs))
    assert found.value == pytest.approx(3.0)
    assert found.low <= 3.0 <= found.high
    spread = max(joules) / min(joules)
    assert 3 / spread * 0.999 <= found.low
    assert found.high <= 3 * spread * 1.001


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
