from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics import (
    accuracies_per_joule,
    accuracy_matrix,
    anytime_score,
    best_so_far,
    energy_to_target,
    equal_energy,
    expected_energy_to_target,
    hypervolume,
    incumbents,
    levels_at,
    pareto_front,
    totals_j,
)

from ..samples import BROKEN_METER, MIXED, NAN, quick, run_of, tables, trial_lists


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

    def test_runs_may_be_interleaved(self):
        trials = pd.concat([MIXED, BROKEN_METER], ignore_index=True).iloc[
            [6, 0, 7, 1, 2, 3, 8, 4, 5]
        ]
        curves = best_so_far(trials)
        assert curves.index.tolist() == trials.index.tolist()
        alone = pd.concat([best_so_far(MIXED), best_so_far(BROKEN_METER)], ignore_index=True)
        pd.testing.assert_frame_equal(curves.sort_index(), alone)

    @quick
    @given(trial_lists)
    def test_it_never_falls(self, trials):
        curve = best_so_far(run_of(*trials))
        assert curve["energy_j"].is_monotonic_increasing
        assert curve["accuracy"].dropna().is_monotonic_increasing
        assert curve["accuracy"].isna().is_monotonic_decreasing


class TestAccuracyMatrix:
    def test_it_holds_the_best_of_each_run_by_each_energy(self):
        trials = pd.concat([MIXED, BROKEN_METER])
        runs, levels = accuracy_matrix(trials, [1.9, 2.0, 2.1, 14.9, 15.0, 99.0])
        assert runs.tolist() == ["a-0", "a-1"]
        assert levels[0].tolist() == [-math.inf, 0.5, 0.5, 0.5, 0.7, 0.7]
        assert levels[1, :2].tolist() == [-math.inf, 0.5]
        assert np.isnan(levels[1, 2:]).all()  # where the joules are not known

    def test_at_an_unknown_energy_it_is_unknown(self):
        assert levels_at(MIXED, NAN).isna().all()


class TestEqualEnergy:
    def test_runs_are_judged_at_the_smallest_total(self):
        frugal = run_of((4.0, 0.6), (4.0, 0.8), run="b-0", strategy="b")
        trials = pd.concat([MIXED, frugal])
        assert equal_energy(trials).to_dict() == {"a-0": 0.5, "b-0": 0.8}
        assert equal_energy(trials, 0.5).to_dict() == {"a-0": 0.5, "b-0": 0.6}

    def test_it_may_be_asked_at_what_every_run_was_given(self):
        trials = pd.concat([run_of((4.0, 0.5), (5.5, 0.9)), run_of((6.0, 0.8), run="b-0")])
        assert equal_energy(trials).to_dict() == {"a-0": 0.5, "b-0": 0.8}
        assert equal_energy(trials, common_j=10.0).to_dict() == {"a-0": 0.9, "b-0": 0.8}

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


class TestManyRunsAtOnce:
    """What is computed of all runs together is what each gives alone."""

    @quick
    @given(tables, st.randoms(use_true_random=False), st.integers(0, 60))
    def test_they_do_not_touch_each_other(self, trials, random, energy_j):
        rows = list(range(len(trials)))
        random.shuffle(rows)
        mixed = trials.iloc[rows]  # in whichever order, as long as each run keeps its own
        levels, totals, reached = levels_at(mixed, energy_j), totals_j(mixed), incumbents(mixed)
        hits, per_joule = energy_to_target(mixed, 0.5), accuracies_per_joule(mixed)
        for run, own in mixed.groupby("run"):
            spent, best, level = 0.0, -math.inf, -math.inf
            found_j = hit_j = None
            for trial_j, accuracy, state in own[["energy_j", "accuracy", "state"]].to_numpy():
                spent += trial_j
                if state in ("complete", "truncated") and accuracy > best:
                    best, found_j = accuracy, spent
                    hit_j = spent if hit_j is None and best >= 0.5 else hit_j
                level = best if spent <= energy_j else level
            assert (totals[run], levels[run]) == (spent, level)
            assert hits["hit"][run] == (hit_j is not None)
            assert hits["energy_j"][run] == (spent if hit_j is None else hit_j)
            assert (run in reached.index) == (found_j is not None)
            if found_j is not None:
                assert reached.loc[run, ["accuracy", "found_j"]].tolist() == [best, found_j]
                assert per_joule[run] == best / found_j

    def test_the_first_of_equals_is_the_incumbent(self):
        best = incumbents(run_of((1.0, 0.5), (1.0, 0.9), (1.0, 0.9), (1.0, 0.95, "failed")))
        assert best.loc["a-0", ["trial", "found_j"]].tolist() == [1, 2.0]

    def test_totals_are_unknown_where_any_trial_is(self):
        assert totals_j(pd.concat([MIXED, BROKEN_METER])).isna().to_dict() == {
            "a-0": False,
            "a-1": True,
        }
        assert math.isnan(incumbents(BROKEN_METER).loc["a-1", "found_j"])

    def test_no_trials_no_runs(self):
        nothing = MIXED.iloc[:0]
        for found in (incumbents, totals_j, accuracies_per_joule, anytime_score):
            assert found(nothing).empty
        assert levels_at(nothing, 1.0).empty


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
        per_joule = accuracies_per_joule(pd.concat([MIXED, BROKEN_METER]))
        assert per_joule["a-0"] == pytest.approx(0.7 / 15)
        assert math.isnan(per_joule["a-1"])
        assert accuracies_per_joule(run_of((1.0, NAN))).empty

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
