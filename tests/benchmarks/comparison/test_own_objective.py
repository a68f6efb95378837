"""A comparison of a user's own training function: budgets, pauses, metrics, kills and mistakes."""

import json
import sys

import pandas as pd
import pytest

import perjoule
from perjoule.benchmarks.comparison.events import End
from perjoule.benchmarks.comparison.run import MOST_FREE_IN_A_ROW, Tally
from perjoule.errors import ConfigurationError

from .ledgers import cut

OWN = """
import torch

STEPS = 50

def fit(trial, *, saves=True, asks=True):
    state = {"learnt": torch.zeros(1, dtype=torch.float64)}
    if saves and (saved := trial.restore()) is not None:
        state = saved
    for _ in trial.epochs():
        for _ in range(STEPS):
            if asks and trial.should_stop():
                break
            trial.count_operations(1e6)
            state["learnt"] += trial.params["rate"] / STEPS
        error = 1 / (1 + float(state["learnt"]))
        name = trial.metric.name
        trial.report(**{name: error if name == "rmse" else 1 - error}, steps=STEPS)
        if saves:
            trial.save(state)
        trial.test(error if name == "rmse" else 1 - error)

def selective(trial):
    for epoch in trial.epochs():
        trial.count_operations(1e7)
        trial.report(rmse=1 / (1 + epoch))
        if epoch == 0:
            trial.save({"saved_after": 1})

def forgetful(trial):
    fit(trial, saves=False)

def headlong(trial):
    fit(trial, asks=False)

def one_step(trial):
    return trial.params["rate"]

def misnamed(trial):
    trial.report(f1=0.5)

def percent(trial):
    return 93.0

NOTHING = 3
"""
EPOCH_J = 50 * 1e6 * 1e-10
SPACE = {"rate": {"low": 0.01, "high": 0.3, "log": True}, "epochs": {"low": 1, "high": 9}}
OPTIONS = {"space": SPACE, "seeds": 1, "meter": "model", "workers": 1}


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "own_training.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_training", None)


def compare(tmp_path, objective, **options):
    given = {"strategies": ["random", "asha"], "budget": f"{200 * EPOCH_J} J"} | OPTIONS | options
    return perjoule.compare(out=tmp_path / "run", objective=objective, **given)


def test_a_function_is_searched_as_networks_are(tmp_path):
    result = compare(tmp_path, "own_training:fit")
    summary, trials = result.summary, result.trials
    assert summary["status"] == "complete"
    for run in summary["runs"]:
        assert run["spent_j"] <= summary["allotment_j"] * 1.01
        assert run["incumbent"]["test_score"] == run["incumbent"]["score"]
    asha = trials[trials["strategy"] == "asha"]
    assert set(asha["state"]) >= {"complete", "pruned"}
    # A paused trial went on: its epochs were charged once.
    whole = asha[asha["epochs"] == 9]
    assert len(whole)
    assert whole["energy_train_j"].tolist() == pytest.approx([9 * EPOCH_J] * len(whole))
    assert (result.curves["x.steps"] == 50).all()
    assert result.table.notes == ()
    assert "own_training:fit" in result.report.read_text()


def test_what_it_leaves_out_costs_joules_and_is_told(tmp_path):
    result = compare(tmp_path, "own_training:forgetful")
    trials = result.trials
    whole = trials[(trials["strategy"] == "asha") & (trials["epochs"] == 9)]
    assert whole["energy_train_j"].tolist() == pytest.approx([13 * EPOCH_J] * len(whole))
    [note] = result.table.notes
    assert "had to be trained again" in note
    # No point of a curve is there twice.
    assert not result.curves.duplicated(["run", "trial", "epoch"]).any()

    result = perjoule.compare(
        out=tmp_path / "headlong",
        objective="own_training:headlong",
        strategies=["random"],
        budget=f"{20.5 * EPOCH_J} J",
        **OPTIONS,
    )
    [run], [note] = result.summary["runs"], result.table.notes
    assert "does not ask trial.should_stop()" in note
    assert run["spent_j"] <= result.summary["allotment_j"] + EPOCH_J


def test_weights_of_an_earlier_epoch_do_not_stand_for_the_best_score(tmp_path):
    folder = tmp_path / "search"
    space = {"rate": [0.1], "epochs": {"low": 3, "high": 9}}
    options = {"metric": "rmse", "budget": "0.1 J", "space": space, "meter": "model"}
    perjoule.tune("asha", out=folder, objective="own_training:selective", **options)
    best = json.loads((folder / "best.json").read_text())
    assert best["score"] == pytest.approx(1 / 9)
    assert best["weights"] is None
    assert not (folder / "best.pt").exists()


@pytest.mark.parametrize("metric", ["rmse", {"name": "gain", "direction": "maximize", "low": 0}])
def test_any_metric_is_followed_in_its_direction(tmp_path, metric):
    result = compare(tmp_path, "own_training:fit", metric=metric, strategies=["random", "tpe"])
    trials = result.trials
    best = trials["score"].min() if metric == "rmse" else trials["score"].max()
    incumbents = [run["incumbent"]["score"] for run in result.summary["runs"]]
    assert (min if metric == "rmse" else max)(incumbents) == best
    again = perjoule.load_table(tmp_path / "run")
    assert again.metric.name == (metric if isinstance(metric, str) else "gain")
    same = ["run", "trial", "score", "test_score", "energy_j", "p.rate"]
    pd.testing.assert_frame_equal(again.trials[same], trials[same], check_dtype=False)


def test_a_function_that_nobody_can_import_runs_in_this_process(tmp_path):
    learnt = []

    def local(trial):
        learnt.append(trial.params)
        return trial.params["rate"]

    options = {"strategies": ["random"], "budget": "1 J", "meter": "cpu_time:1000"}
    result = compare(tmp_path, local, **options)
    assert len(learnt) >= len(result.trials) > 0
    assert set(result.trials["epochs"]) == {1}
    assert result.summary["experiment"]["objective"].endswith("<locals>.local")
    assert all(set(params) == {"rate", "epochs"} for params in learnt)
    cut(tmp_path / "run", -2)  # as if its run had not ended
    with pytest.raises(ConfigurationError, match="objective"):
        perjoule.compare(out=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("objective", "options", "message"),
    [
        ("own_training:nothing", {}, "no function 'nothing' in own_training"),
        ("own_training:NOTHING", {}, "no function 'NOTHING'"),
        ("no_such_module:f", {}, "is its folder on PYTHONPATH"),
        ("own_training:misnamed", {}, "got f1, but not accuracy, which is the metric"),
        ("own_training:percent", {}, "outside 0 to 1: is it in percent"),
        ("own_training:fit", {"dataset": "digits"}, "leave dataset out"),
        ("own_training:fit", {"space": None}, "needs a space"),
        ("own_training:fit", {"metric": "acuracy"}, "accuracy"),
        ("own_training:fit", {"space": {"rate": 0.1, "epochs": 0}}, "epochs = 0: take whole"),
        ("own_training:fit", {"space": {"epochs": {"low": 1.5, "high": 2.5}}}, "of fractions"),
        (3, {}, "give a function of a trial"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_spent(tmp_path, objective, options, message):
    with pytest.raises(perjoule.PerjouleError, match=message) as caught:
        compare(tmp_path, objective, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_run_whose_trials_cost_nothing_ends(tmp_path):
    """By the meter model, of a function that counts no operations: no budget would end it."""
    with pytest.raises(ConfigurationError, match=r"0 J by the meter model.*count_operations"):
        compare(tmp_path, "own_training:one_step")
    assert not (tmp_path / "run").exists()

    tally = Tally()
    for _ in range(MOST_FREE_IN_A_ROW):
        assert tally.why_over(1.0, 0.0, 0.0) is None
        tally.charge(0.0)
    end, message = tally.why_over(1.0, 0.0, 0.0) or (None, "")
    assert end is End.METER_LOST
    assert "1,000 trials in a row cost 0 J" in message
    tally.charge(0.5)
    assert tally.why_over(1.0, 0.0, 0.0) is None
