"""Studies of Optuna: journals that the installed version writes, and databases."""

import json
import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import optuna
import pandas as pd
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from perjoule import load_table
from perjoule.benchmarks.importers import import_table, import_to
from perjoule.errors import ConfigurationError, DataError
from perjoule.models.metric import ACCURACY, METRICS, Metric


@pytest.fixture(autouse=True)
def silent():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "studies.db"
    optuna.storages.RDBStorage(f"sqlite:///{path}")
    return path


class Stored(NamedTuple):
    storage: Any
    path: str  # as its import is called


@pytest.fixture
def database(empty_database, tmp_path) -> Stored:
    path = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'studies.db')}"
    return Stored(optuna.storages.RDBStorage(path), path)


def open_journal(path: Path) -> Stored:
    return Stored(JournalStorage(JournalFileBackend(str(path))), str(path))


@pytest.fixture
def journal(tmp_path) -> Stored:
    return open_journal(tmp_path / "studies.journal")


@pytest.fixture(params=["journal", "database"])
def stored(request) -> Stored:
    return request.getfixturevalue(request.param)


@pytest.fixture
def read(imported):
    """Import a study, with joules from `energy_j` unless told otherwise."""
    return lambda path, **options: imported(
        "optuna", path, **{"energy_attr": "energy_j", **options}
    )


def search(study: optuna.Study) -> None:
    """Trials that end in every way, two of them side by side."""
    first, second = study.ask(), study.ask()
    for trial, joules in ((first, 5.0), (second, 7.5)):
        trial.suggest_float("lr", 1e-4, 0.1, log=True)
        trial.suggest_categorical("activation", ["relu", "gelu"])
        trial.set_user_attr("energy_j", joules)
        trial.set_user_attr("energy_kind", "measured")
    study.tell(second, 0.75)
    first.suggest_int("depth", 1, 5)
    study.tell(first, 0.5)
    failed = study.ask()
    failed.suggest_categorical("residual", [True, False])
    failed.set_user_attr("energy_j", 2.5)
    study.tell(failed, state=TrialState.FAIL)
    pruned = study.ask()
    pruned.report(0.25, 1)
    study.tell(pruned, state=TrialState.PRUNED)  # no joules are known of it
    kinds = {"lr": FloatDistribution(1e-4, 0.1, log=True)}
    added = {"params": {"lr": 0.01}, "distributions": kinds, "user_attrs": {"energy_j": 4}}
    study.add_trial(create_trial(value=0.875, **added))
    study.enqueue_trial({"lr": 0.05})
    running = study.ask()
    running.suggest_float("lr", 1e-4, 0.1, log=True)
    study.enqueue_trial({"lr": 0.02})


def study_in(stored: Stored, name: str = "digits", direction: str = "maximize") -> optuna.Study:
    return optuna.create_study(storage=stored.storage, study_name=name, direction=direction)


def one_trial(
    stored: Stored, value=0.5, energy: object = 3.0, direction="maximize", **attrs
) -> str:
    study = study_in(stored, direction=direction)
    study.add_trial(create_trial(value=value, user_attrs={"energy_j": energy, **attrs}))
    return stored.path


def append(path: str, *operations: Any) -> None:
    lines = [each if isinstance(each, str) else json.dumps(each) for each in operations]
    with Path(path).open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def assert_same(cell, value) -> None:
    assert pd.isna(cell) if value is None else cell == value


def test_a_trial_is_a_row_as_optuna_knows_it(stored, read):
    study, path = study_in(stored), stored.path
    search(study)
    table = read(path)
    trials = table.trials.set_index("trial")
    assert list(trials.index) == [1, 0, 2, 3, 4, 5]  # as they ended, then the one that runs
    states = ["complete", "complete", "failed", "pruned", "complete", "interrupted"]
    assert list(trials["state"]) == states
    known = [trial for trial in study.trials if trial.state != TrialState.WAITING]
    for trial in known:
        row = trials.loc[trial.number]
        assert_same(row["score"], trial.value)
        assert_same(row["energy_j"], trial.user_attrs.get("energy_j"))
        for name in ("lr", "activation", "depth", "residual"):
            assert_same(row[f"p.{name}"], trial.params.get(name))
        if trial.duration:
            assert row["duration_s"] == pytest.approx(trial.duration.total_seconds())
        assert row["started_at"].timestamp() == pytest.approx(trial.datetime_start.timestamp())
    assert list(trials["energy_kind"].fillna("")) == ["measured"] * 2 + [""] * 4
    assert table.strategies == ["digits"]
    assert set(trials["run"]) == {"digits"}
    assert table.notes == (
        f"{path}, study digits: values reported on the way are its learning curves, of unknown "
        "joules; steps count as epochs",
        f"no user attribute energy_j: energy_j is unknown (2 rows, first: {path}, study digits, "
        "trial 3)",
        f"trials that wait to be run are left out (1 row, first: {path}, study digits, trial 6)",
    )


def test_dates_without_a_zone_are_local_as_optuna_reads_them(journal, read):
    path = Path(one_trial(journal))
    path.write_text(path.read_text().replace("+00:00", ""))  # as before version 5
    [trial] = optuna.load_study(study_name="digits", storage=open_journal(path).storage).trials
    [started_at] = read(path).trials["started_at"]
    assert started_at.timestamp() == trial.datetime_start.timestamp()


@pytest.mark.parametrize(
    ("value", "direction", "options", "column", "number"),
    [
        (0.5, "maximize", {"energy_attr": "kwh*3.6e6"}, "energy_j", 7200.0),
        (0.5, "maximize", {"energy_attr": "kwh / 2"}, "energy_j", 0.001),
        (0.5, "maximize", {"energy_attr": "a*2"}, "energy_j", 6.0),  # an attribute of that name
        (0.25, "minimize", {"accuracy_attr": "1-value"}, "score", 0.75),
        (25.0, "minimize", {"accuracy_attr": "1 - value / 100"}, "score", 0.75),
        (93.0, "maximize", {"accuracy_attr": "value/100"}, "score", 0.93),
        (0.4, "minimize", {"accuracy_attr": "val_acc"}, "score", 0.9),
    ],
)
def test_numbers_are_made_as_is_said(journal, read, value, direction, options, column, number):
    attrs = {"kwh": 0.002, "val_acc": 0.9, "a*2": 6.0}
    path = one_trial(journal, value, direction=direction, **attrs)
    assert read(path, **options).trials[column][0] == pytest.approx(number)


def test_objectives_of_several_are_named(journal, read):
    study = optuna.create_study(storage=journal.storage, directions=["maximize", "minimize"])
    study.add_trial(create_trial(values=[0.75, 12.0]))
    with pytest.raises(ConfigurationError, match="has 2 objectives: say what the score is"):
        read(journal.path, energy_attr="values_1")
    table = read(journal.path, energy_attr="values_1", accuracy_attr="values_0")
    assert list(table.trials[["score", "energy_j"]].loc[0]) == [0.75, 12.0]


@pytest.mark.parametrize(
    ("direction", "names", "options", "metric"),
    [
        ("maximize", None, {}, ACCURACY),
        ("minimize", None, {}, Metric("value", "minimize")),
        ("minimize", ["rmse"], {}, METRICS["rmse"]),
        ("maximize", [" f1 "], {}, METRICS["f1"]),
        ("minimize", ["my loss"], {}, Metric("my loss", "minimize")),
        ("minimize", None, {"metric": "loss"}, METRICS["loss"]),
        ("minimize", ["rmse"], {"score_attr": "value/100"}, METRICS["rmse"]),
        ("minimize", ["error"], {"score_attr": "1-value"}, ACCURACY),
    ],
)
def test_the_objective_is_a_score_in_the_direction_of_its_study(
    stored, read, direction, names, options, metric
):
    path = one_trial(stored, 0.25, direction=direction)
    if names:
        with pytest.warns(optuna.exceptions.ExperimentalWarning):
            optuna.load_study(study_name="digits", storage=stored.storage).set_metric_names(names)
    table = read(path, **options)
    assert table.metric == metric
    made = {"value/100": 0.0025, "1-value": 0.75}
    assert table.trials["score"][0] == made.get(options.get("score_attr"), 0.25)


@pytest.mark.parametrize(
    ("direction", "options", "reason"),
    [
        (
            "minimize",
            {"accuracy_attr": "value/100"},
            "digits minimises value, so value/100 is no accuracy, which is to rise: turn it round, "
            "as in 1-value/100",
        ),
        ("maximize", {"metric": "rmse"}, "maximises value, so value is no rmse, which is to fall"),
        ("maximize", {"accuracy_attr": "1-value"}, "so 1-value is no accuracy"),
        ("minimize", {"accuracy_attr": "1-value", "score_attr": "value"}, "both say what"),
    ],
)
def test_a_score_against_the_direction_of_its_study_is_refused(
    journal, refused, direction, options, reason
):
    path = one_trial(journal, 0.25, direction=direction)
    refused("optuna", path, reason, ConfigurationError, energy_attr="energy_j", **options)


def test_percent_of_errors_are_hinted_at_as_such(journal, refused):
    path = one_trial(journal, 30.0, direction="minimize")
    reason = "1-value is -29, which is no accuracy from 0 to 1: .* 1-value/100 of percent"
    refused("optuna", path, reason, energy_attr="energy_j", accuracy_attr="1-value")


def test_a_score_that_is_infinite_is_unknown_and_costs_no_other_trial(journal, read):
    study = study_in(journal, "digits", "minimize")
    for value in (0.5, math.inf):
        study.add_trial(create_trial(value=value, user_attrs={"energy_j": 1.0}))
    table = read(journal.path)
    assert list(table.trials["score"].isna()) == [False, True]
    assert any("value is not finite: the score is unknown (1 row" in note for note in table.notes)


def test_studies_of_different_metrics_are_imported_apart(tmp_path, refused):
    journals = [open_journal(tmp_path / f"{name}.journal") for name in ("one", "two")]
    paths = [one_trial(journals[0]), one_trial(journals[1], direction="minimize")]
    reason = "two.journal, study digits has value, .*one.journal, study digits has accuracy"
    refused("optuna", paths, reason, ConfigurationError, energy_attr="energy_j")


@pytest.mark.parametrize(
    ("value", "energy", "reason"),
    [
        (93.0, 1.0, r"value is 93, which is no accuracy from 0 to 1: .*value/100"),
        (-0.5, 1.0, "value is -0.5, which is no accuracy"),
        (0.5, -1.0, "energy_j is -1, which is no energy in joules"),
        (0.5, "12 J", "energy_j is '12 J', which is no number"),
        (0.5, True, "energy_j is True, which is no number"),
        (0.5, math.inf, "energy_j is inf, which is no energy"),
        (0.5, 10**400, "energy_j is inf, which is no energy"),
        (0.5, math.nan, "energy_j is nan, which is no energy"),
    ],
)
def test_what_cannot_be_is_refused(journal, refused, value, energy, reason):
    path = one_trial(journal, value, energy)
    refused("optuna", path, f"trial 0: {reason}", energy_attr="energy_j")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"energy_attr": "joules"}, "no user attribute or objective joules among energy_j, kwh"),
        ({"energy_attr": "kwh*0"}, r"--energy-attr .kwh\*0.: .*0 is no factor"),
        ({"energy_attr": "kwh", "accuracy_attr": "acc"}, "--accuracy-attr .*objective acc among"),
        ({"energy_attr": "kwh", "study": "mnist"}, "no study 'mnist' among digits"),
    ],
)
def test_an_option_that_names_nothing_says_what_there_is(journal, refused, options, reason):
    refused("optuna", one_trial(journal, kwh=1.0), reason, ConfigurationError, **options)


@pytest.mark.thorough
def test_one_of_several_studies_is_named(stored, read):
    for name, value in (("a", 0.25), ("gone", 0.5), ("b", 0.75), ("gone", 0.875)):
        if value == 0.875:
            optuna.delete_study(study_name="gone", storage=stored.storage)
        study_in(stored, name).add_trial(create_trial(value=value, user_attrs={"energy_j": 1.0}))
    with pytest.raises(ConfigurationError, match="several studies, a, b, gone: name one"):
        read(stored.path)
    for name, value in (("a", 0.25), ("gone", 0.875), ("b", 0.75)):
        table = read(stored.path, study=name)
        assert (list(table.trials["score"]), table.strategies) == ([value], [name])


def test_studies_of_several_files_are_runs(tmp_path, read):
    journals = [open_journal(tmp_path / f"{name}.journal") for name in ("one", "two")]
    trials = read([one_trial(each) for each in journals]).trials
    assert list(trials["run"]) == ["one:digits", "two:digits"]
    assert list(trials["strategy"]) == ["digits", "digits"]
    assert list(trials["seed"]) == [0, 1]


@pytest.mark.parametrize(
    ("choices", "cells"),
    [
        ([1, 2], [1, 2]),
        ([1, 0.5], [1.0, 0.5]),
        ([True, False], [True, False]),
        ([1, "auto"], ["1", "auto"]),
        ([None, "l2"], [None, "l2"]),
        ([2**70, 1], [2.0**70, 1.0]),
    ],
)
def test_choices_keep_the_type_that_holds_them_all(journal, read, choices, cells):
    study, given = study_in(journal), {"user_attrs": {"energy_j": 1}, "value": 0.5}
    kinds = {"choice": CategoricalDistribution(choices)}
    for choice in choices:
        study.add_trial(create_trial(params={"choice": choice}, distributions=kinds, **given))
    found = read(journal.path).trials["p.choice"]
    assert [None if pd.isna(cell) else cell for cell in found] == cells


def test_a_torn_last_line_is_dropped_and_said(journal, read):
    path = Path(one_trial(journal))
    path.write_text(path.read_text() + '{"op_code":4,"worker_id":"w","stu')
    table = read(path)
    assert (len(table.trials), table.notes) == (1, (f"{path}: the last line is torn and left out",))


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        "[" * 100_000,
        '{"op_code":4,"study_id":0}',
        '{"op_code":4,"study_id":0,"datetime_start":"0001-01-01T00:00:00+14:00"}',
        '{"op_code":0,"study_name":"x"}',
        '{"op_code":0,"study_name":["x"],"directions":[2]}',
    ],
)
def test_a_line_that_is_no_operation_is_told(journal, read, line):
    path = one_trial(journal)
    n_lines = len(Path(path).read_text().splitlines())
    append(path, line)
    with pytest.raises(DataError, match=rf"line {n_lines + 1}: no operation of Optuna's journal"):
        read(path)


def test_hyperparameters_that_optuna_would_not_write_are_text_or_refused(tmp_path, read):
    def with_param(name: str, value: Any, kind: str, **attributes: Any) -> str:
        stored = open_journal(tmp_path / f"{name}.journal")
        study_in(stored)
        distribution = json.dumps({"name": kind, "attributes": attributes})
        trial = {"op_code": 4, "study_id": 0, "datetime_start": None, "user_attrs": {"energy_j": 1}}
        append(stored.path, trial | {"params": {"x": value}, "distributions": {"x": distribution}})
        return stored.path

    path = with_param("text", 0, "CategoricalDistribution", choices=["\ud800"])
    with pytest.raises(DataError, match=r"text.journal: '\\ud800' is no text: mend it"):
        read(path)
    path = with_param("large", 10**400, "IntDistribution", low=0, high=10**400)
    table = import_table("optuna", path, energy_attr="energy_j")
    assert list(table.trials["p.x"]) == [str(10**400)]


def test_operations_on_what_is_not_there_are_void(journal, read):
    path = one_trial(journal)
    operations = (
        {"op_code": 0, "study_name": "digits", "directions": [2]},  # twice
        {"op_code": 4, "study_id": 7, "datetime_start": None},
        {"op_code": 8, "trial_id": 0, "user_attr": {"energy_j": 99.0}},  # ended
        {"op_code": 8, "trial_id": 5, "user_attr": {"energy_j": 99.0}},
        {"op_code": 10, "study_id": 0},
    )
    append(path, *({"worker_id": "w", **each} for each in operations))
    [trial] = optuna.load_study(study_name="digits", storage=open_journal(path).storage).trials
    [energy_j] = read(path).trials["energy_j"]
    assert energy_j == trial.user_attrs["energy_j"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:///none.db", "no such file as none.db"),
        ("mysql+none://nowhere/db", "cannot be read: .*; give a storage of Optuna"),
        ("what://ever", "cannot be read: .*; give a storage of Optuna"),
        ("mysql+none://me:s3cr@t@nowhere/db", r"mysql\+none://me:\*\*\*@nowhere/db"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_in_one_line(refused, tmp_path, monkeypatch, url, reason):
    monkeypatch.chdir(tmp_path)
    assert "s3cr" not in refused("optuna", url, reason, energy_attr="energy_j")
    assert not list(tmp_path.iterdir())


def test_a_file_of_sqlite_is_a_database_and_one_of_something_else_is_refused(
    database, tmp_path, read, refused
):
    path = one_trial(database).removeprefix("sqlite:///")
    assert list(read(path).trials["score"]) == [0.5]
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("create table fruit (name text)")
    reason = r"cannot be read: .*; give a storage of Optuna"
    refused("optuna", tmp_path / "other.db", reason, energy_attr="energy_j")


def test_an_empty_database_is_refused_as_such(tmp_path, refused):
    path = tmp_path / "empty.db"
    path.touch()
    refused("optuna", f"sqlite:///{path}", "empty.db is empty: give", energy_attr="energy_j")


# Values that are none, and values on the way ------------------------------------------------------


def add_reporting(study: optuna.Study, reported: dict, value=0.5, **attrs) -> None:
    attrs = {"energy_j": 2.0, **attrs}
    study.add_trial(create_trial(value=value, intermediate_values=reported, user_attrs=attrs))


def test_joules_of_ours_are_found_and_an_impossible_one_costs_one_trial(stored, imported, refused):
    study = study_in(stored)
    for number in range(20):
        add_reporting(study, {}, energy_j=math.nan if number == 7 else 2.0 + number)
    table = imported("optuna", stored.path)
    assert list(table.trials["energy_j"].isna().to_numpy().nonzero()[0]) == [7]
    assert any(
        "energy_j can be no energy in joules: energy_j is unknown (1 row" in note
        for note in table.notes
    )
    for joules in (-1.0, "much", math.inf):
        add_reporting(study, {}, energy_j=joules)
    refused("optuna", stored.path, r"trial 7: energy_j is nan.* \(4 of 23 trials with that")


def test_joules_may_be_a_sum_of_attributes(journal, imported, refused):
    study = study_in(journal)
    for gpu in (0.5, None):
        attrs = {"cpu_wh": 1.0, **({"gpu wh": gpu} if gpu else {})}
        study.add_trial(create_trial(value=0.5, user_attrs=attrs))
    table = imported("optuna", journal.path, energy_attr="(cpu_wh + gpu wh)*3600")
    assert table.trials["energy_j"].tolist()[0] == 5400.0
    assert math.isnan(table.trials["energy_j"].tolist()[1])
    reason = "--energy-attr: name the user attribute .* has cpu_wh, gpu wh, value"
    refused("optuna", journal.path, reason, ConfigurationError)


@pytest.mark.parametrize("first", [0, 1])
def test_values_reported_on_the_way_are_learning_curves(stored, imported, tmp_path, first):
    study = study_in(stored)
    add_reporting(study, {first: 0.25, first + 1: math.nan, first + 2: 0.5})
    add_reporting(study, {first: 0.125})
    add_reporting(study, {})
    table = imported("optuna", stored.path)
    assert list(table.curves["epoch"]) == [1, 2, 3, 1]
    assert list(table.curves["trial"]) == [0, 0, 0, 1]
    assert list(table.curves["score"].fillna(-1)) == [0.25, -1, 0.5, 0.125]
    assert table.curves["energy_j"].isna().all()  # nobody read the meter then
    written = load_table(tmp_path / "imported.parquet")
    pd.testing.assert_frame_equal(written.curves, table.curves, check_dtype=False)


def test_values_of_something_else_are_no_learning_curves(journal, imported):
    study = study_in(journal, direction="minimize")
    add_reporting(study, {1: 2.5, 2: 1.5}, value=0.25)
    turned = imported("optuna", journal.path, accuracy_attr="1-value")
    assert turned.curves is None
    assert any(
        "on the way are left out: one is 1.5, which gives no accuracy" in n for n in turned.notes
    )
    assert list(imported("optuna", journal.path).curves["score"]) == [2.5, 1.5]


def test_a_later_import_under_the_same_name_leaves_no_part_of_the_first(tmp_path):
    first, second = (open_journal(tmp_path / f"{name}.journal") for name in ("one", "two"))
    add_reporting(study_in(first, direction="minimize"), {1: 0.5})
    one_trial(second)
    out = tmp_path / "t.csv"
    import_to("optuna", first.path, out)
    assert load_table(out).curves is not None
    import_to("optuna", second.path, out, force=True)
    assert load_table(out).curves is None
    assert load_table(out).metric == ACCURACY


def test_hyperparameters_are_what_optuna_calls_so_and_may_be_infinite(journal, imported):
    kinds = {"loss": FloatDistribution(0, 1), "clip": CategoricalDistribution([1.0, math.inf])}
    study = study_in(journal)
    for number in range(4):
        params = {"loss": number / 4, "clip": [1.0, math.inf][number % 2]}
        attrs = {"energy_j": 1.0 + number}
        study.add_trial(
            create_trial(value=0.5, params=params, distributions=kinds, user_attrs=attrs)
        )
    table = imported("optuna", journal.path)
    assert table.dimensions.searched == ("loss", "clip")
    assert set(table.trials["p.clip"]) == {"1.0", "inf"}


def test_a_database_of_something_else_is_told_by_what_it_lacks(tmp_path, refused):
    path = tmp_path / "else.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table x (a int)")
        database.commit()
    refused("optuna", path, "else.db: cannot be read: no such table: version_info; give a storage")
