"""Faults in columns of energy, power and time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.audit import audit
from perjoule.errors import DataError

HOURS = np.array([0.7, 0.8, 0.5, 0.65, 1.2, 0.9])
WATTS = np.array([156.9, 153.4, 150.3, 156.5, 149.6, 160.1])
READINGS = np.round(HOURS * 3600)


def trainings(**changed):
    """Trainings whose energy is the mean power times the duration, as an integral would give."""
    return {
        "training duration (h)": HOURS,
        "total power (W)": WATTS * READINGS * 1.0003,
        "average power draw (W)": WATTS,
        "max power limit (W)": [350.0] * len(HOURS),
        "energy (MJ)": WATTS * HOURS * 3600 / 1e6 * 1.0001,
        **changed,
    }


def test_integrated_energies_have_nothing_against_them(write):
    result = audit(write("table.csv", trainings()))
    assert result.findings == ()
    assert result.inputs[0].kind == "table of energies"
    assert {"power-times-duration", "energy-as-power"} <= {*result.checked[0].ran}
    assert result.checked[0].lacking["few-repetitions"] == (
        "no column strategy, no energy_j, no accuracy"
    )


@pytest.mark.parametrize("time", ["training duration (h)", "duration", "time"])
def test_a_sum_of_readings_times_the_duration_is_found(write, find, time):
    columns = trainings()
    del columns["training duration (h)"]
    columns[time] = HOURS
    columns["energy (MJ)"] = columns["total power (W)"] * HOURS * 3600 / 1e6
    (found,) = find(write("table.csv", columns), "power-times-duration")
    assert found.where.endswith(f"columns energy (MJ), total power (W), {time}")
    del columns["average power draw (W)"]  # no machine draws so much: it need not be there
    assert len(find(write("table.csv", columns), "power-times-duration")) == 1


def test_the_total_of_processor_and_card_is_no_sum_of_readings(write, find):
    columns = {
        "duration_s": HOURS * 3600,
        "cpu_power_w": WATTS,
        "gpu_power_w": np.round(WATTS),
        "total_power_w": np.round(WATTS * 2),
        "energy_j": np.round(WATTS * 2) * HOURS * 3600,
    }
    assert find(write("table.csv", columns), "power-times-duration") == []


def test_it_is_found_where_only_the_mean_is_published(write, find):
    columns = trainings()
    columns["energy (MJ)"] = columns.pop("total power (W)") * HOURS * 3600 / 1e6
    (found,) = find(write("table.csv", columns), "power-times-duration")
    assert "times average power draw (W) times the duration" in found.evidence


def test_watts_that_are_joules_over_3600_are_energy(write, find):
    joules = WATTS * HOURS * 3600
    path = write("table.csv", {"watts": joules / 3600, "joules": joules, "time": HOURS * 3600})
    (found,) = find(path, "energy-as-power")
    assert "watts is joules in Wh" in found.evidence


def test_they_cannot_be_told_apart_where_all_runs_take_an_hour(write):
    joules = WATTS * 3600
    path = write("table.csv", {"watts": WATTS, "joules": joules, "time": [3600.0] * len(WATTS)})
    assert "energy-as-power" in audit(path).checked[0].lacking


def test_sums_of_a_cards_watts_that_are_whole_numbers_lost_their_decimals(write, find):
    rng = np.random.default_rng(0)
    totals = rng.integers(10**5, 10**6, size=30).astype(float)
    hours = rng.uniform(0.5, 2, size=30)
    columns = {"gpu": ["RTX 3090"] * 30, "duration (h)": hours, "total power (W)": totals}
    (found,) = find(write("whole.csv", columns), "truncated-watts")
    assert "all 30 values" in found.evidence
    kept = {**columns, "total power (W)": totals + 0.37}
    assert find(write("kept.csv", kept), "truncated-watts") == []


def test_a_first_row_without_values_and_cells_of_any_kind_are_looked_at(tmp_path, find):
    path = tmp_path / "table.parquet"
    rows = {
        "gpu": [None, *["RTX 3090"] * 29],
        "total power (W)": [None, *range(100_000, 100_029)],
        "gpu_kwh": [0.0] * 30,
        "layers": [[8, 16], None] * 15,
        "at": [None, pd.Timestamp("2026-11-21")] * 15,
    }
    pd.DataFrame(rows).to_parquet(path)
    assert len(find(path, "zero-component")) == 1
    assert "all 29 values" in find(path, "truncated-watts")[0].evidence


@pytest.mark.parametrize(
    ("names", "n_found"),
    [
        (("cpu_energy_kwh", "gpu_energy_kwh"), 3),  # counted by row and column
        (("energy_j", "net_energy_j"), 2),  # a difference may be negative
    ],
)
def test_negative_energies_are_found(write, find, names, n_found):
    values = ([-0.1, 0.2, -0.3], [1.0, -0.2, 3.0])
    path = write("table.csv", dict(zip(names, values, strict=True)))
    assert len(find(path, "negative-component")) == n_found


def test_a_component_of_zero_is_found_once(write, find):
    path = write("table.csv", {"cpu_j": [1.0, 2.0, 3.0], "dram_j": [0.0, 0.0, 0.0]})
    (found,) = find(path, "zero-component")
    assert found.where.endswith("rows 1-3, column dram_j")


@pytest.mark.parametrize(("model", "n_found"), [("RTX 3090", 1), ("", 0)])
def test_a_card_of_no_energy_needs_a_card(write, find, model, n_found):
    path = write("table.csv", {"cpu_j": [1.0, 2.0], "gpu_j": [0.0, 0.0], "gpu model": model})
    assert len(find(path, "zero-component")) == n_found


def test_an_energy_that_is_time_by_another_name_is_found_unless_it_is_said(write, find):
    columns = {"duration_s": HOURS * 3600, "energy_j": HOURS * 3600 * 65.0}
    (found,) = find(write("table.csv", columns), "constant-power")
    assert "energy_j over duration_s is 65" in found.evidence
    columns |= {"strategy": "a", "accuracy": WATTS / 200, "energy_kind": "modelled"}
    assert find(write("table.csv", columns), "constant-power") == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(1, 1e4), st.floats(10, 500), st.floats(0.8, 1.25)),
        min_size=5,
        max_size=30,
    )
)
def test_no_energy_near_its_mean_power_times_duration_is_accused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("near") / "table.csv"
    duration_s, power_w, factor = map(np.array, zip(*rows, strict=True))
    energy_j = duration_s * power_w * factor
    columns = {"duration_s": duration_s, "mean_power_w": power_w, "energy_j": energy_j}
    pd.DataFrame(columns).to_csv(path, index=False)
    assert all(found.check != "power-times-duration" for found in audit(path).findings)


# Names and units ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["energy (MJ)", "Energy(J)", "kwh", "energy_consumed_kwh", "gpu_joules", "total_energy_Wh"],
)
def test_energies_are_told_by_their_unit(write, name):
    result = audit(write("table.csv", {name: [1.0, 2.0, 3.0]}))
    assert result.inputs[0].kind == "table of energies"


@pytest.mark.parametrize("name", ["energy", "kernel_w", "pool_h", "p.joules", "power limit (W)"])
def test_what_has_no_unit_is_refused(write, name):
    with pytest.raises(DataError, match=r"neither a trial table nor any column of energy"):
        audit(write("table.csv", {name: [1.0, 2.0, 3.0]}))


# Means called maxima ------------------------------------------------------------------------------


def best_of_means(k, n=10_000, decimals=7):
    """The best of ever more means of ``k`` accuracies on ``n`` samples, in ten searches."""
    counts = np.random.default_rng(0).integers(n // 5, n * 9 // 10, size=(10, 20, k))
    best = np.maximum.accumulate((counts / n).mean(axis=2), axis=1).ravel()
    return {"energy_j": 200.0 + np.arange(200.0), "best_acc": np.round(best, decimals)}


@pytest.mark.parametrize("k", [4, 7, 8])
def test_best_accuracies_that_are_means_are_found(write, find, k):
    columns = best_of_means(k)
    (found,) = find(write("table.csv", columns), "means-as-maxima")
    assert f"means of {k} accuracies on 10,000 samples" in found.evidence


def test_a_stated_size_of_the_test_set_is_used(write, find):
    columns = best_of_means(3, n=10_203) | {"test size": [10_203] * 200}
    (found,) = find(write("table.csv", columns), "means-as-maxima")
    assert "means of 3 accuracies on 10,203 samples" in found.evidence


@pytest.mark.parametrize(
    ("n", "decimals"), [(10_000, 4), (10_000, 2), (50_000, 5), (359, 9), (26_032, 9)]
)
def test_plain_accuracies_are_no_means(write, find, n, decimals):
    path = write("table.csv", best_of_means(1, n=n, decimals=decimals))
    assert find(path, "means-as-maxima") == []


def test_other_accuracies_may_be_means(write):
    columns = best_of_means(8)
    path = write("table.csv", {"energy_j": columns["energy_j"], "accuracy": columns["best_acc"]})
    assert "means-as-maxima" in audit(path).checked[0].lacking
