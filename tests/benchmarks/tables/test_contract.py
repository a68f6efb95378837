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
    RUNS,
    VERSION,
)
from perjoule.benchmarks.tables.joining import GROUPING
from perjoule.benchmarks.tables.table import Table
from perjoule.benchmarks.tables.writing import SIDES

from .made import runs_of

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
        trials = load_table(ROWS.assign(seed=0)).trials
        curves = pd.DataFrame([("a-0", 0, 1, 0.2, 0.5, -1.0)], columns=[*CURVE_COLUMNS])
        runs = runs_of("a-0", "b-0")
        table = Table(trials, curves=curves, slices=trials, runs=runs, description={"name": "x"})
        for name in ("NAME.parquet", "NAME.csv", "trials.parquet", "trials.csv"):
            for path in table.write(tmp_path / name):
                assert path.exists()
                found = path.stem if path.stem in SIDES else path.name.replace(".csv", ".parquet")
                assert f"`{found}`" in TABLE

    def test_what_groups_tables_by_itself_is_documented(self):
        assert all(f"`{name}`" in TABLE for name in GROUPING)

    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_csv_of_any_separator_with_empty_cells_for_null(self, tmp_path, separator):
        path = tmp_path / "t.csv"
        lines = ["strategy,energy_j,accuracy,lr", "a,,0.5,0.1", "a,n/a,NA,0.2"]
        path.write_text("\n".join(lines).replace(",", separator) + "\n", "utf-8")
        table = load_table(path)
        assert table.trials["energy_j"].isna().all()
        assert table.trials["accuracy"].tolist()[0] == 0.5
        assert table.trials["p.lr"].tolist() == [0.1, 0.2]

    def test_by_takes_group_columns_plain_ones_and_hyperparameters(self):
        rows = ROWS.assign(**{"g.one": 1, "two": 2, "p.three": 3, "a,b": 4})
        table = load_table(rows, by='one,two,three,"a,b",source')
        assert [by for by, _ in table.groups] == [
            {"one": 1, "two": 2, "three": 3, "a,b": 4, "source": "table"}
        ]
