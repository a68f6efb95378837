import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.ranks import friedman

from ..samples import NAN, quick

# Demsar, 2006, table 6: AUC of C4.5, with m, cf and both tuned, on 14 data sets.
DEMSAR = pd.DataFrame(
    np.reshape(
        [
            *(0.763, 0.768, 0.771, 0.798, 0.599, 0.591, 0.590, 0.569, 0.954, 0.971, 0.968, 0.967),
            *(0.628, 0.661, 0.654, 0.657, 0.882, 0.888, 0.886, 0.898, 0.936, 0.931, 0.916, 0.931),
            *(0.661, 0.668, 0.609, 0.685, 0.583, 0.583, 0.563, 0.625, 0.775, 0.838, 0.866, 0.875),
            *(1.000, 1.000, 1.000, 1.000, 0.940, 0.962, 0.965, 0.962, 0.619, 0.666, 0.614, 0.669),
            *(0.972, 0.981, 0.9751, 0.975, 0.957, 0.978, 0.946, 0.970),
        ],
        (14, 4),
    ),
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)
scores = st.integers(2, 4).flatmap(
    lambda k: st.lists(
        st.lists(st.integers(0, 6).map(float), min_size=k, max_size=k), min_size=1, max_size=9
    ).map(lambda rows: pd.DataFrame(rows, columns=list("abcd")[:k]))
)


class TestDemsar:
    def test_the_published_example(self):
        found = friedman(DEMSAR)
        assert {name: round(rank, 3) for name, rank in found.strategies.items()} == {
            "C4.5+m+cf": 1.964,
            "C4.5+m": 2.0,
            "C4.5+cf": 2.893,
            "C4.5": 3.143,
        }
        # The paper's 9.28 lacks the correction for ties: three of two strategies, one of all four.
        ties = 1 - (3 * (2**3 - 2) + (4**3 - 4)) / (14 * 4 * (4**2 - 1))
        assert found.statistic * ties == pytest.approx(9.28, abs=0.005)
        assert found.critical_difference == pytest.approx(1.25, abs=0.005)
        # "The Nemenyi test is not powerful enough": no pair is shown to differ.
        assert found.cliques == (tuple(found.strategies),)
        assert (found.n_groups, found.left_out, found.conclusive) == (14, 0, True)
        assert found.reason == (
            "Over 14 groups the strategies differ (p = 0.017 by Friedman's test)."
        )

    @pytest.mark.parametrize(("k", "q"), [(3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
    def test_critical_values_of_table_5(self, k, q):
        found = friedman(pd.DataFrame(np.random.default_rng(k).normal(size=(20, k))))
        assert found.critical_difference == pytest.approx(
            q * math.sqrt(k * (k + 1) / 120), abs=5e-4
        )


class TestCliques:
    def test_neighbours_that_are_not_shown_to_differ(self):
        rows = [(4, 3, 2, 1)] * 6 + [(3, 4, 2, 1), (4, 2, 3, 1), (4, 3, 1, 2)]
        found = friedman(pd.DataFrame(rows, columns=list("abcd")))
        assert list(found.strategies) == list("abcd")
        assert 1.5 < found.critical_difference < 1.6
        # Mean ranks 10, 18, 26 and 36 of nine: two apart is too far for every pair of them.
        assert found.cliques == (("a", "b"), ("b", "c"), ("c", "d"))

    def test_where_nothing_differs_all_are_in_one(self):
        rows = [(1, 2, 3), (2, 3, 1), (3, 1, 2)] * 2
        assert friedman(pd.DataFrame(rows, columns=list("abc"))).cliques == (("a", "b", "c"),)

    def test_where_all_differ_there_is_none(self):
        assert friedman(pd.DataFrame([(3, 2, 1)] * 40)).cliques == ()


class TestTooLittle:
    def test_fewer_than_five_groups_conclude_nothing(self):
        found = friedman(DEMSAR.iloc[:4])
        assert found.statistic > 0
        assert not found.conclusive
        assert found.cliques == (tuple(found.strategies),)
        assert found.reason == (
            "Of ranks over groups nothing can be concluded: at least 5 groups with a score of "
            "every strategy are needed, but there are 4."
        )

    def test_rows_with_a_missing_score_are_left_out_and_counted(self):
        holed = DEMSAR.copy()
        holed.iloc[0, 1] = NAN
        found, whole = friedman(holed), friedman(DEMSAR.iloc[1:])
        assert (found.n_groups, found.left_out) == (13, 1)
        assert (found.statistic, found.strategies) == (whole.statistic, whole.strategies)
        assert found.reason.endswith("; left out for a missing score: 1.")
        assert "there are 0; left out for a missing score: 14." in friedman(DEMSAR * NAN).reason

    def test_one_strategy_or_equal_scores_have_no_rank_to_lose(self):
        found = friedman(DEMSAR[["C4.5"]])
        assert (found.strategies, found.conclusive) == ({"C4.5": 1.0}, False)
        assert math.isnan(found.p)
        equal = friedman(pd.DataFrame([(0.5, 0.5, 0.5)] * 6, columns=list("abc")))
        assert (equal.statistic, equal.p, {*equal.strategies.values()}) == (0.0, 1.0, {2.0})


class TestTwoStrategies:
    def test_they_are_tested_by_signed_ranks(self):
        from scipy.stats import wilcoxon

        two = DEMSAR[["C4.5", "C4.5+m+cf"]]
        found = friedman(two)
        assert found.p == wilcoxon(*two.to_numpy().T).pvalue
        assert "by Wilcoxon's signed-rank test, as there are but two" in found.reason
        assert math.isnan(found.critical_difference)
        assert found.cliques == ()

    def test_in_one_clique_unless_they_differ(self):
        found = friedman(pd.DataFrame([(1, 2)] * 3 + [(2, 1)] * 3, columns=["a", "b"]))
        assert (found.p, found.cliques) == (1.0, (("a", "b"),))

    def test_infinite_joules_can_be_ranked(self):
        inf = math.inf
        joules = pd.DataFrame([(1, inf)] * 5 + [(inf, inf), (inf, 9)], columns=["a", "b"])
        found = friedman(joules, higher_is_better=False)
        assert list(found.strategies) == ["a", "b"]
        assert found.strategies["a"] == pytest.approx((5 + 1.5 + 2) / 7)
        assert 0 < found.p < 1


@quick
@given(scores)
def test_bounds_invariance_and_what_scipy_says(drawn):
    from scipy.stats import friedmanchisquare

    found = friedman(drawn)
    k = drawn.shape[1]
    assert sum(found.strategies.values()) == pytest.approx(k * (k + 1) / 2)
    assert list(found.strategies.values()) == sorted(found.strategies.values())
    assert 0 <= found.p <= 1
    assert found.conclusive == (len(drawn) >= 5)
    if k > 2 and drawn.nunique(axis=1).max() > 1:
        expected = friedmanchisquare(*drawn.to_numpy().T)
        assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert all(set(clique) <= set(found.strategies) for clique in found.cliques)
    lowered = friedman(-drawn, higher_is_better=False)
    shuffled = friedman(drawn.iloc[::-1, ::-1])
    for same in (lowered, shuffled):
        assert same.strategies == pytest.approx(found.strategies)
        assert same.p == pytest.approx(found.p)
    if k > 2:
        shifted = friedman(drawn.add(np.arange(len(drawn)), axis="index"))  # easier groups
        assert shifted.statistic == pytest.approx(found.statistic)
