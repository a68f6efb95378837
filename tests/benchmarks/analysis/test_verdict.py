"""Who is ahead by each criterion, and whether the runs support saying so."""

import pandas as pd
import pytest
from hypothesis import given, settings

from perjoule.benchmarks.statistics.inference import MIN_RUNS

from ..samples import NAN, quick, run_of, table_of, tables
from .made import group_of, runs_of


class TestAtEqualEnergy:
    def test_a_clear_win_is_supported(self):
        group = group_of(
            table_of(bad=[0.5, 0.51, 0.52, 0.53, 0.54], good=[0.9, 0.91, 0.92, 0.93, 0.94])
        )
        verdict, [pair] = group.verdict, group.tests.at_end.pairs
        assert (verdict.winner, verdict.tie, verdict.supported) == ("good", False, True)
        assert group.strategies["good"].level == 0.92
        assert (pair.a, pair.b, pair.cliffs_delta) == ("good", "bad", 1.0)

    @pytest.mark.parametrize(
        ("runs", "winner"),
        [
            ({"a": [0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.51, 0.61, 0.71, 0.81, 0.89]}, "b"),
            # A higher median that loses most pairings, by p < 0.05.
            ({"a": [0.6] * 13 + [0.1] * 12, "b": [0.59] * 13 + [0.9] * 12}, "a"),
        ],
    )
    def test_a_lead_that_may_be_chance_is_not(self, runs, winner):
        verdict = group_of(table_of(**runs)).verdict
        assert (verdict.winner, verdict.supported) == (winner, False)
        assert "may be chance" in verdict.reason

    def test_too_few_runs_support_nothing(self):
        verdict = group_of(table_of(a=[0.1] * 9, b=[0.9] * 4)).verdict
        assert (verdict.winner, verdict.supported) == ("b", False)
        assert verdict.reason == (
            "b leads by its median run. Nothing can be concluded: each strategy needs at least "
            "5 runs, but b has 4."
        )

    def test_a_tie_goes_to_the_fewer_joules_and_is_none_at_any_time(self):
        group = group_of(
            runs_of("late", *[[(6.0, 0.8), (4.0, 0.1)]] * 5),
            runs_of("early", *[[(4.0, 0.8), (6.0, 0.1)]] * 5),
        )
        assert group.winners.at_end == group.winners.anytime == "early"
        assert (group.ties.at_end, group.ties.anytime) == (("early", "late"), ())
        assert (group.verdict.tie, group.verdict.supported) == (True, False)
        assert group.tests.anytime.reason.startswith("early beats late")

    def test_ties_of_three_name_all_three(self):
        group = group_of(table_of(a=[0.5] * 5, b=[0.5] * 5, c=[0.5] * 5))
        assert (group.verdict.tie, group.verdict.supported) == (True, False)
        assert group.verdict.reason.startswith("a, b and c have the same median")
        assert group.ties.at_end == ("a", "b", "c")


@pytest.mark.thorough
@settings(quick, max_examples=20)
@given(tables)
def test_no_win_is_supported_below_five_runs(trials):
    group = group_of(trials, target=0.5)
    counts = trials.groupby("strategy")["run"].nunique()
    enough = len(counts) > 1 and counts.min() >= MIN_RUNS
    assert not group.verdict.supported or enough
    for winner, tied, test in zip(group.winners.all, group.ties.all, group.tests.all, strict=True):
        assert "beats" not in test.reason or enough
        assert not tied or (len(tied) > 1 and tied[0] == winner)


def hits(name, *joules):
    """Runs that reach 0.9 after so many joules, or never (None), and end after 10 J."""
    return runs_of(
        name,
        *([(10.0, 0.1)] if j is None else [(j, 0.9), (10.0 - j, 0.1)] for j in joules),
    )


def to_target(*strategies):
    """Who wins, who is as good, and what the runs say to it."""
    group = group_of(*strategies, target=0.9)
    return (each.energy_to_target for each in (group.winners, group.ties, group.tests))


class TestEnergyToTarget:
    def test_the_fewest_expected_joules_win(self):
        winner, tied, test = to_target(hits("slow", 5, 6, 7, 8, 9), hits("fast", 1, 2, 3, 4, 4.5))
        assert (winner, tied, test.pairs[0].cliffs_delta) == ("fast", (), -1.0)
        assert test.reason.startswith("fast beats slow in 100% of the pairings of their runs (p")

    def test_a_censored_run_counts_in_the_expectation_and_ranks_last(self):
        # Expected: (1 + 1 + 10 + 10 + 10) / 2 = 16 J against 9 J.
        winner, _, test = to_target(
            hits("lucky", 1, 1, None, None, None), hits("steady", 9, 9, 9, 9, 9)
        )
        assert (winner, test.pairs[0].cliffs_delta) == ("steady", pytest.approx(-0.2))
        assert test.reason.startswith("steady leads by its expected energy to the target, but")

    def test_a_smaller_expectation_that_loses_most_pairings_is_not_supported(self):
        winner, _, test = to_target(hits("even", *[5] * 15), hits("odd", *[4.5] * 12, *[9] * 3))
        assert winner == "even"
        assert test.pairs[0].p < 0.05
        assert "may be chance" in test.reason

    def test_nobody_wins_what_nobody_reached(self):
        group = group_of(hits("a", None, 3), hits("b", 2, None), target=0.95)
        assert group.winners.energy_to_target is None
        assert group.ties.energy_to_target == ()
        assert group.tests.energy_to_target.reason == "No run of known joules reached the target."
        reached = group.strategies["a"].energy_to_target
        assert (reached.hits, reached.ert_j, reached.energy_j) == (0, None, None)

    def test_of_equal_expectations_the_fewer_joules_in_all_win(self):
        more = run_of((5.0, 0.1), run="a-0", strategy="a").assign(trial=2)
        winner, tied, test = to_target(
            pd.concat([hits("a", 4, 6, 5, 5, 5), more]), hits("b", 5, 5, 5, 5, 5 + 1e-10)
        )
        assert (winner, tied) == ("b", ("b", "a"))
        assert test.reason == (
            "b and a have the same expected energy to the target, and none spent fewer joules "
            "than b; otherwise none of them is ahead."
        )

    def test_unknown_joules_come_last(self):
        trials = pd.concat([hits("unknown", 1, 1, 1, 1, 1), hits("known", *[9] * 5)])
        trials.loc[(trials["run"] == "unknown-0") & (trials["trial"] == 0), "energy_j"] = NAN
        winner, _, test = to_target(trials)
        assert (winner, test.conclusive, test.kruskal_wallis.n) == ("known", False, 9)
