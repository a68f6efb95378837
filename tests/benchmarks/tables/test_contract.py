"""CONTRACT.md says of the table and of its analysis what is so."""

import re
from pathlib import Path

import pandas as pd
import pytest

from perjoule import analyse, benchmarks, load_table
from perjoule.benchmarks.analysis.analysing import SCHEMA
from perjoule.benchmarks.tables.contract import (
    COLUMNS,
    CURVE_COLUMNS,
    CURVES,
    REQUIRED,
    RUNS,
    VERSION,
)
from perjoule.benchmarks.tables.joining import APART
from perjoule.benchmarks.tables.table import Table
from perjoule.benchmarks.tables.writing import SIDES

from .made import frame, runs_of

CONTRACT = (Path(benchmarks.__file__).parent / "CONTRACT.md").read_text("utf-8")
TABLE, ANALYSIS = CONTRACT.split("\n## A study\n")[0].split("\n## The analysis\n")


def cells(text):
    """The rows of all Markdown tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize(
    ("title", "columns"),
    [("column", COLUMNS), ("column of curves", CURVES), ("column of runs", RUNS)],
)
def test_every_column_is_documented_as_it_is(title, columns):
    assert cells(TABLE.split(f"| {title} |")[1].split("\n\n")[0]) == [
        [f"`{c.name}`", c.type, c.unit, c.meaning] for c in columns
    ]
    assert f"contract version {VERSION}," in TABLE
    assert all(f"`{name}`" in TABLE for name in (*REQUIRED, *APART))


def test_files_lie_beside_as_documented(tmp_path):
    trials = load_table(frame(seed=0)).trials
    curves = pd.DataFrame([("a-0", 0, 1, 0.2, 0.5, -1.0)], columns=[*CURVE_COLUMNS])
    runs = runs_of("a-0")
    table = Table(trials, curves=curves, slices=trials, runs=runs, description={"name": "x"})
    for name in ("NAME.parquet", "NAME.csv", "trials.parquet", "trials.csv"):
        for path in table.write(tmp_path / name):
            assert path.exists()
            found = path.stem if path.stem in SIDES else path.name.replace(".csv", ".parquet")
            assert f"`{found}`" in TABLE


def test_by_takes_group_columns_plain_ones_and_hyperparameters():
    rows = frame(**{"g.one": 1, "two": 2, "p.three": 3, "a,b": 4})
    table = load_table(rows, by='one,two,three,"a,b",source')
    assert [by for by, _ in table.groups] == [
        {"one": 1, "two": 2, "three": 3, "a,b": 4, "source": "table"}
    ]


def keys(data):
    """All keys of plain data but names that the table gives."""
    if isinstance(data, list):
        return {key for each in data for key in keys(each)}
    if not isinstance(data, dict):
        return set()
    named = ("strategies", "counts", "by", "states", "energy_kinds")
    return data.keys() | {k for name, each in data.items() if name not in named for k in keys(each)}


def test_the_analysis_has_the_documented_keys_and_no_others():
    data = analyse(load_table(frame(4, strategy=list("abab"), d=list("xxyy")), by="d")).to_dict()
    found = keys(data) | keys(data["groups"][0]["strategies"]["a"])
    documented = set(re.findall(r"[a-z_0-9.]+", " ".join(re.findall("`([^`]+)`", ANALYSIS))))
    documented |= {part for name in documented for part in name.split(".")}
    assert found - documented <= {"0.25", "0.5", "1.0"}
    named = re.findall(r"`([^`]+)`", " ".join(row[0] for row in cells(ANALYSIS)))
    assert {name.split(".")[-1] for name in named} <= found
    assert f"JSON schema {SCHEMA}" in CONTRACT
