from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics import (
    cliffs_delta,
    compare_strategies,
    dunn_holm,
    interval,
    kruskal_wallis,
)
from perjoule.errors import UnknownNameError

from .tables import MIXED, NAN, quick, run_of, table_of, tables, values


class TestInterval:
    def test_a_single_value_has_no_interval(self):
        only = interval([0.9])
        assert (only.median, only.n) == (0.9, 1)
        assert math.isnan(only.low)
        assert math.isnan(only.high)

    def test_nothing_is_known_of_nothing(self):
        nothing = interval([NAN])
        assert nothing.n == 0
        assert math.isnan(nothing.median)

    def test_it_agrees_with_scipy(self):
        from scipy.stats import bootstrap

        data = np.random.default_rng(1).normal(size=15)
        low, high = bootstrap(
            (data,), np.median, method="percentile", rng=np.random.default_rng(2)
        ).confidence_interval
        ours = interval(data)
        assert ours.low == pytest.approx(low, abs=0.1)
        assert ours.high == pytest.approx(high, abs=0.1)

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
    def test_eta_squared_is_bounded(self, lists):
        result = kruskal_wallis({str(i): group for i, group in enumerate(lists)})
        assert 0 <= result.p <= 1
        if result.n > result.k:
            lowest = -(result.k - 1) / (result.n - result.k)
            assert lowest - 1e-9 <= result.eta_squared <= 1 + 1e-9


class TestCompareStrategies:
    def test_a_clear_win_is_supported(self):
        verdict = compare_strategies(
            table_of(bad=[0.5, 0.51, 0.52, 0.53, 0.54], good=[0.9, 0.91, 0.92, 0.93, 0.94])
        )
        assert (verdict.winner, verdict.tie, verdict.supported) == ("good", False, True)
        assert verdict.intervals["good"].median == 0.92
        assert list(verdict.intervals) == ["good", "bad"]
        assert (verdict.pairs[0].a, verdict.pairs[0].cliffs_delta) == ("good", 1.0)
        assert verdict.reason == (
            "good beats bad in 100% of the pairings of their runs "
            "(p = 0.009 by Dunn's test with Holm's correction)."
        )

    def test_a_lead_that_may_be_chance_is_not(self):
        verdict = compare_strategies(
            table_of(a=[0.5, 0.6, 0.7, 0.8, 0.9], b=[0.51, 0.61, 0.71, 0.81, 0.89])
        )
        assert (verdict.winner, verdict.supported) == ("b", False)
        assert "may be chance" in verdict.reason

    def test_a_higher_median_that_loses_most_pairings_is_not(self):
        verdict = compare_strategies(
            table_of(a=[0.6] * 13 + [0.1] * 12, b=[0.59] * 13 + [0.9] * 12)
        )
        assert (verdict.winner, verdict.supported) == ("a", False)
        assert verdict.pairs[0].p < 0.05

    def test_too_few_runs_support_nothing(self):
        verdict = compare_strategies(table_of(a=[0.1] * 9, b=[0.9] * 4))
        assert (verdict.winner, verdict.supported) == ("b", False)
        assert verdict.reason == (
            "b leads by its median run. Nothing can be concluded: each strategy needs at least "
            "5 runs, but b has 4."
        )

    @pytest.mark.parametrize("metric", ["equal_energy", "anytime_score"])
    def test_a_tie_goes_to_the_fewer_joules(self, metric):
        def runs(name, first_j):
            return [
                run_of((first_j, 0.8), (10 - first_j, 0.1), run=f"{name}{seed}", strategy=name)
                for seed in range(5)
            ]

        verdict = compare_strategies(pd.concat([*runs("late", 6.0), *runs("early", 4.0)]), metric)
        assert (verdict.winner, verdict.supported) == ("early", metric == "anytime_score")
        assert verdict.tie == (metric == "equal_energy")

    def test_ties_of_three_name_all_three(self):
        verdict = compare_strategies(table_of(a=[0.5] * 5, b=[0.5] * 5, c=[0.5] * 5))
        assert (verdict.tie, verdict.supported) == (True, False)
        assert verdict.reason.startswith("a, b and c have the same median")

    def test_a_run_without_a_result_ranks_last_and_is_not_dropped(self):
        verdict = compare_strategies(table_of(a=[0.9, 0.9, NAN, NAN, NAN], b=[0.5] * 5))
        assert verdict.winner == "b"
        assert (verdict.intervals["a"].median, verdict.intervals["a"].n) == (0.0, 5)

    def test_a_run_of_unknown_joules_is_left_out(self):
        trials = table_of(a=[0.9] * 5, b=[0.5] * 5)
        trials.loc[0, "energy_j"] = NAN
        verdict = compare_strategies(trials)
        assert verdict.intervals["a"].n == 4
        assert not verdict.supported

    @pytest.mark.parametrize("trials", [table_of(a=[NAN, NAN], b=[NAN]), MIXED.iloc[:0]])
    def test_without_results_there_is_no_winner(self, trials):
        verdict = compare_strategies(trials)
        assert (verdict.winner, verdict.supported, verdict.tie) == (None, False, False)
        assert verdict.reason.startswith("No strategy has a result")

    def test_one_strategy_has_no_rival(self):
        verdict = compare_strategies(table_of(a=[0.5] * 5))
        assert verdict.reason == "Only a was run: there is nothing to compare it with."

    def test_an_unknown_metric_is_refused(self):
        with pytest.raises(UnknownNameError, match="did you mean 'equal_energy'"):
            compare_strategies(MIXED, "equal-energy")  # type: ignore[arg-type]

    @quick
    @given(tables)
    def test_the_unit_of_energy_does_not_matter(self, trials):
        milli = trials.assign(energy_j=trials["energy_j"] * 1000)
        one, other = compare_strategies(trials), compare_strategies(milli)
        assert repr(one) == repr(other)
