"""Faults in columns of energy, power and time."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from perjoule.benchmarks.audit import audit
from perjoule.errors import DataError

HOURS = np.array([0.7, 0.8, 0.5, 0.65, 1.2, 0.9])
WATTS = np.array([156.9, 153.4, 150.3, 156.5, 149.6, 160.1])
TIME_S = HOURS * 3600
SUMS = WATTS * np.round(TIME_S) * 1.0003
SUMS_MJ = SUMS * TIME_S / 1e6
CARD = {"gpu": ["RTX 3090"] * 30, "duration (h)": np.random.default_rng(0).uniform(0.5, 2, size=30)}
WHOLE = np.random.default_rng(0).integers(10**5, 10**6, size=30).astype(float)


def trainings(changed=()):
    """Trainings whose energy is an integral of their power; None leaves a column out."""
    columns = {
        "training duration (h)": HOURS,
        "total power (W)": SUMS,
        "average power draw (W)": WATTS,
        "max power limit (W)": [350.0] * len(HOURS),
        "energy (MJ)": WATTS * TIME_S / 1e6 * 1.0001,
        **dict(changed),
    }
    return {name: cells for name, cells in columns.items() if cells is not None}


def timed(name):
    return trainings({"training duration (h)": None, name: HOURS, "energy (MJ)": SUMS_MJ})


def best_of_means(k, n=10_000, decimals=7):
    """The best of ever more means of ``k`` accuracies on ``n`` samples, in ten searches."""
    counts = np.random.default_rng(0).integers(n // 5, n * 9 // 10, size=(10, 20, k))
    best = np.maximum.accumulate((counts / n).mean(axis=2), axis=1).ravel()
    return {"energy_j": 200.0 + np.arange(200.0), "best_acc": np.round(best, decimals)}


def test_integrated_energies_have_nothing_against_them(write):
    result = audit(write("table.csv", trainings()))
    assert result.findings == ()
    assert result.inputs[0].kind == "table of energies"
    assert {"power-times-duration", "energy-as-power"} <= {*result.checked[0].ran}
    assert result.checked[0].lacking["few-repetitions"] == (
        "no column strategy, no energy_j, no score"
    )


def test_a_sum_of_readings_times_the_duration_is_no_energy(tell):
    check = "power-times-duration"
    for time in ("training duration (h)", "duration", "time"):
        tell(timed(time), check, f"columns energy (MJ), total power (W), {time}: ")
    sums = {"energy (MJ)": SUMS_MJ}
    no_machine_draws_so_much = trainings({**sums, "average power draw (W)": None})
    tell(no_machine_draws_so_much, check, "total power (W) of")
    only_the_mean_is_published = trainings({**sums, "total power (W)": None})
    tell(only_the_mean_is_published, check, "times average power draw (W) times the duration")
    total = np.round(WATTS * 2)  # of processor and card is no sum of readings
    power = {"cpu_power_w": WATTS, "gpu_power_w": np.round(WATTS), "total_power_w": total}
    tell({"duration_s": TIME_S, **power, "energy_j": total * TIME_S}, check)


def test_watts_that_are_joules_over_3600_are_energy(tell):
    columns = {"watts": WATTS * HOURS, "joules": WATTS * TIME_S, "time": TIME_S}
    tell(columns, "energy-as-power", "watts is joules in Wh")


def test_sums_of_a_cards_watts_that_are_whole_numbers_lost_their_decimals(tell):
    tell({**CARD, "total power (W)": WHOLE}, "truncated-watts", "all 30 values")
    tell({**CARD, "total power (W)": WHOLE + 0.37}, "truncated-watts")


def test_a_component_of_zero_is_found_once_and_that_of_a_card_needs_a_card(tell):
    zeros = {"cpu_j": [1.0, 2.0, 3.0], "dram_j": [0.0, 0.0, 0.0]}
    tell(zeros, "zero-component", "rows 1-3, column dram_j: ")
    card = {"cpu_j": [1.0, 2.0], "gpu_j": [0.0, 0.0], "gpu model": "RTX 3090"}
    tell(card, "zero-component", "column gpu_j: ")
    tell({**card, "gpu model": ""}, "zero-component")


def test_an_energy_that_is_time_by_another_name_is_found_unless_it_is_said(tell):
    columns = {"duration_s": TIME_S, "energy_j": TIME_S * 65.0}
    tell(columns, "constant-power", "energy_j over duration_s is 65")
    columns |= {"strategy": "a", "accuracy": WATTS / 200, "energy_kind": "modelled"}
    tell(columns, "constant-power")


@pytest.mark.parametrize(
    ("k", "n", "stated"),
    [(4, "10,000", {}), (7, "10,000", {}), (8, "10,000", {}), (3, "10,203", {"test size": 10_203})],
)
def test_best_accuracies_that_are_means_are_found(tell, k, n, stated):
    columns = best_of_means(k, n=int(n.replace(",", ""))) | stated
    tell(columns, "means-as-maxima", f"means of {k} accuracies on {n} samples")


@pytest.mark.parametrize(
    ("n", "decimals"), [(10_000, 4), (10_000, 2), (50_000, 5), (359, 9), (26_032, 9)]
)
def test_plain_accuracies_are_no_means(tell, n, decimals):
    tell(best_of_means(1, n=n, decimals=decimals), "means-as-maxima")


def test_a_first_row_without_values_and_cells_of_any_kind_are_looked_at(tmp_path, tell):
    path = tmp_path / "table.parquet"
    rows = {
        "gpu": [None, *["RTX 3090"] * 29],
        "total power (W)": [None, *range(100_000, 100_029)],
        "gpu_kwh": [0.0] * 30,
        "layers": [[8, 16], None] * 15,
        "at": [None, pd.Timestamp("2026-11-21")] * 15,
    }
    pd.DataFrame(rows).to_parquet(path)
    tell(path, "zero-component", "all 30 rows")
    tell(path, "truncated-watts", "all 29 values")


@pytest.mark.parametrize(
    ("columns", "check"),
    [
        ({"watts": WATTS, "joules": WATTS * 3600, "time": [3600.0] * 6}, "energy-as-power"),
        ({"energy_j": [1.0] * 200, "accuracy": best_of_means(8)["best_acc"]}, "means-as-maxima"),
    ],
)
def test_what_cannot_be_told_is_not_checked(write, columns, check):
    assert check in audit(write("table.csv", columns)).checked[0].lacking


def test_negative_energies_are_found_by_row_and_column(find):
    cells = [-0.1, 0.2, -0.3], [1.0, -0.2, 3.0]
    parts = ("cpu_energy_kwh", "gpu_energy_kwh")
    total = ("energy_j", "net_energy_j")  # a difference may be negative
    for names, n_found in ((parts, 3), (total, 2)):
        (found,) = find(dict(zip(names, cells, strict=True)), "negative-component")
        assert f"row 1, column {names[0]}: " in found
        assert f"the first of {n_found}; also row 3" in found


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


# Power --------------------------------------------------------------------------------------------

I5 = "Intel(R) Core(TM) i5-10400 CPU @ 2.90GHz"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"cpu_power_w": [390.0, 391.0], "cpu_model": I5}, ["391 W in row 2, 6.02 times the 65 W"]),
        ({"cpu_power_w": [160.0, 180.0], "cpu_model": I5}, []),  # turbo
        ({"cpu_power_w": [390.0, 391.0], "cpu_model": "of our own"}, []),
        ({"gpu_power_w": [6400.0, 6413.0]}, ["4.28 times the 1500 W of any card (2 of 2 rows"]),
        ({"gpu_power_w": [6400.0, 6413.0], "gpu_count": 8}, []),
        ({"gpu_power_w": [900.0, 910.0], "gpu_model": "RTX 3060"}, ["175 W of RTX 3060"]),
        ({"gpu_power_w": [330.0, 345.0], "gpu_model": "RTX 3090"}, []),
        ({"energy_j": [6e6, 7e6], "duration_s": [60.0, 61.0]}, ["columns energy_j, duration_s"]),
        ({"energy_j": [6e4, 7e4], "duration_s": [60.0, 61.0]}, []),
        ({"gpu_j": [6e6, 7e6], "latency_ms": [6.0, 7.0]}, None),
    ],
)
def test_power_that_no_such_hardware_draws_is_found(write, tell, columns, expected):
    check, path = "impossible-power", write("table.csv", columns)
    if expected is None:
        assert check in audit(path).checked[0].lacking
    else:
        tell(path, check, *expected)


def told_to_two_decimals(watts, seed=0):
    """Energies that are ``watts`` times durations, as a table of two decimals has them."""
    duration_s = np.random.default_rng(seed).uniform(20, 200, np.shape(watts)).round(2)
    return {"minutes": duration_s, "kwh": (duration_s * 60 * watts / 3.6e6).round(6)}


def test_constant_power_is_seen_through_rounding_and_machine_by_machine(tell, find):
    check = "constant-power"
    tell(told_to_two_decimals(np.full(10, 130.0)), check, "kwh over minutes is 130", "all 10 rows")
    watts = np.where(np.arange(20) < 10, 130.0, 62.5)
    two = {**told_to_two_decimals(watts), "machine": np.where(watts > 100, "big", "small")}
    tell(two, check, "is 130 W (as far as", "10 rows of machine big; 62.5", "of machine small")
    drawn = {"cpu_power_w": np.where(watts > 100, 65.0, 42.5), "machine": two["machine"]}
    tell(drawn, check, "cpu_power_w is 65 W in all 10 rows of machine big; 42.5 W")
    # As it is by what the columns are made of.
    mapping = "energy_j=e*3.6e6,duration_s=t*60,score=s"
    named = {"e": two["kwh"], "t": two["minutes"], "machine": two["machine"], "s": 0.5}
    named |= {"strategy": "a"}
    tell(named, check, "energy_j over duration_s is 130 W", mapping=mapping, by="machine")
    measured = told_to_two_decimals(130.0 * np.random.default_rng(1).normal(1, 0.01, 40))
    tell(measured, check)  # one per cent is no rounding
    coarse = {name: np.round(values, 1) for name, values in two.items() if name != "machine"}
    assert not find({**coarse, "machine": two["machine"]}, check)  # of which nothing can be told


# Cells of any kind --------------------------------------------------------------------------------


def test_cells_that_are_nothing_make_no_traceback(tmp_path):
    n = 12
    energies = np.random.default_rng(0).uniform(90, 110, n)
    columns = {
        "strategy": pa.array(["a", "b"] * (n // 2)),
        "seed": pa.array(range(n)),
        "energy_j": pa.array(energies),
        "score": pa.array(energies / 200),
        "power_w": pa.array([b"\xff"] * n, pa.binary()),
        "gpu_kwh": pa.array([[1.0]] * n),
        "cpu_w": pa.nulls(n),
        "ram_w": pa.array([None] * n, pa.float64()),
        "best_accuracy": pa.array([b"\xfe", None] * (n // 2)),
        "train_s": pa.array(range(n), pa.duration("s")),
        "rate": pa.array(["auto", "0.1", "nan"] * (n // 3)),
        "node_w": pa.array(["x", "12.5"] * (n // 2)),
        "on_w": pa.array([True, False] * (n // 2)),
    }
    parquet.write_table(pa.table(columns), tmp_path / "odd.parquet")
    result = audit(tmp_path / "odd.parquet")
    assert result.inputs[0].kind is not None
    huge = {
        "energy_j": [1.7e308, 1.6e308] * 6,
        "duration_s": [1e-300] * 12,
        "power_w": [1e308] * 12,
    }
    pd.DataFrame(huge).to_csv(tmp_path / "huge.csv", index=False)
    found = audit(tmp_path / "huge.csv").findings
    assert {each.check for each in found} == {"impossible-power", "constant-power"}
    assert all(len(each.evidence) < 300 for each in found)
