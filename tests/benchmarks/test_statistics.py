from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.inference import (
    cliffs_delta,
    compare_strategies,
    dunn_holm,
    interval,
    kruskal_wallis,
)
from perjoule.benchmarks.statistics import (
    accuracy_at,
    accuracy_per_joule,
    anytime_score,
    best_so_far,
    energy_to_target,
    equal_energy,
    expected_energy_to_target,
    hypervolume,
    pareto_front,
)
from perjoule.errors import UnknownNameError

NAN = math.nan
# No deadline: the first example of a test imports SciPy, and shared machines stall.
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run_of(*trials, run="a-0", strategy="a"):
    """One run from (energy_j, accuracy) or (energy_j, accuracy, state) per trial."""
    rows = [(*trial, "complete")[:3] for trial in trials]
    table = pd.DataFrame(rows, columns=["energy_j", "accuracy", "state"])
    return table.assign(run=run, strategy=strategy, seed=0, trial=range(len(rows)))


def table_of(**strategies):
    """A table of one-trial runs of 10 J: their accuracies, by strategy."""
    return pd.concat(
        [
            run_of((10.0, accuracy), run=f"{name}-{seed}", strategy=name)
            for name, accuracies in strategies.items()
            for seed, accuracy in enumerate(accuracies)
        ],
        ignore_index=True,
    )


MIXED = run_of(
    (2.0, 0.5),
    (3.0, NAN, "failed"),
    (1.0, 0.4),
    (4.0, 0.99, "pruned"),
    (5.0, 0.7, "truncated"),
    (1.0, 0.98, "interrupted"),
)
BROKEN_METER = run_of((2.0, 0.5), (NAN, 0.9), (3.0, 0.95), run="a-1")

accuracies = st.one_of(st.just(NAN), st.integers(0, 20).map(lambda n: n / 20))
trial_lists = st.lists(
    st.tuples(
        st.integers(1, 50).map(float),
        accuracies,
        st.sampled_from(["complete", "truncated", "pruned", "failed"]),
    ),
    min_size=1,
    max_size=8,
)
tables = st.lists(trial_lists, min_size=1, max_size=6).map(
    lambda runs: pd.concat(
        [
            run_of(*trials, run=f"r{i}", strategy="even" if i % 2 == 0 else "odd")
            for i, trials in enumerate(runs)
        ]
    )
)
values = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=9)


class TestBestSoFar:
    def test_every_trial_adds_joules_and_only_finished_networks_count(self):
        curve = best_so_far(MIXED)
        assert curve["energy_j"].tolist() == [2, 5, 6, 10, 15, 16]
        assert curve["accuracy"].tolist() == [0.5, 0.5, 0.5, 0.5, 0.7, 0.7]

    def test_energy_is_unknown_from_the_first_gap_on(self):
        curve = best_so_far(BROKEN_METER)
        assert curve["energy_j"].iloc[0] == 2
        assert curve["energy_j"].iloc[1:].isna().all()

    def test_there_is_no_accuracy_before_the_first_result(self):
        curve = best_so_far(run_of((1.0, NAN), (1.0, 0.3)))
        assert math.isnan(curve["accuracy"].iloc[0])
        assert curve["accuracy"].iloc[1] == 0.3

    def test_nulls_of_any_column_type_are_unknown(self):
        trials = run_of((1.0, 0.3), (1.0, 0.4)).astype({"accuracy": object, "energy_j": "Float64"})
        trials.loc[1, ["accuracy", "energy_j"]] = None
        curve = best_so_far(trials)
        assert curve["accuracy"].tolist() == [0.3, 0.3]
        assert math.isnan(curve["energy_j"].iloc[1])

    def test_a_run_without_trials_has_an_empty_curve(self):
        assert best_so_far(MIXED.iloc[:0]).empty

    @quick
    @given(trial_lists)
    def test_it_never_falls(self, trials):
        curve = best_so_far(run_of(*trials))
        assert curve["energy_j"].is_monotonic_increasing
        assert curve["accuracy"].dropna().is_monotonic_increasing
        assert curve["accuracy"].isna().is_monotonic_decreasing


class TestAccuracyAt:
    @pytest.mark.parametrize(
        ("energy_j", "expected"), [(1.9, NAN), (2.0, 0.5), (14.9, 0.5), (15.0, 0.7), (99.0, 0.7)]
    )
    def test_it_is_the_best_by_then(self, energy_j, expected):
        assert accuracy_at(MIXED, energy_j) == pytest.approx(expected, nan_ok=True)

    def test_it_is_unknown_where_the_joules_are(self):
        assert accuracy_at(BROKEN_METER, 2.0) == 0.5
        assert math.isnan(accuracy_at(BROKEN_METER, 2.1))
        assert math.isnan(accuracy_at(MIXED, NAN))


class TestEqualEnergy:
    def test_runs_are_judged_at_the_smallest_total(self):
        frugal = run_of((4.0, 0.6), (4.0, 0.8), run="b-0", strategy="b")
        trials = pd.concat([MIXED, frugal])
        assert equal_energy(trials).to_dict() == {"a-0": 0.5, "b-0": 0.8}
        assert equal_energy(trials, 0.5).to_dict() == {"a-0": 0.5, "b-0": 0.6}

    def test_a_run_of_unknown_joules_sets_no_common_energy(self):
        result = equal_energy(pd.concat([BROKEN_METER, MIXED]))
        assert result.isna().to_dict() == {"a-1": True, "a-0": False}
        assert result.dropna().tolist() == [0.7]
        assert equal_energy(BROKEN_METER).isna().all()

    def test_no_trials_no_values(self):
        assert equal_energy(MIXED.iloc[:0]).empty

    @quick
    @given(tables)
    def test_the_unit_of_energy_does_not_matter(self, trials):
        milli = trials.assign(energy_j=trials["energy_j"] * 1000)
        pd.testing.assert_series_equal(equal_energy(trials), equal_energy(milli))


class TestEnergyToTarget:
    def test_hits_and_censored_runs(self):
        other = run_of((4.0, 0.6), (4.0, 0.65), run="b-0", strategy="b")
        result = energy_to_target(pd.concat([MIXED, other]), 0.7)
        assert result.loc["a-0"].to_dict() == {"strategy": "a", "hit": True, "energy_j": 15.0}
        assert result.loc["b-0"].to_dict() == {"strategy": "b", "hit": False, "energy_j": 8.0}

    def test_expected_energy_by_hand(self):
        # Two runs hit after 3 J and 5 J, one spends 12 J in vain: 20 J for two hits.
        trials = pd.concat(
            [
                run_of((3.0, 0.9), (7.0, 0.9), run="1"),
                run_of((5.0, 0.9), run="2"),
                run_of((12.0, 0.1), run="3"),
            ]
        )
        assert expected_energy_to_target(energy_to_target(trials, 0.9)) == 10.0
        assert expected_energy_to_target(energy_to_target(trials, 0.95)) == math.inf

    def test_a_hit_at_unknown_joules_is_a_hit_at_unknown_joules(self):
        result = energy_to_target(BROKEN_METER, 0.9)
        assert result["hit"].tolist() == [True]
        assert math.isnan(expected_energy_to_target(result))

    def test_no_runs_no_hits(self):
        assert expected_energy_to_target(energy_to_target(MIXED.iloc[:0], 0.5)) == math.inf

    @quick
    @given(tables, st.integers(1, 20).map(lambda n: n / 20))
    def test_it_follows_the_direct_formula(self, trials, target):
        spent, hits = 0.0, 0
        for _, own in trials.groupby("run"):
            for row in own.itertuples():
                spent += row.energy_j
                if row.state in ("complete", "truncated") and row.accuracy >= target:
                    hits += 1
                    break
        expected = spent / hits if hits else math.inf
        assert expected_energy_to_target(energy_to_target(trials, target)) == expected


class TestAnytimeScore:
    def test_by_hand(self):
        # Three energies, 1, 10 and 100 J.
        trials = pd.concat(
            [
                run_of((1.0, 0.2), (8.0, 0.6), (91.0, 0.8), run="early"),
                run_of((50.0, 0.9), (50.0, 0.1), (1.0, 1.0), run="late"),
            ]
        )
        assert anytime_score(trials, points=3).to_dict() == {
            "early": pytest.approx((0.2 + 0.6 + 0.8) / 3),
            "late": pytest.approx((0.0 + 0.0 + 0.9) / 3),
        }

    def test_without_any_result_or_known_energy_it_is_unknown(self):
        assert anytime_score(run_of((1.0, NAN))).isna().all()
        assert anytime_score(BROKEN_METER).isna().all()
        assert anytime_score(pd.concat([BROKEN_METER, MIXED])).isna().tolist() == [True, False]

    @quick
    @given(tables)
    def test_it_lies_between_nothing_and_the_final_accuracy(self, trials):
        score, final = anytime_score(trials), equal_energy(trials).fillna(0.0)
        assert ((score >= 0) & (score <= final + 1e-9) | score.isna()).all()


class TestTrials:
    def test_accuracy_per_joule_is_taken_where_the_best_was_found(self):
        assert accuracy_per_joule(MIXED) == pytest.approx(0.7 / 15)
        assert math.isnan(accuracy_per_joule(BROKEN_METER))
        assert math.isnan(accuracy_per_joule(run_of((1.0, NAN))))

    def test_pareto_front(self):
        energy_j = [1.0, 2.0, 2.0, 3.0, 4.0, NAN, 5.0, 1.0]
        accuracy = [0.5, 0.6, 0.7, 0.7, 0.9, 1.0, NAN, 0.5]
        mask = pareto_front(energy_j, accuracy)
        assert mask.tolist() == [True, False, True, False, True, False, False, True]
        assert pareto_front([], []).tolist() == []

    def test_hypervolume_by_hand(self):
        trials = run_of((2.0, 0.5), (5.0, 0.8), (6.0, 0.7), (20.0, 1.0), (1.0, 1.0, "failed"))
        # 3 J at 0.5, then 5 J at 0.8, of the 10 J that are looked at.
        assert hypervolume(trials, 10.0) == pytest.approx(3 * 0.5 + 5 * 0.8)
        assert hypervolume(trials.iloc[:0], 10.0) == 0.0

    @quick
    @given(trial_lists)
    def test_the_front_holds_the_most_accurate_trial_and_none_that_is_beaten(self, trials):
        table = run_of(*trials).dropna()
        energy_j, accuracy = table["energy_j"].to_numpy(), table["accuracy"].to_numpy()
        mask = pareto_front(energy_j, accuracy)
        beaten = [
            any((energy_j <= e) & (accuracy >= a) & ((energy_j < e) | (accuracy > a)))
            for e, a in zip(energy_j, accuracy, strict=True)
        ]
        assert mask.tolist() == [not b for b in beaten]


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
        assert verdict.reason.startswith("a and b and c have the same median")

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
