from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.strategies.sobol import SobolStrategy
from perjoule.tuners.strategy import Told, restore

RANGES = Space.parse(
    {
        "rate": {"low": 1e-4, "high": 0.1, "log": True},
        "dropout": {"low": 0.0, "high": 0.5},
        "decay": {"low": 1e-6, "high": 1e-2, "log": True},
        "epochs": 3,
    }
)
MIXED = Space.parse(
    {
        "epochs": {"low": 1, "high": 4},
        "width": {"low": 1, "high": 9, "log": True},
        "momentum": {"low": 0.0, "high": 0.9, "step": 0.3},
        "optimizer": ["sgd", "adam", "adamw"],
    }
)
N_MIXED = 4 * 9 * 4 * 3


def told(work, number):
    state = State.FAILED if number % 5 == 3 else State.COMPLETE
    accuracy = None if state is State.FAILED else 0.5
    return Told(work.params, state, accuracy, 1.0, trial=number, epochs=work.until)


def search(strategy, count, first=0):
    """Ask and tell up to ``count`` times; return what was told."""
    history = []
    for number in range(first, first + count):
        work = strategy.ask(float(number))
        if work is None:
            break
        assert work.until == work.params["epochs"]
        history.append(told(work, number))
        strategy.tell(history[-1])
    return history


@given(st.integers(0, 2**31 - 1), st.integers(0, 8))
@settings(max_examples=20)
def test_two_to_the_k_points_fall_into_as_many_parts_of_each_axis(seed, k):
    encoding, n = Encoding(RANGES), 2**k
    points = [encoding.unit(each.params) for each in search(SobolStrategy(RANGES, seed), n)]
    for axis in zip(*points, strict=True):
        assert sorted(int(x * n) for x in axis) == list(range(n))


def test_a_candidate_comes_once_until_all_have_come():
    seen = [tuple(each.params.values()) for each in search(SobolStrategy(MIXED, 0), N_MIXED + 1)]
    assert len(seen) == len(set(seen)) == N_MIXED
    strategy = restore(SobolStrategy(MIXED, 0), search(SobolStrategy(MIXED, 0), N_MIXED))
    assert strategy.ask(0.0) is None
    assert strategy.ask(0.0) is None


def test_choices_and_whole_numbers_come_equally_often():
    params = [each.params for each in search(SobolStrategy(MIXED, 0), 64)]
    for name, share in (("optimizer", 64 / 3), ("epochs", 64 / 4)):
        values = [each[name] for each in params]
        assert all(abs(values.count(value) - share) < 5 for value in set(values))
        assert len(set(values)) == round(64 / share)


def test_axes_of_one_value_take_no_dimension():
    single = {"width": [8], "momentum": {"low": 0.5, "high": 0.5}}
    plain, more = (
        search(SobolStrategy(Space.parse(entries), 3), 8)
        for entries in (
            {"x": {"low": 0.0, "high": 1.0}, "epochs": 2},
            {**single, "x": {"low": 0.0, "high": 1.0}, "epochs": {"low": 2, "high": 2}},
        )
    )
    assert [each.params["x"] for each in plain] == [each.params["x"] for each in more]
    assert {(each.params["width"], each.params["momentum"]) for each in more} == {(8, 0.5)}


def test_an_untold_point_stays():
    strategy = SobolStrategy(RANGES, 0)
    assert strategy.ask(0.0) == strategy.ask(5.0)


def test_points_leave_no_gap_as_wide_as_random_ones():
    encoding = Encoding(RANGES)
    points = [encoding.unit(each.params) for each in search(SobolStrategy(RANGES, 1), 128)]
    for axis in zip(*points, strict=True):
        ends = [0.0, *sorted(axis), 1.0]
        assert max(b - a for a, b in pairwise(ends)) < 2.001 / 128
        assert math.isclose(sum(axis) / 128, 0.5, abs_tol=0.01)
