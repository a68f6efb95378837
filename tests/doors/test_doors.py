"""A run folder gets the same numbers through every door: command line, files, Python."""

import json
import math

import pytest

import perjoule

from ..command import call

TOLERANCE = 1e-12
NAMES = ("table",)
"""What may differ: a table is called by its file."""


def flat(data, path=""):
    """Plain data as paths and values."""
    if isinstance(data, dict):
        return {k: v for key, item in data.items() for k, v in flat(item, f"{path}/{key}").items()}
    if isinstance(data, list | tuple):
        return {k: v for i, item in enumerate(data) for k, v in flat(item, f"{path}/{i}").items()}
    return {path: data}


def differences(one, other):
    """Where two analyses do not say the same."""
    one, other = flat(one), flat(other)

    def same(key):
        if key not in one or key not in other:
            return False
        a, b = one[key], other[key]
        if isinstance(a, float) and isinstance(b, float | int):
            return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        return a == b

    keys = {key for key in {*one, *other} if key.strip("/") not in NAMES}
    return {key: (one.get(key), other.get(key)) for key in sorted(keys) if not same(key)}


def report(path, *options):
    """What ``perjoule report`` says of a table, as JSON."""
    ended = call("report", path, "--json", "-", *options)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


@pytest.fixture(scope="session")
def expected(run):
    """What the comparison itself found."""
    return json.loads((run.folder / "summary.json").read_text("utf-8"))["analysis"]


def test_the_run_has_what_makes_doors_disagree(run, expected):
    [group] = expected["groups"]
    assert group["common_is"] == "interrupted"
    assert perjoule.load_table(run.folder).slices is not None
    assert expected["notes"][0] == "The comparison was interrupted; it can be resumed."
    assert "0.0 %" not in expected["headline"]


def test_python_agrees(run, expected):
    table = perjoule.load_table(run.folder)
    for analysis in (
        run.analysis,
        perjoule.report(run.folder).analysis,
        table.compare(),
        perjoule.analyse(table),
        perjoule.analyse(perjoule.load_table(table)),
    ):
        assert differences(analysis.to_dict(), expected) == {}


def test_report_agrees(run, expected):
    assert differences(report(run.folder), expected) == {}
    assert differences(report(run.folder / "trials.parquet"), expected) == {}


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_written_table_agrees_when_it_is_read_again_and_again(run, expected, tmp_path, ending):
    path, again = tmp_path / f"one{ending}", tmp_path / f"two{ending}"
    ended = call("report", run.folder, "--out", path)
    assert str(path) in ended.out
    assert differences(report(path), expected) == {}
    assert call("report", path, "--out", again).code == 0
    assert differences(report(again), expected) == {}


@pytest.mark.thorough
def test_every_door_has_the_same_target(run, tmp_path, target="70%"):
    path = tmp_path / "table.csv"
    call("report", run.folder, "--out", path)
    wanted = perjoule.report(run.folder, target).analysis.to_dict()
    assert wanted["target"] == target
    for table in (run.folder, path):
        assert differences(report(table, "--target", target), wanted) == {}
    perjoule.report(run.folder)  # as it was


@pytest.mark.thorough
def test_what_is_printed_and_drawn_is_the_same_whichever_door_it_came_through(run, tmp_path):
    table, page = tmp_path / "run.parquet", tmp_path / "page.html"
    call("report", run.folder, "--out", table)
    by_folder, by_table = (
        call("report", path, "--html", page, "--force").out for path in (run.folder, table)
    )
    own = call("report", run.folder).out
    analysis = by_folder.partition("Written:")[0]
    assert analysis == by_table.partition("Written:")[0]
    assert own.startswith(analysis.rstrip("\n"))
    assert page.read_text("utf-8") == run.report.read_text("utf-8")


@pytest.mark.thorough
def test_replays_agree(run, tmp_path):
    """The same search of the folder and of its table gives the same table, which reads the same."""
    table, first, second = (tmp_path / name for name in ("t.csv", "first.parquet", "second.csv"))
    call("report", run.folder, "--out", table)
    options = ("--strategies", "random,asha", "--budget", "4 mJ per run", "--seeds", "5")
    options += ("--workers", "1", "--search-energy", "none", "--match", "nearest")
    found = [
        call("replay", path, *options, "--out", out, "--json", tmp_path / f"{out.stem}.json")
        for path, out in ((run.folder, first), (table, second))
    ]
    assert [ended.code for ended in found] == [0, 0], found[0].err
    said = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("first", "second")]
    assert said[0]["groups"][0]["common_is"] == "allotment"
    assert differences(*said) == {}
    for path, wanted in zip((first, second), said, strict=True):
        assert differences(report(path), wanted) == {}


def test_audits_agree(run, tmp_path):
    table = tmp_path / "run.parquet"
    call("report", run.folder, "--out", table)
    found = [
        {finding.check: finding.evidence for finding in perjoule.audit([path]).findings}
        for path in (run.folder, table)
    ]
    assert found[0] == found[1]
