"""Faults in how trials were compared."""

import dataclasses
from itertools import product

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.audit import audit
from perjoule.benchmarks.comparison.loading import load_table
from perjoule.reports.audit_terminal import print_audit

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


def test_fewer_than_five_runs_are_found_in_each_group(tell, find):
    evidence = "runs of 3 of 3 strategies: grid 4, random 4, tpe 4"
    tell(search(n_runs=4), "few-repetitions", evidence)
    columns = search()
    columns["data"] = ["a" if seed < 4 else "b" for seed in columns["seed"]]
    (found,) = find(columns, "few-repetitions", by="data")
    assert found.partition(": ")[0].endswith(", data a")
    assert "the first of 2; also data b: runs of 3 of 3 strategies" in found


def test_unequal_energies_of_searches_are_found(tell):
    tell(search(spent={"tpe": 13.0}), "unequal-energy", ": tpe spent 1.3")
    tell(search(spent={"tpe": 11.5}), "unequal-energy")  # less than a fifth is no fault


NO_SEEDS = pd.DataFrame(search(1)).drop(columns="seed")


@pytest.mark.parametrize(
    ("columns", "check", "why"),
    [
        (NO_SEEDS, "few-repetitions", "no column run or seed tells the runs of"),
        (search(6, 1, spent={"tpe": 30.0}), "unequal-energy", "no run has more than one trial"),
    ],
)
def test_what_cannot_be_told_is_not_checked(write, columns, check, why):
    assert audit(write("trials.csv", columns)).checked[0].lacking[check].startswith(why)


# Order --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "word"), [(0.03, "more"), (-0.03, "less")])
def test_a_drift_of_random_trials_is_found(tell, order, word):
    tell(search(n_trials=20, order=order), "order-effects", f"% {word}")
    # Where the work of a trial is known, it is taken out.
    rows = pd.DataFrame(search(n_trials=20)).assign(epochs=2)
    rows["flops"] = 1000 * (1 + rows["trial"])
    tell(rows.assign(energy_j=rows["energy_j"] * rows["flops"]), "order-effects")


def test_a_drift_of_repetitions_is_found_whatever_the_strategy_but_none_of_a_search(write, find):
    rows = pd.DataFrame(search(n_trials=20, order=0.03)).replace("random", "bayes")
    assert find(rows.assign(learning_rate=0.1, width=8), "order-effects")
    assert "order-effects" in audit(write("trials.csv", rows)).checked[0].lacking


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


def test_accuracies_that_are_those_on_test_data_are_found(run_folder, tell):
    columns = search()
    same, other = columns["accuracy"], [accuracy - 0.003 for accuracy in columns["accuracy"]]
    tell({**columns, "test_accuracy": same}, "test-selection", "same in 120 of 120 rows")
    tell({**columns, "test_accuracy": other}, "test-selection")
    columns["test_acc"] = columns.pop("accuracy")
    tell(columns, "test-selection", "compared by is test_acc", mapping="accuracy=test_acc")
    folder = run_folder({"data": {"validation": 0}})
    tell(folder, "test-selection", "0 validation samples")


# Dead hyperparameters -----------------------------------------------------------------------------


def factorial(effect):
    """A grid over lr, beta1 and beta2 where the last has an effect or none."""
    grid = product((1, 2, 3), (1, 2, 3), (0.8, 0.9, 0.99))
    rows = pd.DataFrame(grid, columns=["p.lr", "p.beta1", "p.beta2"])
    accuracy = 0.5 + 0.1 * rows["p.lr"] + 0.03 * rows["p.beta1"] + effect * rows["p.beta2"]
    energy_j = 10 + RNG.uniform(0, 1, len(rows))
    return rows.assign(strategy="grid", energy_j=energy_j, accuracy=accuracy.round(6))


def test_a_hyperparameter_that_never_arrives_is_found(tell):
    dead, check = factorial(0.0), "dead-hyperparameter"
    tell(dead, check, "column p.beta2: ", "18 pairs", "Spearman")
    tell(factorial(1e-5), check)  # a weak effect is an effect
    tell(dead.assign(accuracy=0.1), check)  # networks that learn nothing are equal by themselves


def one_candidate(write, losses):
    """Four values of beta2 for one candidate, all at the same accuracy, with their losses."""
    rows = factorial(0.0)[:3].assign(trial=range(3))
    rows = pd.concat([rows, rows[:1].assign(trial=3)]).assign(run="grid-0", accuracy=0.5)
    rows["p.beta2"] = [0.8, 0.9, 0.99, 0.999]
    curves = [("grid-0", trial, 1, 1.0, 0.5, loss) for trial, loss in enumerate(losses)]
    columns = ["run", "trial", "epoch", "energy_j", "accuracy", "loss"]
    write("table.curves.csv", pd.DataFrame(curves, columns=columns))
    return write("table.csv", rows)


def test_equal_losses_show_it_for_a_single_candidate_and_equal_accuracies_are_chance(write, tell):
    equal, check = one_candidate(write, [1.25] * 4), "dead-hyperparameter"
    tell(equal, check, "3 pairs", "accuracies and losses")
    tell(one_candidate(write, [1.25, 1.25, 1.25, 1.26]), check)


# Kinds and windows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "n_found"),
    [
        (["measured", "modelled"], 1),
        (["integrated+modelled"] * 2, 1),
        (["measured", "integrated"], 0),
        (["modelled", "modelled"], 0),
        (["modelled", "lower bound"], 0),
    ],
)
def test_measured_and_modelled_joules_are_told_apart(find, kinds, n_found):
    assert len(find(search(energy_kind=kinds * 60), "mixed-kinds")) == n_found


@pytest.mark.parametrize(
    ("period_s", "expected"), [(0.0, ()), (0.1, ()), (1.0, ["60 of 120 windows"])]
)
def test_trials_shorter_than_five_updates_of_the_meter_are_found(
    run_folder, tell, period_s, expected
):
    meter = [{"id": "nvml:0", "update_period_s": period_s}]
    folder = run_folder({"meter": meter}, duration_s=[2.0, 6.0] * 60)
    tell(folder, "short-windows", *expected)


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


# Other metrics ------------------------------------------------------------------------------------


def test_any_metric_is_audited_in_its_own_words(tmp_path, tell):
    errors = factorial(0.0).rename(columns={"accuracy": "score"})
    errors["score"] *= 40.0  # no shares
    metric = {"name": "rmse", "direction": "minimize", "low": 0.0, "high": None}
    table = load_table(errors, metric=metric)
    table.write(tmp_path / "errors.parquet")
    dead, path = "dead-hyperparameter", tmp_path / "errors.parquet"
    tell(path, dead, "column p.beta2: ", "all have the same rmse", ", with rmse ")
    tested = dataclasses.replace(
        table, trials=table.trials.assign(test_score=table.trials["score"])
    )
    tested.write(tmp_path / "errors.parquet", force=True)
    tell(path, "test-selection", "columns score, test_score: both are the same in 27 of 27 rows")


# Joules that are none of trials -------------------------------------------------------------------


def test_running_sums_are_found_with_the_sum_that_is_right(write, find):
    rows = pd.DataFrame(search(n_trials=12))
    used_j = rows["energy_j"].sum()
    by_run = rows.assign(energy_j=rows.groupby(["strategy", "seed"])["energy_j"].cumsum())
    throughout = rows.assign(energy_j=rows["energy_j"].cumsum())
    for table, sessions in ((by_run, 15), (throughout, 1)):
        (found,) = find(table, "cumulative-energies")
        assert f"180 trials in {sessions} session" in found
        assert f"but {used_j / 1000:.2f} kJ were used" in found
        result = audit(write("trials.csv", table))
        assert [each.check for each in result.findings] == ["cumulative-energies"]
        assert {"order-effects", "unequal-energy"} <= {*result.checked[0].lacking}


def test_what_grows_because_it_is_trained_longer_or_was_sorted_is_no_sum(find):
    rows = pd.DataFrame(search(n_trials=12)).drop(columns="trial")
    keys = ["strategy", "seed"]
    assert not find(rows.sort_values([*keys, "energy_j"]), "cumulative-energies")
    assert not find(rows.sort_values("energy_j"), "cumulative-energies")
    epochs = rows.groupby(keys).cumcount() + 1
    longer = rows.assign(epochs=epochs, energy_j=epochs * 10.0 + rows["learning_rate"])
    assert not find(longer, "cumulative-energies")


def test_the_same_joules_everywhere_are_a_constant(tell, find):
    check, rows = "constant-energies", search()
    tell({**rows, "energy_j": 149.26}, check, "all 120 trials have 149 J")
    each = {"grid": 5.25, "random": 6.5, "tpe": 5.75}
    by_strategy = [each[name] for name in rows["strategy"]]
    tell({**rows, "energy_j": by_strategy}, check, "grid 5.25 J, random 6.50 J, tpe 5.75 J")
    by_run = pd.DataFrame(rows).groupby(["strategy", "seed"])["energy_j"].transform("mean")
    tell({**rows, "energy_j": list(by_run)}, check, "all trials of a run have the same joules")
    assert not find({**rows, "energy_j": 149.26, "energy_kind": "modelled"}, check)
    tell(rows, check)


@pytest.mark.parametrize("factor", [1000.0, 3600.0, 1e6, 1 / 3600])
def test_a_slipped_unit_is_no_unequal_energy(write, factor):
    result = audit(write("trials.csv", search(spent={"tpe": 10.0 * factor})))
    assert [each.check for each in result.findings] == ["unit-slip"]
    dear, cheap = ("tpe", "grid, random") if factor > 1 else ("grid, random", "tpe")
    assert f"the trials of {dear} cost about " in result.findings[0].evidence
    assert f"times those of {cheap} " in result.findings[0].evidence


def test_what_is_dear_for_a_reason_did_not_slip(find):
    rows = pd.DataFrame(search(spent={"tpe": 10_000.0}))
    assert find(rows, "unit-slip")
    big = rows.assign(model=np.where(rows["strategy"] == "tpe", "vit", "mlp"))
    assert not find(big, "unit-slip")
    longer = rows.assign(duration_s=rows["energy_j"] / 90)  # at the same power
    assert not find(longer, "unit-slip")


# Results are no hyperparameters -------------------------------------------------------------------


def test_results_do_not_keep_two_candidates_from_differing_in_one_alone(write, find):
    rows = factorial(0.0)
    beside = rows.assign(
        f1=rows["accuracy"] * RNG.uniform(0.98, 1, len(rows)), row=range(len(rows))
    )
    (found,) = find(beside, "dead-hyperparameter")
    assert "column p.beta2" in found
    checked = audit(write("t.csv", beside)).checked[0]
    assert checked.searched == ("lr", "beta1", "beta2")
    assert checked.left_out.startswith("No hyperparameters: f1 (measured: ")
    assert audit(write("t.csv", beside), params="lr").checked[0].searched == ("lr",)


# Sound tables -------------------------------------------------------------------------------------


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_sound_tables_have_nothing_against_them(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    n_trials, spread = int(rng.integers(5, 25)), rng.uniform(0.05, 0.6)
    rows = pd.DataFrame(search(n_runs=int(rng.integers(5, 8)), n_trials=n_trials))
    cost = np.exp(rng.normal(0, spread, len(rows)))
    total = pd.Series(cost).groupby([rows["strategy"], rows["seed"]])
    rows["energy_j"] = cost / total.transform("sum") * rng.uniform(0.95, 1.05, len(rows)) * 1e4
    watts = np.exp(rng.normal(4, 0.05, len(rows)))
    rows["duration_s"] = (rows["energy_j"] / watts).round(int(rng.integers(1, 4)))
    rows["accuracy"] = np.clip(rng.normal(0.8, 0.05, len(rows)), 0, 1).round(
        int(rng.integers(3, 6))
    )
    path = tmp_path_factory.mktemp("sound") / "trials.csv"
    rows.to_csv(path, index=False)
    assert audit(path).findings == ()


def test_what_was_read_is_not_called_skipped_and_the_reason_for_no_trials_is_told(write, capsys):
    rows = pd.DataFrame(search()).assign(machine="one")
    path = write("commas.csv", rows)
    rows.to_csv(path, sep=";", decimal=",", index=False)
    result = audit(path)
    assert [(each.kind, "decimal commas" in each.reason) for each in result.inputs] == [
        ("trial table", True)
    ]
    assert "machine" not in result.checked[0].searched  # the same everywhere
    print_audit(result)
    assert "skipped" not in capsys.readouterr().out
    percent = rows.rename(columns={"score": "accuracy"}).assign(accuracy=lambda f: 100 * f.accuracy)
    [checked] = audit(write("percent.csv", percent)).checked
    assert "is it in percent? Then --map score=accuracy/100" in checked.lacking["unit-slip"]
