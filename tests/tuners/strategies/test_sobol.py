from __future__ import annotations

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


def search(space, count, seed=0):
    """Ask and tell up to ``count`` times; return what was told."""
    strategy, history = SobolStrategy(space, seed), []
    while len(history) < count and (work := strategy.ask(0.0)) is not None:
        state = State.FAILED if len(history) % 5 == 3 else State.COMPLETE
        history.append(Told(work.params, state, 0.5, 1.0, trial=len(history), epochs=work.until))
        strategy.tell(history[-1])
    return history


@given(st.integers(0, 2**31 - 1), st.integers(0, 8))
@settings(max_examples=20)
def test_two_to_the_k_points_fall_into_as_many_parts_of_each_axis(seed, k):
    encoding, n = Encoding(RANGES), 2**k
    points = [encoding.unit(each.params) for each in search(RANGES, n, seed)]
    for axis in zip(*points, strict=True):
        assert sorted(int(x * n) for x in axis) == list(range(n))


def test_a_candidate_comes_once_until_all_have_come():
    history = search(MIXED, N_MIXED + 1)
    assert len(history) == len({tuple(each.params.values()) for each in history}) == N_MIXED
    strategy = restore(SobolStrategy(MIXED, 0), history)
    assert strategy.ask(0.0) is None
    assert strategy.ask(0.0) is None


def test_choices_and_whole_numbers_come_equally_often():
    params = [each.params for each in search(MIXED, 64)]
    for name, share in (("optimizer", 64 / 3), ("epochs", 64 / 4)):
        values = [each[name] for each in params]
        assert all(abs(values.count(value) - share) < 5 for value in set(values))
        assert len(set(values)) == round(64 / share)


def test_axes_of_one_value_take_no_dimension():
    x = {"x": {"low": 0.0, "high": 1.0}}
    single = {"width": [8], "momentum": {"low": 0.5, "high": 0.5}}
    plain = search(Space.parse({**x, "epochs": 2}), 8, seed=3)
    more = search(Space.parse({**single, **x, "epochs": {"low": 2, "high": 2}}), 8, seed=3)
    assert [{**each.params, "width": 8, "momentum": 0.5} for each in plain] == [
        each.params for each in more
    ]
