"""The two findings, fixed budget and fixed target: who leads, and whether the runs support it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.inference import MIN_RUNS

from ..samples import NAN, quick, run_of, table_of, tables
from .made import analysed, group_of, runs_of


class TestFixedBudget:
    def test_a_clear_win_is_supported(self):
        group = group_of(
            table_of(bad=[0.5, 0.51, 0.52, 0.53, 0.54], good=[0.9, 0.91, 0.92, 0.93, 0.94])
        )
        budget, [pair] = group.verdict.budget, group.tests.at_end.pairs
        assert (budget.winner, budget.tied, budget.supported) == ("good", (), True)
        assert (budget.over, budget.beaten, budget.more_seeds) == ("each", ("bad",), None)
        assert group.strategies["good"].level == 0.92
        assert (pair.a, pair.b, pair.cliffs_delta, pair.shown) == ("good", "bad", 1.0, True)
        assert pair.alone == 2 / 252  # of all splits of ten runs: this one and its mirror
        assert (pair.ratio, pair.low, pair.high) == (None, None, None)

    @pytest.mark.parametrize(
        ("runs", "winner"),
        [
            ({"a": [0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.51, 0.61, 0.71, 0.81, 0.89]}, "b"),
            # A higher median that loses most pairings, by p < 0.05.
            ({"a": [0.6] * 13 + [0.1] * 12, "b": [0.59] * 13 + [0.9] * 12}, "a"),
        ],
    )
    def test_a_lead_that_may_be_chance_is_not(self, runs, winner):
        budget = group_of(table_of(**runs)).verdict.budget
        assert (budget.winner, budget.supported, budget.beaten) == (winner, False, ())
        assert "may be chance" in budget.reason

    def test_too_few_runs_support_nothing(self):
        verdict = group_of(table_of(a=[0.1] * 9, b=[0.9] * 4)).verdict
        assert (verdict.budget.winner, verdict.budget.supported) == ("b", False)
        assert verdict.budget.reason == (
            "b leads by its median run. Nothing can be concluded: each strategy needs at least "
            "5 runs, but b has 4."
        )
        assert verdict.sentence.endswith("may be chance. It takes at least 1 more seed to say.")

    def test_a_tie_goes_to_the_fewer_joules_and_is_none_at_any_time(self):
        group = group_of(
            runs_of("late", *[[(6.0, 0.8), (4.0, 0.1)]] * 5),
            runs_of("early", *[[(4.0, 0.8), (6.0, 0.1)]] * 5),
        )
        assert group.winners.at_end == group.winners.anytime == "early"
        assert (group.ties.at_end, group.ties.anytime) == (("early", "late"), ())
        assert (group.verdict.budget.tied, group.verdict.budget.supported) == (
            ("early", "late"),
            False,
        )
        assert group.tests.anytime.reason.startswith("early is better by its median run than late")

    def test_ties_of_three_name_all_three(self):
        verdict = group_of(table_of(a=[0.5] * 5, b=[0.5] * 5, c=[0.5] * 5)).verdict
        assert (verdict.budget.tied, verdict.budget.supported) == (("a", "b", "c"), False)
        assert verdict.budget.reason.startswith("a, b and c have the same median")
        assert verdict.sentence.endswith(
            "A tie does not say how many more seeds would tell them apart."
        )


@pytest.mark.thorough
@settings(quick, max_examples=20)
@given(tables)
def test_no_win_is_supported_below_five_runs(trials):
    group = group_of(trials, target=0.5)
    counts = trials.groupby("strategy")["run"].nunique()
    enough = len(counts) > 1 and counts.min() >= MIN_RUNS
    verdict = group.verdict
    for finding in (verdict.budget, verdict.target):
        assert not finding.supported or enough
        assert finding.supported == (finding.over is not None)
    for winner, tied, test in zip(group.winners.all, group.ties.all, group.tests.all, strict=True):
        assert not test.supported or enough
        assert not tied or (len(tied) > 1 and tied[0] == winner)


def hits(name, *joules, of=10.0, best=0.9):
    """Runs that reach 0.9 after so many joules, or never (None), and end after 10 J."""
    return runs_of(
        name,
        *([(of, 0.1)] if j is None else [(j, best), (of - j, 0.1)] for j in joules),
    )


def to_target(*strategies):
    """Who wins, who is as good, and what the runs say to it."""
    group = group_of(*strategies, target=0.9)
    return (each.energy_to_target for each in (group.winners, group.ties, group.tests))


FAST = hits("fast", 1, 2, 3, 4, 4.5)
SLOW = hits("slow", 5, 6, 7, 8, 9)


class TestFixedTarget:
    def test_the_fewest_expected_joules_win_and_the_ratio_is_told(self):
        group = group_of(SLOW, FAST, target=0.9)
        target, test = group.verdict.target, group.tests.energy_to_target
        assert (target.winner, target.tied, target.over) == ("fast", (), "each")
        [pair] = test.pairs
        assert (pair.a, pair.b, pair.cliffs_delta, pair.shown) == ("fast", "slow", -1.0, True)
        assert pair.ratio == pytest.approx(35 / 14.5)
        assert 1 < pair.low < pair.ratio < pair.high
        assert pair.p == pair.alone == 2 / 252
        assert test.together is None
        assert test.reason == (
            "fast is better by its expected energy to the target than slow, and wins 100 % of the "
            "pairings of their runs (p = 0.0079 by the exact log-rank test in joules)."
        )
        assert target.sentence == (
            f"fast reached 90.0 % for 2.90 J, 2.4 times [{pair.low:.1f}, {pair.high:.1f}] fewer "
            "than slow; 5 of 5 runs."
        )

    def test_a_rival_that_never_arrives_is_bounded_by_what_it_spent(self):
        target = group_of(FAST, hits("never", *[None] * 5), target=0.9).verdict.target
        assert (target.winner, target.supported) == ("fast", True)
        assert "at least" in target.sentence
        assert target.sentence.endswith("times fewer than never, which never did; 5 of 5 runs.")

    def test_a_censored_run_counts_in_the_expectation(self):
        # Expected: (1 + 1 + 10 + 10 + 10) / 2 = 16 J against 9 J.
        winner, _, test = to_target(
            hits("lucky", 1, 1, None, None, None), hits("steady", 9, 9, 9, 9, 9)
        )
        [pair] = test.pairs
        assert (winner, pair.cliffs_delta) == ("steady", pytest.approx(-0.2))
        assert (pair.ratio, pair.shown) == (pytest.approx(16 / 9), False)
        assert test.reason.startswith("steady leads by its expected energy to the target, but")

    def test_a_small_p_is_not_enough_where_the_interval_of_the_ratio_holds_1(self):
        winner, _, test = to_target(hits("even", *[5] * 15), hits("odd", *[4.5] * 12, *[9] * 3))
        [pair] = test.pairs
        assert (winner, pair.shown) == ("even", False)
        assert pair.low < 1 < pair.ratio
        assert "may be chance" in test.reason

    def test_nobody_wins_what_nobody_reached(self):
        group = group_of(hits("a", None, 3), hits("b", 2, None), target=0.95)
        assert group.winners.energy_to_target is None
        assert group.ties.energy_to_target == ()
        assert group.tests.energy_to_target.reason == "No run of known joules reached the target."
        assert group.verdict.target.sentence == "No run reached 95.0 %."
        assert "No run reached 95.0 %." in group.verdict.reason
        reached = group.strategies["a"].energy_to_target
        assert (reached.hits, reached.ert_j, reached.energy_j) == (0, None, None)

    def test_of_equal_expectations_the_fewer_joules_in_all_win(self):
        more = run_of((5.0, 0.1), run="a-0", strategy="a").assign(trial=2)
        winner, tied, test = to_target(
            pd.concat([hits("a", 4, 6, 5, 5, 5), more]), hits("b", 5, 5, 5, 5, 5 + 1e-10)
        )
        assert (winner, tied) == ("b", ("b", "a"))
        assert test.reason == (
            "b and a have the same expected energy to the target, and none is known to spend "
            "fewer joules than b; otherwise none of them is ahead."
        )

    def test_who_spent_unknown_joules_is_not_beaten(self):
        trials = pd.concat([hits("unknown", 1, 1, 1, 1, 1), hits("known", *[9] * 5)])
        trials.loc[(trials["run"] == "unknown-0") & (trials["trial"] == 0), "energy_j"] = NAN
        winner, _, test = to_target(trials)
        assert (winner, test.conclusive, test.kruskal_wallis.n) == (None, False, 9)
        assert test.reason == "Nothing can be compared: joules of unknown are not known."
        assert test.pairs[0].ratio is test.pairs[0].low is None
        target = group_of(trials, SLOW, target=0.9).verdict.target
        assert (target.winner, target.supported) == ("slow", False)
        assert target.sentence == (
            "slow reached 90.0 % for the fewest expected joules that are known, 7.00 J (5 of 5 "
            "runs), but that may be chance."
        )

    def test_that_joules_are_expected_is_said_where_a_run_never_arrived(self):
        some = hits("some", 1, 1, 1, 1, 1, 1, 1, None)
        sentence = group_of(some, hits("never", *[None] * 8), target=0.9).verdict.sentence
        assert "some reached 90.0 % for an expected 2.43 J, at least" in sentence
        assert sentence.endswith("7 of 8 runs.")


class TestHeadline:
    def test_it_tells_both_findings_if_the_runs_support_both(self):
        verdict = group_of(FAST, table_of(bad=[0.5, 0.51, 0.52, 0.53, 0.54])).verdict
        assert (verdict.budget.winner, verdict.target.winner) == ("fast", "fast")
        assert verdict.sentence == f"{verdict.budget.sentence} {verdict.target.sentence}"
        assert "the most accurate networks" in verdict.budget.sentence

    def test_it_names_two_strategies_if_each_is_best_in_one_way(self):
        late = runs_of("late", *([(9.0, 0.91 + i / 100), (1.0, 0.1)] for i in range(5)))
        verdict = group_of(FAST, late, target=0.9).verdict
        assert (verdict.budget.winner, verdict.budget.supported) == ("late", True)
        assert (verdict.target.winner, verdict.target.supported) == ("fast", True)
        assert verdict.sentence.startswith("late found the most accurate networks")
        assert "fast reached 90.0 % for 2.90 J" in verdict.sentence

    def test_a_supported_target_comes_before_a_tie_for_the_same_joules(self):
        verdict = group_of(SLOW, FAST, target=0.9).verdict
        assert verdict.budget.tied == ("fast", "slow")
        assert verdict.sentence == verdict.target.sentence
        assert "equally accurate" in verdict.reason

    def test_a_lead_that_is_open_comes_before_a_tie(self):
        verdict = group_of(hits("a", 1, 2, 3, 4), hits("b", 5, 6, 7, 8), target=0.9).verdict
        assert verdict.budget.tied == ("a", "b")
        assert verdict.sentence == (
            f"{verdict.target.sentence} It takes at least 1 more seed to say."
        )

    def test_of_many_that_are_as_good_a_few_are_named(self):
        analysis = analysed(*(hits(f"s{i}", *[1 + i] * 4) for i in range(9)), target=0.9)
        assert "s0, s1, s2 and 6 others found equally accurate" in analysis.because
        assert "s7" not in analysis.because
        assert analysis.because.endswith("s0 has the best anytime score, which may be chance.")

    def test_a_second_that_is_as_good_as_rounded_or_has_no_result_is_told_so(self):
        near = table_of(a=[0.9, 0.90001], b=[0.9, 0.9])
        assert "90.0 % validation accuracy, with b nearly as accurate, but that may be chance" in (
            group_of(near).verdict.budget.sentence
        )
        a, later = hits("a", 1, 1, 1), runs_of("b", *[[(20.0, 0.9)]] * 3)
        by_then = pd.concat([runs_of("b", [(9.0, 0.5), (1.0, 0.1)]), later[1:]])
        for b, told in (
            (by_then, "then b with 0.0 % (where a run has no result by then, it counts as that)"),
            (later, "90.0 % validation accuracy, and no other median run has a result by then"),
        ):
            assert told in group_of(a, b).verdict.budget.sentence

    def test_of_two_open_findings_the_one_that_fewer_seeds_would_settle_is_told(self):
        near = hits("near", 3.0, 3.5, 4.0, 4.6, 8.0)
        verdict = group_of(FAST, near, target=0.9).verdict
        assert not verdict.budget.supported
        assert not verdict.target.supported
        assert 1 <= verdict.target.more_seeds <= 30
        assert verdict.sentence == (
            f"{verdict.target.sentence} About {verdict.target.more_seeds} more seeds would settle "
            "that, if it is as these runs show."
        )

    def test_a_leader_far_ahead_of_the_field_leads_though_one_rival_is_near(self):
        rng = np.random.default_rng(0)
        field = [hits(f"r{i}", *rng.uniform(6, 10, 5)) for i in range(5)]
        near = hits("near", 1.1, 2.1, 3.1, 4.1, 5)
        group = group_of(*field, near, FAST, target=0.9)
        target, test = group.verdict.target, group.tests.energy_to_target
        assert (target.winner, target.supported, target.over) == ("fast", True, "together")
        # 21 pairs of five runs each: no p is small enough for the correction.
        assert target.beaten == ()
        assert min(pair.p for pair in test.pairs) == pytest.approx(21 * 2 / 252)
        assert test.together.low > 1
        assert "fewer than the other 6 strategies together" in target.sentence
        assert target.sentence.endswith("Against each of them alone it may be chance.")

    def test_who_is_not_beaten_alone_is_named(self):
        rng = np.random.default_rng(0)
        field = [hits(f"r{i}", *rng.uniform(6, 10, 10)) for i in range(3)]
        fast = hits("fast", *rng.uniform(1, 3, 10))
        near = hits("near", *rng.uniform(1.5, 3.5, 10))
        target = group_of(*field, near, fast, target=0.9).verdict.target
        assert (target.over, set(target.beaten)) == ("together", {"r0", "r1", "r2"})
        assert target.sentence.endswith("It cannot be told apart from near.")

    def test_a_lead_over_all_together_and_none_alone_is_told_so(self):
        field = [hits(f"r{i}", 2 + i / 10, 3.1, 4.1, 4.2, 9) for i in range(12)]
        target = group_of(*field, FAST, target=0.9).verdict.target
        assert target.over != "each"
        alone = hits("first", 0.9, 1.2, 1.4, 2.15, 4.15)
        target = group_of(*field, alone, target=0.9).verdict.target
        assert (target.over, target.beaten) == ("together", ())
        assert target.sentence.endswith("Against each of them alone it may be chance.")

    def test_a_ratio_that_is_nearly_1_is_not_rounded_to_it(self):
        near = hits("near", *[4.95 + i / 1000 for i in range(5)])
        far = hits("far", *[5.0 + i / 1000 for i in range(5)])
        sentence = group_of(near, far, target=0.9).verdict.target.sentence
        assert sentence == (
            "near reached 90.0 % for 4.95 J, 1.01 times [1.01, 1.01] fewer than far; 5 of 5 runs."
        )

    def test_one_seed_is_no_finding(self):
        verdict = group_of(table_of(a=[0.1], b=[0.9])).verdict
        assert (verdict.budget.winner, verdict.budget.supported) == ("b", False)
        assert "It takes at least 4 more seeds" in verdict.sentence

    def test_failures_alone_are_no_finding_and_are_told_with_the_commonest_reason(self):
        rows = [(1.0, NAN, "failed")] * 3
        trials = pd.concat([run_of(*rows), run_of(*rows, run="b-0", strategy="b")])
        trials["message"] = ["out of memory", "out of memory", "no loss"] * 2
        analysis = analysed(trials)
        [group] = analysis.groups
        assert analysis.headline == "No trial has a result: all of them failed."
        assert group.verdict.budget.winner is group.verdict.target.winner is None
        assert analysis.notes[0] == "6 of 6 trials failed; most often: out of memory."

    def test_lost_trials_are_told_beside_failed_ones(self):
        trials = pd.concat([FAST, SLOW], ignore_index=True)
        trials["message"] = None
        trials.loc[1, ["state", "message"]] = "failed", "no loss."
        trials.loc[3, ["state", "message"]] = "interrupted", "its worker died"
        assert analysed(trials).notes[:2] == (
            "1 of 20 trials failed: no loss.",
            "1 of 20 trials was lost: its worker died.",
        )

    def test_over_groups_the_finding_that_more_groups_support_is_the_headline(self):
        both = pd.concat([FAST, SLOW])
        frames = [both.assign(dataset=name, run=name + both["run"]) for name in "xy"]
        analysis = analysed(*frames, by="dataset", target=0.9)
        assert analysis.headline == (
            "fast needs the fewest joules to the target accuracy in 2 of 2 groups; the runs "
            "support its lead in 2 of them."
        )
        assert (
            "fast leads for the same energy in 2 of 2 groups; the runs support its lead in none of "
            "them." in analysis.because
        )


joules = st.lists(st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0, None]), min_size=5, max_size=5)


@settings(quick, max_examples=8)
@given(joules, joules, joules, st.randoms(use_true_random=False))
def test_no_order_and_no_unit_changes_a_finding(one, two, three, random):
    frames = [hits(name, *each) for name, each in zip("abc", (one, two, three), strict=True)]
    group = group_of(*frames, target=0.9)
    runs = [own for frame in frames for _, own in frame.groupby("run")]
    random.shuffle(runs)
    shuffled = group_of(*runs, target=0.9)
    scaled = group_of(*(f.assign(energy_j=f["energy_j"] * 4) for f in frames), target=0.9)
    for other in (shuffled, scaled):
        if not group.verdict.target.tied:
            for name in ("winner", "supported", "over", "beaten", "more_seeds"):
                found = getattr(other.verdict.target, name)
                assert found == getattr(group.verdict.target, name) or name == "beaten"
        wanted = {frozenset((p.a, p.b)): p for p in group.tests.energy_to_target.pairs}
        for pair in other.tests.energy_to_target.pairs:
            before = wanted[frozenset((pair.a, pair.b))]
            assert pair.alone == pytest.approx(before.alone)
            if pair.a == before.a and pair.ratio is not None:
                assert pair.ratio == pytest.approx(before.ratio)
                assert pair.low == pytest.approx(before.low)


def test_equal_strategies_are_rarely_called_different():
    """Seven that are all alike, five runs each: in 5 % of the cases at most, give or take."""
    rng = np.random.default_rng(1)
    called = 0
    for _ in range(8):
        spent = rng.exponential(5.0, (7, 5)).clip(0.1, 9.9)
        runs = [[j if j < 9.9 else None for j in own] for own in spent]
        frames = [hits(f"s{i}", *own) for i, own in enumerate(runs)]
        called += group_of(*frames, target=0.9).verdict.target.supported
    assert called <= 1
