"""What guards the command line: streams, hostile names, files that are there, faults."""

import os
import re
import subprocess
import sys

import pandas as pd
import pytest

from perjoule.cli import recorded as commands
from perjoule.plain import printable

from ..command import call

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\r\u202eevil\x9b2J\n\nperjoule: 0 findings"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table whose every name and text would steer a terminal."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "strategy": f"{name}{HOSTILE}",
            "seed": seed,
            "energy_j": 1.0 + seed + number,
            "score": 0.5 + seed / 100,
            f"p.{HOSTILE}": number,
            f"g.{HOSTILE}": HOSTILE,
            "message": HOSTILE,
        }
        for name in "ab"
        for seed in range(2)
        for number in range(3)
    ]
    path = tmp_path / f"t\x1b[31m\u202e{'x' * 8}.parquet"  # a table of text is refused for them
    pd.DataFrame(rows).to_parquet(path)
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("report",),
        ("report", "--json", "-"),
        ("report", "--by", f"g.{' '.join(HOSTILE.split())}"),
        ("audit",),
        ("audit", "--json", "-"),
        ("project",),
        ("replay", "--budget", "3 J", "--strategies", "random", "--seeds", "1", "--match=nearest"),
        ("import", "codecarbon", "--out", "new.csv"),
        ("report", "--map", f"score={HOSTILE}"),
        ("report", "--target", HOSTILE),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_names_do_nothing_to_a_terminal(command, table):
    name, *options = command
    before = [options.pop(0)] if name == "import" else []
    ended = call(name, *before, table, *options)
    assert not CONTROLS.search(ended.out), ended.out
    assert not CONTROLS.search(ended.err), ended.err
    assert not re.search("^perjoule: 0 findings", ended.out + ended.err, re.MULTILINE)
    assert ended.code in (0, 1, 2)


def test_a_page_shows_names_as_they_are_written(table, tmp_path):
    assert call("report", table, "--html", tmp_path / "page.html").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not CONTROLS.search(re.sub("<script>.*?</script>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (("report", "t.csv", "--html"), "page.html"),
        (("report", "t.csv", "--json"), "all.json"),
        (("report", "t.csv", "--out"), "u.parquet"),
        (("audit", "t.csv", "--json"), "all.json"),
        (("import", "zeus", "t.csv", "--out"), "u.csv"),
        (("measure", "--meter=model", "--series"), "series.parquet"),
        (("init",), "experiment.yaml"),
    ],
)
def test_a_file_that_is_there_is_only_written_over_by_force(command, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = {"strategy": ["a", "b"], "energy_j": [1.0, 2.0], "score": [0.5, 0.6]}
    zeus = {"start_time": [0, 1], "window_name": "w", "elapsed_time": 1.0, "gpu0_energy": 1.0}
    pd.DataFrame(zeus if command[0] == "import" else rows).to_csv("t.csv", index=False)
    (tmp_path / file).write_text("a week of work")
    rest = ("--", "touch", "began") if command[0] == "measure" else ()
    ended = call(*command, file, *rest)
    assert (ended.code, ended.out) == (2, "")
    assert f"{file} is there already: add --force" in ended.message
    assert (tmp_path / file).read_text() == "a week of work"
    assert not (tmp_path / "began").exists()
    ended = call(*command, file, "--force", *rest)
    assert ended.code in (0, 1), ended.err
    assert (tmp_path / file).read_bytes() != b"a week of work"


def test_no_file_takes_the_place_of_a_device(table):
    ended = call("report", table, "--json", "/dev/null", "--force")
    assert ended.code == 2
    assert "/dev/null is there and is no file" in ended.message


def test_a_fault_of_ours_has_an_exit_code_of_its_own(table, tmp_path, monkeypatch):
    def broken(_):
        raise KeyError(HOSTILE)

    monkeypatch.setattr(commands, "load", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = call("report", table)
    assert ended.code == 70
    assert "a fault of perjoule, not of your input (KeyError: " in ended.message
    [kept] = tmp_path.glob("perjoule-fault-*.txt")
    assert str(kept) in ended.message
    assert "Traceback" in kept.read_text()
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/none")
    assert "give TMPDIR a folder" in call("report", table).message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/x\x1b"), r"/x\\x1b: Permission denied: see"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_what_the_system_refuses_can_be_mended(error, message, table, monkeypatch):
    def refused(_):
        raise error

    monkeypatch.setattr(commands, "load", refused)
    ended = call("report", table)
    assert ended.code == 2
    assert re.search(message, ended.message)


@pytest.mark.skipif(os.name != "posix", reason="streams of POSIX")
@pytest.mark.parametrize(
    ("redirected", "code", "message"),
    [
        ("| true; exit ${PIPESTATUS[0]}", 2, r"stdout cannot be written \(Broken pipe\)"),
        (">&-", 0, None),
        ("> /dev/full", 2, r"stdout cannot be written \(No space left"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(redirected, code, message, tmp_path):
    line = f"'{sys.executable}' -P -m perjoule strategies --json {redirected}"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == code, ended.stderr
    assert len(ended.stderr.splitlines()) == (message is not None), ended.stderr
    assert message is None or re.search(message, ended.stderr)


def test_text_of_people_stays_as_it_is():
    assert printable("Größe 1\u00a0J, 日本 µ") == "Größe 1\u00a0J, 日本 µ"
    assert printable(HOSTILE).isprintable()
