"""Files and frames as trial tables."""

import dataclasses
import gzip
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perjoule import load_table
from perjoule.benchmarks.tables.writing import with_metadata

from .made import HEADER, ROW, frame, refusal, whole_table


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "a,1,0.5\nb,2,0.6\n",
        HEADER + "a,1,0.5\n\n\nb,2,0.6\n\n",
        "\ufeff" + HEADER + "a,1,0.5\nb,2,0.6\n",
        " strategy , energy_j,accuracy\t\n a ,\t1, 0.5\n b, 2 ,0.6\n",
        "strategy,energy_j,accuracy,,\na,1,0.5,,\nb,2,0.6,,\n",
        ",strategy,energy_j,accuracy\n0,a,1,0.5\n1,b,2,0.6\n",
        '"","strategy","energy_j","accuracy"\n"1","a","1",0.5\n"2","b",2,"0.6"\n',
        "strategy;energy_j;accuracy\na;1;0.5\nb;2;0.6\n",
        '"strategy";"energy_j";"accuracy"\n"a";"1";"0.5"\nb;2;0.6\n',
        "strategy\tenergy_j\taccuracy\na\t1\t0.5\nb\t2\t0.6\n",
        "strategy|energy_j|accuracy\na|1|0.5\nb|2|0.6\n",
    ],
)
def test_csv_of_any_habit_is_read(write, content):
    for ends in ("\n", "\r\n", "\r"):
        table = load_table(write(content.replace("\n", ends)))
        read = table.trials[["strategy", "energy_j", "score"]].to_numpy().tolist()
        assert read == [["a", 1.0, 0.5], ["b", 2.0, 0.6]]
        assert not [name for name in table.trials if name.startswith("p.")]


def test_cells_may_hold_separators_quotes_and_line_ends(write):
    table = load_table(write('strategy,energy_j,accuracy,"note, ""x"""\n"a\nb;",1,0.5,"c,""d"""\n'))
    assert table.strategies == ["a\nb;"]
    assert list(table.trials['p.note, "x"']) == ['c,"d"']


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER, "no rows below the header"),
        (HEADER + "a,1,0.5\na,2\n", "row 2: 2 cells where the header has 3: 'a,2'"),
        (HEADER + "a,1,0.5\n\na,1,5,0.5\n", "row 2: 4 cells where the header has 3: 'a,1,5,0.5'"),
        (HEADER + "a;1;0.5\n", "row 1: 1 cells where the header has 3"),
        (HEADER + '"a,1,0.5\na,2,0.5\n', "row 1: a quote is never closed"),
        (HEADER + 'a,1,0.5\na,2,"0.5\n', "row 2: a quote is never closed"),
        (HEADER + 'a,"1"2,0.5\n', "row 1: ',' expected after '\"'"),
        ("strategy,energy_j,accuracy,accuracy\na,1,.5,.6\n", "2 columns are called 'accuracy'"),
        (gzip.compress(ROW.encode(), mtime=0), "is compressed: unpack it"),
        (b"PK\x03\x04 a workbook", "is a workbook or an archive: save the table in it as CSV"),
        (HEADER + "a\0,1,0.5\n", "row 1: zero bytes in it"),
        (bytes(range(256)), "is no text"),
        (HEADER + "a," + "x" * 10**5 + ",0.5\n", "…' is no number"),
    ],
)
def test_csv_that_is_torn_or_none_is_refused(write, content, words):
    message = refusal(path := write(content))
    assert message.startswith(str(path))
    assert words in message
    assert len(message) < len(str(path)) + 300


def test_a_last_row_that_may_be_cut_short_is_noted(write):
    table = load_table(write(ROW.strip()))
    assert list(table.trials["score"]) == [0.5]
    assert "t.csv does not end with the end of a line" in table.notes[0]
    assert not [note for note in load_table(write(ROW)).notes if "does not end" in note]


def test_trials_that_are_taken_for_one_run_are_noted(write):
    [note] = load_table(write(ROW)).notes
    assert note == (
        "t has neither a column run nor a column seed: each strategy's trials are taken for one "
        "run."
    )
    assert load_table(write(" seed ," + HEADER + "1,a,1,0.5\n")).notes == ()
    assert load_table(frame(seed=[1, 2]).set_index("seed")).notes == ()
    assert load_table(frame(repeat=[1, 2]), mapping="seed=repeat").notes == ()


def test_a_file_is_read_by_what_it_holds(write, tmp_path):
    frame().to_parquet(tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    assert len(load_table(write(content, "x.csv")).trials) == 2
    assert len(load_table(write(ROW, "csv.parquet")).trials) == 1


def test_parquet_keeps_whole_numbers_beside_gaps_and_what_was_an_index(tmp_path):
    made = frame(big=pd.array([2**53 + 1, None], dtype="Int64"), seed=[3, 4])
    made.set_index(["strategy", "seed"]).to_parquet(tmp_path / "t.parquet")
    trials = load_table(tmp_path / "t.parquet").trials
    assert list(trials["seed"]) == [3, 4]
    assert list(trials["p.big"]) == [2**53 + 1, pd.NA]
    frame(3).iloc[[0, 2]].to_parquet(tmp_path / "t.parquet")  # an index without a name
    assert not [name for name in load_table(tmp_path / "t.parquet").trials if "index" in str(name)]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (pa.array([[1, 2], None]), ["[1, 2]", None]),
        (pa.array(["x", None]).dictionary_encode(), ["x", None]),
        (pa.array([True, None]), [True, None]),
        (pa.array([1.5, None], type=pa.float32()), [1.5, None]),
        (pa.array(["x", "y"], type=pa.large_string()), ["x", "y"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_types_of_parquet(tmp_path, values, read):
    table = pa.Table.from_pandas(frame()).append_column("n", values)
    pq.write_table(table, tmp_path / "t.parquet")
    found = load_table(tmp_path / "t.parquet").trials["p.n"]
    assert [None if pd.isna(value) else value for value in found] == read


def test_parquet_that_is_torn_or_changed_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    load_table(frame(energy_j=[12345.678, 1.0])).write(path)
    content = path.read_bytes()
    number = content.index(pa.array([12345.678]).buffers()[1].to_pybytes()[:8])
    for damaged in (
        content[:-1],
        content[: len(content) // 2],
        content[:5],
        content[:-8],
        content[:number] + b"\x00" + content[number + 1 :],
    ):
        path.write_bytes(damaged)
        message = refusal(path)
        assert message.startswith(f"{path}: cannot be read: ")
        assert len(message) < len(str(path)) + 250


def test_a_newer_contract_is_refused(tmp_path):
    table = with_metadata(pa.Table.from_pandas(frame()))
    newer = {**table.schema.metadata, b"perjoule_table": b"3"}
    pq.write_table(table.replace_schema_metadata(newer), tmp_path / "t.parquet")
    assert "written by a newer perjoule (trial table 3, this one reads 2)" in refusal(
        tmp_path / "t.parquet"
    )


@pytest.mark.parametrize("stated", [b"{torn", b"[1]", b'{"experiment": 3, "machine": "x"}'])
def test_a_damaged_description_costs_no_trials(tmp_path, stated):
    table = pa.Table.from_pandas(frame()).replace_schema_metadata({b"perjoule_description": stated})
    pq.write_table(table, tmp_path / "t.parquet")
    assert len(load_table(tmp_path / "t.parquet", by="source").trials) == 2


def test_what_is_not_there_or_no_table_is_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "no.csv")
    assert "neither ledger.jsonl nor trials.parquet" in refusal(tmp_path)
    assert "no table is given" in refusal([])
    for source in (None, 3, [3], frame()["energy_j"]):
        assert "is no table: give a file, a run folder, a data frame" in refusal(source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_refused(write):
    path = write(ROW)
    path.chmod(0)
    assert "cannot be read: Permission denied" in refusal(path)


def test_a_table_may_be_read_again_with_other_groups_and_columns():
    first = load_table(frame(d=["x", "y"], lr=[0.1, 0.2], epochs=[None, 3]), by="d")
    again = load_table(first, by="lr", mapping="energy_j=energy_j*2")
    assert [values for values, _ in again.groups] == [{"lr": 0.1}, {"lr": 0.2}]
    assert list(again.trials["energy_j"]) == [2.0, 2.0]
    assert list(again.trials["run"]) == list(first.trials["run"])


def test_groups_may_be_given_in_many_ways():
    made = frame(d=["x", "y"], e=[1, 2])
    for by in ("d,e", ["d", "e"], ["d,e"], "g.d, p.e", "d,e,d"):
        assert load_table(made, by=by).by == ("d", "e")


def test_the_statistics_of_many_features_are_read_back_with_their_table(tmp_path):
    statistics = {"mean": [0.5] * 20_000, "deviation": [1.5] * 20_000}
    described = {"data": {"normalisation": statistics, "tasks": ["digit"]}}
    table = dataclasses.replace(whole_table(), description=described)
    for name in ("t.parquet", "t.csv"):
        table.write(tmp_path / name)
        read = load_table(tmp_path / name)
        assert read.description == described
        assert not any("damaged" in note for note in read.notes)
