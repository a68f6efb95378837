"""A run folder is a table that knows its experiment, its runs and how it was worked on."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from perjoule import load_table
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.loading import read_run
from perjoule.benchmarks.comparison.messages import file_name
from perjoule.benchmarks.tables.contract import CURVE_COLUMNS, RUN_COLUMNS, TRIAL_COLUMNS
from perjoule.errors import DataError, OutputError
from perjoule.reports import page

from .ledgers import LOST, end_event, slice_event, write_folder

EXPERIMENT = {"strategies": ["tpe", "random"], "seeds": 2, "budget_j": 40.0, "dataset": "digits"}


@pytest.fixture
def folder(tmp_path):
    """Writes a run folder by hand, as an earlier version did."""

    def write(*events, torn="", **experiment):
        return write_folder(tmp_path, EXPERIMENT | experiment, *events, torn=torn)

    return write


@pytest.fixture
def row_of(folder):
    """The only trial of a ledger of one event."""

    def row(event, **experiment):
        [row] = read_run(folder(event, **experiment)).trials.to_dict("records")
        return row

    return row


def test_all_runs_are_known_those_without_a_trial_too(folder):
    table = read_run(
        folder(
            slice_event("tpe-0", 0, 0.5, 3.0),
            slice_event("random-0", 0, 0.5, 2.0, state="paused"),
            {"event": "search", "run": "random-0", "energy_j": 0.5},
            {**end_event("random-0", "strategy error"), "message": "ValueError: no"},
            {"event": "search", "run": "tpe-1", "energy_j": None},
            LOST,
        )
    )
    assert tuple(table.runs) == RUN_COLUMNS
    assert table.runs["run"].tolist() == ["tpe-0", "random-0", "tpe-1", "random-1"]
    assert set(table.runs["allotment_j"]) == {10.0}
    assert table.runs["unplaced_j"].fillna(-1).tolist() == [0.0, 0.5, -1, 0.0]
    assert table.runs["end"].tolist() == [None, "strategy error", None, None]
    assert table.runs["message"].tolist() == ["", "ValueError: no", "", ""]
    # What was paused is pruned, since its run is over.
    assert table.trials["state"].tolist() == ["pruned", "interrupted"]


@pytest.mark.parametrize("events", [(), (slice_event("tpe-0", 0, 0.9, 1.0),)])
def test_the_table_has_the_contracts_columns_even_when_empty(folder, events):
    table = read_run(folder(*events))
    assert tuple(n for n in table.trials if not n.startswith("p.")) == TRIAL_COLUMNS
    assert tuple(table.curves) == CURVE_COLUMNS
    assert table.trials.dtypes[["energy_j", "epochs"]].astype(str).tolist() == ["float64", "Int64"]


def test_what_is_not_known_is_null_and_never_zero(row_of):
    row = row_of(slice_event("tpe-0", 0, 0.9, None, search_j=None, n_parameters=None))
    unknown = ("energy_j", "energy_train_j", "energy_search_j", "cpu_j", "gpu_j", "n_parameters")
    assert all(pd.isna(row[name]) for name in unknown)
    assert row["energy_setup_j"] == 0.1


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_trial_that_is_nobodys_result_has_joules_but_no_accuracy(folder, state):
    table = read_run(folder(slice_event("random-1", 1, 0.8, 2.0, state=state, message="why")))
    [row] = table.trials.to_dict("records")
    assert pd.isna(row["score"])
    assert (row["energy_j"], row["seed"], row["message"]) == (2.0, 1, "why")
    assert table.curves["score"].notna().all()


def test_a_lost_slice_is_a_row_with_what_it_was_last_heard_of(row_of):
    lost = {**LOST, "run": "skopt-gp-0", "energy_j": 0.7}
    row = row_of(lost, strategies=["skopt-gp", "tpe"])
    assert (row["strategy"], row["seed"], row["state"]) == ("skopt-gp", 0, "interrupted")
    assert (row["energy_j"], row["energy_kind"]) == (0.7, "lower bound")


def test_predicted_joules_are_those_of_all_slices_of_a_trial(folder):
    table = read_run(
        folder(
            slice_event("tpe-0", 0, 0.5, 3.0, state="paused", predicted_j=2.0),
            slice_event("tpe-0", 0, 0.6, 3.0, predicted_j=5.0),
            slice_event("tpe-0", 1, 0.6, 3.0),
        )
    )
    assert table.trials["predicted_j"].fillna(-1).tolist() == [7.0, -1]
    assert table.slices["predicted_j"].fillna(-1).tolist() == [2.0, 5.0, -1]


def test_the_description_tells_the_space_and_the_work(small, folder):
    description = read_run(small.folder).description
    assert description["space"]["epochs"]["high"] == 3
    work = description["work"]
    assert work["workers"] == 1
    assert 0 < work["asking_share"] < 1
    assert [row["energy_j"] > 0 for row in work["overhead"]] == [True, False]
    assert read_run(folder()).description["work"]["wall_s"] is None


def test_a_folder_without_an_ended_trial_has_runs_but_is_no_table_of_trials(folder):
    table = read_run(folder({"event": "start", "workers": 1, "startup_j": 0.1}))
    assert (len(table.trials), len(table.runs)) == (0, 4)
    assert table.description["work"]["overhead"][0]["energy_j"] == 0.1
    with pytest.raises(DataError, match="no trial has ended yet: go on with it by --resume"):
        load_table(folder())


def test_a_run_folder_is_read_from_its_ledger(folder):
    path = folder(
        slice_event("tpe-0", 0, 0.5, 2.0, state="paused"),
        slice_event("tpe-0", 1, 0.6, 3.0),
        slice_event("tpe-0", 0, 0.7, 4.0, curve=[[3, 1.0, 0.7, None]]),
        torn='{"event": "sli',
    )
    table = load_table(path, by="dataset,machine")
    assert table.name == path.name
    assert [values for values, _ in table.groups] == [{"dataset": "digits", "machine": "mine"}]
    assert table.trials[["trial", "energy_j"]].to_numpy().tolist() == [[1, 3.0], [0, 6.0]]
    assert list(table.slices["energy_j"]) == [2.0, 3.0, 4.0]
    assert list(table.slices["g.dataset"]) == ["digits"] * 3
    assert len(table.curves) == 5
    pd.testing.assert_frame_equal(load_table(table, by="dataset,machine").slices, table.slices)


def test_what_changes_trials_changes_their_slices(folder):
    path = folder(
        slice_event("tpe-0", 0, 0.5, 2.0, state="paused", test_score=0.1),
        slice_event("tpe-0", 0, 0.7, 4.0, test_score=0.2),
    )
    table = load_table(path, mapping="accuracy=test_accuracy,energy_j=energy_j*2")
    assert list(table.trials["score"]) == [0.2]
    assert list(table.slices["score"]) == [0.1, 0.2]
    assert list(table.slices["energy_j"]) == [4.0, 8.0]


def test_a_folder_without_a_ledger_is_read_from_its_tables(folder):
    path = folder(slice_event("tpe-0", 0, 0.5, 2.0))
    table = load_table(path)
    table.write(path / "trials.parquet")
    schema = pq.read_schema(path / "trials.parquet")
    assert schema.metadata[b"perjoule_table"] == b"2"
    assert schema.field("energy_j").metadata[b"unit"] == b"J"
    (path / "ledger.jsonl").unlink()
    again = load_table(path, by="dataset")
    assert again.name == path.name
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
    trials = pd.DataFrame({"strategy": ["a", "b"], "energy_j": [1.0, 2.0], "score": [0.5, 0.6]})
    trials.to_parquet(folder / "trials.parquet")
    table = load_table(folder)
    assert "<html" in page.render(table, table.compare())


@pytest.mark.parametrize(
    "event",
    [
        {"event": "unheard of", "run": "tpe-0"},
        {"event": "slice"},
        {"run": "tpe-0"},
        {"event": "start", "workers": "many", "startup_j": None},
        end_event("tpe-0", "no reason"),
        slice_event("stranger-0", 0, 0.5, 1.0),
        slice_event("nameless", 0, 0.5, 1.0),
    ],
)
def test_an_event_that_cannot_be_is_refused_in_one_line(folder, event):
    path = folder(slice_event("tpe-0", 0, 0.5, 3.0), event)
    with pytest.raises(OutputError, match=r"ledger\.jsonl, line 2: damaged") as raised:
        read_run(path)
    assert "\n" not in str(raised.value)


def test_no_two_runs_share_a_file_and_plain_names_are_kept():
    names = ["tpe-0", "my.Own-0", "my:Own-0", "my/Own-0", "my Own-0", "größe-0"]
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert (files[0], files[1], files[-1]) == (names[0], names[1], names[-1])
    assert not set("/: ") & set("".join(files))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, []) for name in ("experiment", "space", "versions", "machine", "data", "runtime")),
        *(("meter", None), ("meter", [1]), ("meter", [{"id": 3}]), ("runtime", {"device": None})),
        *(("workers", -1), ("workers", "x"), ("workers", 10**400), ("keep_weights", "no way")),
        *(("name", None), ("created", [1]), ("energy_model", 3), ("metric", {"name": "rmse"})),
        *(("experiment", {"seeds": 1e300}), ("experiment", {"unheard of": 1}), (None, [1])),
    ],
)
def test_a_description_of_a_wrong_shape_is_one_line(folder, name, value):
    path = folder(slice_event("tpe-0", 0, 0.5, 3.0)) / "experiment.yaml"
    stated = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(value if name is None else stated | {name: value}))
    with pytest.raises(
        OutputError, match=r"experiment\.yaml: damaged \(.*: restore a copy"
    ) as error:
        read_run(path.parent)
    assert "\n" not in str(error.value)


def test_a_folder_reads_the_statistics_of_all_features_that_it_wrote(folder, tmp_path):
    path = folder(slice_event("tpe-0", 0, 0.5, 3.0)) / "experiment.yaml"
    statistics = {"mean": [0.5] * 20_000, "deviation": [1.5] * 20_000}
    stated = yaml.safe_load(path.read_text()) | {"data": {"normalisation": statistics}}
    new = Folder(tmp_path / "new")
    with new.locked():
        new.create(stated)
    assert new.description()["data"]["normalisation"] == statistics


def test_a_description_that_knew_fewer_fields_has_their_defaults(folder):
    path = folder(slice_event("tpe-0", 0, 0.5, 3.0))
    stated = yaml.safe_load((path / "experiment.yaml").read_text())
    stated["experiment"] = {"strategies": ["tpe"], "seeds": 1}
    (path / "experiment.yaml").write_text(yaml.safe_dump(stated))
    table = load_table(path)
    assert table.description["experiment"]["budget_j"] == Experiment().budget_j
    assert "<html" in page.render(table, table.compare())
    stated["meter"][0]["warnings"] = None
    (path / "experiment.yaml").write_text(yaml.safe_dump(stated))
    with pytest.raises(OutputError, match=r"damaged \(.*warnings"):
        read_run(path)


def test_choices_among_text_and_numbers_are_a_column_of_text(folder, tmp_path):
    values = ["sqrt", 0.5, None]
    events = [slice_event("tpe-0", n, 0.5, 1.0, params={"k": k}) for n, k in enumerate(values)]
    table = read_run(folder(*events))
    table.write(tmp_path / "t.parquet")
    again = load_table(tmp_path / "t.parquet").trials["p.k"]
    assert [each if isinstance(each, str) else None for each in again] == ["sqrt", "0.5", None]
