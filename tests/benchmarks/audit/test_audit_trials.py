"""Faults in how trials were compared."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.audit import audit

RNG = np.random.default_rng(0)
STRATEGIES = ("grid", "random", "tpe")


def search(n_runs=5, n_trials=8, *, order=0.0, spent=None, **changed):
    """Runs of three strategies with trials of about 10 J, independent of their order."""
    rng = np.random.default_rng(1)
    rows = [
        {
            "strategy": strategy,
            "seed": seed,
            "trial": trial,
            "energy_j": (spent or {}).get(strategy, 10.0)
            * rng.uniform(0.9, 1.1)
            * (1 + order * trial),
            "accuracy": rng.integers(100, 990) / 1000,
            "learning_rate": rng.uniform(1e-4, 0.1),
            "width": int(rng.integers(8, 64)),
        }
        for strategy in STRATEGIES
        for seed in range(n_runs)
        for trial in range(n_trials)
    ]
    return {**pd.DataFrame(rows).to_dict("list"), **changed}


@pytest.fixture
def run_folder(tmp_path):
    """Write trials and a description of their experiment as a run folder."""

    def write_folder(description, **changed):
        pd.DataFrame(search(**changed)).to_parquet(tmp_path / "trials.parquet")
        (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(description))
        return tmp_path

    return write_folder


def test_a_clean_comparison_has_nothing_against_it(write):
    result = audit(write("trials.csv", search()))
    assert result.findings == ()
    assert result.inputs[0].kind == "trial table"
    assert {"few-repetitions", "unequal-energy", "order-effects"} <= {*result.checked[0].ran}


# Repetitions and energy ---------------------------------------------------------------------------


def test_fewer_than_five_runs_are_found(write, find):
    (found,) = find(write("trials.csv", search(n_runs=4)), "few-repetitions")
    assert "runs of 3 of 3 strategies: grid 4, random 4, tpe 4" in found.evidence


def test_they_are_counted_in_each_group(write, find):
    columns = search()
    columns["data"] = ["a" if seed < 4 else "b" for seed in columns["seed"]]
    found = find(write("trials.csv", columns), "few-repetitions", by="data")
    assert [each.where.rpartition(", ")[2] for each in found] == ["data a", "data b"]


def test_without_runs_told_apart_nothing_is_said_of_repetitions(write):
    columns = {name: cells for name, cells in search(n_runs=1).items() if name != "seed"}
    checked = audit(write("trials.csv", columns)).checked[0]
    assert checked.lacking["few-repetitions"] == (
        "no column run or seed tells the runs of a strategy apart"
    )


def test_unequal_energies_of_searches_are_found(write, find):
    (found,) = find(write("trials.csv", search(spent={"tpe": 12.0})), "unequal-energy")
    assert found.evidence.startswith("tpe spent 1.2")


def test_the_energy_of_single_trainings_is_a_result(write):
    columns = search(n_runs=6, n_trials=1, spent={"tpe": 30.0})
    assert "unequal-energy" in audit(write("trials.csv", columns)).checked[0].lacking


# Order --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "word"), [(0.03, "more"), (-0.03, "less")])
def test_a_drift_of_random_trials_is_found(write, find, order, word):
    (found,) = find(write("trials.csv", search(n_trials=20, order=order)), "order-effects")
    assert f"% {word}" in found.evidence


def test_a_drift_of_repetitions_is_found_whatever_the_strategy(write, find):
    rows = search(n_trials=10, order=0.03)
    rows["strategy"] = ["bayes" if each == "random" else each for each in rows["strategy"]]
    rows["learning_rate"], rows["width"] = [0.1] * len(rows["trial"]), [8] * len(rows["trial"])
    assert find(write("trials.csv", rows), "order-effects")


def test_a_search_that_moves_to_dearer_networks_is_no_drift(write):
    rows = pd.DataFrame(search(n_trials=20, order=0.03))
    rows["strategy"] = rows["strategy"].replace("random", "bayes")
    checked = audit(write("trials.csv", rows)).checked[0]
    assert "order-effects" in checked.lacking


def test_work_is_taken_out_where_it_is_known(write, find):
    rows = pd.DataFrame(search(n_trials=20)).assign(epochs=2)
    rows["flops"] = 1000 * (1 + rows["trial"])
    rows["energy_j"] = rows["energy_j"] * rows["flops"]
    assert find(write("trials.csv", rows), "order-effects") == []


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_budgets_that_end_runs_make_no_drift(tmp_path_factory, seed):
    """Which trial the budget cuts depends on its energy, but not the order of those before."""
    rng = np.random.default_rng(seed)
    rows = []
    for run in range(60):
        spent_j, trial = 0.0, 0
        while spent_j < 60:
            energy_j = float(np.exp(rng.normal(2, 0.8)))
            state = "complete" if spent_j + energy_j < 60 else "truncated"
            rows.append((run, trial, min(energy_j, 60 - spent_j), 0.5, state))
            spent_j, trial = spent_j + energy_j, trial + 1
    table = pd.DataFrame(rows, columns=["seed", "trial", "energy_j", "accuracy", "state"])
    path = tmp_path_factory.mktemp("cut") / "trials.csv"
    table.assign(strategy="random", width=range(len(table))).to_csv(path, index=False)
    found = [each for each in audit(path).findings if each.check == "order-effects"]
    if found:  # one time in a hundred, by chance
        p = float(found[0].evidence.partition("p = ")[2].partition(")")[0])
        assert p > 1e-4


# Selection ----------------------------------------------------------------------------------------


def test_accuracies_that_are_those_on_test_data_are_found(write, find):
    columns = search()
    path = write("trials.csv", columns | {"test_accuracy": columns["accuracy"]})
    (found,) = find(path, "test-selection")
    assert "same in 120 of 120 rows" in found.evidence


def test_a_test_accuracy_beside_the_validation_accuracy_is_right(write, find):
    columns = search()
    columns["test_accuracy"] = [accuracy - 0.003 for accuracy in columns["accuracy"]]
    assert find(write("trials.csv", columns), "test-selection") == []


def test_a_mapping_that_selects_by_test_accuracy_is_found(write, find):
    columns = search()
    columns["test_acc"] = columns.pop("accuracy")
    found = find(write("trials.csv", columns), "test-selection", mapping="accuracy=test_acc")
    assert len(found) == 1
    assert "compared by is test_acc" in found[0].evidence


# Dead hyperparameters -----------------------------------------------------------------------------


def factorial(effect):
    """A grid over lr, beta1 and beta2 where the last has an effect or none."""
    grid = product((1, 2, 3), (1, 2, 3), (0.8, 0.9, 0.99))
    rows = pd.DataFrame(grid, columns=["p.lr", "p.beta1", "p.beta2"])
    accuracy = 0.5 + 0.1 * rows["p.lr"] + 0.03 * rows["p.beta1"] + effect * rows["p.beta2"]
    energy_j = 10 + RNG.uniform(0, 1, len(rows))
    return rows.assign(strategy="grid", energy_j=energy_j, accuracy=accuracy.round(6))


def test_a_hyperparameter_that_never_arrives_is_found(write, find):
    path = write("trials.csv", factorial(0.0))
    (found,) = find(path, "dead-hyperparameter")
    assert found.where.endswith("column p.beta2")
    assert "18 pairs" in found.evidence
    assert "Spearman" in found.evidence


def test_a_weak_effect_is_an_effect(write, find):
    path = write("trials.csv", factorial(1e-5))
    assert find(path, "dead-hyperparameter") == []


def test_networks_that_learn_nothing_are_equal_by_themselves(write, find):
    path = write("trials.csv", factorial(0.0).assign(accuracy=0.1))
    assert find(path, "dead-hyperparameter") == []


def one_candidate(write, losses):
    """Four values of beta2 for one candidate, all at the same accuracy, with their losses."""
    rows = factorial(0.0)[:3].assign(trial=range(3))
    rows = pd.concat([rows, rows[:1].assign(trial=3)]).assign(run="grid-0", accuracy=0.5)
    rows["p.beta2"] = [0.8, 0.9, 0.99, 0.999]
    curves = [("grid-0", trial, 1, 1.0, 0.5, loss) for trial, loss in enumerate(losses)]
    columns = ["run", "trial", "epoch", "energy_j", "accuracy", "loss"]
    write("table.curves.csv", pd.DataFrame(curves, columns=columns))
    return write("table.csv", rows)


def test_equal_losses_show_it_for_a_single_candidate(write, find):
    (found,) = find(one_candidate(write, [1.25] * 4), "dead-hyperparameter")
    assert "3 pairs" in found.evidence
    assert "accuracies and losses" in found.evidence


def test_equal_accuracies_with_other_losses_are_chance(write, find):
    assert find(one_candidate(write, [1.25, 1.25, 1.25, 1.26]), "dead-hyperparameter") == []


# Kinds and windows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "n_found"),
    [
        (["measured", "modelled"], 1),
        (["integrated+modelled", "integrated+modelled"], 1),
        (["measured", "integrated"], 0),
        (["modelled", "modelled"], 0),
        (["modelled", "lower bound"], 0),
    ],
)
def test_measured_and_modelled_joules_are_told_apart(write, find, kinds, n_found):
    path = write("trials.csv", search(energy_kind=kinds * 60))
    assert len(find(path, "mixed-kinds")) == n_found


@pytest.mark.parametrize(("period_s", "n_found"), [(0.0, 0), (0.1, 0), (1.0, 1)])
def test_trials_shorter_than_five_updates_of_the_meter_are_found(
    run_folder, find, period_s, n_found
):
    meter = [{"id": "nvml:0", "update_period_s": period_s}]
    folder = run_folder({"meter": meter}, duration_s=[2.0, 6.0] * 60)
    found = find(folder, "short-windows")
    assert len(found) == n_found
    if found:
        assert "60 of 120 windows" in found[0].evidence


@pytest.mark.parametrize(
    "description",
    [
        {"meter": [{"update_period_s": 1.0}, {"id": "nvml:0", "update_period_s": "often"}, "x"]},
        {"data": {"validation": "many", "test": [1]}, "experiment": {"budget_j": "x"}},
        {"data": [], "meter": {}, "experiment": None, "machine": 3},
    ],
)
def test_a_description_by_somebody_else_may_hold_anything(run_folder, description):
    folder = run_folder(description, best_acc=[0.5, 0.6] * 60)
    assert audit(folder).inputs[0].kind == "run folder"


def test_no_validation_data_is_found_in_the_description(run_folder, find):
    (found,) = find(run_folder({"data": {"validation": 0}}), "test-selection")
    assert "0 validation samples" in found.evidence
