"""Whole studies: what is recognised, what is skipped, and what is known of published ones."""

import json
import shutil
from pathlib import Path

import pytest

import perjoule
from perjoule.benchmarks.audit import CHECKS, audit
from perjoule.errors import DataError

TABLES = Path(perjoule.__file__).parent / "benchmarks" / "recorded"


# Published studies --------------------------------------------------------------------------------


def test_the_cumulative_rows_of_xu_are_found_in_each_file(recorded, tell):
    files = sorted((recorded / "xu-hicss2023/data/raw/kaggle").glob("*.csv"))
    assert len(files) == 5
    for file in files:
        tell(file, "cumulative-rows", "9 rows belong to 2 sessions")
        tell(file, "constant-power", "cpu_power is 42.5 W in all 9 rows")


def test_the_negative_components_of_xu_are_found(recorded):
    result = audit(recorded / "xu-hicss2023/data/raw/grilla/results_summary")
    first, second, constant = result.findings
    assert [first.check, second.check] == ["negative-component"] * 2
    assert "CIFAR10_VGG16_1" in first.where and "MNIST_VGG19_1" in second.where
    assert constant.check == "constant-power"  # the memory's, in all 18 files
    assert sum(each.kind is not None for each in result.inputs) == 18


def test_the_watts_of_xu_are_watt_hours(recorded, tell):
    path = recorded / "xu-hicss2023/data/processed/grilla.csv"
    tell(path, "energy-as-power", "watts is joules in Wh")


def test_the_truncated_watts_of_del_rey_are_found(recorded):
    result = audit(recorded / "delrey-seaa2023")
    assert {found.check for found in result.findings} == {"truncated-watts"}
    sums, both = result.findings
    assert "all 369 values of total power (W)" in sums.evidence
    assert both.count == 2
    for words in (
        "0.4151704675",
        "without 3 s at either end",
        "the first of 2; also",
        "0.40% more",
    ):
        assert words in both.evidence


@pytest.mark.parametrize("name", ["digits", "fashion-14", "fashion-mnist", "mnist-5k"])
def test_our_recorded_tables_are_clean(name):
    result = audit(TABLES / name)
    assert result.findings == ()
    assert result.inputs[0].kind == "run folder"


def test_run_folders_are_passed_over_only_below_the_table_of_a_study(tmp_path):
    (tmp_path / "all").mkdir()
    perjoule.load_table(TABLES / "digits").write(tmp_path / "all" / "trials.parquet")
    shutil.copytree(TABLES / "digits", tmp_path / "all" / "parts" / "digits")
    names = [Path(each.path).name for each in audit(tmp_path).inputs]
    assert names == ["all", "digits"]
    (tmp_path / "all" / "study.yaml").touch()
    assert [Path(each.path).name for each in audit(tmp_path).inputs] == ["all"]


@pytest.mark.thorough
def test_a_small_comparison_has_few_repetitions_and_nothing_else(small):
    assert {found.check for found in audit(small.folder).findings} == {"few-repetitions"}


# Inputs -------------------------------------------------------------------------------------------


def test_what_lies_beside_the_data_is_skipped_with_the_reason(write, tmp_path):
    write("study/deep/energies.csv", {"energy_kwh": [1.0, 2.0]})
    write("study/names.csv", {"model": ["a", "b"]})
    (tmp_path / "study" / "summary.json").write_text("{}")
    (tmp_path / "study" / "notes.txt").write_text("no data")
    result = audit(tmp_path / "study")
    read = [Path(each.path).name for each in result.inputs if each.kind is not None]
    skipped = {Path(each.path).name: each.reason for each in result.inputs if each.reason}
    assert read == ["energies.csv"]
    assert "neither a trial table nor any column of energy" in skipped["names.csv"]
    assert "JSON is not read" in skipped["summary.json"]
    assert "notes.txt" not in skipped


@pytest.mark.parametrize(
    ("name", "mapping", "message"),
    [
        ("names.csv", (), r"names\.csv: neither a trial table"),
        ("", (), r"study: no energy data in it"),
        ("none.csv", (), r"none\.csv: no such file"),
        ("", "accuracy", r"write COLUMN=NAME"),
    ],
)
def test_what_is_named_and_not_understood_is_an_error(write, tmp_path, name, mapping, message):
    write("study/names.csv", {"model": ["a", "b"]})
    with pytest.raises(DataError, match=message):
        audit(tmp_path / "study" / name, mapping=mapping)


def test_a_mapping_that_does_not_fit_is_an_error_and_a_negative_energy_a_finding(write):
    table = {"algorithm": ["a", "b"], "joules": [5.0, -2.0], "accuracy": [0.5, 0.6]}
    path = write("table.csv", table)
    with pytest.raises(DataError, match=r"no column kwh"):
        audit(path, mapping="strategy=algorithm,energy_j=kwh*3.6e6")
    # What is named twice is found once.
    (found,) = audit([path, path], mapping="strategy=algorithm,energy_j=joules").findings
    assert found.check == "negative-component"
    assert "row 2" in found.where


def test_broken_emissions_are_still_looked_at(write):
    rows = {
        "project_name": ["codecarbon"] * 4,
        "timestamp": ["2026-11-21T10:00:00", "never", *["2026-11-21T11:00:00"] * 2],
        "duration": [100.0, 100.0, 150.0, 200.0],
        "emissions": [0.1] * 4,
        "cpu_energy": [0.001, 0.001, -0.2, 0.002],
        "energy_consumed": [0.1, 0.1, 0.2, 0.2],
    }
    path = write("emissions.csv", rows)
    result = audit(path)
    assert [found.check for found in result.findings] == ["negative-component"]
    assert "row 3" in result.findings[0].where
    assert "row 2, column timestamp: 'never' is no date" in result.inputs[0].reason
    with pytest.raises(DataError, match="row 2, column timestamp: 'never' is no date"):
        audit(path, strict=True)


# Doors --------------------------------------------------------------------------------------------


def test_findings_come_by_check_as_plain_data_and_as_a_page(write):
    columns = {"energy_kwh": [1.0, -2.0], "gpu_kwh": [0.0, 0.0], "cpu_kwh": [-1.0, 3.0]}
    result = audit(write("<b>.csv", columns))
    order = [found.check for found in result.findings]
    assert order == sorted(order, key=list(CHECKS).index)
    assert {found.severity for found in result.findings} == {"error"}
    assert all(found.remedy == CHECKS[found.check].remedy for found in result.findings)
    data = json.loads(json.dumps(result.to_dict()))
    assert data["schema"] == 1
    assert [*data["findings"][0]] == ["check", "severity", "where", "evidence", "remedy", "count"]
    assert data["checks"].keys() == {*order}
    assert data["inputs"][0]["kind"] == "table of energies"
    assert "negative-component" in data["checked"][0]["ran"]
    page = result._repr_html_()
    assert "&lt;b&gt;.csv" in page
    assert "<b>.csv" not in page


def test_every_check_says_why_and_where_it_was_found():
    assert len(CHECKS) == 22
    for id, check in CHECKS.items():
        assert check.id == id
        assert check.severity in ("error", "warning")
        assert check.title.endswith(".") and check.why.endswith(".")
        assert check.source and check.remedy
