"""Tables of any metric: the analysis follows its direction, and speaks in its units."""

import dataclasses
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule import analyse, load_table
from perjoule.benchmarks.analysis.analysing import Analysis
from perjoule.benchmarks.analysis.target import parse_target
from perjoule.errors import ConfigurationError
from perjoule.models.metric import METRICS, Metric

from ..samples import NAN, quick, tables
from .made import runs_of

few = settings(quick, max_examples=20)


def measured(frame: pd.DataFrame, metric, *, sign=1.0, shift=0.0, **given):
    """A table of another metric, whose scores are those of a frame, turned and shifted."""
    score = frame["score"].to_numpy(dtype=float)
    table = load_table(frame.drop(columns="seed").assign(score=score * 0), **given)
    trials = table.trials.assign(
        score=sign * score + shift, test_score=sign * table.trials["test_score"]
    )
    return dataclasses.replace(
        table, trials=trials, description={"metric": Metric.parse(metric).to_dict()}
    )


def rmse_of(*strategies, target="98%") -> Analysis:
    """The analysis of a table of root mean square errors."""
    return analyse(measured(pd.concat(strategies, ignore_index=True), "rmse"), target)


def turned(spread):
    if spread is None:
        return None
    low, high = (None if each is None else -each for each in (spread["high"], spread["low"]))
    return {**spread, "median": -spread["median"], "low": low, "high": high}


def mirrored(group):
    """What a group must be if its scores are negated and smaller is better."""
    scores = {name: group[name] for name in ("best_score", "reference_score", "ideal_score")}
    target = {name: group["target"][name] for name in ("score", "start")}
    flip = {"maximize": "minimize", "minimize": "maximize"}
    metric = group["metric"]
    low, high = (metric["high"], metric["low"])
    return {
        **group,
        **{name: None if each is None else -each for name, each in scores.items()},
        "target": group["target"]
        | {name: None if each is None else -each for name, each in target.items()},
        "metric": {
            **metric,
            "direction": flip[metric["direction"]],
            "low": None if low is None else -low,
            "high": None if high is None else -high,
        },
        "strategies": {
            name: own
            | {key: turned(own[key]) for key in ("score", "test_score", "anytime")}
            | {"equal_energy": {share: turned(each) for share, each in own["equal_energy"].items()}}
            for name, own in group["strategies"].items()
        },
    }


def wordless(group):
    """A group without the sentences that tell scores."""
    group = {name: each for name, each in group.items() if name != "verdict"}
    for test in (*group["tests"]["equal_energy"].values(), group["tests"]["anytime"]):
        test["reason"] = re.sub(r" (above|below) \S+", "", test["reason"])
    return group


BOUNDS = [(None, None), (-1.0, 2.0), (None, 1.5), (-0.5, None)]


@few
@given(tables, st.sampled_from(BOUNDS), st.sampled_from(["98%", 0.5]))
def test_mirrored_scores_give_the_same_analysis(trials, bounds, target):
    low, high = bounds
    trials = trials.assign(test_score=trials["score"] / 2)
    up = Metric("m", "maximize", low, high)
    down = Metric("m", "minimize", *(None if each is None else -each for each in (high, low)))
    [one] = analyse(measured(trials, up), target).to_dict()["groups"]
    mirror = -target if isinstance(target, float) else target
    [other] = analyse(measured(trials, down, sign=-1.0), mirror).to_dict()["groups"]
    assert wordless(mirrored(one)) == wordless(other)


@pytest.mark.thorough
@few
@given(tables, st.sampled_from([-40.0, 0.25, 2.0]))
def test_an_unbounded_metric_has_no_zero(trials, shift):
    """Scores that are all higher by so much have the same winners."""
    one, other = (
        analyse(measured(trials, Metric("m"), shift=each), 0.5 + each).groups[0]
        for each in (0.0, shift)
    )
    assert (one.winners, one.ties) == (other.winners, other.ties)
    assert all(own.score_per_joule is None for own in other.strategies.values())


# Random candidates have 0.9 and 0.7 (median 0.8), the others 0.6, 0.4 and 0.5.
RANDOM = runs_of("random", [(4.0, 0.9), (6.0, 0.7)])
GP = runs_of("gp", [(4.0, 0.6), (4.0, 0.4), (2.0, 0.5)])


class TestTarget:
    def test_it_lies_on_the_way_from_the_median_random_candidate_to_the_best(self):
        analysis = rmse_of(RANDOM, GP)
        group = analysis.groups[0]
        assert group.target.score == pytest.approx(0.4 + 0.02 * 0.4)
        assert (group.target.start, group.target.start_of) == (pytest.approx(0.8), "random")
        assert analysis.notes == (
            "The target, rmse 0.4080, is the lowest rmse given up by 2 % of its distance from the "
            "median random candidate, 0.8000.",
        )
        reached = group.strategies["gp"].energy_to_target
        assert (reached.hits, reached.ert_j, group.winners.energy_to_target) == (1, 8.0, "gp")

    def test_without_random_candidates_it_is_the_median_of_all_trials(self):
        [group] = rmse_of(GP, target="50%").groups
        assert (group.target.score, group.target.start) == (pytest.approx(0.45), 0.5)
        assert group.target.start_of == "all"

    def test_a_number_is_reached_by_what_is_at_least_as_good(self):
        [group] = rmse_of(RANDOM, GP, target=0.6).groups
        assert group.target.to_dict() == {
            "score": 0.6,
            "share": None,
            "start": None,
            "start_of": None,
        }
        assert group.strategies["gp"].energy_to_target.ert_j == 4.0
        assert group.strategies["random"].energy_to_target.hits == 0

    def test_other_shares_have_the_target_that_accuracy_has(self):
        table = measured(pd.concat([RANDOM, GP]), "f1")
        assert analyse(table).groups[0].target.score == pytest.approx(0.98 * 0.9)

    @pytest.mark.parametrize(
        ("target", "metric", "told"),
        [
            (-0.5, "rmse", "give a value of rmse from 0, or a share of the way from the median"),
            ("nan", "rmse", "give a value of rmse"),
            (1.5, "r2", "give a value of r2 up to 1"),
            (0, "f1", "give a value of f1 above 0 up to 1, or a share of the best"),
            ("fast", None, "give a score"),
            ("101%", "rmse", "give a value"),
        ],
    )
    def test_what_cannot_be_reached_is_refused(self, target, metric, told):
        metric = metric and METRICS[metric]
        with pytest.raises(ConfigurationError, match=f"^target '{target}': {told}"):
            parse_target(target, metric)

    def test_any_number_will_do_before_the_metric_is_known(self):
        assert parse_target("-3.5", None).value == -3.5


class TestWords:
    def test_a_minimised_metric_is_told_in_its_own_words(self):
        seeds = range(5)
        analysis = rmse_of(
            runs_of("good", *([(5.0, 0.40 + seed / 100)] for seed in seeds)),
            runs_of("bad", *([(5.0, 1.25 + seed / 100)] for seed in seeds)),
            target=0.415,
        )
        assert analysis.sentences == [
            "good found the lowest rmse for the same energy (5.00 J per run): validation rmse "
            "0.4200, then bad with 1.270. good is better by its median run than bad, and wins "
            "100 % of the pairings of their runs (p = 0.0079 by the exact rank-sum test). good "
            "reached rmse 0.4150 for the fewest expected joules, 12.5 J (2 of 5 runs), but that "
            "may be chance."
        ]
        pair = analysis.groups[0].tests.at_end.pairs[0]
        assert (pair.a, pair.cliffs_delta) == ("good", 1.0)
        shown = analysis._repr_html_()
        assert '<th scope="col">rmse at 5.00 J</th>' in shown
        assert "<td><b>0.4200 [0.4000, 0.4400] ★</b></td>" in shown

    def test_a_share_stays_in_percent(self):
        analysis = analyse(measured(pd.concat([RANDOM, GP]), "f1"))
        assert analysis.headline == (
            "random is ahead for the same energy (10.0 J per run), 90.0 % validation f1, then gp "
            "with 60.0 %, but that may be chance. It takes at least 4 more seeds to say."
        )

    def test_nothing_recorded_is_nothing_of_this_metric(self):
        analysis = rmse_of(RANDOM.assign(score=NAN), GP.assign(score=NAN))
        assert analysis.headline.startswith("No rmse is recorded, so there is no winner")
        assert (
            analysis.because
            == "Strategies can be compared once their trials have a validation rmse."
        )
        assert analysis.groups[0].target.score is analysis.groups[0].reference_score is None


class TestNumbers:
    def test_before_its_first_result_a_run_has_no_score(self):
        """And ranks last; anytime scores begin once every run has a result."""
        [group] = rmse_of(
            runs_of("soon", [(1.0, 4.0), (9.0, 2.0)], [(1.0, 4.0), (9.0, 2.0)]),
            runs_of("late", [(5.0, 1.0), (5.0, 1.0)], [(10.0, NAN)]),
        ).groups
        soon, late = group.strategies["soon"], group.strategies["late"]
        assert soon.equal_energy["0.25"].median == 4.0
        assert late.equal_energy["0.25"] is late.equal_energy["1.0"] is late.anytime is None
        assert group.winners.at_end == group.winners.anytime == "soon"
        # From 5 J to 10 J it is at 4 until the last energy, which brings 2.
        assert soon.anytime.median == pytest.approx(4.0 - 2.0 / 100)

    def test_the_hypervolume_reaches_from_the_worst_result_to_the_bound(self):
        [group] = rmse_of(runs_of("a", [(2.0, 1.0)]), runs_of("b", [(10.0, 4.0)])).groups
        assert (group.reference_score, group.ideal_score) == (4.0, 0.0)
        # 8 of 10 J at three quarters of the way from 4 to 0.
        assert group.strategies["a"].hypervolume.share == pytest.approx(0.6)
        assert group.strategies["b"].hypervolume.share == 0.0

    def test_a_score_per_joule_takes_a_natural_zero(self):
        trials = pd.concat([RANDOM, GP])
        kept = {
            name: analyse(measured(trials, name)).groups[0].strategies["gp"].score_per_joule
            for name in ("accuracy", "f1", "auc", "r2", "rmse", "loss")
        }
        assert {name for name, found in kept.items() if found} == {"accuracy", "f1", "auc"}

    def test_groups_are_ranked_by_direction(self):
        rows = [
            runs_of(name, [(5.0, score)], dataset=data, run=f"{data}-{name}")
            for data in "xyz"
            for name, score in (("a", 3.0), ("b", 1.0), ("c", NAN))
        ]
        table = measured(pd.concat(rows, ignore_index=True), "loss", by="dataset")
        analysis = analyse(table)
        assert list(analysis.ranks.equal_energy.strategies) == ["b", "a", "c"]
        assert analysis.counts.at_end == {"b": 3}
        assert analysis.notes[0] == (
            "The target of each group is the lowest loss given up by 2 % of its distance from the "
            "median trial (none is random)."
        )
