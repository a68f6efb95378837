"""The verdict: who is ahead, and whether the runs support saying so."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.analysis.verdict import compare_strategies
from perjoule.benchmarks.statistics import MIN_RUNS
from perjoule.errors import ConfigurationError, UnknownNameError

from ..samples import MIXED, NAN, quick, run_of, table_of, tables


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
        assert verdict.tied == ("a", "b", "c")

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

    def test_an_early_lead_at_a_fraction_of_the_energy(self):
        early = [run_of((2.0, 0.6), (8.0, 0.7), run=f"e{i}", strategy="early") for i in range(5)]
        late = [run_of((5.0, 0.5), (5.0, 0.9), run=f"l{i}", strategy="late") for i in range(5)]
        trials = pd.concat([*early, *late])
        winners = {f: compare_strategies(trials, fraction=f) for f in (0.25, 0.5, 1.0)}
        assert [verdict.winner for verdict in winners.values()] == ["early", "early", "late"]
        assert all(verdict.supported for verdict in winners.values())
        assert winners[0.25].intervals["late"].median == 0.0
        assert compare_strategies(trials, common_j=5.0).intervals == winners[0.5].intervals

    @pytest.mark.parametrize("fraction", [0.0, -1.0, 1.5, NAN])
    def test_a_fraction_that_cannot_be_is_refused(self, fraction):
        with pytest.raises(ConfigurationError, match="above 0 and up to 1"):
            compare_strategies(MIXED, fraction=fraction)

    @quick
    @given(tables, st.sampled_from(["equal_energy", "anytime_score", "energy_to_target"]))
    def test_no_win_is_supported_below_five_runs(self, trials, metric):
        verdict = compare_strategies(trials, metric, target=0.5)
        counts = trials.groupby("strategy")["run"].nunique()
        assert not verdict.supported or (len(counts) > 1 and counts.min() >= MIN_RUNS)
        assert verdict.tie == (len(verdict.tied) > 1)
        assert not verdict.tied or verdict.tied[0] == verdict.winner

    @quick
    @given(tables)
    def test_the_unit_of_energy_does_not_matter(self, trials):
        milli = trials.assign(energy_j=trials["energy_j"] * 1000)
        one, other = compare_strategies(trials), compare_strategies(milli)
        assert repr(one) == repr(other)


def hits(name, *joules):
    """Runs that reach 0.9 after so many joules, or never (None), and end after 10 J."""
    return [
        run_of((10.0, 0.1), run=f"{name}{i}", strategy=name)
        if needed_j is None
        else run_of((needed_j, 0.9), (10.0 - needed_j, 0.1), run=f"{name}{i}", strategy=name)
        for i, needed_j in enumerate(joules)
    ]


def to_target(*runs, target=0.9):
    return compare_strategies(pd.concat(runs), "energy_to_target", target=target)


class TestEnergyToTarget:
    def test_the_fewest_expected_joules_win(self):
        verdict = to_target(*hits("slow", 5, 6, 7, 8, 9), *hits("fast", 1, 2, 3, 4, 4.5))
        assert (verdict.winner, verdict.supported, verdict.tied) == ("fast", True, ())
        assert list(verdict.intervals) == ["fast", "slow"]
        assert (verdict.intervals["fast"].median, verdict.intervals["slow"].median) == (3.0, 7.0)
        assert verdict.pairs[0].cliffs_delta == -1.0
        assert verdict.reason.startswith("fast beats slow in 100% of the pairings of their runs (p")

    def test_a_censored_run_counts_in_the_expectation_and_ranks_last(self):
        # Expected: (1 + 1 + 10 + 10 + 10) / 2 = 16 J against 9 J.
        verdict = to_target(*hits("lucky", 1, 1, None, None, None), *hits("steady", 9, 9, 9, 9, 9))
        assert (verdict.winner, verdict.supported) == ("steady", False)
        assert verdict.intervals["lucky"].median == math.inf
        assert verdict.reason.startswith("steady leads by its expected energy to the target, but")
        assert verdict.pairs[0].cliffs_delta == pytest.approx(-0.2)

    def test_a_smaller_expectation_that_loses_most_pairings_is_not_supported(self):
        verdict = to_target(*hits("even", *[5] * 15), *hits("odd", *[4.5] * 12, *[9] * 3))
        assert (verdict.winner, verdict.supported) == ("even", False)
        assert verdict.pairs[0].p < 0.05
        assert "may be chance" in verdict.reason

    def test_nobody_wins_what_nobody_reached(self):
        verdict = to_target(*hits("a", None, 3), *hits("b", 2, None), target=0.95)
        assert (verdict.winner, verdict.supported, verdict.tied) == (None, False, ())
        assert verdict.reason == "No run of known joules reached the target."
        assert compare_strategies(MIXED.iloc[:0], "energy_to_target", target=0.5).winner is None

    def test_of_equal_expectations_the_fewer_joules_in_all_win(self):
        more = run_of((5.0, 0.1), run="a0", strategy="a")
        verdict = to_target(*hits("a", 4, 6, 5, 5, 5), more, *hits("b", 5, 5, 5, 5, 5 + 1e-10))
        assert (verdict.winner, verdict.tied, verdict.supported) == ("b", ("b", "a"), False)
        assert verdict.reason == (
            "b and a have the same expected energy to the target, and none spent fewer joules "
            "than b; otherwise none of them is ahead."
        )

    def test_unknown_joules_come_last(self):
        trials = pd.concat([*hits("unknown", 1, 1, 1, 1, 1), *hits("known", *[9] * 5)])
        trials.loc[(trials["run"] == "unknown0") & (trials["trial"] == 0), "energy_j"] = NAN
        verdict = compare_strategies(trials, "energy_to_target", target=0.9)
        assert (verdict.winner, verdict.supported) == ("known", False)
        assert verdict.intervals["unknown"].n == 4

    def test_a_target_must_be_given(self):
        with pytest.raises(ConfigurationError, match="give the target"):
            compare_strategies(MIXED, "energy_to_target")

    @settings(quick, max_examples=15)
    @given(tables)
    def test_the_unit_of_energy_does_not_matter(self, trials):
        milli = trials.assign(energy_j=trials["energy_j"] * 1000)
        one, other = (
            compare_strategies(table, "energy_to_target", target=0.5) for table in (trials, milli)
        )
        assert (one.winner, one.pairs, one.reason) == (other.winner, other.pairs, other.reason)
