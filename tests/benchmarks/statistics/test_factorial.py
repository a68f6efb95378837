import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from perjoule.benchmarks.statistics.factorial import variance_shares

from ..samples import quick

designs = arrays(
    np.float64,
    array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=4),
    elements=st.integers(-50, 50).map(float),
)
twos = arrays(np.float64, (2, 2, 2), elements=st.integers(-50, 50).map(float))


@quick
@given(designs)
def test_the_shares_are_whole(cells):
    shares = variance_shares(cells)
    assert len(shares) == 2**cells.ndim - 1
    if np.ptp(cells) == 0:
        assert all(map(math.isnan, shares.values()))
    else:
        assert sum(shares.values()) == pytest.approx(1)
        assert min(shares.values()) >= 0


@quick
@given(twos.filter(np.ptp))
def test_two_levels_are_contrasts(cells):
    """The effect of a set of factors of two levels is the mean of the cells, with their signs."""
    signs = np.array([-1.0, 1.0])
    squares = {}
    for subset in variance_shares(cells):
        contrast = np.ones(())
        for axis in range(3):
            contrast = np.multiply.outer(contrast, signs if axis in subset else np.ones(2))
        squares[subset] = (cells * contrast).mean() ** 2
    expected = {subset: each / cells.var() for subset, each in squares.items()}
    assert variance_shares(cells) == pytest.approx(expected, abs=1e-9)


@quick
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=4, unique=True), st.floats(0.1, 5))
def test_effects_that_add_up_do_not_interact(levels, other):
    cells = np.add.outer(levels, [0.0, other, 3 * other])
    one, two = np.var(levels), np.var([0.0, other, 3 * other])
    expected = {(0,): one / (one + two), (1,): two / (one + two), (0, 1): 0.0}
    assert variance_shares(cells) == pytest.approx(expected, abs=1e-9)


def test_an_unknown_cell_makes_all_unknown():
    assert all(map(math.isnan, variance_shares([[1.0, 2.0], [3.0, math.nan]]).values()))
