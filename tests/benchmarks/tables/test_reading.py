"""Files, folders and frames as trial tables, one or several together."""

from __future__ import annotations

import gzip
import json
import os

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from perjoule import load_table
from perjoule.benchmarks.tables.contract import CURVE_COLUMNS
from perjoule.benchmarks.tables.frames import read_contents
from perjoule.benchmarks.tables.writing import with_metadata
from perjoule.errors import DataError, OutputError
from perjoule.reports import study

from ..test_record import slice_event

HEADER = "strategy,energy_j,accuracy\n"
ROW = HEADER + "a,1,0.5\n"


def frame(rows=2, **columns):
    contract = {"strategy": ["a"] * rows, "energy_j": [1.0] * rows, "accuracy": [0.5] * rows}
    return pd.DataFrame({**contract, **columns})


@pytest.fixture
def write(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(source, **options):
    with pytest.raises(DataError) as caught:
        load_table(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# CSV ----------------------------------------------------------------------------------------------


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
        read = table.trials[["strategy", "energy_j", "accuracy"]].to_numpy().tolist()
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
        ("\n" + ROW, "begins with an empty or broken line"),
        (HEADER, "no rows below the header"),
        (HEADER.strip(), "no rows below the header"),
        (HEADER + "a,1,0.5\na,2", "row 2: 2 cells where the header has 3: 'a,2'"),
        (HEADER + "a,1\na,2,0.5\n", "row 1: 2 cells where the header has 3: 'a,1'"),
        (HEADER + "a,1,0.5\n\na,1,5,0.5\n", "row 2: 4 cells where the header has 3: 'a,1,5,0.5'"),
        (HEADER + "a,1,0.5,\n", "row 1: 4 cells where the header has 3"),
        (HEADER + "a;1;0.5\n", "row 1: 1 cells where the header has 3"),
        (HEADER + '"a,1,0.5\na,2,0.5\n', "row 1: unexpected end of data: is a quote never closed"),
        (HEADER + 'a,1,0.5\na,2,"0.5\n', "row 2: unexpected end of data: is a quote never closed"),
        (HEADER + 'a,"1"2,0.5\n', "row 1: ',' expected after '\"'"),
        (HEADER + "a,1,0.5\n" + HEADER, "row 2, column accuracy: 'accuracy' is no number"),
        ("# by me\n" + ROW, "row 1: 3 cells where the header has 1: 'strategy,energy_j,acc"),
        ("# by, him, me\n" + ROW, "no column strategy and no column energy_j"),
        ("strategy,energy_j,accuracy,accuracy\na,1,.5,.6\n", "2 columns are called 'accuracy'"),
        (HEADER.encode() + "ä,1,0.5\n".encode("latin-1"), "line 2: no UTF-8 text"),
        (ROW.encode("utf-16"), "is UTF-16: save it as UTF-8"),
        (gzip.compress(ROW.encode()), "is compressed: unpack it"),
        (b"PK\x03\x04 a workbook", "is a workbook or an archive: save the table in it as CSV"),
        (HEADER + "a\0,1,0.5\n", "holds zero bytes"),
        (bytes(range(256)), "no UTF-8 text"),
        (HEADER + "a," + "x" * 10**5 + ",0.5\n", "…' is no number"),
    ],
)
def test_csv_that_is_torn_or_none_is_refused(write, content, words):
    message = refusal(path := write(content))
    assert message.startswith(str(path))
    assert words in message
    assert len(message) < len(str(path)) + 250


def test_a_last_row_that_may_be_cut_short_is_noted(write):
    table = load_table(write(ROW.strip()))
    assert list(table.trials["accuracy"]) == [0.5]
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


def test_read_contents_gives_cells_as_they_are(write):
    rows, description, notes = read_contents(write("a,b\n 1 ,nan\n,007\n"))
    assert rows.to_dict("list") == {"a": [" 1 ", ""], "b": ["nan", "007"]}
    assert (description, notes) == (None, ())


# Parquet ------------------------------------------------------------------------------------------


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
        content[:number] + b"\x00" + content[number + 1 :],
    ):
        path.write_bytes(damaged)
        message = refusal(path)
        assert message.startswith(f"{path}: cannot be read: ")
        assert len(message) < len(str(path)) + 250


def test_two_columns_of_one_name_are_refused_in_parquet_too(tmp_path):
    table = pa.Table.from_pandas(frame())
    table = pa.Table.from_arrays(
        [*table.columns, table["accuracy"]], names=[*table.column_names, "accuracy"]
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert "2 columns are called 'accuracy'" in refusal(tmp_path / "t.parquet")


def test_a_newer_contract_is_refused(tmp_path):
    table = with_metadata(pa.Table.from_pandas(frame()))
    newer = {**table.schema.metadata, b"perjoule_table": b"2"}
    pq.write_table(table.replace_schema_metadata(newer), tmp_path / "t.parquet")
    assert "written by a newer perjoule (trial table 2, this one reads 1)" in refusal(
        tmp_path / "t.parquet"
    )


@pytest.mark.parametrize("stated", [b"{torn", b"[1]", b'{"experiment": 3, "machine": "x"}'])
def test_a_damaged_description_costs_no_trials(tmp_path, stated):
    table = pa.Table.from_pandas(frame()).replace_schema_metadata({b"perjoule_description": stated})
    pq.write_table(table, tmp_path / "t.parquet")
    assert len(load_table(tmp_path / "t.parquet", by="source").trials) == 2


# Sources ------------------------------------------------------------------------------------------


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


# Several ------------------------------------------------------------------------------------------


def test_runs_of_the_same_name_are_told_apart(write):
    table = load_table([write(ROW, "a/t.csv"), write(ROW, "b/t.csv"), frame()], by="source")
    assert list(table.trials["run"]) == ["t#1:a-0", "t#2:a-0", "table:a-0", "table:a-0"]
    assert [values["source"] for values, _ in table.groups] == ["t#1", "t#2", "table"]
    assert table.name == "t#1 + t#2 + table"


def test_a_file_given_twice_would_count_twice(write, tmp_path):
    path = write(ROW)
    message = refusal([path, frame(), str(tmp_path / "." / "t.csv")])
    assert message == f"{path} is given 2 times: its runs would count 2 times"


def test_columns_that_one_has_are_null_in_the_other():
    table = load_table([frame(lr=[1, 2]), frame(epochs=[3, 4], opt=["x", None])])
    assert list(table.trials["p.lr"]) == [1, 2, pd.NA, pd.NA]
    assert list(table.trials["epochs"]) == [pd.NA, pd.NA, 3, 4]
    assert list(table.trials["p.opt"]) == [None, None, "x", None]


@pytest.mark.parametrize(
    ("one", "other", "read"),
    [
        ([1, 2], [0.5, None], [1.0, 2.0, 0.5, None]),
        ([None, None], [1, 2], [None, None, 1, 2]),
        ([1, 2], ["x", None], ["1", "2", "x", None]),
        ([True, None], [1, 0], ["True", None, "1", "0"]),
    ],
)
def test_columns_of_different_kinds_are_joined_and_written(one, other, read, tmp_path):
    table = load_table([frame(n=one), frame(n=other)])
    for path in (tmp_path / "t.parquet", tmp_path / "t.csv"):
        table.write(path)
        for trials in (table.trials, load_table(path).trials):
            assert [None if pd.isna(value) else value for value in trials["p.n"]] == read


def test_each_table_must_have_what_is_asked_for(write):
    one, two = write(ROW, "one.csv"), write("strategy,kwh,accuracy,d\na,1,0.5,x\n", "two.csv")
    message = refusal([one, two], mapping="energy_j=kwh*3.6e6")
    assert message.startswith(f"{one}: --map energy_j=kwh*3.6e6: no column kwh among strategy")
    assert refusal([one, two], by="d").startswith(f"{one}: --by d: no such column")


# Curves -------------------------------------------------------------------------------------------

CURVES = "run,trial,epoch,energy_j,accuracy,loss\n"


@pytest.fixture
def curves(write):
    path = write("run,strategy,energy_j,accuracy,trial\nr,a,1,0.5,0\nr,a,1,0.5,1\n")

    def curves(rows, header=CURVES):
        write(header + rows, "t.curves.csv")
        return path

    return curves


def test_curves_beside_a_table_belong_to_it(curves):
    table = load_table(curves("r,0,1,0.2,0.4,\nr,0,2,0.5,0.5,1.25\nr,1,1,,0.5,-2\n"))
    assert list(table.curves) == list(CURVE_COLUMNS)
    assert table.curves["energy_j"].tolist()[:2] == [0.2, 0.5]
    assert table.curves["loss"].isna().tolist() == [True, False, False]
    assert table.notes == ()
    without = load_table(curves("r,0,1,0.2,0.4,x\n", CURVES.replace("loss", "note")))
    assert without.curves["loss"].isna().all()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("r,0,1\n", "row 1: 3 cells where the header has 6"),
        ("r,0,x,0.2,0.4,1\n", "row 1, column epoch: 'x' is no number"),
        ("r,0,1.5,0.2,0.4,1\n", "row 1, column epoch: '1.5' is no whole number"),
        ("r,,1,0.2,0.4,1\n", "row 1, column trial: '' is empty"),
        (",0,1,0.2,0.4,1\n", "row 1, column run: '' is empty"),
        ("r,0,1,-1,0.4,1\n", "row 1, column energy_j: '-1' is below zero"),
        ("r,0,1,1,40,1\n", "row 1, column accuracy: '40' is above 1"),
        ("r,0,1,1,0.4,inf\n", "row 1, column loss: 'inf' is infinite"),
        ("r,0,1,1,0.4,1\nr,0,1,1,0.4,1\n", "row 2, column epoch: '1' is there twice"),
        ("r,0,2,1,0.4,1\nr,0,1,2,0.4,1\n", "row 1, column energy_j: '1' is less than at the epoch"),
    ],
)
def test_curves_that_cannot_be_are_refused(curves, rows, words):
    message = refusal(curves(rows))
    assert "t.curves.csv" in message
    assert words in message


def test_curves_without_a_column_are_refused(curves):
    assert "no column epoch among run, trial" in refusal(curves("r,0\n", "run,trial\n"))


def test_curves_of_no_trial_are_left_out_and_noted(curves):
    table = load_table(curves("q,0,1,1,0.4,1\nr,0,1,1,0.4,1\nr,7,1,1,0.4,1\n"))
    assert table.curves[["run", "trial"]].to_numpy().tolist() == [["r", 0]]
    assert table.notes == (
        "2 of 3 points of curves belong to no trial, such as trial 0 of run 'q', and were left "
        "out.",
    )


def test_curves_are_left_out_where_their_trials_are_made_of_other_columns(curves):
    path = curves("r,0,1,1,0.4,1\n")
    table = load_table(path, mapping="energy_j=energy_j*3.6e6")
    assert table.curves is None
    assert "curves of t were left out" in table.notes[0]
    assert load_table(path, mapping="p.x=trial").curves is None


def test_curves_follow_their_runs(curves, tmp_path):
    path = curves("r,0,1,1,0.4,1\n")
    other = pd.read_csv(path)
    table = load_table([path, other])
    assert set(table.trials["run"]) == {"t:r", "table:r"}
    assert list(table.curves["run"]) == ["t:r"]


# Run folders --------------------------------------------------------------------------------------


@pytest.fixture
def folder(write, tmp_path):
    experiment = {"strategies": ["a"], "seeds": 1, "budget": "1 J", "dataset": "digits"}
    write(
        yaml.safe_dump({"experiment": experiment, "machine": {"cpu": "mine"}}), "x/experiment.yaml"
    )

    def folder(*events, torn=""):
        write("".join(json.dumps(event) + "\n" for event in events) + torn, "x/ledger.jsonl")
        return tmp_path / "x"

    return folder


def test_a_run_folder_is_read_from_its_ledger(folder):
    path = folder(
        slice_event("a-0", 0, 0.5, 2.0, state="paused"),
        slice_event("a-0", 1, 0.6, 3.0),
        slice_event("a-0", 0, 0.7, 4.0, curve=[[3, 1.0, 0.7, None]]),
        torn='{"event": "sli',
    )
    table = load_table(path, by="dataset,machine")
    assert table.name == "x"
    assert [values for values, _ in table.groups] == [{"dataset": "digits", "machine": "mine"}]
    assert table.trials[["trial", "energy_j"]].to_numpy().tolist() == [[1, 3.0], [0, 6.0]]
    assert list(table.slices["energy_j"]) == [2.0, 3.0, 4.0]
    assert list(table.slices["g.dataset"]) == ["digits"] * 3
    assert len(table.curves) == 5
    pd.testing.assert_frame_equal(load_table(table, by="dataset,machine").slices, table.slices)


def test_what_changes_trials_changes_their_slices(folder):
    path = folder(
        slice_event("a-0", 0, 0.5, 2.0, state="paused", test_accuracy=0.1),
        slice_event("a-0", 0, 0.7, 4.0, test_accuracy=0.2),
    )
    table = load_table(path, mapping="accuracy=test_accuracy,energy_j=energy_j*2")
    assert list(table.trials["accuracy"]) == [0.2]
    assert list(table.slices["accuracy"]) == [0.1, 0.2]
    assert list(table.slices["energy_j"]) == [4.0, 8.0]


def test_an_interrupted_run_is_read_as_far_as_it_went(folder):
    lost = {
        "event": "interrupted",
        "run": "a-0",
        "trial": 1,
        "params": {"epochs": 2},
        "energy_j": 1.0,
        "message": "stopped",
    }
    table = load_table(folder(slice_event("a-0", 0, 0.5, 2.0), lost))
    assert list(table.trials["state"]) == ["complete", "interrupted"]
    assert list(table.trials["energy_kind"]) == ["modelled", "lower bound"]
    assert table.trials["accuracy"].isna().tolist() == [False, True]


def test_a_ledger_without_trials_or_with_damage_is_refused(folder):
    assert "no trial has ended yet" in refusal(folder())
    for damage in ({"event": "slice"}, {"run": "a-0"}, slice_event("nameless", 0, 0.5, 1.0)):
        message = refusal(folder(slice_event("a-0", 0, 0.5, 2.0), damage))
        assert "ledger.jsonl: damaged" in message
    with pytest.raises(OutputError, match=r"ledger.jsonl, line 1: damaged"):
        load_table(folder(torn="{}x\n"))


def test_a_folder_without_a_ledger_is_read_from_its_tables(folder, write, tmp_path):
    path = folder(slice_event("a-0", 0, 0.5, 2.0))
    table = load_table(path)
    table.write(path / "trials.parquet")
    (path / "ledger.jsonl").unlink()
    again = load_table(path, by="dataset")
    assert again.name == "x"
    assert list(again.trials["g.dataset"]) == ["digits"]
    pd.testing.assert_frame_equal(again.trials.drop(columns="g.dataset"), table.trials)
    pd.testing.assert_frame_equal(again.curves, table.curves, check_dtype=False)


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]",
        "experiment: 3\nspace: [1]\nmeter: {a: 1}\nversions: x\nmachine:\ndata: 1.5",
        "experiment: {dataset: digits}\nmeter: [1, {id: x}]\nspace: {a: {low: x}}\n",
        "{",
    ],
)
def test_a_description_that_makes_no_sense_harms_nothing(tmp_path, text):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "experiment.yaml").write_text(text)
    trials = pd.DataFrame({"strategy": ["a", "b"], "energy_j": [1.0, 2.0], "accuracy": [0.5, 0.6]})
    trials.to_parquet(folder / "trials.parquet")
    table = load_table(folder)
    assert "<html" in study.render(table, table.compare().to_dict())
