"""AMD's energy counters, with a binding whose counts a test decides."""

import os
import sys
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import Kind, Scope
from perjoule.energy.sources import amdsmi
from perjoule.energy.sources.resolve import Machine, resolve
from perjoule.errors import ConfigurationError, MeterError

UNIT_UJ = 15.259


class Smi:
    """What ``amdsmi`` answers, without a card: counts by card, or exceptions to raise."""

    def __init__(self, *counts: Any, name: str = "AMD Instinct MI300X", key: str = "") -> None:
        self.counts, self.name, self.key = list(counts), name, key or "energy_accumulator"
        self.pids: list[int] = []

    def amdsmi_init(self) -> None:
        self.pids.append(os.getpid())

    def amdsmi_get_processor_handles(self) -> list[int]:
        return list(range(len(self.counts)))

    def amdsmi_get_gpu_device_bdf(self, handle: int) -> str:
        return f"0000:{0xC1 + handle:02X}:00.0"

    def amdsmi_get_gpu_asic_info(self, handle: int) -> dict[str, str]:
        return {"market_name": self.name}

    def amdsmi_get_energy_count(self, handle: int) -> dict[str, Any]:
        count = self.counts[handle]
        if isinstance(count, Exception):
            raise count
        return {self.key: count, "counter_resolution": UNIT_UJ, "timestamp": 1}


@pytest.fixture(autouse=True)
def _all_visible(monkeypatch):
    for name in amdsmi.VISIBLE:
        monkeypatch.delenv(name, raising=False)


def ids(found) -> list[str]:
    return [source.info.id for source in found.sources]


@given(st.lists(st.integers(1, 40_000_000), max_size=10), st.sampled_from(["", "power"]))
def test_counts_of_either_name_are_joules(fakes, steps, key):
    clock, smi = fakes.Clock(), Smi(10**12, key=key)
    [source] = amdsmi.discover(smi, clock=clock).sources
    first_j = source.read()
    for number, step in enumerate(steps, start=1):
        clock.now += 1.0
        smi.counts[0] += step
        assert source.read() - first_j == pytest.approx(
            sum(steps[:number]) * UNIT_UJ * 1e-6, abs=1e-5
        )
    assert source.resets == 0
    assert (source.info.id, source.info.scope) == ("amdsmi:0000:c1:00.0", Scope.BOARD)
    assert (source.info.kind, source.info.gain_error) == (Kind.MEASURED, 0.003)


def test_a_second_die_and_mirrored_partitions_are_unavailable_and_not_zero():
    found = amdsmi.discover(Smi(10**12, 0, 10**13, 0, name="AMD INSTINCT MI250X"))
    assert ids(found) == ["amdsmi:0000:c1:00.0", "amdsmi:0000:c3:00.0"]
    assert not found.incomplete  # their joules are in those of the first dies
    assert "amdsmi:0000:c2:00.0 shows 0 J: the first die of its module" in found.reason
    second = amdsmi.discover(Smi(10**12, 0, name="AMD INSTINCT MI250X"), "1")
    assert (ids(second), second.incomplete) == ([], True)
    partitions = amdsmi.discover(Smi(10**12, 10**12 + 1, 10**13))
    assert ids(partitions) == ["amdsmi:0000:c1:00.0", "amdsmi:0000:c3:00.0"]
    assert "shows the counter of another part" in partitions.reason
    dead = amdsmi.discover(Smi(10**12, 0))
    assert (len(dead.sources), dead.incomplete) == (1, True)


@pytest.mark.parametrize("count", [2**64 - 1, "N/A", -1, RuntimeError("not supported")])
def test_what_no_counter_shows_is_no_energy(fakes, count):
    found = amdsmi.discover(Smi(count))
    assert not found.sources
    assert found.incomplete
    assert "--meter hwmon" in found.mend
    smi, clock = Smi(10**12), fakes.Clock()
    window = fakes.Metered(*amdsmi.discover(smi, clock=clock).sources, clock=clock).window
    clock.now += 1.0
    smi.counts[0] = count
    lap = window.lap()
    assert lap.total_j is None
    assert "amdsmi energy: " in lap.warnings[0]


def test_a_reloaded_driver_loses_count(fakes):
    smi, clock = Smi(10**12), fakes.Clock()
    window = fakes.Metered(*amdsmi.discover(smi, clock=clock).sources, clock=clock).window
    clock.now += 1.0
    smi.counts[0] = 5
    assert "lost count" in window.lap().warnings[0]


def test_cards_are_named_and_hidden_ones_told(monkeypatch):
    smi = Smi(10**12, 10**13)
    for name in ("1", "0000:c2:00.0"):
        assert ids(amdsmi.discover(smi, name)) == ["amdsmi:0000:c2:00.0"]
    assert "There are: 0000:c1:00.0, 0000:c2:00.0" in amdsmi.discover(smi, "7").mend
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "1")
    [warning] = amdsmi.discover(smi).sources[0].info.warnings
    assert "ROCR_VISIBLE_DEVICES=1 hides some" in warning
    assert not amdsmi.discover(smi, "1").sources[0].info.warnings


def test_a_library_that_is_not_there_or_fails_is_told(monkeypatch):
    def fail() -> None:
        raise RuntimeError("AMDSMI_STATUS_DRIVER_NOT_LOADED")

    smi = Smi()
    monkeypatch.setattr(smi, "amdsmi_init", fail)
    found = amdsmi.discover(smi)
    assert found.reason == "amdsmi: AMDSMI_STATUS_DRIVER_NOT_LOADED"
    assert "modprobe amdgpu" in found.mend


def test_a_binding_without_its_library_is_told_and_prints_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "amdsmi", raising=False)
    (tmp_path / "amdsmi.py").write_text("print('Unable to find it'); {}['libamd_smi.so']")
    monkeypatch.syspath_prepend(tmp_path)
    assert "amd-smi-lib" in amdsmi.discover().mend
    assert "".join(capsys.readouterr()) == ""
    monkeypatch.setattr(amdsmi, "import_module", lambda name: import_module(f"{name}_of_nobody"))
    assert "pip install" in amdsmi.discover().mend


def test_a_card_is_not_counted_by_two_meters(tmp_path):
    chip, device = tmp_path / "hwmon0", tmp_path / "0000:c1:00.0"
    chip.mkdir()
    device.mkdir()
    (chip / "device").symlink_to(device)
    for name, text in {"name": "amdgpu", "power1_average": "90000000"}.items():
        (chip / name).write_text(text)
    for counts, refused in (((10**12,), True), ((RuntimeError(), 10**12), False)):
        machine = Machine(hwmon_root=tmp_path, smi_binding=Smi(*counts))
        if refused:
            with pytest.raises(ConfigurationError, match="each source or card once"):
                resolve("amdsmi,hwmon", machine)
        else:
            with pytest.warns(RuntimeWarning, match="AMD GPU energy is not all"):
                assert len(resolve("amdsmi,hwmon", machine)) == 2


def test_auto_takes_the_only_card_if_gpus_are_in_use_that_nvidia_does_not_know(fakes, tmp_path):
    def auto(smi: Smi, gpus: list[str] | None) -> list[str]:
        nothing = {"rapl_root": tmp_path, "perf_root": tmp_path, "pm_root": tmp_path}
        nothing |= {"hwmon_root": tmp_path, "nvml_binding": fakes.Nvml()}
        return [s.info.id for s in resolve("auto", Machine(gpus, smi_binding=smi, **nothing))]

    assert auto(Smi(10**12), ["36373938-3835"]) == ["cpu_time", "amdsmi:0000:c1:00.0"]
    assert auto(Smi(10**12), None) == ["cpu_time"]
    with pytest.raises(MeterError, match="GPU 36373938-3835: not known"):
        auto(Smi(10**12, 10**13), ["36373938-3835"])


def test_a_forked_child_opens_the_library_anew():
    smi = Smi(10**12)
    [source] = amdsmi.discover(smi).sources
    pid = os.fork()
    if not pid:
        source.read()
        os._exit(0 if smi.pids[-1] == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
