"""Agreement of meters, and ratios of means."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.agreement import bland_altman
from perjoule.benchmarks.statistics.ratios import ratio_of_means

JOULES = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=12)


@given(JOULES, st.floats(0.1, 10.0))
def test_a_meter_that_reads_a_steady_factor_more_agrees_perfectly(other, factor):
    found = bland_altman(np.multiply(other, factor), other)
    ends = (found.ratio, found.low, found.high, found.limit_low, found.limit_high)
    assert ends == pytest.approx((factor,) * 5)
    assert found.n == len(other)


@given(JOULES, JOULES)
def test_turned_round_all_is_inverted(one, other):
    n = min(len(one), len(other))
    there, back = bland_altman(one[:n], other[:n]), bland_altman(other[:n], one[:n])
    assert there.ratio * back.ratio == pytest.approx(1)
    assert there.limit_low * back.limit_high == pytest.approx(1)
    assert there.means == pytest.approx(back.means)


def test_the_interval_and_the_limits_are_those_of_the_logarithms():
    found = bland_altman([math.e, math.e**3, math.e**2], [1, 1, 1])
    # Mean 2, deviation 1, t of 2 degrees of freedom 4.3027.
    assert math.log(found.ratio) == pytest.approx(2)
    assert math.log(found.high) == pytest.approx(2 + 4.302653 / math.sqrt(3), rel=1e-6)
    assert math.log(found.limit_low) == pytest.approx(2 - 1.959964, rel=1e-6)


def test_what_is_missing_or_no_energy_is_left_out():
    found = bland_altman([2.0, math.nan, 3.0, 0.0, -1.0], [1.0, 1.0, math.nan, 1.0, 1.0])
    assert (found.n, found.ratios) == (1, (2.0,))
    assert math.isnan(found.low)
    assert math.isnan(bland_altman([], []).ratio)


@given(JOULES, st.floats(0.1, 10.0))
def test_a_ratio_of_means_is_exact_where_repetitions_drift_together(below, factor):
    found = ratio_of_means(np.multiply(below, factor), below)
    assert (found.value, found.low, found.high) == pytest.approx((factor,) * 3)


def test_a_ratio_of_means_is_of_the_repetitions_that_have_both():
    found = ratio_of_means([2.0, 6.0, math.nan], [1.0, 3.0, 9.0])
    assert (found.value, found.n) == (2.0, 2)
    one = ratio_of_means([3.0], [2.0])
    assert one.value == 1.5
    assert math.isnan(one.low)
    assert math.isnan(ratio_of_means([], []).value)
    assert math.isnan(ratio_of_means([1.0, 2.0], [0.0, 3.0]).value)
    assert ratio_of_means([0.0, 0.0], [1.0, 2.0]).value == 0
