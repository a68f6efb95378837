"""Two samples of runs, compared by the exact distribution of their scores."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, logrank, mannwhitneyu

from perjoule.benchmarks.statistics.permutation import log_rank, log_rank_scores, rank_sum

from ..samples import NAN, quick, values

runs = st.lists(st.tuples(st.integers(1, 9).map(float), st.booleans()), min_size=2, max_size=6)


def of_scipy(one, other):
    """The log-rank statistic of SciPy: the sum of scores over its hypergeometric deviation."""
    sides = [np.array(side) for side in (one, other)]
    return logrank(*(CensoredData.right_censored(s[:, 0], s[:, 1] == 0) for s in sides)).statistic


def variance(joules, hit, n):
    """That of the events on the first side, by hypergeometric draws at each moment."""
    first, total = np.arange(len(joules)) < n, 0.0
    for moment in np.unique(joules[hit]):
        there, d = joules >= moment, (joules[hit] == moment).sum()
        many, share = there.sum(), (there & first).sum() / there.sum()
        total += d * share * (1 - share) * (many - d) / max(many - 1, 1)
    return total


@quick
@given(runs, runs)
def test_the_sum_of_log_rank_scores_is_that_of_scipy(one, other):
    joules, hit = (np.array(column) for column in zip(*one, *other, strict=True))
    scores, n = log_rank_scores(joules, hit), len(one)
    assert scores.sum() == pytest.approx(0.0, abs=1e-9)
    spread = variance(joules, hit, n)
    if spread > 1e-9:
        assert scores[:n].sum() / math.sqrt(spread) == pytest.approx(of_scipy(one, other), abs=1e-9)


@quick
@given(runs, runs)
def test_its_p_is_counted_over_all_splits_and_turns_with_the_sides(one, other):
    (a, hit_a), (b, hit_b) = (zip(*side, strict=True) for side in (one, other))
    found, turned = log_rank(a, hit_a, b, hit_b), log_rank(b, hit_b, a, hit_a)
    assert (turned.z, turned.p) == (pytest.approx(-found.z), pytest.approx(found.p))
    scores, n = log_rank_scores(np.array(a + b), np.array(hit_a + hit_b)), len(a)
    sums = [sum(scores[list(own)]) for own in combinations(range(len(scores)), n)]
    seen = scores[:n].sum()
    tails = sum(s >= seen - 1e-9 for s in sums), sum(s <= seen + 1e-9 for s in sums)
    assert found.p == pytest.approx(min(2 * min(tails) / len(sums), 1.0))


@quick
@given(values, values)
def test_rank_sums_of_few_values_are_those_of_an_exact_test(one, other):
    found = rank_sum(one, other)
    if len({*one, *other}) == len(one) + len(other):
        exact = mannwhitneyu(one, other, method="exact")
        assert found.p == pytest.approx(exact.pvalue, rel=1e-9)
    assert 0 < found.p <= 1
    assert rank_sum([*one, NAN], other) == found


def test_many_runs_are_compared_by_drawn_splits():
    rng = np.random.default_rng(3)
    a, b = rng.exponential(1.0, 40), rng.exponential(1.6, 40)
    there = np.ones(40, bool)
    found = log_rank(a, there, b, there)
    assert found.p == pytest.approx(logrank(a, b).pvalue, rel=0.25, abs=0.005)
    assert log_rank(a, there, a + 9, there).p == pytest.approx(2 / 10_001)


def test_nothing_is_nothing():
    assert math.isnan(rank_sum([], [1.0]).p)
    assert math.isnan(log_rank([NAN], [True], [1.0], [True]).p)
    assert rank_sum([2.0], [2.0]).p == log_rank([2.0], [False], [2.0], [False]).p == 1.0
