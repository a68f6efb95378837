"""Curves, slices, runs and descriptions that lie beside the trials."""

import pytest

from perjoule import load_table
from perjoule.benchmarks.tables.contract import CURVE_COLUMNS, RUN_COLUMNS
from perjoule.benchmarks.tables.table import Table
from perjoule.errors import OutputError

from .made import frame, refusal, runs_of, whole_table

HEADERS = {
    "curves": "run,trial,epoch,energy_j,accuracy,loss\n",
    "slices": "run,strategy,trial,energy_j,accuracy\n",
    "runs": ",".join(RUN_COLUMNS) + "\n",
}
TRIALS = """run,strategy,energy_j,accuracy,trial,seed,dataset,g.d
r,a,2,0.5,0,3,u,x
r,a,1,0.5,1,3,u,x
"""


@pytest.fixture
def beside(write):
    """Write a side of a table of two trials; give the table's file."""

    def beside(side, rows, header=None):
        write((header or HEADERS[side]) + rows, f"t.{side}.csv")
        return write(TRIALS)

    return beside


def test_curves_beside_a_table_belong_to_it(beside):
    table = load_table(beside("curves", "r,0,1,0.2,0.4,\nr,0,2,0.5,0.5,1.25\nr,1,1,,0.5,-2\n"))
    assert list(table.curves) == list(CURVE_COLUMNS)
    assert table.curves["energy_j"].tolist()[:2] == [0.2, 0.5]
    assert table.curves["loss"].isna().tolist() == [True, False, False]
    assert table.notes == ()
    without = load_table(
        beside("curves", "r,0,1,0.2,0.4,x\n", HEADERS["curves"].replace("loss", "note"))
    )
    assert without.curves["loss"].isna().all()


def test_curves_of_no_trial_are_left_out_and_noted(beside):
    table = load_table(beside("curves", "q,0,1,1,0.4,1\nr,0,1,1,0.4,1\nr,7,1,1,0.4,1\n"))
    assert table.curves[["run", "trial"]].to_numpy().tolist() == [["r", 0]]
    assert table.notes == (
        "2 of 3 points of curves belong to no trial, such as trial 0 of run 'q', and were left "
        "out.",
    )


def test_curves_are_left_out_where_their_trials_are_made_of_other_columns(beside):
    path = beside("curves", "r,0,1,1,0.4,1\n")
    table = load_table(path, mapping="energy_j=energy_j*3.6e6")
    assert table.curves is None
    assert "curves of t were left out" in table.notes[0]
    assert load_table(path, mapping="p.x=trial").curves is None


def test_slices_beside_a_table_belong_to_it(beside):
    table = load_table(beside("slices", "r,a,0,0.5,0.1\nr,a,1,1,0.5\nr,a,0,1.5,0.5\n"))
    assert list(table.slices["trial"]) == [0, 1, 0]
    assert list(table.slices["energy_j"]) == [0.5, 1.0, 1.5]
    assert set(table.trials) - set(table.slices) == {"p.dataset", "g.d"}
    assert table.notes == ()
    left = load_table(beside("slices", "r,a,0,2,0.5\nq,a,0,9,0.9\nr,a,1,1,0.5\n"))
    assert len(left.slices) == 2
    assert left.notes[0].startswith("1 of 3 slices belong to no trial, such as trial 0 of run 'q'")


def test_runs_beside_a_table_belong_to_it_and_know_its_groups(beside):
    table = load_table(beside("runs", "r,a,3,5.5,,spent,\nidle,b,,5.5,0.25,,odd\n"))
    assert list(table.runs) == [*RUN_COLUMNS, "g.d"]
    rows = table.runs.astype(object).where(table.runs.notna(), None).to_numpy().tolist()
    assert rows == [
        ["r", "a", 3, 5.5, None, "spent", None, "x"],
        ["idle", "b", None, 5.5, 0.25, None, "odd", None],
    ]


@pytest.mark.parametrize(
    ("side", "rows", "words"),
    [
        ("curves", "r,0,1\n", "row 1: 3 cells where the header has 6"),
        ("curves", "r,0,1.5,0.2,0.4,1\n", "row 1, column epoch: '1.5' is no whole number"),
        ("curves", "r,,1,0.2,0.4,1\n", "row 1, column trial: '' is empty"),
        ("curves", ",0,1,0.2,0.4,1\n", "row 1, column run: '' is empty"),
        ("curves", "r,0,1,-1,0.4,1\n", "row 1, column energy_j: '-1' is below zero"),
        ("curves", "r,0,1,1,40,1\n", "row 1, column accuracy: '40' is above 1"),
        ("curves", "r,0,1,1,0.4,inf\n", "row 1, column loss: 'inf' is infinite"),
        ("curves", "r,0,1,1,0.4,1\nr,0,1,1,0.4,1\n", "row 2, column epoch: '1' is there twice"),
        (
            "curves",
            "r,0,2,1,0.4,1\nr,0,1,2,0.4,1\n",
            "row 1, column energy_j: '1' is less than at",
        ),
        ("slices", "", "no rows below the header"),
        ("slices", "r,a,0\n", "row 1: 3 cells where the header has 5"),
        ("slices", "r,a,,2,0.5\n", "row 1, column trial: <NA> is empty: every slice has one"),
        ("slices", "r,a,0,2,50\n", "row 1, column accuracy: '50' is above 1"),
        ("slices", "r,a,0,2,0.5\n", "trial 1 of run 'r' has no slice"),
        (
            "slices",
            "r,a,0,2,0.5\nr,a,1,3,0.5\n",
            "1 of run 'r' does not have the joules of its",
        ),
        (
            "slices",
            "r,a,0,2,0.5\nr,a,1,1,0.5\nr,a,1,,0.5\n",
            "does not have the joules of its slices",
        ),
        ("runs", "r,a\n", "row 1: 2 cells where the header has 7"),
        ("runs", ",a,3,1,1,,\n", "row 1, column run: '' is empty: every run has a name"),
        ("runs", "r,a,3,1,1,,\nr,a,3,1,1,,\n", "row 2, column run: 'r' is there twice"),
        ("runs", "r,a,3,-1,1,,\n", "row 1, column allotment_j: '-1' is below zero"),
        ("runs", "q,a,3,1,1,,\n", "no row for run 'r', which has trials"),
        (
            "runs",
            "r,b,3,1,1,,\n",
            "row 1, column strategy: 'b' is another than in the trials of the run",
        ),
        ("runs", "r,a,4,1,1,,\n", "row 1, column seed: 4 is another than in the trials of the run"),
    ],
)
def test_sides_that_cannot_be_are_refused(beside, side, rows, words):
    message = refusal(beside(side, rows))
    assert side != "curves" or "t.curves.csv" in message
    assert words in message


def test_sides_without_a_column_or_of_another_group_are_refused(beside):
    header = "run,strategy,seed,allotment_j\n"
    assert "no column unplaced_j among run, strategy" in refusal(
        beside("runs", "r,a,3,1\n", header)
    )
    header = HEADERS["runs"].replace("\n", ",g.d\n")
    assert "column g.d: 'y' is another" in refusal(beside("runs", "r,a,3,1,1,,,y\n", header))
    assert "no column epoch among run, trial" in refusal(beside("curves", "r,0\n", "run,trial\n"))


def test_runs_are_grouped_with_their_trials_and_as_their_experiment_says():
    trials = frame(run=["q", "r"], seed=[0, 0], d=["x", "y"])
    runs = runs_of("q", "r", "idle", **{"g.d": ["x"]}).assign(**{"g.d": ["x", "y", "y"]})
    groups = load_table(Table(trials, runs=runs), by="d").groups
    assert [list(part.runs["run"]) for _, part in groups] == [["q"], ["r", "idle"]]
    told = Table(trials, runs=runs_of("q", "r", "idle"), description={"experiment": {"n": 3}})
    [(values, part)] = load_table(told, by="n").groups
    assert values == {"n": 3}
    assert list(part.runs["g.n"]) == [3, 3, 3]


@pytest.mark.parametrize(
    ("mapping", "kept"),
    [
        ("accuracy=test_accuracy", True),
        ("p.x=lr", True),
        ("energy_j=energy_j*2", False),
        ("seed=lr", False),
        ("p.x=seed", False),
    ],
)
def test_runs_are_left_out_where_a_mapping_changes_them(mapping, kept):
    trials = frame(run=["r", "r"], seed=[0, 0], test_score=[0.3, 0.4], lr=[1, 1])
    table = load_table(Table(trials, "t", runs=runs_of("r")), mapping=mapping)
    assert (table.runs is not None) == kept
    notes = ("What the runs of t may spend was left out: --map changes them.",)
    assert table.notes == (() if kept else notes)


WHOLE = whole_table()
DESCRIBED = {"experiment": {"dataset": "digits"}}


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "trials.csv"])
def test_a_file_of_another_table_is_not_taken_for_a_part(tmp_path, name):
    for beside in WHOLE.write(tmp_path / name)[1:]:
        others = {path: path.read_bytes() for path in tmp_path.iterdir() if path != beside}
        for path in others:
            path.unlink()
        with pytest.raises(OutputError, match=r"is there, and this table has no \w+: remove it"):
            Table(WHOLE.trials).write(tmp_path / name)
        assert list(tmp_path.iterdir()) == [beside]
        for path, content in others.items():
            path.write_bytes(content)


def test_files_of_one_name_and_two_endings_do_not_mix(tmp_path):
    WHOLE.write(tmp_path / "t.csv")
    Table(WHOLE.trials).write(tmp_path / "t.parquet")
    read = load_table(tmp_path / "t.parquet")
    assert (read.curves, read.slices, read.runs, read.description) == (None,) * 4
    assert load_table(tmp_path / "t.csv").description == DESCRIBED


def test_the_description_of_a_run_folder_is_not_written_over(write, tmp_path):
    write("experiment: {dataset: digits}\n", "experiment.yaml")
    trials = tmp_path / "trials.csv"
    assert Table(WHOLE.trials, description=DESCRIBED).write(trials) == [trials]
    for other in (None, {"experiment": {"dataset": "mnist"}}):
        with pytest.raises(OutputError, match=r"experiment\.yaml is there, and"):
            Table(WHOLE.trials, description=other).write(trials)
    with pytest.raises(OutputError, match=r"experiment\.yaml is there, and this table has no"):
        Table(WHOLE.trials).write(tmp_path / "trials.parquet")


@pytest.mark.parametrize("content", ["{", b"\xff"])
def test_a_damaged_description_costs_no_trials_and_is_noted(write, tmp_path, content):
    WHOLE.write(tmp_path / "t.csv")
    path = write(content, "t.experiment.yaml")
    table = load_table(tmp_path / "t.csv")
    assert table.description is None
    assert table.notes == (f"{path} is damaged: what it says of the experiment is left out.",)
