"""CONTRACT.md says of the analysis what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from perjoule import benchmarks, load_table
from perjoule.benchmarks.analysis import analyse
from perjoule.benchmarks.analysis.analysing import SCHEMA

CONTRACT = (Path(benchmarks.__file__).parent / "CONTRACT.md").read_text("utf-8")
ANALYSIS = CONTRACT.split("\n## The analysis\n")[1]
ROWS = pd.DataFrame({"strategy": ["a", "b"], "energy_j": [1.0, 2.0], "accuracy": [0.5, 0.6]})


def cells(text):
    """The rows of all Markdown tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def keys(data):
    """All keys of plain data but names that the table gives."""
    if isinstance(data, list):
        return {key for each in data for key in keys(each)}
    if not isinstance(data, dict):
        return set()
    named = ("strategies", "counts", "by", "states", "energy_kinds")
    return data.keys() | {k for name, each in data.items() if name not in named for k in keys(each)}


class TestTheAnalysis:
    def test_every_key_is_documented(self):
        rows = pd.concat([ROWS.assign(dataset=name) for name in "xy"])
        data = analyse(load_table(rows, by="dataset")).to_dict()
        strategy = data["groups"][0]["strategies"]["a"]
        documented = set(re.findall(r"[a-z_0-9.]+", " ".join(re.findall("`([^`]+)`", ANALYSIS))))
        documented |= {part for name in documented for part in name.split(".")}
        assert (keys(data) | keys(strategy)) - documented <= {"0.25", "0.5", "1.0"}
        assert f"JSON schema {SCHEMA}" in CONTRACT

    def test_every_documented_key_is_there(self):
        rows = pd.concat([ROWS.assign(dataset=name) for name in "xy"])
        data = analyse(load_table(rows, by="dataset")).to_dict()
        found = keys(data) | keys(data["groups"][0]["strategies"]["a"])
        named = re.findall(r"`([^`]+)`", " ".join(row[0] for row in cells(ANALYSIS)))
        assert {name.split(".")[-1] for name in named} <= found
