import dataclasses
import json
import math

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perjoule import __version__, analyse, load_table
from perjoule.benchmarks.analysis.analysing import Analysis
from perjoule.errors import ConfigurationError, OutputError

from ..samples import NAN, quick, tables
from .made import analysed, group_of, runs_of

few = settings(quick, max_examples=20)


def only_group(*strategies: pd.DataFrame, target="98%"):
    """The only group, as JSON has it."""
    return group_of(*strategies, target=target).to_dict()


# Three runs each. B is 10 J: the smallest total. Early finds something soon, late something better.
EARLY = runs_of(
    "early",
    [(2.0, 0.6), (3.0, 0.7), (5.0, 0.1)],
    [(2.0, 0.5), (3.0, 0.8), (7.0, 0.8)],
    [(2.5, 0.7), (2.5, 0.6), (6.0, 0.9)],
)
LATE = runs_of("late", [(9.0, 0.9), (3.0, 0.9)], [(9.0, 0.8), (1.0, 0.9)], [(10.0, 0.5)])


class TestEqualEnergy:
    def test_by_hand(self):
        group = only_group(EARLY, LATE)
        assert group["common_j"] == 10.0
        early, late = (group["strategies"][name]["equal_energy"] for name in ("early", "late"))
        # At 2.5 J early has 0.6, 0.5 and 0.7; at 5 J 0.7, 0.8 and 0.7; at 10 J 0.7, 0.8 and 0.7.
        assert [early[key]["median"] for key in ("0.25", "0.5", "1.0")] == [0.6, 0.7, 0.7]
        assert [early[key]["n"] for key in early] == [3, 3, 3]
        assert (early["0.25"]["low"], early["0.25"]["high"]) == (0.5, 0.7)
        # Late has nothing until 9 J: 0.9, 0.9 (after exactly 10 J) and 0.5 at 10 J.
        assert (late["0.25"], late["0.5"], late["1.0"]["median"]) == (None, None, 0.9)
        assert group["winners"]["equal_energy"] == {"0.25": "early", "0.5": "early", "1.0": "late"}
        assert group["verdict"]["budget"]["winner"] == "late"
        assert not group["verdict"]["budget"]["supported"]
        assert "each has 3" in group["verdict"]["budget"]["reason"]

    @pytest.mark.parametrize(("first_j", "told"), [(7.9, True), (8.0, False)])
    def test_a_run_that_ended_far_before_the_others_is_told(self, first_j, told):
        analysis = analysed(
            runs_of("short", [(first_j, 0.8)], [(10.0, 0.8)]),
            runs_of("long", [(7.0, 0.7), (3.0, 0.9)], [(7.0, 0.7), (3.0, 0.9)]),
        )
        early = [note for note in analysis.notes if note.startswith("A run ended at 7.90 J")]
        assert len(early) == told
        assert all("of long spent 10.0 J" in note for note in early)

    def test_a_run_without_a_result_by_then_counts_as_zero(self):
        group = only_group(
            runs_of("half", [(1.0, 0.9)], [(1.0, NAN)], [(1.0, NAN)]),
            runs_of("whole", [(1.0, 0.1)], [(1.0, 0.1)], [(1.0, 0.1)]),
        )
        half = group["strategies"]["half"]
        assert (half["equal_energy"]["1.0"]["median"], half["equal_energy"]["1.0"]["n"]) == (0.0, 3)
        assert (half["score"]["median"], half["score"]["n"]) == (0.9, 1)
        assert group["winners"]["equal_energy"]["1.0"] == "whole"


class TestEnergyToTarget:
    def test_by_hand_with_censored_runs(self):
        group = only_group(EARLY, LATE, target=0.8)
        early, late = (group["strategies"][name]["energy_to_target"] for name in ("early", "late"))
        # Early: 10 J in vain, a hit after 5 J, one after 11 J. Late: 9, 9, and 10 J in vain.
        assert early == {
            "hits": 2,
            "runs": 3,
            "censored": ["early-0"],
            "ert_j": 13.0,
            "energy_j": {"median": 8.0, "low": 5.0, "high": 11.0, "n": 2},
        }
        assert (late["hits"], late["censored"], late["ert_j"]) == (2, ["late-2"], 14.0)
        assert group["winners"]["energy_to_target"] == "early"
        assert group["target"]["score"] == 0.8

    @pytest.mark.parametrize(
        ("target", "score"),
        [("50%", 0.45), (" 50 % ", 0.45), ("0.5", 0.5), (0.5, 0.5), (1, 1.0), ("100%", 0.9)],
    )
    def test_a_target_is_an_accuracy_or_a_share_of_the_best(self, target, score):
        analysis = analysed(EARLY, LATE, target=target)
        assert analysis.to_dict()["groups"][0]["target"]["score"] == score
        assert analysis.to_dict()["target"] == str(target).strip()

    @pytest.mark.parametrize("target", ["98", "0%", "101%", 0, 1.5, -0.5, NAN, "nan%", "", True])
    def test_what_is_neither_is_refused(self, target):
        with pytest.raises(ConfigurationError, match=r"^target .*: give an accuracy .*$"):
            analysed(EARLY, LATE, target=target)


class TestOtherNumbers:
    def test_totals_their_spread_and_the_anytime_score(self):
        group = group_of(EARLY, LATE)
        early, late = group.strategies["early"], group.strategies["late"]
        assert (early.energy_j.median, early.energy_j.n) == (11.0, 3)
        assert early.energy_cv == pytest.approx(1.0 / 11)  # 10, 12 and 11 J
        assert (early.runs, early.trials, early.states) == (3, 9, {"complete": 9})
        assert group.energy_kinds == {"not stated": 14}
        assert group.winners.anytime == "early"
        assert 0 < late.anytime.median < early.anytime.median

    def test_accuracy_per_joule_is_shown_above_its_floor(self):
        early = only_group(EARLY, LATE, target=0.7)["strategies"]["early"]["score_per_joule"]
        assert early["trial"] == 0.7 / 2.5  # not 0.6 / 2, which is below the floor
        assert early["floor"] == 0.7
        free = only_group(EARLY, runs_of("free", [(0.0, 0.9), (2.0, 0.9)]), target=0.65)
        assert free["strategies"]["free"]["score_per_joule"]["trial"] == 0.45
        # Found after 5 J, 5 J and 11 J: 0.14, 0.16 and 0.082 per joule.
        assert early["run"]["median"] == pytest.approx(0.14)

    def test_hypervolume_reaches_to_the_dearest_trial_of_the_group(self):
        group = only_group(runs_of("a", [(2.0, 0.5)]), runs_of("b", [(10.0, 1.0)]))
        assert group["reference_j"] == 10.0
        assert group["strategies"]["a"]["hypervolume"] == {"energy_j": 4.0, "share": 0.4}
        assert group["strategies"]["b"]["hypervolume"] == {"energy_j": 0.0, "share": 0.0}

    def test_test_accuracy_is_that_of_the_best_validated_trial(self):
        tested = {"test_score": [0.9, 0.7, 0.6]}
        trials = runs_of("a", [(1.0, 0.5), (1.0, 0.8), (1.0, 0.8)], **tested)
        strategies = group_of(trials, EARLY).strategies
        assert strategies["a"].test_score.median == 0.7
        assert strategies["early"].test_score is None

    def test_search_share_is_of_trials_of_which_both_are_known(self):
        searched = {"energy_search_j": [1.0, NAN, 5.0]}
        trials = runs_of("a", [(2.0, 0.5), (8.0, 0.8), (NAN, 0.8)], **searched)
        strategies = group_of(trials, EARLY).strategies
        assert strategies["a"].search_share == 0.5
        assert strategies["early"].search_share is None

    def test_time_is_read_off_slices_and_the_rest_off_trials(self):
        table = load_table(pd.concat([runs_of("a", [(4.0, 0.8)]), runs_of("b", [(4.0, 0.7)])]))
        slices = pd.concat([runs_of("a", [(3.0, 0.6), (1.0, 0.8)]), runs_of("b", [(4.0, 0.7)])])
        slices = slices.reindex(columns=table.trials.columns)
        group = analyse(dataclasses.replace(table, slices=slices), 0.6).to_dict()["groups"][0]
        own = group["strategies"]["a"]
        assert own["energy_to_target"]["ert_j"] == 3.0
        assert (group["trials"], own["trials"], own["hypervolume"]["energy_j"]) == (2, 1, 0.0)


class TestUnknownEnergies:
    UNKNOWN = runs_of("unknown", [(NAN, 0.99)], [(NAN, 0.99)])

    def test_a_strategy_of_unknown_joules_has_nulls_and_never_wins(self):
        analysis = analysed(EARLY, LATE, self.UNKNOWN)
        (group,) = analysis.to_dict()["groups"]
        own = group["strategies"]["unknown"]
        assert own["energy_kind"] == "unavailable"
        assert own["equal_energy"] == {"0.25": None, "0.5": None, "1.0": None}
        for key in ("energy_j", "energy_cv", "anytime", "search_share"):
            assert own[key] is None
        assert own["hypervolume"] == {"energy_j": None, "share": None}
        assert own["score_per_joule"]["run"] is own["score_per_joule"]["trial"] is None
        assert own["energy_to_target"]["hits"] == 2
        assert own["energy_to_target"]["ert_j"] is own["energy_to_target"]["energy_j"] is None
        assert own["score"]["median"] == 0.99
        assert group["common_j"] == 10.0
        assert "unknown" not in str(analysis.winners)
        assert "2 of 2 runs of unknown are not known" in " ".join(analysis.notes)

    def test_one_strategy_of_known_joules_has_nothing_to_beat(self):
        analysis = analysed(EARLY, self.UNKNOWN)
        assert analysis.groups[0].winners.all == [None] * 5
        reason = "Nothing can be compared: joules of unknown are not known."
        assert analysis.groups[0].verdict.budget.reason == reason
        assert reason in analysis.notes
        assert analysis.sentences == [f"No strategy leads for the same energy. {reason}"]

    def test_runs_that_missed_the_target_after_unknown_joules_conclude_nothing(self):
        group = only_group(
            runs_of("known", *[[(5.0, 0.9)]] * 5), runs_of("unknown", *[[(NAN, 0.1)]] * 5)
        )
        test = group["tests"]["energy_to_target"]
        assert (group["winners"]["energy_to_target"], test["conclusive"]) == (None, False)
        assert test["reason"].startswith("Nothing can be compared")

    def test_without_any_known_joules_nothing_is_zero(self):
        group = only_group(self.UNKNOWN, runs_of("other", [(NAN, 0.5)]))
        assert group["common_j"] is group["reference_j"] is None
        assert group["verdict"]["budget"]["winner"] is None
        assert group["best_score"] == 0.99
        assert group["energy_kinds"] == {"unavailable": 3}

    def test_a_run_of_unknown_joules_is_left_out_of_its_strategy(self):
        group = only_group(EARLY, LATE, runs_of("part", [(12.0, 0.4)], [(NAN, 0.99)]))
        assert group["strategies"]["part"]["equal_energy"]["1.0"] is None
        assert group["strategies"]["part"]["energy_j"]["n"] == 1

    def test_different_kinds_of_joules_are_called_not_comparable(self):
        analysis = analysed(
            EARLY.assign(energy_kind="measured"),
            LATE.assign(energy_kind=["modelled"] * 4 + ["measured+lower bound"]),
        )
        (group,) = analysis.to_dict()["groups"]
        assert group["energy_kinds"] == {"measured": 9, "modelled": 4, "measured+lower bound": 1}
        assert group["strategies"]["late"]["energy_kind"] == "lower bound+measured+modelled"
        assert analysis.notes == (
            "Joules of different kinds are not comparable: early is measured, late is "
            "measured+modelled.",
            "The joules of 1 trial are a lower bound.",
        )


class TestNothingToCompare:
    def test_a_single_strategy_wins_nothing(self):
        analysis = analysed(EARLY)
        verdict = analysis.groups[0].verdict
        assert (verdict.budget.winner, verdict.budget.tied) == (None, ())
        assert not verdict.budget.supported
        assert verdict.target.winner is None
        assert verdict.reason == "Only early was run: there is nothing to compare it with."
        assert verdict.sentence == ("early reached 80.0 % validation accuracy for 11.0 J per run.")
        assert analysis.counts.anytime == {}
        assert analysis.groups[0].strategies["early"].anytime is not None
        assert analysis.ranks.equal_energy is analysis.ranks.anytime is None

    def test_without_any_result_there_is_no_target_and_no_winner(self):
        group = only_group(runs_of("a", [(1.0, NAN)]), runs_of("b", [(1.0, NAN)]))
        assert group["best_score"] is group["target"]["score"] is None
        assert group["winners"]["anytime"] is group["verdict"]["budget"]["winner"] is None
        assert group["tests"]["anytime"]["reason"].startswith(
            "No strategy's median run has a result"
        )
        assert group["tests"]["energy_to_target"]["reason"].startswith("No trial has a result")
        assert group["strategies"]["a"]["hypervolume"]["energy_j"] == 0.0

    def test_runs_too_dear_to_be_compared_at_equal_energy_are_noted(self):
        cheap = runs_of("cheap", [(1.0, 0.8)], [(2.0, 0.8)], [(2.0, 0.8)])
        analysis = analysed(cheap, runs_of("dear", [(9.0, 0.8)]))
        assert analysis.groups[0].verdict.budget.winner is None
        assert analysis.winners[0]["energy_to_target"] == "cheap"
        assert analysis.notes[0].startswith(
            "Most runs have no result within 1.00 J, the smallest total of a run"
        )

    def test_runs_of_no_joules_at_all_are_compared_all_the_same(self):
        group = only_group(runs_of("a", [(0.0, 0.5)]), runs_of("b", [(0.0, 0.6)]))
        assert group["winners"]["equal_energy"]["1.0"] == "b"
        assert group["strategies"]["b"]["energy_to_target"]["ert_j"] == 0.0
        assert group["strategies"]["b"]["score_per_joule"]["trial"] is None
        assert group["strategies"]["b"]["score_per_joule"]["run"] is None
        assert group["strategies"]["b"]["hypervolume"]["share"] is None


class TestGroups:
    def both(self, **datasets):
        """The same two strategies on data sets; how accurate the second is on each."""
        runs = (
            runs_of(strategy, [(5.0, level)], dataset=name, run=f"{name}-{strategy}")
            for name, score in datasets.items()
            for strategy, level in (("a", 0.5), ("b", score))
        )
        return analysed(*runs, by="dataset")

    def test_winners_are_counted_over_groups(self):
        analysis = self.both(one=0.6, two=0.7, three=0.4)
        assert [group["by"]["dataset"] for group in analysis.winners] == ["one", "three", "two"]
        assert analysis.counts.to_dict() == {
            "equal_energy": {"0.25": {}, "0.5": {}, "1.0": {"b": 2, "a": 1}},
            "energy_to_target": {"b": 2, "a": 1},
            "anytime": {"b": 2, "a": 1},
        }
        ranks = analysis.ranks.equal_energy
        assert ranks.strategies == {"b": pytest.approx(4 / 3), "a": pytest.approx(5 / 3)}
        assert (ranks.n_groups, ranks.conclusive) == (3, False)
        assert analysis.sentences[0].startswith("dataset one: b is ahead for the same energy")

    def test_a_missing_value_is_a_group_of_its_own(self):
        frame = pd.concat([EARLY, LATE], ignore_index=True).drop(columns="seed")
        frame["machine"] = [None] * 9 + [1] * 5
        analysis = analyse(load_table(frame, by="machine"))
        assert [group["by"] for group in analysis.winners] == [{"machine": 1}, {"machine": None}]
        assert analysis.sentences[1].startswith("machine unknown: early reached 80.0 % validation")

    def test_a_strategy_that_is_not_in_every_group_is_not_ranked(self):
        frames = [
            runs_of(name, [(5.0, level)], dataset=dataset, run=f"{dataset}{name}")
            for dataset, name, level in (
                *(("one", "a", 0.5), ("one", "b", 0.6), ("one", "c", 0.9)),
                *(("two", "a", 0.5), ("two", "b", 0.6)),
            )
        ]
        analysis = analysed(*frames, by="dataset")
        assert list(analysis.ranks.anytime.strategies) == ["b", "a"]
        assert analysis.notes == ("Strategies that are in every group, and ranked: a, b.",)

    def test_a_strategy_without_a_result_has_the_last_rank(self):
        analysis = self.both(one=0.6, two=NAN, three=NAN)
        assert list(analysis.ranks.equal_energy.strategies) == ["a", "b"]
        assert analysis.ranks.equal_energy.n_groups == 3


class TestWordsAndFiles:
    GOOD = runs_of("good", *([(5.0, 0.9 + seed / 100)] for seed in range(5)))
    BAD = runs_of("b<d", *([(5.0, 0.5 + seed / 100)] for seed in range(5)))

    def test_a_supported_win_is_called_one(self):
        analysis = analysed(self.GOOD, self.BAD)
        assert analysis.to_dict()["groups"][0]["verdict"]["budget"]["supported"]
        assert analysis.sentences == [
            "good found the most accurate networks for the same energy (5.00 J per run): 92.0 % "
            "validation accuracy, then b<d with 52.0 %. good is better by its median run than "
            "b<d, and wins 100 % of the pairings of their runs (p = 0.0079 by the exact rank-sum "
            "test). good reached 92.1 % for the fewest expected joules, 12.5 J (2 of 5 runs), but "
            "that may be chance."
        ]

    def test_a_tie_is_called_one(self):
        (told,) = analysed(runs_of("a", [(5.0, 0.5)]), runs_of("b", [(5.0, 0.5)])).sentences
        assert told.startswith(
            "a and b found equally accurate networks for the same energy (5.00 J per run): 50.0 % "
            "validation accuracy. It takes at least 4 more seeds to say. a and b have "
            "the same median"
        )

    def test_notebooks_show_a_table_with_the_winners_marked(self):
        shown = analysed(self.GOOD, self.BAD)._repr_html_()
        assert '<th scope="row">b&lt;d</th>' in shown
        assert "b<d" not in shown
        assert "<td><b>12.5 J ★</b></td>" in shown
        assert "<td>0 of 5</td>" in shown

    def test_it_is_written_whole_or_not_at_all(self, tmp_path):
        analysis = analysed(EARLY, LATE)
        analysis.write(tmp_path / "analysis.json")
        assert json.loads((tmp_path / "analysis.json").read_text("utf-8")) == analysis.to_dict()
        with pytest.raises(OutputError, match="cannot write"):
            analysis.write(tmp_path / "nowhere" / "analysis.json")


class TestProperties:
    @pytest.mark.thorough
    @few
    @given(tables, st.sampled_from([2.0**-10, 8.0, 1024.0]))
    def test_the_unit_of_energy_changes_joules_and_no_winner(self, trials, factor):
        one, other = (
            only_group(each, target=0.5)
            for each in (trials, trials.assign(energy_j=trials["energy_j"] * factor))
        )
        for criterion in ("equal_energy", "energy_to_target"):
            assert one["winners"][criterion] == other["winners"][criterion]
            assert one["ties"][criterion] == other["ties"][criterion]
            assert one["tests"][criterion] == other["tests"][criterion]
        for name, own in one["strategies"].items():
            ert_j = own["energy_to_target"]["ert_j"]
            scaled = other["strategies"][name]["energy_to_target"]["ert_j"]
            assert scaled == (None if ert_j is None else ert_j * factor)

    @pytest.mark.thorough
    @few
    @given(tables)
    def test_a_beaten_strategy_does_not_change_who_wins(self, trials):
        assume(trials["strategy"].nunique() > 1)
        before = only_group(trials)
        beaten = runs_of("beaten", [(before["common_j"], 0.0), (1000.0, 0.0)])
        after = only_group(trials, beaten)
        assert after["common_j"] == before["common_j"]
        assert after["winners"]["equal_energy"] == before["winners"]["equal_energy"]

    @pytest.mark.thorough
    @few
    @given(tables)
    def test_other_names_are_other_names_and_nothing_else(self, trials):
        names = {"even": "odd", "odd": "even"}
        renamed = group_of(trials.assign(strategy=trials["strategy"].map(names)))
        group = group_of(trials)
        assert [*map(names.get, group.winners.all)] == renamed.winners.all
        strategies = {names[name]: own for name, own in group.strategies.items()}
        assert strategies == renamed.strategies


trials = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from("abc"),
        "seed": st.integers(0, 2),
        "energy_j": st.sampled_from([NAN, 0.0, 1.0, 2.0, 5.0, 1e-300, 1e300]),
        "score": st.sampled_from([NAN, 0.0, 0.5, 0.7, 1.0]),
        "test_score": st.sampled_from([NAN, 0.5]),
        "energy_search_j": st.sampled_from([NAN, 0.0, 1.0]),
        "energy_kind": st.sampled_from([None, "measured", "modelled", "lower bound"]),
        "state": st.sampled_from(["complete", "pruned", "failed", "interrupted"]),
        "dataset": st.sampled_from([None, "x", "y"]),
        "size": st.sampled_from([1.5, 2.5]),
    }
)


class TestSchema:
    @pytest.mark.thorough
    @few
    @given(st.lists(trials, min_size=1, max_size=30), st.sampled_from(["", "dataset,size"]))
    def test_any_table_gives_facts_that_survive_json(self, rows, by):
        analysis = analyse(load_table(pd.DataFrame(rows), by=by))
        data = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
        assert Analysis.from_dict(data) == analysis
        assert len(analysis.sentences) == len(data["groups"])
        assert analysis._repr_html_().count("<table>") == len(data["groups"])
        for group in analysis.groups:
            for name in {*group.winners.all} - {None}:
                assert group.strategies[name].energy_kind != "unavailable"

    def test_it_says_what_was_asked_of_which_version(self):
        data = analysed(EARLY, LATE, target="0.80").to_dict()
        assert (data["schema"], data["perjoule"], data["target"]) == (4, __version__, "0.80")
        assert math.isclose(data["groups"][0]["target"]["score"], 0.8)
