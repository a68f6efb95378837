"""How long something still takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.comparison.pace import Pace
from perjoule.benchmarks.studies.estimating import Estimate
from perjoule.benchmarks.studies.outlook import Outlook


def paced(amounts, every_s=2.0):
    pace = Pace()
    for at, amount in enumerate(amounts):
        pace.take(at * every_s, amount)
    return pace


@given(st.floats(1e-3, 1e6), st.integers(4, 200), st.floats(0.0, 1e6))
def test_a_steady_rate_is_found_exactly(rate, n, left):
    assert paced([rate * 2.0 * at for at in range(n)]).left_s(left) == pytest.approx(left / rate)


@given(st.integers(0, 11), st.floats(10.0, 1e6))
def test_one_leap_moves_it_not(at, leap):
    amounts = [2.0 * n + (leap if n > at else 0.0) for n in range(31)]
    assert paced(amounts).rate == pytest.approx(1.0)


def test_nothing_is_said_before_it_is_known():
    assert paced([0.0, 1.0, 2.0]).left_s(10.0) is None  # too few
    assert paced([0.0, 1.0, 2.0, 3.0], every_s=0.5).left_s(10.0) is None  # too soon
    assert paced([5.0] * 9).left_s(10.0) is None  # nothing is spent
    assert paced([0.0, 2.0, 4.0, 6.0, None]).left_s(10.0) is None  # a meter was lost
    assert paced([0.0, 2.0, 4.0, 6.0]).left_s(None) is None


def test_the_rate_is_that_of_the_last_minute():
    assert paced([100.0 * n for n in range(30)] + [3000.0 + n for n in range(40)]).rate == 0.5


def test_parts_to_come_take_what_was_foreseen_times_how_wrong_that_was():
    outlook = Outlook([Estimate(10.0, 1.0, 5), Estimate(30.0, 1.0, 5), Estimate(60.0, 1.0, 5)])
    outlook.begin(0)
    for at in range(6):
        outlook.take(4.0 * at, at / 5)  # 20 s in place of 10
    outlook.begin(1)
    for at in range(6):
        outlook.take(20.0 + 6.0 * at, at / 10)  # half of it in 30 s in place of 15
    assert outlook.done == pytest.approx(0.25)
    assert outlook.left_s == pytest.approx(30.0 + 2 * 60.0)


def test_of_a_part_that_nobody_foresaw_nothing_is_said():
    outlook = Outlook([None, None])
    outlook.begin(0)
    for at in range(9):
        outlook.take(4.0 * at, at / 10)
    assert (outlook.done, outlook.left_s) == (None, None)
    outlook.begin(1)
    for at in range(9):
        outlook.take(40 + 4.0 * at, at / 10)
    assert outlook.left_s == pytest.approx(8.0)
