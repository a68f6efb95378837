"""The commands on recorded data, as people call them."""

import json

import pandas as pd
import pytest

import perjoule

from ..command import call

ROWS = """strategy,energy_j,accuracy,seed,dataset,learning_rate
tpe,1,0.80,0,digits,0.1
tpe,1,0.90,0,digits,0.2
random,1,0.70,0,digits,0.3
random,1,0.85,0,digits,0.4
tpe,2,0.60,0,mnist,0.1
random,2,0.65,0,mnist,0.2
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.csv").write_text(ROWS)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "power.csv").write_text("timestamp,power.draw [W]\n0,10 W\n1,20.5 W\n2,20.5 W\n")
    return tmp_path


def test_a_report_prints_who_wins_in_each_group_and_what_cannot_be_concluded():
    ended = call("report", "theirs.csv", "--by", "dataset")
    assert ended.code == 0, ended.err
    assert "dataset digits" in ended.out
    assert "dataset mnist" in ended.out
    assert ended.out.count("It takes at least 4 more seeds to say.") == 2
    assert "Groups won" in ended.out


def test_statistics_table_and_page_are_written_where_asked(folder):
    ended = call("report", "theirs.csv", "--by", "dataset", "--target", "0.6", "--json", "all.json",
                 "--html", "page.html", "--out", "table.parquet")  # fmt: skip
    assert ended.code == 0, ended.err
    found = json.loads((folder / "all.json").read_text())
    assert found["schema"] == 4
    digits, mnist = found["groups"]
    assert digits["by"] == {"dataset": "digits"}
    assert digits["winners"]["equal_energy"] == {"0.25": None, "0.5": "tpe", "1.0": "tpe"}
    assert mnist["winners"]["equal_energy"]["1.0"] == "random"
    assert found["counts"]["equal_energy"]["1.0"] == {"tpe": 1, "random": 1}
    assert "<html" in (folder / "page.html").read_text()
    table = pd.read_parquet(folder / "table.parquet")
    assert table["p.learning_rate"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.1, 0.2]
    assert table["g.dataset"].nunique() == 2


def test_json_goes_to_stdout_alone():
    ended = call("report", "theirs.csv", "--by", "dataset", "--json", "-")
    assert json.loads(ended.out)["by"] == ["dataset"]
    assert ended.err == ""


def test_columns_are_renamed_and_converted(folder):
    lines = ROWS.replace("energy_j,accuracy", "kwh,test acc")
    (folder / "theirs.csv").write_text(lines)
    ended = call("report", "theirs.csv", "--by", "dataset", "--map",
                 "accuracy=test acc,energy_j=kwh*3.6e6", "--out", "t.csv")  # fmt: skip
    assert ended.code == 0, ended.err
    assert pd.read_csv(folder / "t.csv")["energy_j"].tolist() == [3.6e6] * 4 + [7.2e6] * 2


def test_a_replay_is_the_same_twice_and_spends_virtual_joules(folder):
    names = ["one.parquet", "two.parquet"]
    first, ended = (
        call("replay", "theirs.csv", "--strategies", "random,tpe", "--budget", "4 J per run",
             "--seeds", "3", "--match", "nearest", "--by", "dataset", "--workers", "1",
             "--out", name)
        for name in names
    )  # fmt: skip
    assert (first.code, ended.code) == (0, 0), ended.err
    one, two = (pd.read_parquet(folder / name) for name in names)
    pd.testing.assert_frame_equal(one, two)
    assert "Each run has 4.00 J" in ended.out
    notes = [line for line in (ended.out + ended.err).splitlines() if line.startswith("- ")]
    assert len(notes) == len(set(notes))
    assert set(one["energy_kind"]) == {"replayed"}


def test_a_trace_is_imported_and_compared(folder):
    ended = call("import", "nvidia-smi", "power.csv", "--out", "traces.parquet")
    assert ended.code == 0, ended.err
    assert pd.read_parquet(folder / "traces.parquet")["energy_j"].tolist() == [15.25 + 20.5]
    assert call("report", "traces.parquet").code == 0


def test_an_audit_ends_with_1_if_there_is_a_fault():
    ended = call("audit", "theirs.csv", "--by", "dataset")
    assert ended.code == 1
    assert "repetitions" in ended.out
    found = json.loads(call("audit", "theirs.csv", "--by", "dataset", "--json", "-").out)
    assert found["findings"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "missing.csv"],
        ["report", "empty.csv"],
        ["report", "empty"],
        ["report", "theirs.csv", "--by", "datset"],
        ["report", "theirs.csv", "--by", "dataset", "--map", "score"],
        ["report", "theirs.csv", "--by", "dataset", "--target", "most"],
        ["report", "theirs.csv", "--by", "dataset", "--target", "101%"],
        ["report", "theirs.csv", "--by", "dataset", "--out", "table.xlsx"],
        ["report", "theirs.csv", "--by", "dataset", "--json", "missing/all.json"],
        ["report", "theirs.csv", "--by", "dataset", "--html", "missing/page.html"],
        ["replay", "theirs.csv", "--by", "dataset", "--strategies", "tpee"],
        ["replay", "theirs.csv", "--by", "dataset", "--budget", "much"],
        ["replay", "theirs.csv", "--by", "dataset", "--match", "closest"],
        ["replay", "theirs.csv", "--by", "dataset", "--search-energy", "all"],
        ["import", "codecarbn", "theirs.csv", "--out", "t.csv"],
        ["import", "codecarbon", "theirs.csv", "--out", "t.csv"],
        ["import", "codecarbon", "missing.csv", "--out", "t.csv"],
        ["import", "nvidia-smi", "power.csv"],
        ["import", "nvidia-smi", "power.csv", "--out", "t.xlsx"],
        ["import", "nvidia-smi", "power.csv", "--out", "t.csv", "--trim", "soon"],
        ["import", "nvidia-smi", "power.csv", "--out", "t.csv", "--trim", "5s"],
        ["import", "nvidia-smi", "power.csv", "--out", "t.csv", "--study", "mine"],
        ["import", "optuna", "sqlite:///missing.db", "--out", "t.csv", "--energy-attr", "j"],
        ["audit", "missing.csv"],
        ["audit", "empty"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_one_line_and_code_2(arguments, folder):
    before = {path: path.stat().st_size for path in folder.rglob("*")}
    ended = call(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.message.startswith("perjoule: ")
    assert {path: path.stat().st_size for path in folder.rglob("*")} == before


def test_a_message_that_quotes_a_file_is_one_line_of_fair_length(folder):
    rows = "".join(f'{i},"GPU\n{i % 2}{"x" * 2000}",20 W\n' for i in range(8))
    (folder / "power.csv").write_text(f"timestamp,gpu_name,power.draw [W]\n{rows}")
    ended = call("replay", "power.csv")
    assert ended.code == 2
    assert len(ended.message) < 1100
    ended = call("measure", "--meter", "replay:power.csv", "true")
    assert ended.code == 2
    assert "rows of several devices" in ended.message
    assert len(ended.message) < 1100


def test_a_table_is_compared_and_replayed_from_python(folder):
    table = perjoule.load_table("theirs.csv", by="dataset")
    assert "dataset" in table.compare()._repr_html_()
    assert len(table.replay(strategies=["random"], seeds=2, match="nearest", workers=1).trials) > 0
    assert "6 trials" in table._repr_html_()
