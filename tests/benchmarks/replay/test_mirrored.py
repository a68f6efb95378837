"""A metric that is minimised is one that is maximised, seen in a mirror."""

import dataclasses
import json
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.comparison.events import SliceEvent
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.comparison.record import slice_table
from perjoule.benchmarks.comparison.rehearsal import made_up_score
from perjoule.benchmarks.comparison.run import restore_runs
from perjoule.benchmarks.replay.forest import ForestObjective
from perjoule.benchmarks.replay.nearest import NearestObjective
from perjoule.benchmarks.replay.options import ReplayOptions
from perjoule.benchmarks.replay.recording import Recording
from perjoule.benchmarks.replay.replaying import replay
from perjoule.benchmarks.replay.simulation import Terms, play
from perjoule.benchmarks.replay.synthetic import SURFACES
from perjoule.benchmarks.tables.loading import read_table
from perjoule.benchmarks.tables.table import Table
from perjoule.models.metric import ACCURACY, METRICS, Metric
from perjoule.models.outcome import State
from perjoule.tuners.registry import RECIPES

MIRRORED = Metric("inaccuracy", "minimize", -1.0, 0.0)
RMSE = Metric("rmse", "minimize")


def recorded(n_trials=60):
    """Random trials of a synthetic surface, with their curves."""
    surface = SURFACES["scaling"]
    run = play(RECIPES["random"].build, surface, Terms(1e9, 1, max_trials=n_trials))
    rows, points = [], []
    for each in run.slices:
        _, curve = surface.curve(each.params, each.trial, 1)
        done = curve[: each.epochs]
        spent_j = 0.0
        for epoch, (epoch_j, score) in enumerate(done, 1):
            spent_j += epoch_j
            points.append(("r", each.trial, epoch, spent_j, score, None))
        settings = {f"p.{name}": value for name, value in each.params.items()}
        row = {"run": "r", "strategy": "random", "trial": each.trial, "state": each.state.value}
        rows.append({**row, "score": each.score, "energy_j": each.energy_j, **settings})
    columns = ["run", "trial", "epoch", "energy_j", "score", "loss"]
    table = Table(pd.DataFrame(rows), "t", curves=pd.DataFrame(points, columns=columns))
    return read_table(table)


def mirror(table, metric=MIRRORED):
    """The same with all scores negated, which are minimised."""

    def negated(frame):
        return frame.assign(score=-frame["score"])

    return dataclasses.replace(
        table,
        trials=negated(table.trials),
        curves=negated(table.curves),
        description={"metric": metric.to_dict()},
    )


def proposals(objective, name):
    found = play(RECIPES[name].build, objective.fresh(), Terms(30.0, 3, name))
    assert not found.error
    return [(each.trial, each.params, each.state, each.epochs) for each in found.slices], [
        each.score for each in found.slices
    ]


@pytest.fixture(scope="module")
def table():
    return recorded()


@pytest.mark.parametrize("name", ["random", "tpe", "asha", "frugal", "gp-cooled", "floor"])
def test_strategies_propose_the_same_of_a_metric_and_of_its_mirror(table, name):
    one, other = (NearestObjective(Recording.of(each)) for each in (table, mirror(table)))
    assert other.best_score == -one.best_score
    (mine, scores), (theirs, mirrored) = proposals(one, name), proposals(other, name)
    assert mine == theirs
    assert len(mine) > 5
    assert [-score for score in scores] == pytest.approx(mirrored, nan_ok=True)


class InOtherUnits:
    """A surface whose accuracy is told as an error, of which nothing is known but its direction."""

    metric = RMSE

    def __init__(self, surface):
        self._surface = surface

    def __getattr__(self, name):
        return getattr(self._surface, name)

    def curve(self, params, trial, seed):
        setup_j, points = self._surface.curve(params, trial, seed)
        return setup_j, [(epoch_j, 250.0 - 100.0 * score) for epoch_j, score in points]


@pytest.mark.parametrize("name", ["tpe", "frugal", "gp-eipj", "floor"])
def test_strategies_search_as_well_by_a_metric_without_bounds(name):
    surface, terms = SURFACES["scaling"], Terms(20.0, 3, name)
    plain, other = (play(RECIPES[name].build, o, terms) for o in (surface, InOtherUnits(surface)))
    assert not other.error
    best = min(each.score for each in other.slices if not math.isnan(each.score))
    known = max(each.score for each in plain.slices if not math.isnan(each.score))
    assert (250.0 - best) / 100.0 > known - 0.06


def test_a_forest_predicts_any_metric(table):
    shifted = mirror(dataclasses.replace(table, trials=table.trials.head(30)), RMSE)
    shifted = dataclasses.replace(
        shifted,
        trials=shifted.trials.assign(score=shifted.trials["score"] * 100 + 250),
        curves=shifted.curves.assign(score=shifted.curves["score"] * 100 + 250),
    )
    forest = ForestObjective(Recording.of(shifted))
    assert forest.quality.scale == "plain"
    assert "of the variance of rmse" in str(forest.quality) and "points" not in str(forest.quality)
    _, points = forest.curve({**Recording.of(shifted).params[0], "epochs": 4}, 0, 0)
    assert all(140 < score < 260 for _, score in points)


def test_a_ledger_says_the_same_of_a_metric_and_of_its_mirror(tmp_path):
    scores = [0.3, 0.8, 0.5, 0.8, None, 0.9]

    def restored(metric):
        given = {"strategies": ["random"], "seeds": 1, "budget": "10 J"}
        experiment = Experiment(**given, metric=metric.to_dict())
        events = [
            SliceEvent(
                run="random-0",
                trial=number,
                state=State.FAILED if number == 5 else State.COMPLETE,
                params={},
                score=None if score is None else metric.oriented(score),
                energy_j=1.0,
                message="",
                curve=() if score is None else ((1, 1.0, metric.oriented(score), None),),
            )
            for number, score in enumerate(scores)
        ]
        return restore_runs(experiment, events, tmp_path)["random-0"], slice_table(events)

    (one, own), (other, mirrored) = restored(ACCURACY), restored(MIRRORED)
    assert (one.incumbent, one.incumbent_trial) == (0.8, 1)
    assert (other.incumbent, other.incumbent_trial) == (-0.8, 1)
    told = [(each.score, [point.score for point in each.curve]) for each in one.history]
    assert told == [(t.score, [point.score for point in t.curve]) for t in other.history]
    assert (-own["score"]).equals(mirrored["score"])


def test_a_ledger_of_version_1_is_read(tmp_path):
    event = SliceEvent(
        run="a-0", trial=0, state=State.COMPLETE, params={}, score=0.5, energy_j=1.0, message=""
    ).to_dict()
    old = {**event, "accuracy": event.pop("score"), "test_accuracy": 0.4}
    old.pop("test_score")
    old.pop("score", None)
    read = SliceEvent.from_dict(json.loads(json.dumps(old)))
    assert (read.score, read.test_score) == (0.5, 0.4)


def test_a_replayed_table_is_of_the_metric_that_was_recorded(table, tmp_path):
    options = ReplayOptions(strategies="random", seeds=2, budget="20 J per run", workers=1)
    replayed = replay(mirror(table, RMSE), options)
    assert replayed.metric == RMSE
    assert (replayed.trials["score"].dropna() < 0).all()
    replayed.write(tmp_path / "replayed.csv")
    assert load_table(tmp_path / "replayed.csv").metric == RMSE


@pytest.mark.parametrize("metric", [*METRICS.values(), MIRRORED, Metric("reward"), RMSE], ids=str)
@given(st.floats(0, 1))
def test_what_a_rehearsal_makes_up_can_be_a_score(metric, share):
    assert metric.allows(metric.oriented(made_up_score(metric, share)))
