from __future__ import annotations

from pathlib import Path

import pytest

from perjoule.energy.doctor import Finding, diagnose


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def by_component(root: Path, binding) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in diagnose(root, binding):
        found.setdefault(finding.component, []).append(finding)
    return found


def test_what_is_readable_is_measured(fakes, powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_000)
    gpus = fakes.Nvml([fakes.Gpu("GPU-a"), fakes.Gpu("GPU-b", energy_mj=fakes.unsupported)])
    found = by_component(powercap.root, gpus)
    assert [f.source for f in found["cpu"]] == ["rapl:package-0"]
    assert [f.source for f in found["dram"]] == ["rapl:dram-0"]
    assert [f.source for f in found["gpu"]] == ["nvml:GPU-a", "nvml-power:GPU-b"]
    for finding in (f for findings in found.values() for f in findings):
        assert finding.status == "measured"
        assert not finding.mend
        assert finding.update_period_s
        assert finding.read_latency_s


def test_a_machine_without_counters_models_its_cpu_and_says_why(fakes, no_powercap):
    binding = fakes.Nvml(init_error=fakes.Nvml.NVMLError("Driver Not Loaded"))
    found = by_component(no_powercap, binding)
    [cpu], [dram], [gpu] = found["cpu"], found["dram"], found["gpu"]
    assert (cpu.status, cpu.source, cpu.gain_error) == ("modelled", "cpu_time", 0.43)
    assert (dram.status, gpu.status) == ("unavailable", "unavailable")
    for finding, reason in ((cpu, "no powercap"), (dram, "no powercap"), (gpu, "Driver Not Load")):
        assert reason in finding.detail
        assert finding.mend
    assert gpu.read_latency_s is None


def test_counters_without_permission_come_with_the_command_that_mends_it(fakes, powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    powercap.lock("intel-rapl:0")
    [cpu] = by_component(powercap.root, fakes.Nvml())["cpu"]
    assert cpu.status == "modelled"
    assert "intel-rapl:0" in cpu.detail
    assert "chmod" in cpu.mend


def test_a_processor_without_a_dram_counter_needs_no_mending(fakes, powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    [dram] = by_component(powercap.root, fakes.Nvml())["dram"]
    assert dram.detail == "this processor has no DRAM counter"
    assert not dram.mend


def test_a_gpu_that_cannot_be_read_stands_beside_one_that_can(fakes, no_powercap):
    gpus = fakes.Nvml([fakes.Gpu("GPU-a"), fakes.Gpu("GPU-b", energy_mj=0, power_mw=0)])
    readable, other = by_component(no_powercap, gpus)["gpu"]
    assert (readable.status, readable.source) == ("measured", "nvml:GPU-a")
    assert other.status == "unavailable"
    assert "GPU 1" in other.detail


def test_a_source_that_fails_when_read_is_unavailable(fakes, no_powercap):
    class Once(fakes.Nvml):
        answers = 1

        def nvmlDeviceGetTotalEnergyConsumption(self, handle) -> int:  # noqa: N802
            self.answers -= 1
            if self.answers < 0:
                raise self.NVMLError("GPU is lost")
            return handle.energy_mj

    [gpu] = by_component(no_powercap, Once([fakes.Gpu("GPU-a")]))["gpu"]
    assert (gpu.status, gpu.detail) == ("unavailable", "nvml:GPU-a: NVML energy: GPU is lost")
