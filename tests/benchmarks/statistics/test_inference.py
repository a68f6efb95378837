import math
from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.inference import (
    MIN_RUNS,
    cliffs_delta,
    coefficient_of_variation,
    dunn_holm,
    interval,
    kruskal_wallis,
)
from perjoule.benchmarks.statistics.parametric import anova

from ..samples import NAN, quick, values


class TestInterval:
    @pytest.mark.parametrize(("data", "median", "n"), [([0.9], 0.9, 1), ([NAN], NAN, 0)])
    def test_of_fewer_than_two_values_there_is_none(self, data, median, n):
        expected = pytest.approx((median, NAN, NAN, n), nan_ok=True)
        assert astuple(interval(data)) == expected

    def test_it_agrees_with_scipy(self):
        from scipy.stats import bootstrap

        data = np.random.default_rng(1).normal(size=15)
        low, high = bootstrap(
            (data,), np.median, method="percentile", rng=np.random.default_rng(2)
        ).confidence_interval
        ours = interval(data)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.1)

    def test_infinite_values_are_ranked_like_others(self):
        spent = interval([1.0, 2.0, 3.0, math.inf, math.inf])
        assert (spent.median, spent.high) == (3.0, math.inf)

    @quick
    @given(values.filter(lambda v: len(v) > 1))
    def test_it_contains_the_median_and_repeats_itself(self, data):
        result = interval([*data, NAN])
        assert min(data) <= result.low <= result.median <= result.high <= max(data)
        assert result.n == len(data)
        assert result == interval(data)


class TestCoefficientOfVariation:
    @pytest.mark.parametrize("data", [[], [3.0], [3.0, NAN], [0, 0], [-1, 4], [1, math.inf]])
    def test_where_it_means_nothing_it_is_not_given(self, data):
        assert math.isnan(coefficient_of_variation(data))

    @quick
    @given(st.lists(st.integers(1, 50), min_size=2, max_size=9), st.floats(1e-3, 1e3))
    def test_the_unit_does_not_matter(self, data, factor):
        found = coefficient_of_variation([*data, NAN])
        assert 0 <= found <= math.sqrt(len(data)) + 1e-9
        assert found == pytest.approx(np.std(data, ddof=1) / np.mean(data))
        assert coefficient_of_variation(np.array(data) * factor) == pytest.approx(found)


class TestTests:
    def test_kruskal_wallis_by_hand(self):
        # Ranks 1-5 and 6-10: H = 12 / (10 * 11) * (15^2 + 40^2) / 5 - 3 * 11 = 75 / 11.
        result = kruskal_wallis({"a": [1, 2, 3, 4, 5], "b": [6, 7, 8, 9, 10]})
        assert result.h == pytest.approx(75 / 11)
        assert result.eta_squared == pytest.approx((75 / 11 - 1) / 8)
        assert (result.k, result.n, result.conclusive) == (2, 10, True)
        assert result.p == pytest.approx(math.erfc(math.sqrt(75 / 22)))  # chi squared, 1 degree

    def test_equal_values_do_not_differ(self):
        groups = {"a": [0.5] * 5, "b": [0.5] * 6, "c": [0.5] * 5}
        assert kruskal_wallis(groups).p == 1.0
        assert (dunn_holm(groups) == 1.0).all(axis=None)

    @pytest.mark.parametrize("few", [[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, NAN], []])
    def test_fewer_than_five_runs_conclude_nothing(self, few):
        result = kruskal_wallis({"many": [1, 2, 3, 4, 5, 6], "few": few})
        assert not result.conclusive
        assert f"at least 5 runs, but few has {min(len(few), 4)}." in result.reason

    def test_one_group_is_no_comparison(self):
        result = kruskal_wallis({"a": [1, 2, 3, 4, 5]})
        assert (result.p, result.conclusive) == (1.0, False)
        assert math.isnan(result.eta_squared)
        assert dunn_holm({"a": [1, 2]}).loc["a", "a"] == 1.0
        assert not anova({"a": [1, 2, 3, 4, 5]}).conclusive

    def test_dunn_by_hand_with_holms_correction(self):
        # Mean ranks 3, 8 and 13 of 15: z = 5 and 10 over sqrt(15 * 16 / 12 * 2 / 5) = sqrt(8).
        groups = {"b": range(5), "a": range(5, 10), "c": range(10, 15)}
        near, far = (math.erfc(d / math.sqrt(8) / math.sqrt(2)) for d in (5, 10))
        expected = [[1, 2 * near, 3 * far], [2 * near, 1, 2 * near], [3 * far, 2 * near, 1]]
        names = ["b", "a", "c"]
        pd.testing.assert_frame_equal(
            dunn_holm(groups), pd.DataFrame(expected, index=names, columns=names)
        )

    def test_an_empty_group_has_no_p_value(self):
        known = dunn_holm({"a": [1, 2], "none": [NAN], "b": [3, 4]}).notna()
        assert known["none"].tolist() == [False, False, False]
        assert known["a"].tolist() == [True, False, True]

    def test_cliffs_delta_by_hand(self):
        assert cliffs_delta([3, 4], [1, 2]) == 1.0
        assert cliffs_delta([1, 2, 3], [2, NAN]) == 0.0
        assert cliffs_delta([2, 3], [2]) == 0.5
        assert math.isnan(cliffs_delta([], [1.0]))

    @quick
    @given(values, values)
    def test_cliffs_delta_is_antisymmetric_and_bounded(self, a, b):
        assert -1 <= cliffs_delta(a, b) <= 1
        assert cliffs_delta(a, b) == -cliffs_delta(b, a)

    @quick
    @given(st.lists(values, min_size=2, max_size=4))
    def test_eta_squared_is_bounded_and_dunn_agrees(self, lists):
        result = kruskal_wallis({str(i): group for i, group in enumerate(lists)})
        assert 0 <= result.p <= 1
        if result.n > result.k:
            lowest = -(result.k - 1) / (result.n - result.k)
            assert lowest - 1e-9 <= result.eta_squared <= 1 + 1e-9
        # Of two groups it is Dunn's test, ties and all.
        two = {"a": lists[0], "b": lists[1]}
        assert dunn_holm(two).loc["a", "b"] == pytest.approx(kruskal_wallis(two).p)


class TestAnova:
    NORMAL = (-1.3, -0.6, -0.2, 0.2, 0.6, 1.3)

    def groups(self, **scales):
        return {
            name: [shift + scale * value for value in self.NORMAL]
            for name, (shift, scale) in scales.items()
        }

    def test_by_hand(self):
        # Means 0, 1 and 2: between 12 / 2; within 3 * (2 * (1.69 + 0.36 + 0.04)) / 15 = 0.836.
        found = anova(self.groups(a=(0, 1), b=(1, 1), c=(2, 1)))
        assert (found.method, found.k, found.n, found.conclusive) == ("ANOVA", 3, 18, True)
        assert found.f == pytest.approx(6 / 0.836)
        assert found.omega_squared == pytest.approx(2 * (found.f - 1) / (2 * (found.f - 1) + 18))
        assert found.levene_p == pytest.approx(1.0)
        assert "by ANOVA their means differ" in found.reason

    @pytest.mark.parametrize(("b", "equal"), [((1, 1.2), True), ((9, 20), False)])
    def test_of_two_groups_it_is_the_t_test(self, b, equal):
        from scipy.stats import ttest_ind

        groups = self.groups(a=(0, 1), b=b)
        expected = ttest_ind(*groups.values(), equal_var=equal)
        found = anova(groups)
        assert (found.method, found.conclusive) == ("ANOVA" if equal else "Welch's ANOVA", True)
        assert (found.levene_p > 0.05) == equal
        assert (found.f, found.p) == pytest.approx((expected.statistic**2, expected.pvalue))
        assert "may differ by chance" in found.reason

    def test_values_that_are_not_normal_are_refused(self):
        from scipy.stats import shapiro

        skewed = [1, 1.1, 1.2, 1.1, 1.3, 50]
        found = anova({**self.groups(a=(0, 1)), "skewed": skewed})
        assert (found.method, found.conclusive) == (None, False)
        assert found.shapiro_p["skewed"] == shapiro(skewed).pvalue < 0.05 < found.shapiro_p["a"]
        assert not math.isnan(found.levene_p)
        assert found.reason.startswith("No test of means: the values of skewed do not look normal")

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ([1, 2, 3, 4, NAN], "needs at least 5 runs, but other has 4."),
            ([], "needs at least 5 runs, but other has 0."),
            ([2.0] * 6, "other has the same value throughout. Use ranks."),
            ([1, 2, 3, 4, math.inf], "other has infinite values. Use ranks."),
        ],
    )
    def test_values_that_cannot_be_tested_are_refused(self, other, reason):
        found = anova({**self.groups(a=(0, 1)), "other": other})
        assert (found.method, found.conclusive) == (None, False)
        assert found.reason.endswith(reason)
        assert math.isnan(found.p)
        assert math.isnan(found.shapiro_p["other"])

    @quick
    @given(st.lists(st.lists(st.integers(-5, 5), max_size=9), min_size=1, max_size=4))
    @example([[0, 0, 0, 0, 1, -1, 2, 2, 4], [0, 0, 0, 1, 1, 0, -1, 3, 4]])  # F was below 0, p NaN
    def test_bounds_and_invariance(self, lists):
        groups = {str(i): group for i, group in enumerate(lists)}
        found = anova(groups)
        assert found.conclusive == (found.method is not None) == (not math.isnan(found.p))
        if found.conclusive:
            assert min(map(len, lists)) >= MIN_RUNS
            assert 0 <= found.p <= 1
            assert found.omega_squared <= 1
            moved = anova(
                {name: [3.0 * v + 8 for v in group[::-1]] for name, group in groups.items()}
            )
            assert (moved.f, moved.p) == pytest.approx((found.f, found.p))
