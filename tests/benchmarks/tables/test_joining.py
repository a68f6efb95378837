"""Several tables as one: clashing names, columns that one has, what differs in experiments."""

from pathlib import Path

import pandas as pd
import pytest

from perjoule import benchmarks, load_table
from perjoule.benchmarks.tables.table import Table

from .made import ROW, frame, refusal, runs_of


def test_runs_of_the_same_name_are_told_apart(write):
    table = load_table([write(ROW, "a/t.csv"), write(ROW, "b/t.csv"), frame()], by="source")
    assert list(table.trials["run"]) == ["t#1:a-0", "t#2:a-0", "table:a-0", "table:a-0"]
    assert [values["source"] for values, _ in table.groups] == ["t#1", "t#2", "table"]
    assert table.name == "t#1 + t#2 + table"


def test_a_file_given_twice_would_count_twice(write, tmp_path):
    path = write(ROW)
    message = refusal([path, frame(), str(tmp_path / "." / "t.csv")])
    assert message == f"{path} is given 2 times: its runs would count 2 times"


def test_columns_that_one_has_are_null_in_the_other():
    table = load_table([frame(lr=[1, 2]), frame(epochs=[3, 4], opt=["x", None])])
    assert list(table.trials["p.lr"]) == [1, 2, pd.NA, pd.NA]
    assert list(table.trials["epochs"]) == [pd.NA, pd.NA, 3, 4]
    assert list(table.trials["p.opt"]) == [None, None, "x", None]


@pytest.mark.parametrize(
    ("one", "other", "read"),
    [
        ([1, 2], [0.5, None], [1.0, 2.0, 0.5, None]),
        ([None, None], [1, 2], [None, None, 1, 2]),
        ([1, 2], ["x", None], ["1", "2", "x", None]),
        ([True, None], [1, 0], ["True", None, "1", "0"]),
    ],
)
def test_columns_of_different_kinds_are_joined_and_written(one, other, read, tmp_path):
    table = load_table([frame(n=one), frame(n=other)])
    for path in (tmp_path / "t.parquet", tmp_path / "t.csv"):
        table.write(path)
        for trials in (table.trials, load_table(path).trials):
            assert [None if pd.isna(value) else value for value in trials["p.n"]] == read


def test_each_table_must_have_what_is_asked_for(write):
    one, two = write(ROW, "one.csv"), write("strategy,kwh,accuracy,d\na,1,0.5,x\n", "two.csv")
    message = refusal([one, two], mapping="energy_j=kwh*3.6e6")
    assert message.startswith(f"{one}: --map energy_j=kwh*3.6e6: no column kwh among strategy")
    assert refusal([one, two], by="d").startswith(f"{one}: --by d: no such column")


def test_what_belongs_to_runs_follows_them():
    trials = frame(run=["r", "r"], trial=[0, 1])
    curves = pd.DataFrame(
        {"run": ["r"], "trial": 0, "epoch": 1, "energy_j": 1.0, "score": 0.4, "loss": 1.0}
    )
    slices = pd.concat([trials.assign(energy_j=0.5)] * 2)
    runs = runs_of("r", "idle")
    one = Table(trials, "one", curves=curves, slices=slices, runs=runs)
    table = load_table([one, Table(trials, "two", runs=runs)])
    assert list(table.curves["run"]) == ["one:r"]
    assert list(table.slices["run"]) == ["one:r"] * 4 + ["two:r"] * 2
    assert list(table.runs["run"]) == ["one:r", "one:idle", "two:r", "two:idle"]
    assert table.notes == ()


def test_allotments_are_known_together_or_not_at_all():
    known = Table(frame(run=["r", "r"]), "known", runs=runs_of("r"))
    table = load_table([known, Table(frame(run=["q", "q"]), "other")])
    assert table.runs is None
    assert table.notes == ("What runs may spend was left out: it is not known of those of other.",)


def of_experiment(name, space=None, machine=None, runtime=None, **experiment):
    parts = {"space": space, "machine": machine, "runtime": runtime, "experiment": experiment}
    described = {key: part for key, part in parts.items() if part is not None}
    return Table(frame(seed=[0, 1]), name, description=described)


@pytest.mark.parametrize(
    "facts",
    [
        [{"dataset": "digits"}, {"dataset": "mnist"}],
        [{"architecture": "cnn"}, {"architecture": "mlp"}],
        [{"split_seed": 0}, {"split_seed": 1}],
        [{"meter": "rapl"}, {"meter": "model"}],
        [{"fidelity": "epochs"}, {"fidelity": "joules"}],
        [{"device": "cpu"}, {"device": "cuda"}],
        [{"device": None, "runtime": {"device": d}} for d in ("cpu", "cuda")],
        [{"machine": {"cpu": "x"}}, {"machine": {"cpu": "y"}}],
    ],
)
def test_tables_are_grouped_by_what_differs_in_their_experiments(facts):
    one, two = (of_experiment(str(place), **each) for place, each in enumerate(facts))
    table = load_table([one, two])
    [name] = table.by
    assert len(table.groups) == 2
    assert table.notes == (
        f"The tables differ in {name} and are compared apart by it: --by none pools them.",
    )
    pooled = load_table([one, two], by="none")
    assert (pooled.by, len(pooled.groups), pooled.notes) == ((), 1, ())
    assert load_table([one, two], by="source").by == ("source",)


@pytest.mark.parametrize("name", ["budget_j", "seeds", "workers", "carbon", "strategies"])
def test_what_does_not_change_a_result_does_not_group(name):
    tables = [of_experiment(str(value), **{name: value}) for value in (1, 2)]
    assert load_table(tables).by == ()


def test_spaces_are_called_by_the_first_table_that_has_them():
    spaces = {"one": {"lr": [1]}, "two": {"lr": [2]}, "three": {"lr": [1]}}
    tables = [
        of_experiment(name, space=space, dataset="mnist" if name == "three" else "digits")
        for name, space in spaces.items()
    ]
    table = load_table(tables)
    assert [values for values, _ in table.groups] == [
        {"dataset": "digits", "space": "one"},
        {"dataset": "digits", "space": "two"},
        {"dataset": "mnist", "space": "one"},
    ]
    assert table.notes == (
        "The tables differ in dataset and space and are compared apart by it: --by none pools "
        "them. A space is called by the first table that has it.",
    )
    assert [len(part.trials) for _, part in load_table(tables, by="space").groups] == [4, 2]


def test_a_table_that_states_nothing_forces_no_group():
    silent = Table(frame(seed=[0, 1]), "silent")
    assert load_table([of_experiment("digits", dataset="digits"), silent]).by == ()


@pytest.mark.parametrize("column", ["g.dataset", "dataset", "p.dataset"])
def test_a_column_of_that_name_wins(column):
    digits, mnist = (of_experiment(name, dataset=name) for name in ("digits", "mnist"))
    digits.trials[column] = ["own", "other"]
    groups = load_table([digits, mnist]).groups
    assert [values["dataset"] for values, _ in groups] == ["mnist", "other", "own"]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "trials.csv"])
def test_a_grouped_table_is_grouped_when_it_is_read_again(tmp_path, name):
    described = {"experiment": {"device": "cpu"}}
    tables = [Table(frame(seed=[0, 1], d=[n, 3]), n, description=described) for n in "xy"]
    grouped = load_table(tables, by="source,d")
    path, *_ = grouped.write(tmp_path / name)
    for table in (load_table(path), load_table(grouped)):
        assert (table.by, table.description) == (("source", "d"), described)
        assert [values for values, _ in table.groups] == [values for values, _ in grouped.groups]
    assert load_table(path, by="none").by == ()
    assert load_table(path, by="d").by == ("d",)


def test_a_grouped_table_beside_others_keeps_its_groups(tmp_path):
    digits, mnist, svhn = (
        of_experiment(name, dataset=name) for name in ("digits", "mnist", "svhn")
    )
    path, *_ = load_table([digits, mnist]).write(tmp_path / "two.csv")
    assert (tmp_path / "two.experiment.yaml").read_text() == "by:\n- dataset\n"
    assert load_table(path).description is None
    for other, value in ((svhn, "svhn"), (Table(frame(seed=[0, 1]), "silent"), None)):
        groups = [values["dataset"] for values, _ in load_table([path, other]).groups]
        assert groups == ["digits", "mnist", value]


def test_a_group_whose_column_is_gone_groups_nothing(write):
    path = write(ROW)
    write("by: [gone, 3]\n", "t.experiment.yaml")
    assert load_table(path).by == ()


def test_recorded_tables_are_grouped_by_their_data_sets():
    folder = Path(benchmarks.__file__).parent / "recorded"
    table = load_table([folder / "digits", folder / "fashion-mnist"])
    assert table.by == ("dataset", "space")
