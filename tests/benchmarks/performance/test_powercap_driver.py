"""The driver of registers with known joules, which the metering benchmark measures meters by."""

import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.performance.powercap import PROFILES, DriveLog, Profile, Zone, ZoneDriver
from perjoule.energy import EnergyMeter
from perjoule.energy.sources import rapl

SMALL_RANGE_UJ = 5_000_000

seconds = st.floats(0, 100)
watts = st.floats(0, 1_000)
profiles = st.lists(st.tuples(st.floats(0.01, 10), watts, watts), min_size=1, max_size=4).map(
    lambda stretches: Profile(tuple(stretches))
)


@given(profiles, seconds, seconds)
def test_energy_lies_between_the_least_and_the_most_power_times_time(profile, start_s, length_s):
    powers_w = [power_w for _, *both in profile.stretches for power_w in both]
    energy_j = profile.energy_j(start_s + length_s) - profile.energy_j(start_s)
    slack_j = 1e-9 * (profile.energy_j(start_s + length_s) + max(powers_w)) + 1e-300
    assert min(powers_w) * length_s - slack_j <= energy_j <= max(powers_w) * length_s + slack_j


@given(profiles, st.integers(0, 50), st.floats(0, 1))
def test_energy_repeats_every_period(profile, periods, share):
    rest_s = share * profile.period_s
    expected_j = periods * profile.energy_j(profile.period_s) + profile.energy_j(rest_s)
    energy_j = profile.energy_j(periods * profile.period_s + rest_s)
    assert energy_j == pytest.approx(expected_j, rel=1e-9, abs=1e-6)


def test_the_energy_of_a_ramp_is_the_area_under_it():
    ramp = Profile(((2.0, 20.0, 100.0), (1.0, 50.0, 50.0)))
    assert ramp.energy_j(1.0) == pytest.approx(40)  # from 20 to 60 W
    assert ramp.energy_j(2.0) == pytest.approx(120)
    assert ramp.energy_j(2.5) == pytest.approx(145)
    assert ramp.energy_j(3.5) == pytest.approx(170 + 15)


def test_an_update_is_around_a_reading_if_the_reading_may_show_it_or_just_missed_it():
    log = DriveLog(0.0, [0.0, 1.0, 2.0, 3.0], [0.1, 1.1, 2.1, 3.1])
    assert log.updates_s(1.5, 1.6) == [1.0, 2.0]
    assert log.updates_s(1.05, 1.06) == [0.0, 1.0, 2.0]  # the second is being written
    assert log.quantum_j("constant 80 W", 1.5, 1.6) == pytest.approx(80)
    assert log.longest_gap_s(1.5, 2.5) == 1.0
    assert log.longest_gap_s(3.5, 3.6) == float("inf")  # nothing is known behind the end


@pytest.mark.skipif(sys.platform != "linux", reason="processes share no clock there")
def test_registers_show_the_joules_of_their_profiles_at_their_last_update(tmp_path: Path):
    zones = [
        Zone(str(tmp_path / f"intel-rapl:{number}"), profile, range_uj=SMALL_RANGE_UJ)
        for number, profile in enumerate(PROFILES)
    ]
    readings = []
    with ZoneDriver(zones) as driver:
        for _ in range(20):
            time.sleep(0.005)
            for zone in zones:
                asked_s = time.perf_counter()
                text = (Path(zone.folder) / "energy_uj").read_text()
                readings.append((zone, asked_s, time.perf_counter(), int(text)))
    for zone, asked_s, had_s, register in readings:
        energies_j = [
            driver.log.energy_j(zone.profile, driver.epoch_s, update_s)
            for update_s in driver.log.updates_s(asked_s, had_s)[:-1]
        ]
        assert register in [zone.register(energy_j) for energy_j in energies_j]
    assert len({register for *_, register in readings}) > len(zones)  # they do move


@pytest.mark.skipif(sys.platform != "linux", reason="processes share no clock there")
def test_a_meter_on_a_driven_tree_is_off_by_no_more_than_an_update_and_its_own_time(tmp_path: Path):
    profile = "constant 80 W"
    zone = Zone(str(tmp_path / "intel-rapl" / "intel-rapl:0"), profile)
    with (
        ZoneDriver([zone]) as driver,
        EnergyMeter(rapl.discover(tmp_path / "intel-rapl").sources) as meter,
    ):
        begin_s = time.perf_counter()
        window = meter.window()
        began_s = time.perf_counter()
        time.sleep(0.1)
        end_s = time.perf_counter()
        reading = window.close()
        ended_s = time.perf_counter()
    log = driver.log
    edges = ((begin_s, began_s), (end_s, ended_s))
    slack_j = sum(log.energy_j(profile, *edge) for edge in edges)
    slack_j += max(log.quantum_j(profile, *edge) for edge in edges)
    truth_j = log.energy_j(profile, began_s, end_s)
    assert reading.component_j("cpu") == pytest.approx(truth_j, abs=slack_j)
