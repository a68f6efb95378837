"""Run folders as trial tables."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml

from perjoule import load_table
from perjoule.errors import DataError, OutputError
from perjoule.reports import study

from .test_record import slice_event


@pytest.fixture
def write(tmp_path):
    def write(content, name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    return write


def refusal(source):
    with pytest.raises(DataError) as caught:
        load_table(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


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
