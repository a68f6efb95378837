"""Faults in power over time."""

import math
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.audit import audit

POWERS = [100 + 40 * math.sin(i / 9) + i % 7 / 3 for i in range(300)]
WATTS = [f"{power:.2f} W" for power in POWERS]


def smi(powers, gap_s=0):
    """What nvidia-smi writes each second, with one gap."""
    start = pd.Timestamp("2026-11-21 10:00:00")
    times_s = (at + (gap_s if at >= 150 else 0) for at in range(len(powers)))
    return {
        "timestamp": [str(start + pd.Timedelta(seconds=at)) for at in times_s],
        "name": ["NVIDIA GeForce RTX 3090"] * len(powers),
        "power.draw [W]": powers,
    }


def test_a_clean_trace_has_nothing_against_it(write):
    result = audit(write("trace.csv", smi(WATTS)))
    assert result.findings == ()
    assert result.inputs[0].kind == "power trace"
    assert not result.checked[0].lacking


@pytest.mark.parametrize("written", ["{:.0f} W", "{:.0f}.00 W", "{:.0f}"])
def test_whole_watts_of_a_card_are_found(write, tell, written):
    watts = [written.format(power) for power in POWERS]
    tell(smi(watts), "truncated-watts", "all 300 readings")
    few = audit(write("trace.csv", smi(watts[:40])))
    assert "truncated-watts" in few.checked[0].lacking


@pytest.mark.parametrize(("written", "n_found"), [("{:.0f}", 0), ("{:.0f}.0", 1)])
def test_a_wattmeter_may_give_whole_watts_unless_it_writes_decimals(find, written, n_found):
    watts = [written.format(power) for power in POWERS]
    columns = {"time_s": [0.5 * i for i in range(300)], "power_w": watts}
    assert len(find(columns, "truncated-watts")) == n_found


def test_an_energy_from_whole_watts_is_found_beside_its_trace(write, tell, tmp_path):
    powers = [round(power, 2) for power in POWERS]
    write("traces/trace.csv", smi([f"{power:.2f} W" for power in powers]))
    inside = powers[3:-3]
    cut_j, true_j = (
        sum((a + b) / 2 for a, b in pairwise(each))
        for each in ([math.floor(power) for power in inside], inside)
    )
    write("energies.csv", {"model": ["a", "b"], "energy_kj": [true_j / 1e3, cut_j / 1e3]})
    place = "energies.csv, row 2, column energy_kj"
    tell(tmp_path, "truncated-watts", place, "without 3 s at either end")


def test_gaps_are_found_with_the_energy_they_hold_and_one_late_reading_is_none(tell):
    late = "lasts 121 s, from 149 s after the beginning"
    tell(smi(WATTS, gap_s=120), "trace-gaps", "1 gaps", late)
    tell(smi(WATTS, gap_s=3), "trace-gaps")


def test_each_card_is_a_trace_of_its_own(write, find):
    columns = {name: [cell for cell in cells for _ in "01"] for name, cells in smi(WATTS).items()}
    result = audit(write("trace.csv", columns | {"index": [0, 1] * 300}))
    assert result.inputs[0].kind == "power trace"
    assert result.findings == ()


@pytest.mark.parametrize(
    ("watts", "check", "evidence"),
    [
        ([*WATTS[:17], "-3.00 W", *WATTS[18:]], "negative-component", "row 18"),  # no integral
        # Ten readings of each value: a trace shorter than five updates of its sensor.
        ([f"{100 + i // 10:.2f} W" for i in range(40)], "short-windows", "changes every 10 s"),
        (["0.00 W"] * 50, "zero-component", "all 50 rows"),
        (["61.37 W"] * 50, "constant-power", "61.37 W in all 50 rows"),
    ],
)
def test_readings_that_no_sensor_gives_or_too_few_are_found(tell, watts, check, evidence):
    tell(smi(watts), check, evidence)


def test_a_counter_misses_nothing_between_readings(write):
    counted = {"time_s": range(30), "energy_j": [i * 7.5 for i in range(30)]}
    result = audit(write("rapl.csv", counted))
    assert result.inputs[0].kind == "power trace"
    assert "trace-gaps" in result.checked[0].lacking


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 50_000), min_size=2, max_size=60), st.integers(0, 40))
def test_a_trace_at_an_even_pace_has_no_gaps(tmp_path_factory, centiwatts, first):
    path = tmp_path_factory.mktemp("even") / "trace.csv"
    rows = ((first + i, power / 100) for i, power in enumerate(centiwatts))
    pd.DataFrame(rows, columns=["time_s", "power_w"]).to_csv(path, index=False)
    assert all(found.check != "trace-gaps" for found in audit(path).findings)
