"""CONTRACT.md says of the table what is so."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from perjoule import benchmarks, load_table
from perjoule.benchmarks.tables.contract import (
    COLUMNS,
    CURVE_COLUMNS,
    CURVES,
    REQUIRED,
    RUN_COLUMNS,
    RUNS,
    VERSION,
)
from perjoule.benchmarks.tables.table import Table
from perjoule.benchmarks.tables.writing import SIDES
from perjoule.errors import DataError

CONTRACT = (Path(benchmarks.__file__).parent / "CONTRACT.md").read_text("utf-8")
TABLE = CONTRACT.split("\n## The analysis\n")[0]
ROWS = pd.DataFrame({"strategy": ["a", "b"], "energy_j": [1.0, 2.0], "accuracy": [0.5, 0.6]})


def cells(text):
    """The rows of all Markdown tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


class TestTheTable:
    @pytest.mark.parametrize(
        ("title", "columns"),
        [("column", COLUMNS), ("column of curves", CURVES), ("column of runs", RUNS)],
    )
    def test_every_column_is_documented_as_it_is(self, title, columns):
        rows = cells(TABLE.split(f"| {title} |")[1].split("\n\n")[0])
        assert rows == [
            [
                f"`{column.name}`",
                column.type,
                column.unit,
                "" if column.most is None else f"{column.most:g}",
                column.meaning,
            ]
            for column in columns
        ]
        assert f"contract version {VERSION}," in TABLE
        assert all(f"`{name}`" in TABLE for name in REQUIRED)

    def test_files_lie_beside_as_documented(self, tmp_path):
        runs = [("a-0", "a", 0, 5.0, None, None, None), ("b-0", "b", 0, 5.0, 1.0, "spent", None)]
        curves = pd.DataFrame([("a-0", 0, 1, 0.2, 0.5, -1.0)], columns=[*CURVE_COLUMNS])
        table = Table(
            load_table(ROWS.assign(seed=0)).trials,
            curves=curves,
            slices=load_table(ROWS.assign(seed=0)).trials,
            runs=pd.DataFrame(runs, columns=[*RUN_COLUMNS]),
            description={"experiment": {"dataset": "digits"}},
        )
        for name in ("NAME.parquet", "NAME.csv", "trials.parquet", "trials.csv"):
            for path in table.write(tmp_path / name):
                assert path.exists()
                documented = path.name.replace(".csv", ".parquet")
                if path.stem in SIDES:
                    documented = path.stem
                assert f"`{documented}`" in TABLE

    @pytest.mark.parametrize("by", [(), "none"])
    def test_several_tables_are_grouped_by_what_differs_unless_told_otherwise(self, by):
        facts = {"dataset", "architecture", "split_seed", "meter", "device", "fidelity"}
        tables = [
            Table(
                load_table(ROWS.assign(seed=0)).trials,
                name,
                description={
                    "experiment": {**dict.fromkeys(facts, name), "budget_j": len(name)},
                    "machine": {"cpu": name},
                    "space": {"width": [name]},
                },
            )
            for name in ("one", "two", "other")
        ]
        table = load_table(tables, by=by)
        assert set(table.by) == (set() if by else {*facts, "machine", "space"})
        assert all(f"`{name}`" in TABLE for name in table.by)
        assert len(table.groups) == (1 if by else 3)

    def test_the_metadata_of_parquet(self, tmp_path):
        import pyarrow.parquet as pq

        load_table(ROWS).write(tmp_path / "t.parquet")
        schema = pq.read_schema(tmp_path / "t.parquet")
        assert schema.metadata[b"perjoule_table"] == str(VERSION).encode()
        assert schema.field("energy_j").metadata[b"unit"] == b"J"
        assert "`perjoule_table`" in TABLE

    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_csv_of_any_separator_with_empty_cells_for_null(self, tmp_path, separator):
        path = tmp_path / "t.csv"
        lines = ["strategy,energy_j,accuracy,lr", "a,,0.5,0.1", "a,n/a,NA,0.2"]
        path.write_text("\n".join(lines).replace(",", separator) + "\n", "utf-8")
        table = load_table(path)
        assert table.trials["energy_j"].isna().all()
        assert table.trials["accuracy"].tolist()[0] == 0.5
        assert table.trials["p.lr"].tolist() == [0.1, 0.2]
        assert table.trials["run"].tolist() == ["a-0", "a-0"]
        assert table.trials["state"].tolist() == ["complete", "complete"]

    def test_a_value_that_cannot_be_is_refused_by_row_and_column(self):
        with pytest.raises(DataError, match="row 2, column energy_j"):
            load_table(ROWS.assign(energy_j=[1.0, -2.0]))

    def test_trials_are_put_in_their_order_unless_runs_are_named(self):
        rows = ROWS.assign(strategy="a", trial=[1, 0])
        assert load_table(rows).trials["energy_j"].tolist() == [2.0, 1.0]
        assert load_table(rows.assign(run="r")).trials["energy_j"].tolist() == [1.0, 2.0]

    def test_runs_that_groups_share_the_name_of_are_told_apart(self):
        rows = ROWS.assign(strategy="a", dataset=["x", "y"])
        assert load_table(rows, by="dataset").trials["run"].tolist() == ["x:a-0", "y:a-0"]

    def test_by_takes_group_columns_plain_ones_and_hyperparameters(self):
        rows = ROWS.assign(**{"g.one": 1, "two": 2, "p.three": 3, "a,b": 4})
        table = load_table(rows, by='one,two,three,"a,b",source')
        assert [by for by, _ in table.groups] == [
            {"one": 1, "two": 2, "three": 3, "a,b": 4, "source": "table"}
        ]
        with pytest.raises(DataError, match="cannot group"):
            load_table(ROWS, by="strategy")

    def test_map_renames_and_converts_from_left_to_right(self):
        rows = ROWS.rename(columns={"accuracy": "test_acc", "energy_j": "kwh"})
        table = load_table(rows, mapping="accuracy=test_acc,energy_j=kwh*3.6e6/2")
        assert table.trials["energy_j"].tolist() == [1.8e6, 3.6e6]
        assert "p.kwh" not in table.trials
        odd = ROWS.rename(columns={"energy_j": "a*2"})
        assert load_table(odd, mapping="energy_j=a*2").trials["energy_j"].tolist() == [1.0, 2.0]
