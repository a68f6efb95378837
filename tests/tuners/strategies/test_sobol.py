from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.strategies.sobol import SobolStrategy
from perjoule.tuners.strategy import restore

from ..toys import LOST, search

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


@given(st.integers(0, 2**31 - 1), st.integers(0, 8))
@settings(max_examples=20)
def test_two_to_the_k_points_fall_into_as_many_parts_of_each_axis(seed, k):
    encoding, n = Encoding(RANGES), 2**k
    points = [encoding.unit(each.params) for each in search(SobolStrategy(RANGES, seed), n)]
    for axis in zip(*points, strict=True):
        assert sorted(int(x * n) for x in axis) == list(range(n))


def test_a_candidate_comes_once_until_all_have_come():
    strategy = SobolStrategy(MIXED, 0)
    history = search(strategy, N_MIXED + 1, lambda _, number: LOST if number % 5 == 3 else {})
    assert len(history) == len({tuple(each.params.values()) for each in history}) == N_MIXED
    assert strategy.ask(0.0) is None
    assert restore(SobolStrategy(MIXED, 0), history).ask(0.0) is None


def test_choices_and_whole_numbers_come_equally_often():
    params = [each.params for each in search(SobolStrategy(MIXED, 0), 64)]
    for name, share in (("optimizer", 64 / 3), ("epochs", 64 / 4)):
        values = [each[name] for each in params]
        assert all(abs(values.count(value) - share) < 5 for value in set(values))
        assert len(set(values)) == round(64 / share)


def test_axes_of_one_value_take_no_dimension():
    x = {"x": {"low": 0.0, "high": 1.0}}
    single = {"width": [8], "momentum": {"low": 0.5, "high": 0.5}}
    spaces = {**x, "epochs": 2}, {**single, **x, "epochs": {"low": 2, "high": 2}}
    plain, more = (search(SobolStrategy(Space.parse(space), 3), 8) for space in spaces)
    expected = [{**each.params, "width": 8, "momentum": 0.5} for each in plain]
    assert [each.params for each in more] == expected
