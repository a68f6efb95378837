import time
from pathlib import Path

import pytest

from perjoule.energy import doctor, load
from perjoule.energy.doctor import ComponentStatus, diagnose, observe
from perjoule.energy.quantities import format_percent
from perjoule.energy.sources.resolve import Machine


def by_component(root: Path, binding, hwmon: Path | None = None, **others) -> dict:
    others = {"perf_root": root, "pm_root": root} | others
    machine = Machine(None, root, hwmon or root / "no-hwmon", binding, **others)
    found: dict[str, list[ComponentStatus]] = {}
    for status in diagnose(machine, watch_s=0.05):
        found.setdefault(status.component, []).append(status)
    return found


def test_what_is_readable_is_measured(fakes, powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_000)
    gpus = fakes.Nvml([fakes.Gpu("GPU-a"), fakes.Gpu("GPU-b", energy_mj=fakes.unsupported)])
    found = by_component(powercap.root, gpus)
    found = [*found["cpu"], *found["dram"], *found["gpu"]]
    ids = ["rapl:package-0", "rapl:dram-0", "nvml:GPU-a", "nvml-power:GPU-b"]
    assert [finding.source for finding in found] == ids
    for finding in found:
        assert finding.status == ("integrated" if "power" in finding.source else "measured")
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


def test_sources_without_root_are_told_and_what_refuses_with_how_to_mend_it(
    fakes, no_powercap, tmp_path
):
    for name, text in {"energy": "9 J", "cpu_energy": "5 J", "freshness": "1"}.items():
        (tmp_path / name).write_text(text)
    pmu = tmp_path / "sys/bus/event_source/devices/power"
    (pmu / "events").mkdir(parents=True)
    (pmu / "events/energy-pkg").write_text("event=0x02")
    found = by_component(no_powercap, fakes.Nvml(), pm_root=tmp_path, perf_root=tmp_path)
    [cpu], [node] = found["cpu"], found["node"]
    assert [cpu.source, node.source] == ["pm_counters:cpu_energy", "pm_counters:energy"]
    [cpu] = by_component(no_powercap, fakes.Nvml(), perf_root=tmp_path)["cpu"]
    assert "no powercap tree" in cpu.detail
    assert f"cannot read {pmu / 'cpumask'}" in cpu.detail


def test_a_processor_without_a_dram_counter_needs_no_mending(fakes, powercap):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    [dram] = by_component(powercap.root, fakes.Nvml())["dram"]
    assert (dram.detail, dram.mend) == ("this processor has no DRAM counter", "")


def test_a_source_that_fails_when_read_is_unavailable(fakes, no_powercap):
    answers = [fakes.Nvml.NVMLError("GPU is lost")] * 99 + [5_000_000]
    gpus = fakes.Nvml([fakes.Gpu("GPU-a", answers.pop)])
    [gpu] = by_component(no_powercap, gpus)["gpu"]
    assert (gpu.status, gpu.detail) == ("unavailable", "nvml:GPU-a: NVML energy: GPU is lost")


def test_a_sensor_of_the_whole_machine_is_found_and_else_a_wattmeter_is_named(fakes, no_powercap):
    [node] = by_component(no_powercap, fakes.Nvml())["node"]
    assert node.status == "unavailable"
    assert "--meter shelly:HOST" in node.mend
    chip = no_powercap / "hwmon0"
    chip.mkdir(parents=True)
    for name, text in {"name": "power_meter", "power1_average": "150000000"}.items():
        (chip / name).write_text(text)
    [node] = by_component(no_powercap, fakes.Nvml(), hwmon=no_powercap)["node"]
    assert node.status == "integrated"
    assert not node.mend


def test_a_counter_is_held_against_the_power_of_its_hardware(fakes, no_powercap):
    began_s = time.perf_counter()

    def energy_mj() -> int:  # at 300 W, whatever its power says
        return 5_000_000 + int(300_000 * (time.perf_counter() - began_s))

    for power_mw in (300_000, 100_000):
        gpus = fakes.Nvml([fakes.Gpu("GPU-a", energy_mj, power_mw)])
        [gpu] = by_component(no_powercap, gpus)["gpu"]
        assert gpu.counter_w == pytest.approx(300.0, rel=0.05)
        assert gpu.integrated_w == pytest.approx(power_mw / 1e3, rel=0.01)
        assert gpu.tick_s == pytest.approx(1e-3, abs=5e-3)
        disagrees = any("its counter says" in note for note in gpu.notes)
        assert disagrees is (power_mw == 100_000)


def test_a_gpu_that_cannot_be_read_stands_beside_one_that_can_and_others_are_named(
    fakes, no_powercap
):
    gpus = fakes.Nvml([fakes.Gpu("GPU-a", pids=[1]), fakes.Gpu("GPU-b", energy_mj=0, power_mw=0)])
    readable, other = by_component(no_powercap, gpus)["gpu"]
    assert (readable.status, readable.source) == ("measured", "nvml:GPU-a")
    assert any("1" in note for note in readable.notes)
    assert other.status == "unavailable"
    assert "GPU 1" in other.detail


# What watching a counter finds.


def watch(fakes, power_w: float, tick_s: float, *, with_power: bool = True, fails: bool = False):
    """What is seen in a second of hardware with a counter that steps, on a clock of its own."""
    clock, counter = fakes.Clock(), fakes.Counter()
    failure = fakes.failure if fails else None

    def sleep(duration_s: float) -> None:
        clock.now += duration_s
        counter.energy_j = power_w * tick_s * (clock.now // tick_s)
        counter.failure = failure

    sleep(0.0)
    power = fakes.Power(lambda: power_w) if with_power else None
    return observe(counter, power, 1.0, clock, sleep)


def test_step_and_power_are_seen_unless_the_counter_hardly_moves_or_fails(fakes):
    for power_w, tick_s in ((1.0, 1e-3), (500.0, 0.03), (70.0, 0.1)):
        seen = watch(fakes, power_w, tick_s)
        assert seen.tick_s == pytest.approx(tick_s, abs=2e-4)
        assert seen.counter_w == pytest.approx(power_w, rel=tick_s + 1e-3)
        assert seen.integrated_w == pytest.approx(power_w)
    seen = watch(fakes, 100.0, tick_s=0.7, with_power=False)
    assert (seen.tick_s, seen.integrated_w) == (None, None)
    assert seen.counter_w is not None
    seen = watch(fakes, 100.0, tick_s=0.01, fails=True)
    assert (seen.tick_s, seen.counter_w) == (None, None)
    assert seen.integrated_w == pytest.approx(100.0)


def test_the_processor_says_how_much_of_it_others_use(fakes, no_powercap, monkeypatch):
    moments = iter([load.Busy(10.0, 50.0, 3.0), load.Busy(14.0, 58.0, 4.0)])
    monkeypatch.setattr(doctor, "busy", lambda: next(moments))
    monkeypatch.setattr(load.os, "cpu_count", lambda: 4)
    [cpu] = by_component(no_powercap, fakes.Nvml())["cpu"]
    assert (
        "others use 44 % of the processor (1.8 of 4 cores): CPU-seconds are worth" in cpu.notes[-1]
    )


@pytest.mark.parametrize(("cores", "warns"), [(0.0, False), (0.79, False), (0.81, True), (9, True)])
def test_more_than_a_fifth_of_the_processor_is_warned_of(cores, warns):
    told = load.load_sentence(cores, 4)
    assert ("too high" in told) == warns
    assert told.startswith(f"others use {format_percent(min(cores / 4, 1), 0)} of the processor")
