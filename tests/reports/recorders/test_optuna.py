"""The mirror of a comparison, opened by the installed Optuna."""

import math
import shlex

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

import perjoule
from perjoule.benchmarks.comparison.folder import MIRROR
from perjoule.reports.progress.comparing import ComparisonProgress
from perjoule.reports.recorders.journal import TOGETHER

from ...command import call

SPACE = {
    "kind": ["flat", "steep"],
    "slope": {"low": 0.1, "high": 1.0, "when": {"kind": "steep"}},
    "epochs": 3,
}
OPTIONS = {
    "strategies": ["random", "asha"],
    "seeds": 2,
    "budget": "unlimited",
    "trials": 9,
    "meter": "cpu_time",
    "workers": 1,
    "space": SPACE,
}


def train(trial):
    if trial.number == 4:
        raise ValueError("too steep")
    for epoch in trial.epochs():
        trial.report(accuracy=0.1 * epoch + 0.01 * trial.number)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """A comparison whose trials were mirrored as they ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perjoule.benchmarks.comparison.recording.EVERY_S", 0.0)
        folder = tmp_path_factory.mktemp("mirror") / "run"
        return perjoule.compare(out=folder, objective=train, dashboard=True, **OPTIONS)


def studies(result):
    storage = JournalStorage(JournalFileBackend(str(result.folder / MIRROR)))
    names = optuna.get_all_study_names(storage)
    return {name: optuna.load_study(study_name=name, storage=storage) for name in names}


def check(result):
    """Every trial of the table is in the mirror as it is there."""
    found, table = studies(result), result.table
    runs = ["random-0", "random-1", "asha-0", "asha-1"]
    assert sorted(found) == sorted([*runs, TOGETHER])
    for run, rows in table.trials.groupby("run"):
        trials = {trial.user_attrs["trial"]: trial for trial in found[run].trials}
        assert sorted(trials) == sorted(rows["trial"])
        for row in rows.to_dict("records"):
            trial = trials[row["trial"]]
            assert trial.user_attrs["energy_j"] == row["energy_j"]
            assert trial.user_attrs["state"] == row["state"]
            own = table.curves.query("run == @run and trial == @row['trial']")
            assert trial.intermediate_values == dict(zip(own["epoch"], own["score"], strict=True))
            if row["state"] == "failed":
                assert trial.state is TrialState.FAIL and trial.value is None
                assert "too steep" in trial.user_attrs["message"]
                continue
            assert trial.value == row["score"]
            assert trial.params["kind"] == row["p.kind"]
            assert ("slope" in trial.params) == (row["p.kind"] == "steep")
            assert trial.distributions["kind"].choices == ("flat", "steep")
            spent_s = (trial.datetime_complete - trial.datetime_start).total_seconds()
            assert spent_s == pytest.approx(row["duration_s"], abs=1e-5)
    return found


def test_trials_that_were_mirrored_live_are_those_of_the_table(mirrored):
    found = check(mirrored)
    assert found["asha-0"].direction.name == "MAXIMIZE"
    states = {trial.state for study in found.values() for trial in study.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    assert found["random-0"].user_attrs["strategy"] == "random"
    assert found["random-0"].metric_names == ["accuracy"]


def test_all_runs_together_have_joules_as_second_objective(mirrored):
    both = studies(mirrored)[TOGETHER]
    assert both.metric_names == ["accuracy", "energy_j"]
    complete = mirrored.table.trials.query("state == 'complete'")
    assert sorted(trial.values[1] for trial in both.trials) == sorted(complete["energy_j"])
    assert both.best_trials


def test_how_to_look_at_it_is_told_while_it_grows(capsys, tmp_path):
    options = {**OPTIONS, "trials": 1, "seeds": 1, "strategies": ["random"]}
    how = {"out": tmp_path / "a run", "objective": train, "dashboard": True}
    with ComparisonProgress() as progress:
        perjoule.compare(progress=progress, **how, **options)
    told = capsys.readouterr().err
    path = shlex.quote(str(how["out"] / MIRROR))
    assert told.index(f"optuna-dashboard {path}") < told.index("1 trial,")


def test_a_mirror_is_made_again_from_the_ledger_alone(mirrored):
    path = mirrored.folder / MIRROR
    path.write_text("broken\n")
    ended = call("report", mirrored.folder, "--dashboard")
    assert ended.out.rstrip().endswith(
        f"Dashboard: optuna-dashboard {path} (pip install optuna-dashboard)"
    )
    assert ended.err == ""
    check(mirrored)


def test_what_is_imported_of_it_is_what_was_mirrored(mirrored):
    table = perjoule.import_table("optuna", str(mirrored.folder / MIRROR), study="random-0")
    own = mirrored.table.trials.query("run == 'random-0'")
    assert table.trials["energy_j"].tolist() == own["energy_j"].tolist()
    known = table.trials["score"].dropna().tolist()
    assert known == own["score"].dropna().tolist() and all(map(math.isfinite, known))


def test_a_table_without_a_folder_has_no_mirror(mirrored):
    ended = call("report", mirrored.folder / "trials.parquet", "--dashboard")
    assert ended.code == 2 and "--dashboard mirrors one run folder" in ended.message
