"""Faults of energy meters that people use: what ours does instead.

More of them are tested with the source that they concern: psys, MMIO twins and DRAM counted wrongly
(test_rapl), all GPUs of a node or a slice billed as one, old and virtual GPUs at 0 J (test_nvml),
negative joules, failed reads taken for 0 J or ending the training, short windows, power samples
that equal the last or lie at the edges (test_meter).
"""

import dataclasses
import subprocess
import sys
import threading
import time

import psutil
import pytest

from perjoule.energy import ComponentReading, EnergyMeter, Kind, Reading, SourceInfo
from perjoule.energy.sources import rapl
from perjoule.energy.sources.nvml import source as nvml
from perjoule.energy.sources.resolve import Machine, resolve

GREATEST_UJ = 262_143_328_850
"""Of Intel's packages: 262 kJ, then the counter starts again."""


def test_zeus_starts_a_process_for_each_zone(powercap):
    for number in range(2):
        powercap.zone(f"intel-rapl:{number}", f"package-{number}", 1_000_000)
    children, threads = psutil.Process().children(recursive=True), threading.active_count()
    with EnergyMeter(rapl.discover(powercap.root).sources):
        assert set(psutil.Process().children(recursive=True)) == set(children)
        assert threading.active_count() == threads + 1  # which wakes twice a minute


def test_zeus_takes_time_from_a_clock_that_can_be_set():
    assert EnergyMeter([]).clock is time.perf_counter


def test_zeus_has_joules_in_a_field_named_millijoules(powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000_000)
    with powercap.window() as window:
        powercap.show("intel-rapl:0", 1_002_000)
    assert window.reading.components[0].energy_j == pytest.approx(0.002)
    units = ("_j", "_s", "_w", "_error")
    for facts in (ComponentReading, Reading, SourceInfo):
        numbers = [f.name for f in dataclasses.fields(facts) if "float" in str(f.type)]
        assert all(name.endswith(units) for name in numbers), numbers


IMPORT_ALL = """
import logging, os, pkgutil, signal, sys, threading, warnings
from importlib import import_module

def state():
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    levels = {name: logging.getLogger(name).level for name in ("", "optuna", "codecarbon")}
    own = os.getcwd(), threading.active_count(), warnings.filters[:]
    return dict(os.environ), own, handlers, levels

before = state()
import perjoule.energy
for module in pkgutil.walk_packages(perjoule.energy.__path__, "perjoule.energy."):
    import_module(module.name)
heavy = "torch pandas numpy plotly pyarrow codecarbon pynvml pydantic optuna".split()
print([name for name in heavy if name in sys.modules], state() == before)
"""


def test_zeus_needs_ten_packages_to_import_and_others_change_the_process():
    ended = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, check=True)
    assert ended.stdout.strip() == b"[] True"


def test_codecarbon_takes_a_failed_read_for_a_wrap(powercap):
    """It makes 262,151 J of these 8 J."""
    powercap.zone("intel-rapl:0", "package-0", 1_000_000_000, GREATEST_UJ)
    window = powercap.window()
    time.sleep(0.02)  # no more than 550 W is believed
    powercap.show("intel-rapl:0", "")
    lost = window.lap()
    assert lost.total_j is None
    assert "energy_uj" in lost.warnings[0]
    powercap.show("intel-rapl:0", 1_008_000_000)
    assert window.close().total_j == pytest.approx(8.0)


def test_codecarbon_does_not_say_how_far_off_its_model_is():
    """By its own table a processor's modelled joules are 43 % off at the median."""
    with EnergyMeter("cpu_time").window() as window:
        sum(range(100_000))
    [part] = window.reading.components
    assert part.kind is Kind.MODELLED
    assert part.energy_j
    assert part.error_j == pytest.approx(0.43 * part.energy_j)


def test_carbontracker_reads_a_wrap_as_no_power(powercap):
    powercap.zone("intel-rapl:0", "package-0", GREATEST_UJ - 999, GREATEST_UJ)
    window = powercap.window()
    for value in (GREATEST_UJ - 499, 0, 500):
        powercap.show("intel-rapl:0", value)
        assert window.lap().total_j == pytest.approx(5e-4)


def test_dies_of_amd_that_mirror_one_counter_are_added(powercap):
    """137 W were read so where 125 W went through the wall."""
    for number in range(2):
        powercap.zone(f"intel-rapl:{number}", f"package-0-die-{number}", 77_000_000_000)
        powercap.zone(f"intel-rapl:{number}:0", "dram", 1_000)
    found = rapl.discover(powercap.root).sources
    assert [s.info.id for s in found] == ["rapl:package-0-die-0", "rapl:dram-0"]


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
