"""The trial table: its contract, its files, its groups, its look in a notebook."""

from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from perjoule import load_table
from perjoule.benchmarks.tables.contract import COLUMNS, CURVE_COLUMNS, UNITS
from perjoule.benchmarks.tables.table import Table
from perjoule.errors import OutputError


@pytest.fixture
def table():
    trials = pd.DataFrame(
        {
            "strategy": ["a", "a", "b, <i>c</i>"],
            "seed": [0, 0, 1],
            "energy_j": [1 / 3, 2.0, 1e-300],
            "score": [0.1, None, 1.0],
            "started_at": ["2026-11-21T10:15:00.123456Z", None, "1999-01-01"],
            "message": [None, 'torn: "x",\n;', None],
            "dataset": ["x", "y", None],
            "epochs": [3, None, 4],
            "layers": [[1, 2], [3], None],
        }
    )
    points = [("x:a-0", 0, 1, 0.2, 0.05, 1.5), ("x:a-0", 0, 2, 0.3, 0.1, None)]
    curves = pd.DataFrame(points, columns=[*CURVE_COLUMNS])
    read = load_table(trials, by="dataset")
    return replace(read, name="made <up>", curves=curves, notes=("It is <odd>.",))


def test_every_column_is_explained_and_joules_are_named_so():
    for column in COLUMNS:
        assert column.meaning
        assert (column.unit == "J") == column.name.endswith("_j")
        assert (column.unit == "s") == column.name.endswith("_s")


def test_parquet_keeps_units_version_and_checksums(table, tmp_path):
    table.write(tmp_path / "t.parquet")
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert schema.metadata[b"perjoule_table"] == b"2"
    units = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in schema}
    assert units == {name: UNITS.get(name, "") for name in schema.names}
    assert (units["energy_j"], units["duration_s"], units["score"]) == ("J", "s", "")
    curves = pq.read_schema(tmp_path / "t.curves.parquet")
    assert curves.field("energy_j").metadata[b"unit"] == b"J"


@pytest.mark.parametrize(
    ("columns", "name", "words"),
    [
        ({}, "t.xlsx", r"name a file that ends in \.parquet or \.csv"),
        ({}, "no/t.csv", "give a folder that exists"),
        ({"odd": [1, "x", object()]}, "t.parquet", r"t\.parquet: cannot be kept in Parquet: .*odd"),
    ],
)
def test_what_cannot_be_written_leaves_no_file(table, tmp_path, columns, name, words):
    with pytest.raises(OutputError, match=words) as caught:
        Table(table.trials.assign(**columns)).write(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_groups_are_the_parts_with_all_that_belongs_to_them(table):
    groups = replace(table, slices=table.trials.copy()).groups
    assert [values["dataset"] for values, _ in groups] == ["x", "y", None]
    assert [len(part.trials) for _, part in groups] == [1, 1, 1]
    assert [len(part.curves) for _, part in groups] == [2, 0, 0]
    assert [len(part.slices) for _, part in groups] == [1, 1, 1]
    assert [part.by for _, part in groups] == [(), (), ()]


def test_groups_by_several_columns_are_told_in_pythons_own_types():
    frame = pd.DataFrame({"strategy": "a", "energy_j": 1.0, "score": 0.5}, index=range(4))
    groups = load_table(frame.assign(n=[1, 2, 2, 1], b=True), by="n,b").groups
    assert [values for values, _ in groups] == [{"n": 1, "b": True}, {"n": 2, "b": True}]
    assert [type(value) for value in groups[0][0].values()] == [int, bool]


def test_without_groups_the_table_is_its_only_part(table):
    whole = Table(table.trials)
    assert whole.groups == [({}, whole)]
    assert whole.strategies == ["a", "b, <i>c</i>"]


def test_a_notebook_shows_what_there_is(table):
    html = table._repr_html_()
    assert "<b>made &lt;up&gt;</b>: 3 trials in 3 runs of 2 strategies" in html
    assert "<li>It is &lt;odd&gt;.</li>" in html
    assert "<i>" not in html
    assert "energy_train_j" not in html  # nothing is known of it
    assert "None" not in html
    assert "NaN" not in html


def test_a_notebook_shows_the_first_rows_of_many():
    frame = pd.DataFrame({"strategy": "a", "energy_j": 1.0, "score": 0.5}, index=range(5000))
    html = load_table(frame.assign(seed=0))._repr_html_()
    assert "5,000 trials in 1 run of 1 strategy" in html
    assert html.count("<tr") == 11
    assert "<ul>" not in html
    assert len(html) < 5000
