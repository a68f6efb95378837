import warnings
from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor

from perjoule import load_table
from perjoule.benchmarks.statistics.ablation import ablate
from perjoule.benchmarks.statistics.candidates import Candidates
from perjoule.benchmarks.statistics.forests import main_effects
from perjoule.benchmarks.statistics.importance import Landscape

from ..samples import quick


def searched(count=160, seed=0, **columns):
    """Trials whose score is decided by the learning rate, and whose joules by the width."""
    rng = np.random.default_rng(seed)
    rate, width = 10 ** rng.uniform(-4, -1, count), rng.integers(8, 65, count)
    frame = pd.DataFrame(
        {
            "strategy": "random",
            "seed": 0,
            "energy_j": width * rng.uniform(0.95, 1.05, count),
            "score": 0.9 - 0.1 * (np.log10(rate) + 2) ** 2 + rng.normal(0, 0.01, count),
            "epochs": 4,
            "p.learning_rate": rate,
            "p.width": width,
            "p.dropout": rng.uniform(0, 0.5, count),
        }
    )
    return frame.assign(**{name.replace("__", "."): each for name, each in columns.items()})


def test_main_effects_are_those_of_optunas_fanova():
    rng = np.random.default_rng(0)
    points = rng.random((60, 3))
    target = np.sin(5 * points[:, 0]) + points[:, 1] * points[:, 2]
    axes = {name: optuna.distributions.FloatDistribution(0, 1) for name in "abc"}
    study = optuna.create_study(study_name="perjoule-of a test")
    study.add_trials(
        [
            optuna.create_trial(
                params=dict(zip(axes, map(float, point), strict=True)),
                distributions=axes,
                value=float(value),
            )
            for point, value in zip(points, target, strict=True)
        ]
    )
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=5, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = optuna.importance.get_param_importances(
            study, evaluator=evaluator, normalize=False
        )
    forest = RandomForestRegressor(5, random_state=0, max_depth=64).fit(points, target)
    ours = np.mean([main_effects(tree.tree_) for tree in forest.estimators_], axis=0)
    assert dict(zip(axes, ours, strict=True)) == pytest.approx(theirs, abs=1e-9)


def test_score_and_joules_have_different_causes():
    found = Landscape.of(load_table(searched()))
    score, energy = found.score_importance, found.energy_importance
    assert score.shares[0].name == "learning_rate"
    assert score.shares[0].low > 0.8
    assert energy.shares[0].name == "width"
    assert energy.shares[0].low > 0.9
    assert [share.name for share in score.shares if share.clear] == ["learning_rate"]
    assert [share.name for share in energy.shares if share.clear] == ["width"]
    for found_of in (score, energy):
        assert sum(share.value for share in found_of.shares) + found_of.combined == pytest.approx(1)
    assert [share.name for share in found.best_tenth if share.clear] == ["learning_rate"]


def test_a_short_training_is_not_taken_for_a_bad_candidate():
    """Wide networks are mostly stopped early, and the epochs decide the score."""
    frame, rng = searched(), np.random.default_rng(1)
    stopped = rng.random(len(frame)) < np.where(frame["p.width"] > 30, 0.8, 0.2)
    epochs = np.where(stopped, 1, rng.integers(8, 17, len(frame)))
    frame = frame.assign(
        state=np.where(stopped, "pruned", "complete"), epochs=epochs, score=epochs / 20
    )
    assert frame["p.width"].corr(frame["score"], method="spearman") < -0.4
    found = Landscape.of(load_table(frame)).score_importance
    assert [share.name for share in found.shares if share.clear] == ["epochs"]
    assert found.of("epochs").low > 0.9


def test_repeats_are_one_candidate_and_failed_trials_none():
    frame = pd.concat([searched(30), searched(30).assign(seed=1, energy_j=20.0)])
    frame["state"] = ["failed", *["complete"] * (len(frame) - 1)]
    found = Candidates.of(load_table(frame))
    assert len(found.params) == 30
    assert sorted(found.repeats) == [1, *[2] * 29]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"count": 19}, "known of 19 different candidates, 20 are needed"),
        ({"score": 0.5}, "a forest explains nothing of the variance of candidates not seen"),
    ],
)
def test_what_cannot_be_told_is_not_told(columns, reason):
    found = Landscape.of(load_table(searched(**columns)))
    assert found.score_importance.reason == reason
    assert not found.score_importance.shares
    assert ablate(found) is None


@settings(quick, max_examples=8)
@given(st.integers(20, 60), st.integers(0, 1000))
def test_noise_explains_nothing(count, seed):
    noise = np.random.default_rng(seed).normal(0.5, 0.1, count)
    found = Landscape.of(load_table(searched(count, seed, score=noise)), tables=4)
    assert not any(share.clear for share in found.score_importance.shares)


CONDITIONAL = {
    "optimizer": ["sgd", "adam", "adamw"],
    "momentum": {"low": 0.0, "high": 1.0, "when": {"optimizer": "sgd"}},
    "width": {"low": 8, "high": 64},
}


class TestAblation:
    def test_the_way_ends_at_the_best_candidate_with_what_was_recorded(self):
        table = load_table(searched())
        found = ablate(Landscape.of(table))
        best = table.trials.loc[table.trials["score"].idxmax()]
        start, *steps = found.stops
        assert [each.name for each in steps][:1] == ["learning_rate"]
        assert {each.name: each.value for each in steps} == {
            name: pytest.approx(best[f"p.{name}"]) for name in ("learning_rate", "width", "dropout")
        }
        assert steps[-1].recorded_score == pytest.approx(best["score"])
        assert steps[-1].recorded_j == pytest.approx(best["energy_j"])
        assert steps[-1].repeats == 1
        assert start.recorded_score is None
        gained = sum(each.gain.value for each in steps)
        assert gained == pytest.approx(steps[-1].score.value - start.score.value)
        width = next(each for each in steps if each.name == "width")
        assert width.factor.value == pytest.approx(width.value / width.before, rel=0.15)

    def test_a_condition_is_met_before_what_it_is_on(self):
        rng = np.random.default_rng(0)
        count = 200
        optimizer = rng.choice(["sgd", "adam", "adamw"], count)
        momentum = np.where(optimizer == "sgd", rng.uniform(0, 1, count), np.nan)
        width = rng.integers(8, 65, count)
        frame = pd.DataFrame(
            {
                "strategy": "random",
                "seed": 0,
                "energy_j": width.astype(float),
                "score": 0.5 + 0.4 * np.nan_to_num(momentum),
                "p.optimizer": optimizer,
                "p.momentum": momentum,
                "p.width": width,
            }
        )
        for description in (None, {"space": CONDITIONAL}):
            table = replace(load_table(frame), description=description)
            way = ablate(Landscape.of(table))
            names = [each.name for each in way.stops[1:]]
            assert names.index("optimizer") < names.index("momentum")
            assert way.start["momentum"] is None
            assert way.stops[-1].recorded_score == pytest.approx(frame["score"].max())
