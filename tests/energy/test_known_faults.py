"""Faults of energy meters that people use, one test each: what ours does instead."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from perjoule.energy import ComponentReading, EnergyMeter, Kind, Reading, SourceInfo
from perjoule.energy.sources import rapl
from perjoule.energy.sources.nvml import source as nvml
from perjoule.energy.sources.nvml.processes import Processes
from perjoule.energy.sources.resolve import Machine, resolve

GREATEST_UJ = 262_143_328_850
"""Of Intel's packages: 262 kJ, then the counter starts again."""


@pytest.fixture(autouse=True)
def _all_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def window_of(sources, during, clock=time.perf_counter) -> Reading:
    """Meter what happens in a function."""
    with EnergyMeter(sources, clock=clock) as meter:
        window = meter.window()
        during()
        return window.close()


def test_zeus_counts_psys_as_a_processor(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000_000)
    powercap.zone("intel-rapl:1", "psys", 1_000_000)

    def work() -> None:
        powercap.show("intel-rapl:0", 1_005_000)
        powercap.show("intel-rapl:1", 1_009_000)

    assert window_of(rapl.discover(powercap.root).sources, work).total_j == pytest.approx(0.005)


def test_zeus_loses_a_wrap_before_its_next_poll(powercap):
    """Read then, its window is 262,142 J below zero."""
    powercap.zone("intel-rapl:0", "package-0", GREATEST_UJ - 99, GREATEST_UJ)
    reading = window_of(
        rapl.discover(powercap.root).sources, lambda: powercap.show("intel-rapl:0", 900)
    )
    assert reading.total_j == pytest.approx(0.001)


def test_zeus_starts_a_process_for_each_zone(powercap):
    for number in range(2):
        powercap.zone(f"intel-rapl:{number}", f"package-{number}", 1_000_000)
    before = set(psutil.Process().children(recursive=True)), threading.active_count()
    with EnergyMeter(rapl.discover(powercap.root).sources):
        assert set(psutil.Process().children(recursive=True)) == before[0]
        assert threading.active_count() == before[1] + 1  # which wakes twice a minute


def test_zeus_drops_power_samples_that_equal_the_last(fakes):
    clock = fakes.Clock()

    def rest() -> None:
        clock.now += 0.2

    with EnergyMeter([fakes.Power(lambda: 50.0)], clock=clock) as meter:
        window = meter.window()
        for _ in range(10):
            rest()
            meter.snapshot()
        assert window.close().total_j == pytest.approx(100.0)


def test_zeus_drops_the_edges_of_a_power_window(fakes):
    """A window between two samples has the energy of its length all the same."""
    clock = fakes.Clock()

    def work() -> None:
        clock.now += 0.03

    reading = window_of([fakes.Power(lambda: 50.0)], work, clock)
    assert reading.total_j == pytest.approx(1.5)
    assert reading.duration_s == pytest.approx(0.03)


def test_zeus_takes_time_from_a_clock_that_can_be_set():
    assert EnergyMeter([]).clock is time.perf_counter


def test_zeus_has_joules_in_a_field_named_millijoules(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000_000)
    reading = window_of(
        rapl.discover(powercap.root).sources, lambda: powercap.show("intel-rapl:0", 1_002_000)
    )
    assert reading.components[0].energy_j == pytest.approx(0.002)
    units = ("_j", "_s", "_w", "_error")
    for facts in (ComponentReading, Reading, SourceInfo):
        numbers = [f.name for f in dataclasses.fields(facts) if "float" in str(f.type)]
        assert all(name.endswith(units) for name in numbers), numbers


def test_zeus_needs_ten_packages_to_import():
    heavy = ("torch", "pandas", "numpy", "plotly", "pyarrow", "codecarbon", "pynvml", "pydantic")
    script = f"import sys, perjoule.energy; print([n for n in {heavy} if n in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ended.stdout.strip() == b"[]"


def test_codecarbon_takes_a_failed_read_for_a_wrap(powercap):
    """It makes 264,394 J of these 2,250 J."""
    powercap.zone("intel-rapl:0", "package-0", 1_000_000_000, GREATEST_UJ)
    with EnergyMeter(rapl.discover(powercap.root).sources) as meter:
        window = meter.window()
        time.sleep(2.5)  # no more than 1,000 W is believed
        powercap.show("intel-rapl:0", "")
        assert window.lap().total_j is None
        powercap.show("intel-rapl:0", 3_250_000_000)
        assert window.close().total_j == pytest.approx(2_250.0)


@pytest.mark.parametrize("energy_mj", ["unsupported", 0])
def test_codecarbon_reports_no_energy_for_old_and_virtual_gpus(fakes, energy_mj):
    counter = fakes.unsupported if energy_mj == "unsupported" else energy_mj
    clock = fakes.Clock()
    found = nvml.discover(
        fakes.Nvml([fakes.Gpu(energy_mj=counter, power_mw=200_000)]), gpus=["aaaa"], clock=clock
    )

    def work() -> None:
        clock.now += 10.0

    part = window_of(found.sources, work, clock).components[0]
    assert (part.energy_j, part.kind) == (pytest.approx(2_000.0), Kind.INTEGRATED)
    neither = nvml.discover(fakes.Nvml([fakes.Gpu(energy_mj=counter, power_mw=0)]))
    assert not neither.sources
    assert "neither energy nor power" in neither.reason


def test_codecarbon_bills_all_gpus_of_a_node_for_one(fakes):
    clock = fakes.Clock()
    cards = [fakes.Gpu(f"GPU-{n}", pids=[os.getpid()] if n == 3 else []) for n in range(8)]
    found = nvml.discover(fakes.Nvml(cards), processes=Processes(on_host=True), clock=clock)

    def work() -> None:
        clock.now += 10.0
        for card in cards:
            card.energy_mj += 1_000_000

    reading = window_of(found.sources, work, clock)
    assert len(reading.components) == 8
    assert reading.billed == {"nvml:GPU-3"}
    assert reading.total_j == pytest.approx(1_000.0)


def test_codecarbon_does_not_say_how_far_off_its_model_is():
    """By its own table a processor's modelled joules are 43 % off at the median."""
    with EnergyMeter("cpu_time") as meter:
        sum(range(100_000))
        [part] = meter.reading.components
    assert part.kind is Kind.MODELLED
    assert part.energy_j is not None
    assert part.error_j == pytest.approx(0.43 * part.energy_j)


def test_codecarbon_gives_negative_joules(fakes):
    clock, counter = fakes.Clock(), fakes.Counter()

    def work() -> None:
        clock.now += 1.0
        counter.energy_j -= 5

    reading = window_of([counter], work, clock)
    assert reading.total_j is None
    assert "impossible" in reading.warnings[0]


def test_carbontracker_ends_the_training_on_a_meter_error(fakes):
    class Broken(fakes.Counter):
        def read(self) -> float:
            raise MemoryError("the meter is broken")

    with EnergyMeter([Broken()]) as meter, meter.window() as window:
        trained = True
    assert trained
    assert window.reading.total_j is None
    assert "the meter is broken" in window.reading.warnings[0]


def test_carbontracker_reads_a_wrap_as_no_power(powercap):
    powercap.zone("intel-rapl:0", "package-0", GREATEST_UJ - 999, GREATEST_UJ)
    with EnergyMeter(rapl.discover(powercap.root).sources) as meter:
        window = meter.window()
        laps = []
        for value in (GREATEST_UJ - 499, 0, 500):
            powercap.show("intel-rapl:0", value)
            laps.append(window.lap().total_j)
    assert laps == pytest.approx([5e-4, 5e-4, 5e-4])


def test_pyjoules_and_others_take_a_failed_read_for_zero(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000_000)
    reading = window_of(
        rapl.discover(powercap.root).sources, lambda: powercap.show("intel-rapl:0", "")
    )
    assert reading.total_j is None
    assert reading.kind == Kind.UNAVAILABLE


def test_a_window_of_a_few_counter_steps_is_told_as_exact(fakes):
    """NVML's counter moves ten times a second: a window of a second is up to 10 % off."""
    gpu, clock = fakes.Gpu(), fakes.Clock()
    found = nvml.discover(fakes.Nvml([gpu]), gpus=["aaaa"], clock=clock)

    def work() -> None:
        clock.now += 0.4
        gpu.energy_mj += 120_000

    [part] = window_of(found.sources, work, clock).components
    assert part.bound_j == pytest.approx(30.0, rel=0.01)
    assert any("below 5 update periods" in warning for warning in part.warnings)


def test_dram_is_taken_for_a_part_of_its_package(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_000_000)

    def work() -> None:
        powercap.show("intel-rapl:0", 1_003_000)
        powercap.show("intel-rapl:0:0", 1_001_000)

    assert window_of(rapl.discover(powercap.root).sources, work).total_j == pytest.approx(0.004)


def test_dies_of_amd_that_mirror_one_counter_are_added(powercap):
    """137 W were read so where 125 W went through the wall."""
    for number in range(2):
        powercap.zone(f"intel-rapl:{number}", f"package-0-die-{number}", 77_000_000_000)
        powercap.zone(f"intel-rapl:{number}:0", "dram", 1_000)
    found = rapl.discover(powercap.root).sources
    assert [s.info.id for s in found] == ["rapl:package-0-die-0", "rapl:dram-0"]


def test_mmio_zones_are_added_to_the_same_zones_of_msr(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000_000)
    powercap.zone("intel-rapl-mmio:0", "package-0", 1_000_000)
    found = rapl.discover(powercap.root).sources
    assert [source.info.id for source in found] == ["rapl:package-0"]


def test_a_slice_of_a_gpu_is_told_the_joules_of_the_whole(fakes, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1")
    card = fakes.Gpu("GPU-aaaa", slices=[fakes.Gpu("MIG-1"), fakes.Gpu("MIG-2")])
    found = nvml.discover(fakes.Nvml([card]))
    [source] = found.sources
    assert any("of the whole GPU" in warning for warning in source.info.warnings)


def test_a_jetson_that_initialises_nvml_and_answers_nothing_counts_as_zero(fakes, no_powercap):
    jetson = fakes.Nvml([fakes.Gpu(energy_mj=fakes.unsupported, power_mw=fakes.unsupported)])
    found = nvml.discover(jetson)
    assert not found.sources
    assert "--meter hwmon" in found.mend
    with pytest.warns(RuntimeWarning, match="GPU energy is not all in the joules"):
        resolve("auto", Machine(None, no_powercap, no_powercap, jetson))


def test_cuda_and_nvml_number_cards_differently(fakes):
    """CUDA's fastest card comes first, NVML's first on the bus: the UUID that torch gives tells."""
    cards = fakes.Nvml([fakes.Gpu("GPU-slow", name="Slow"), fakes.Gpu("GPU-fast", name="Fast")])
    [source] = nvml.discover(cards, gpus=["fast"]).sources
    assert source.info.id == "nvml:GPU-fast"
