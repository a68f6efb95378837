import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.runs import (
    AnytimeCurves,
    expected_energy_to_target,
    hypervolume,
    pareto_front,
)

from ..samples import BROKEN_METER, MIXED, NAN, quick, run_of, tables, trial_lists

of = AnytimeCurves.of


def together(*runs):
    return of(pd.concat(runs))


class TestBestSoFar:
    def test_every_trial_adds_joules_and_only_finished_networks_count(self):
        curve = of(MIXED).best_so_far
        assert curve["energy_j"].tolist() == [2, 5, 6, 10, 15, 16]
        assert curve["score"].tolist() == [0.5, 0.5, 0.5, 0.5, 0.7, 0.7]

    def test_energy_is_unknown_from_the_first_gap_on(self):
        assert of(BROKEN_METER).best_so_far["energy_j"].fillna(-1).tolist() == [2, -1, -1]

    def test_there_is_no_accuracy_before_the_first_result(self):
        score = of(run_of((1.0, NAN), (1.0, 0.3))).best_so_far["score"]
        assert score.fillna(-1).tolist() == [-1, 0.3]

    def test_nulls_of_any_column_type_are_unknown(self):
        trials = run_of((1.0, 0.3), (1.0, 0.4)).astype({"score": object, "energy_j": "Float64"})
        trials.loc[1, ["score", "energy_j"]] = None
        curve = of(trials).best_so_far
        assert curve["score"].tolist() == [0.3, 0.3]
        assert math.isnan(curve["energy_j"].iloc[1])


class TestLevels:
    def test_they_hold_the_best_of_each_run_by_each_energy(self):
        curves = together(MIXED, BROKEN_METER)
        levels = curves.levels([1.9, 2.0, 2.1, 14.9, 15.0, 99.0])
        assert curves.names.tolist() == ["a-0", "a-1"]
        assert levels[0].tolist() == [-math.inf, 0.5, 0.5, 0.5, 0.7, 0.7]
        assert levels[1, :2].tolist() == [-math.inf, 0.5]
        assert np.isnan(levels[1, 2:]).all()  # where the joules are not known
        assert curves.levels_at(NAN).isna().all()

    def test_the_smallest_known_total_is_what_all_runs_had(self):
        curves = together(MIXED, BROKEN_METER, run_of((4.0, 0.6), (4.0, 0.8), run="b-0"))
        assert curves.common_j == 8.0
        assert curves.levels_at(8.0).dropna().to_dict() == {"a-0": 0.5, "b-0": 0.8}
        assert math.isnan(of(BROKEN_METER).common_j)


class TestManyRunsAtOnce:
    """What is computed of all runs together is what each gives alone."""

    @pytest.mark.thorough
    @quick
    @given(tables, st.randoms(use_true_random=False), st.integers(0, 60))
    def test_they_do_not_touch_each_other(self, trials, random, energy_j):
        rows = list(range(len(trials)))
        random.shuffle(rows)  # in whichever order, as long as each run keeps its own
        mixed = trials.iloc[rows].reset_index(drop=True)
        curves = of(mixed)
        levels, totals, reached = curves.levels_at(energy_j), curves.totals_j, curves.incumbents()
        hits, so_far = curves.energy_to_target(0.5), curves.best_so_far
        assert so_far.index.equals(mixed.index)
        for run, own in mixed.groupby("run"):
            pd.testing.assert_frame_equal(so_far.loc[own.index], of(own).best_so_far)
            spent, best, level = 0.0, -math.inf, -math.inf
            found_j = found = hit_j = None
            columns = own[["trial", "energy_j", "score", "state"]]
            for trial, trial_j, score, state in columns.to_numpy():
                spent += trial_j
                if state in ("complete", "truncated") and score > best:
                    best, found_j, found = score, spent, trial
                    hit_j = spent if hit_j is None and best >= 0.5 else hit_j
                level = best if spent <= energy_j else level
            assert (totals[run], levels[run]) == (spent, level)
            assert hits["strategy"][run] == own["strategy"].iloc[0]
            assert hits["hit"][run] == (hit_j is not None)
            assert hits["energy_j"][run] == (spent if hit_j is None else hit_j)
            assert (run in reached.index) == (found_j is not None)
            if found_j is not None:
                expected = [found, best, found_j]
                assert reached.loc[run, ["trial", "score", "found_j"]].tolist() == expected

    def test_no_trials_no_runs(self):
        curves = of(MIXED.iloc[:0])
        for found in (curves.incumbents(), curves.totals_j, curves.anytime_score()):
            assert found.empty
        assert curves.levels_at(1.0).empty
        assert curves.best_so_far.empty
        assert expected_energy_to_target(curves.energy_to_target(0.5)) == math.inf


class TestAnytimeScore:
    def test_by_hand(self):
        # Three energies, 1, 10 and 100 J.
        curves = together(
            run_of((1.0, 0.2), (8.0, 0.6), (91.0, 0.8), run="early"),
            run_of((50.0, 0.9), (50.0, 0.1), (1.0, 1.0), run="late"),
        )
        assert curves.anytime_score(points=3).to_dict() == {
            "early": pytest.approx((0.2 + 0.6 + 0.8) / 3),
            "late": pytest.approx((0.0 + 0.0 + 0.9) / 3),
        }

    def test_without_any_result_or_known_energy_it_is_unknown(self):
        assert of(run_of((1.0, NAN))).anytime_score().isna().all()
        assert of(BROKEN_METER).anytime_score().isna().all()
        assert together(BROKEN_METER, MIXED).anytime_score().isna().tolist() == [True, False]

    @quick
    @given(tables)
    def test_it_lies_between_nothing_and_the_final_accuracy(self, trials):
        curves = of(trials)
        score, final = curves.anytime_score(), curves.levels_at(curves.common_j).clip(lower=0.0)
        assert ((score >= 0) & (score <= final + 1e-9) | score.isna()).all()


class TestTrials:
    def test_pareto_front(self):
        energy_j = [1.0, 2.0, 2.0, 3.0, 4.0, NAN, 5.0, 1.0]
        score = [0.5, 0.6, 0.7, 0.7, 0.9, 1.0, NAN, 0.5]
        mask = pareto_front(energy_j, score)
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
        energy_j, score = table["energy_j"].to_numpy(), table["score"].to_numpy()
        mask = pareto_front(energy_j, score)
        beaten = [
            any((energy_j <= e) & (score >= a) & ((energy_j < e) | (score > a)))
            for e, a in zip(energy_j, score, strict=True)
        ]
        assert mask.tolist() == [not b for b in beaten]
