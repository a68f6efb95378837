"""CodeCarbon: which rows are of one tracker, and what its energies are."""

import dataclasses
import json
import math

import pandas as pd
import pytest
from codecarbon.output_methods.emissions_data import EmissionsData
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.importers import import_table

J_PER_KWH = 3.6e6
HEAD = (
    "timestamp,project_name,run_id,duration,emissions,cpu_power,cpu_energy,gpu_energy,ram_energy,"
    "energy_consumed,gpu_count\n"
)


def row(
    minute: int, run_id: str, duration_s: float, kwh: float, cpu=None, gpu=None, ram=None
) -> str:
    """One row; the processor draws no round power."""
    cpu, gpu, ram = (
        share * kwh if given is None else given
        for share, given in ((0.2, cpu), (0.3, gpu), (0.5, ram))
    )
    return (
        f"2024-05-01T10:{minute:02d}:00,project,{run_id},{duration_s},{kwh / 2},123.456789,"
        f"{cpu},{gpu},{ram},{kwh},1\n"
    )


def kwh(table, column: str = "energy_j") -> list[float]:
    return [energy_j / J_PER_KWH for energy_j in table.trials[column]]


def test_rows_of_one_tracker_are_differenced(imported):
    rows = [(1, "a", 60, 1.0, 0.1, 0.6, 0.3), (3, "a", 180, 2.5, 0.3, 1.4, 0.8)]
    rows += [(4, "a", 240, 4.0, 0.4, 2.0, 1.6)]
    # A mark at the beginning is no part of the header.
    table = imported("codecarbon", "\ufeff" + HEAD + "".join(row(*each) for each in rows))
    trials = table.trials
    assert kwh(table) == pytest.approx([1.0, 1.5, 1.5])
    assert kwh(table, "cpu_j") == pytest.approx([0.1, 0.2, 0.1])
    assert kwh(table, "gpu_j") == pytest.approx([0.6, 0.8, 0.6])
    assert kwh(table, "dram_j") == pytest.approx([0.3, 0.5, 0.8])
    assert list(trials["p.emissions_kg"]) == pytest.approx([0.5, 0.75, 0.75])
    assert [f"{at:%H:%M}" for at in trials["started_at"]] == ["10:00", "10:01", "10:03"]
    assert table.strategies == ["project"]
    assert trials["score"].isna().all()
    assert table.notes == ("timestamps of CodeCarbon tell no zone: started_at takes them as UTC",)


@pytest.mark.parametrize(
    ("rows", "energies", "duration_s", "runs"),
    [
        # Several trackers, even if their durations grow.
        ("a 60 1, b 120 2, c 180 3", [1, 2, 3], [60, 120, 180], ["a", "b", "c"]),
        # Trackers that write in turns.
        ("a 60 1, b 30 10, a 120 3, b 90 15", [1, 10, 2, 5], [60, 30, 60, 60], [*"abab"]),
        # Duration and energy fall: a new session.
        ("a 60 1, a 90 3, a 30 1, a 90 2", [1, 2, 1, 1], [60, 30, 30, 60], ["a"] * 2 + ["a#2"] * 2),
        # Only the clock was started again: the energy goes on.
        ("a 60 1, a 30 1.5", [1, 0.5], [60, 30], ["a", "a"]),
    ],
)
def test_sessions_are_told_apart_by_their_tracker(imported, rows, energies, duration_s, runs):
    cells = [each.split() for each in rows.split(", ")]
    text = HEAD + "".join(row(n, run, s, float(e)) for n, (run, s, e) in enumerate(cells))
    table = imported("codecarbon", text)
    assert kwh(table) == pytest.approx(energies)
    trials = table.trials
    assert list(trials["duration_s"]) == duration_s
    assert list(trials["run"]) == runs
    assert list(trials["seed"]) == [sorted(set(runs)).index(run) for run in runs]
    assert list(trials["trial"]) == [runs[:n].count(run) for n, run in enumerate(runs)]


V1 = "timestamp,experiment_id,project_name,duration,emissions,energy_consumed,country_iso_code\n"


def test_version_1_has_no_tracker_so_that_the_moment_of_its_start_decides(imported):
    table = imported(
        "codecarbon",
        V1
        + "2021-05-01T10:01:00,x1,p,60.2,1,1.0,FRA\n"
        + "2021-05-01T10:02:00,x2,p,119.9,2,3.0,FRA\n"  # the same start: cumulative
        + "2021-05-01T11:00:00,x3,p,150.0,2,4.0,FRA\n"  # a longer training later
        + "2021-05-01T11:10:00,x4,q,600.0,2,5.0,FRA\n",
    )
    assert kwh(table) == pytest.approx([1.0, 2.0, 4.0, 5.0])
    assert list(table.trials["run"]) == ["p", "p", "p#2", "q"]
    assert list(table.trials["g.country_iso_code"]) == ["FRA"] * 4
    assert table.trials["energy_kind"].isna().all()


def test_rows_of_tasks_are_differences_already(imported):
    head = HEAD.replace("timestamp", "task_name,timestamp")
    text = head + "load," + row(1, "a", 60, 1.0) + "train," + row(3, "a", 90, 2.0)
    table = imported("codecarbon", text)
    assert kwh(table) == pytest.approx([1.0, 2.0])
    assert list(table.trials["p.task_name"]) == ["load", "train"]
    assert list(table.trials["run"]) == ["a", "a"]


def test_rows_of_the_installed_version_are_read(imported):
    known = {each.name: "" for each in dataclasses.fields(EmissionsData)}
    known |= {"project_name": "digits", "run_id": "a", "experiment_id": "5b0fa12a", "pue": 1.5}
    known |= {"gpu_energy": 0.0, "cpu_power": 12.3456789, "codecarbon_version": "3.3.0"}
    rows = pd.DataFrame([known, known]).assign(
        timestamp=["2026-05-01T10:01:00", "2026-05-01T10:03:00"],
        duration=[60.0, 180.0],
        energy_consumed=[0.5, 1.5],
        cpu_energy=[0.2, 0.6],
        ram_energy=[0.3, 0.9],
    )
    table = imported("codecarbon", rows.to_csv(index=False))
    assert kwh(table) == pytest.approx([0.5, 1.0])
    assert table.trials["gpu_j"].isna().all()  # no card is listed: nothing is missing
    assert "multiplied by the pue of a data centre (2 rows" in table.notes[1]
    assert list(table.trials["g.codecarbon_version"]) == ["3.3.0"] * 2


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(1e-6, 10.0)), min_size=1, max_size=8)
)
def test_the_joules_of_a_session_add_up_to_its_last_row(tmp_path_factory, steps):
    duration_s = energy_kwh = 0.0
    text = HEAD
    for minute, (step_s, step_kwh) in enumerate(steps):
        duration_s, energy_kwh = duration_s + step_s, energy_kwh + step_kwh
        text += row(minute, "a", duration_s, energy_kwh)
    path = tmp_path_factory.mktemp("session") / "emissions.csv"
    path.write_text(text)
    trials = import_table("codecarbon", path).trials
    assert trials["energy_j"].sum() == pytest.approx(energy_kwh * J_PER_KWH)
    assert trials["duration_s"].sum() == pytest.approx(duration_s)


def test_an_impossible_component_is_unknown_and_the_total_a_lower_bound(write, imported):
    path = write(
        HEAD
        + row(1, "a", 60, 0.9, cpu=-0.1, gpu=0.7, ram=0.3)
        + row(1, "b", 60, 1.0, cpu=0.1, gpu=0.6, ram=0.3)
        + row(2, "b", 120, 1.9, cpu=0.0, gpu=1.3, ram=0.6)
    )
    table = imported("codecarbon", path)
    trials = table.trials
    assert kwh(table) == pytest.approx([0.9, 1.0, 0.9])
    assert list(trials["cpu_j"].isna()) == [True, False, True]
    assert list(trials["energy_kind"].fillna("")) == ["lower bound", "", "lower bound"]
    odd = "cpu_energy is negative: cpu_j is unknown, energy_j is too small"
    assert list(trials["message"].fillna("")) == [odd, "", odd]
    assert f"{odd} (2 rows, first: {path}, row 1)" in table.notes


def test_hardware_of_which_nothing_is_read_and_a_total_that_cannot_be_are_unknown(imported):
    text = HEAD + row(1, "a", 60, 0.28, cpu=0.08, gpu=0.0, ram=0.2)
    [trial] = imported("codecarbon", text).trials.to_dict("records")
    assert (math.isnan(trial["gpu_j"]), trial["energy_kind"]) == (True, "lower bound")
    assert trial["message"].startswith("gpu_energy is 0: gpu_j is unknown")
    text = HEAD + row(1, "a", 60, 1.0) + row(2, "a", 120, 0.5, cpu=0.2, gpu=0.3, ram=0.0)
    trials = imported("codecarbon", text).trials
    assert list(trials["energy_j"].isna()) == [False, True]
    assert (
        trials["message"][1].split("; ")[-1]
        == "energy_consumed is negative or 0: energy_j is unknown"
    )


def test_a_zero_leaves_no_more_open_than_the_figures_beside_it(imported):
    text = HEAD + row(1, "a", 60, 0.0024, cpu=0.001, gpu=0.0, ram=0.0002)
    text += row(2, "b", 60, 0.0013, cpu=0.001, gpu=0.0, ram=0.0002)  # of four rounded figures
    assert list(imported("codecarbon", text).trials["energy_j"].isna()) == [True, False]


@pytest.mark.parametrize(
    ("power_w", "cpu_kwh", "gpu_kwh", "version", "kind"),
    [
        ("42.5", 42.5 / 60e3, 0.0, "", "modelled"),
        ("42.5", 42.5 / 60e3, 0.2, "", "measured+modelled"),
        ("42.5", 42.5 / 60e3, 0.2, "3.3.0", None),  # may have integrated the card's power
        ("42.5", 20.0 / 60e3, 0.0, "", None),  # a round figure by chance
        ("42.51234", 42.51234 / 60e3, 0.0, "", None),
    ],
)
def test_the_kind_is_told_only_where_it_is_known(
    imported, power_w, cpu_kwh, gpu_kwh, version, kind
):
    head = HEAD.replace("gpu_count", "gpu_count,codecarbon_version")
    cells = f"{power_w},{cpu_kwh},{gpu_kwh},0.3,{cpu_kwh + gpu_kwh + 0.3},"
    cells += f"{1 if gpu_kwh else ''},{version}"
    table = imported("codecarbon", f"{head}2024-05-01T10:01:00,p,a,60,1,{cells}\n")
    assert table.trials["energy_kind"][0] == kind


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("timestamp,duration\n1,2\n", "no column project_name and no column energy_consumed among"),
        (HEAD, "no trials in it"),
        (HEAD + "2024-05-01T10:01:00,p,a\n", "row 1: 3 cells where the header has 11"),
        (HEAD + row(1, "a", 60, 1.0) + row(2, "b", 60, 1.0)[:30], "row 2: the file ends within it"),
        (HEAD + row(1, "a", "soon", 1.0), "row 1, column duration: 'soon' is no number"),
        (HEAD + row(1, "a", -1, 1.0), "row 1, column duration: '-1' is no time"),
        (HEAD + row(1, "a", 60, 1.0, cpu="much"), "column cpu_energy: 'much' is no number"),
        (HEAD + row(1, "a", 60, 1.0, gpu="inf"), "row 1, column gpu_energy: 'inf' is no number"),
        (HEAD + row(1, "a", 60, 1.0, ram='"0,3"'), "ram_energy: '0,3' is no number, write a deci"),
        (HEAD + row(1, "a", 60, 1.0).replace("2024-05", "May"), "timestamp: .* is no date"),
        (HEAD + row(1, "a", "", 1.0), "row 1, column duration: '' is empty"),
        (HEAD + row(1, "a", 9e9, 1.0).replace("2024", "0001"), "'9000000000.0' is no time"),
        (HEAD + row(1, "a", 60, 1.0).replace("2024-05-01T10:01:00", "0001-01-01T00+14"), "no date"),
        (HEAD + row(1, "a", 60, 1.0).replace("project", ""), "project_name: '' is empty"),
        (HEAD.replace("gpu_count", "run_id"), "two columns are called 'run_id'"),
    ],
)
def test_a_file_that_is_none_says_where_and_why(refused, tmp_path, text, reason):
    assert refused("codecarbon", text, reason).startswith(str(tmp_path))


# What others published ----------------------------------------------------------------------------

ARCHITECTURES = ["VGG16"] * 3 + ["VGG19"] * 3 + ["ResNet50"] * 3  # in each file, in this order


@pytest.mark.parametrize(
    ("data", "ratio", "published"), [("CIFAR10", 1.06, 2.0), ("MNIST", 1.11, 2.26)]
)
def test_published_ratios_are_of_cumulative_rows(recorded, data, ratio, published):
    """Xu et al., HICSS 2023, ResNet50 over VGG16: the mean of all trainings of all regions.

    The authors took the last row of each architecture for its three trainings; but ResNet50 shares
    a session with VGG19, whose joules it thus holds too.
    """
    folder = recorded / "xu-hicss2023" / "data"
    files = sorted((folder / "raw" / "kaggle").glob(f"emissions_{data}_*.csv"))
    rows = import_table("codecarbon", files).trials
    rows["architecture"] = ARCHITECTURES * len(files)
    places = rows["g.file"].str.split("_", n=2).str[2].str.rstrip("2").str.replace("_", " ")
    assert set(rows["energy_kind"]) == {"measured+modelled"}  # 42.5 W, half the default TDP
    means = rows.groupby("architecture")["energy_j"].mean()
    assert means["ResNet50"] / means["VGG16"] == pytest.approx(ratio, abs=0.005)
    cumulative = rows.groupby("run")["energy_j"].cumsum()
    last = cumulative.groupby([places, rows["architecture"]]).last() / 3
    scores = pd.read_csv(folder / "processed" / "scores.csv")
    scores = scores[scores["data"] == data].replace("taipei city", "taipei")
    theirs = scores.set_index(["region", "architecture"])["energy"]
    assert list(last / J_PER_KWH) == pytest.approx(list(theirs.reindex(last.index)))
    theirs = theirs.groupby("architecture").mean()
    assert theirs["ResNet50"] / theirs["VGG16"] == pytest.approx(published, abs=0.005)


def test_a_wattmeter_reads_1_7_to_1_9_times_as_much(recorded):
    folder = recorded / "xu-hicss2023" / "data" / "raw" / "grilla" / "results_summary"
    files = sorted(folder.glob("*/emissions.csv"))
    table = import_table("codecarbon", files)
    trials = table.trials.assign(
        wattmeter_j=[
            json.loads(next(path.parent.glob("summary_*.json")).read_text())["Wh"] * 3600
            for path in files
        ],
        pair=[path.parent.name.removeprefix("out_code_carbon_")[:-2] for path in files],
    )
    assert list(trials["cpu_j"].isna()).count(True) == 2
    assert list(trials["energy_kind"]).count("lower bound") == 2
    assert any("cpu_energy is negative" in note and "(2 rows" in note for note in table.notes)
    ratios = (trials["wattmeter_j"] / trials["energy_j"]).groupby(trials["pair"]).mean()
    assert len(ratios) == 6  # pairs of architecture and data, of three trainings each
    assert [ratios.min(), ratios.max()] == pytest.approx([1.71, 1.87], abs=0.005)


def test_a_total_that_is_written_as_nan_is_unknown_and_no_damage(imported):
    rows = row(1, "a", 60, 1.0) + row(2, "b", 60, math.nan, 0.1, 0.6, 0.3)
    table = imported("codecarbon", HEAD + rows, strict=True)
    assert [math.isnan(each) for each in kwh(table)] == [False, True]
    assert not any("damaged" in note for note in table.notes)
