import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.association import spearman

from ..samples import NAN, quick

pairs = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), max_size=14)


def test_by_hand():
    # Ranks differ by 1 in the last two places: 1 - 6 * 2 / (5 * 24) = 0.9.
    found = spearman([1, 2, 3, 4, 5], [10, 20, 30, 50, 40])
    assert found.rho == pytest.approx(0.9)
    assert found.p == pytest.approx(2 * 5 / 120)  # 5 of all 120 orders are at least so far up
    assert (found.n, found.conclusive) == (5, True)
    assert found.reason == "Spearman's rho is 0.90 over 5 pairs (p = 0.083): that may be chance."


def test_many_pairs_as_scipy_has_it():
    from scipy.stats import spearmanr

    x, y = np.random.default_rng(3).normal(size=(2, 30))
    expected = spearmanr(x, y + x)
    found = spearman(x, y + x)
    assert (found.rho, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.reason.endswith("one rises as the other rises.")


@pytest.mark.parametrize(
    ("x", "y", "n", "reason"),
    [
        ([], [], 0, "there are 0"),
        ([1.0], [2.0], 1, "there are 1"),
        ([1, 2, 3, 4], [1, 2, 3, 4], 4, "at least 5 pairs are needed, but there are 4"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, NAN], 4, "there are 4"),
        ([1, 2, 3, 4, 5], [7, 7, 7, 7, 7], 5, "the same throughout"),
    ],
)
def test_what_says_too_little_concludes_nothing(x, y, n, reason):
    found = spearman(x, y)
    assert (found.n, found.conclusive) == (n, False)
    assert found.reason.startswith("Nothing can be concluded: ")
    assert reason in found.reason
    if "throughout" in reason:
        assert math.isnan(found.rho)
        assert math.isnan(found.p)


def test_infinite_values_rank_last():
    assert spearman([1, 2, 3, 4, math.inf], range(5)).rho == pytest.approx(1.0)


def test_quantities_must_pair_up():
    with pytest.raises(ValueError, match="dimensions"):
        spearman([1, 2, 3], [1, 2])


@quick
@given(pairs)
def test_bounds_symmetry_and_invariance(drawn):
    x, y = ([pair[i] for pair in drawn] for i in (0, 1))
    found = spearman(x, y)
    if math.isnan(found.rho):
        assert not found.conclusive
        return
    assert -1 <= found.rho <= 1
    assert 0 <= found.p <= 1
    for same in (
        spearman(y, x),
        spearman([3 * value + 7 for value in x], [value**3 for value in y]),
        spearman(x[::-1], y[::-1]),
        spearman([*x, NAN], [*y, 1.0]),
    ):
        assert (same.rho, same.p) == pytest.approx((found.rho, found.p), abs=1e-6)
    assert spearman(x, [-value for value in y]).rho == pytest.approx(-found.rho)
