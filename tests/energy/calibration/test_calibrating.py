"""Calibrating in simulated time: a machine draws idle power plus watts per busy core."""

import math
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.calibration.calibrating import Bench, calibrate, measure_idle, measure_windows
from perjoule.energy.calibration.fitting import fit
from perjoule.energy.calibration.spinning import WORKS, spinning
from perjoule.energy.calibration.stored import load_calibration
from perjoule.errors import ConfigurationError, MeterError

IDLE_W, CORE_W, BACKGROUND = 20.0, 6.0, 0.1


class Machine:
    """A machine with one counter of the given identity; it works in simulated time only."""

    def __init__(self, fakes, name: str = "rapl:package-0", **fields) -> None:
        self.clock, self.counter = fakes.Clock(), fakes.Counter(name, **fields)
        self.busy, self.used_s = BACKGROUND, 0.0
        self.extra_w = {"interpreter": 0.0, "matrices": 0.0}
        self.core_w = CORE_W
        self.others: list = []
        self.lost = False

    def meter(self, *others) -> EnergyMeter:
        return EnergyMeter([self.counter, *others], clock=self.clock)

    def sleep(self, seconds: float) -> None:
        self.clock.now += seconds
        self.used_s += self.busy * seconds
        self.counter.energy_j += (IDLE_W + self.core_w * self.busy) * seconds
        for other in self.others:
            other.energy_j += 50.0 * seconds
        if self.lost:
            self.counter.resets += 1

    @contextmanager
    def load(self, n_cores: int, work: str):
        self.busy, self.core_w = BACKGROUND + n_cores, CORE_W + self.extra_w[work]
        yield
        self.busy, self.core_w = BACKGROUND, CORE_W

    def bench(self, **given) -> Bench:
        own = {"sleep": self.sleep, "cpu_s": lambda: self.used_s, "load": self.load}
        return Bench(**{**own, **given})


@pytest.fixture
def machine(fakes) -> Machine:
    return Machine(fakes)


# Idle power.


def test_idle_power_is_the_mean_over_the_time_with_its_spread(machine):
    powers_w = iter([IDLE_W, IDLE_W + 2.0] * 5)

    def sleep(seconds: float) -> None:
        machine.clock.now += seconds
        machine.counter.energy_j += next(powers_w) * seconds

    idle = measure_idle(machine.meter(), 20.0, Bench(sleep, lambda: 0.0))
    power = idle.idle_w["rapl:package-0"]
    found = (power.power_w, power.spread_w, power.duration_s)
    assert found == pytest.approx((IDLE_W + 1.0, math.sqrt(10 / 9), 20.0))
    assert idle.notes == ()


def test_a_source_that_is_lost_slow_or_a_model_has_no_idle_power_and_says_why(machine, fakes):
    model = fakes.Counter("cpu_time", kind=Kind.MODELLED, scope=Scope.PROCESS)
    broken = fakes.Counter("nvml:a")
    slow = fakes.Counter("plug", component="node", scope=Scope.NODE, update_period_s=60.0)
    meter = machine.meter(model, broken, slow)
    broken.failure = fakes.failure
    idle = measure_idle(meter, 20.0, machine.bench())
    assert list(idle.idle_w) == ["rapl:package-0"]
    told, slow_told, lost = idle.notes
    assert told == "cpu_time: has no idle power, being modelled in process scope"
    assert "plug: its idle power needs 300 s" in slow_told
    assert "nvml:a: bus error" in lost
    alone = measure_idle(EnergyMeter([model], clock=machine.clock), bench=Bench(pytest.fail))
    assert alone.idle_w == {}


def test_idle_power_takes_time_and_an_idle_machine(machine):
    for duration_s in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigurationError, match="take 20 s"):
            measure_idle(machine.meter(), duration_s, machine.bench())
    machine.busy = 1.5
    with pytest.raises(MeterError, match=r"not idle, 1\.5 cores were busy"):
        measure_idle(machine.meter(), bench=machine.bench())


# Driving a load.


def test_windows_under_load_have_the_spread_of_works(machine):
    machine.extra_w["matrices"] = CORE_W / 2
    fitted = fit(measure_windows(machine.meter(), [0, 1, 2, 4], bench=machine.bench()))
    assert fitted.watts_per_core == pytest.approx(CORE_W * 1.25, rel=0.02)
    assert 0.15 < fitted.residual < 0.4


def test_windows_are_long_enough_for_a_slow_reference(fakes):
    plug = Machine(fakes, "plug", component="node", scope=Scope.NODE, update_period_s=2.0)
    pairs = measure_windows(plug.meter(), [0, 1], 3.0, bench=plug.bench())
    assert [pair.duration_s for pair in pairs] == pytest.approx([10.0] * 4)


def test_packages_are_added_and_a_whole_node_is_not(machine, fakes):
    other, plug = fakes.Counter("rapl:package-1"), fakes.Counter("plug", component="node")
    machine.others = [other, plug]
    pairs = measure_windows(machine.meter(other, plug), [1], bench=machine.bench())
    assert pairs[0].power_w == pytest.approx(IDLE_W + CORE_W * (1 + BACKGROUND) + 50.0)


def test_a_reference_that_is_lost_or_sees_no_processor_is_refused(machine, fakes):
    gpu = fakes.Counter("nvml:a", component="gpu")
    with pytest.raises(MeterError, match="neither the processor nor the whole machine"):
        measure_windows(EnergyMeter([gpu]), [0, 1])
    machine.lost = True
    with pytest.raises(MeterError, match="rapl:package-0: lost count"):
        measure_windows(machine.meter(), [0, 1], bench=machine.bench())


@pytest.mark.thorough
@pytest.mark.parametrize("work", WORKS)
def test_cores_are_kept_busy_within_the_block_only(fakes, work):
    before = set(psutil.Process().children())
    with spinning(2, work):
        workers = set(psutil.Process().children()) - before
        assert len(workers) == 2
        fakes.wait_for(lambda: min(worker.cpu_times().user for worker in workers) >= 0.3)
    assert not any(worker.is_running() for worker in workers)


def ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE  # nobody may be there to reap it
    except psutil.NoSuchProcess:
        return True


def test_busy_cores_end_with_a_parent_that_is_killed(fakes):
    script = """
import os, psutil
from perjoule.energy.calibration.spinning import spinning
with spinning(1, "interpreter"):
    print(psutil.Process().children()[0].pid, flush=True)
    os.read(0, 1)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    fakes.wait_for(lambda: ended(worker))


# All of it.


def test_calibrating_measures_and_stores_idle_power_and_watts_per_core(machine):
    lines: list[str] = []
    found = calibrate(machine.meter(), bench=machine.bench(progress=lines.append))
    assert found == load_calibration()
    assert found.idle_power_w("rapl:package-0") == pytest.approx(IDLE_W + CORE_W * BACKGROUND)
    assert (found.cpu.watts_per_core, found.cpu.idle_w) == pytest.approx((CORE_W, IDLE_W))
    assert (found.cpu.reference, found.cpu.detail) == ("rapl:package-0", "fake")
    assert found.description
    assert lines[0] == "idle power for 20 s: let the machine rest"
    assert "busy cores: 1 (matrices)" in lines


def test_a_gpu_alone_has_its_idle_power_and_leaves_the_cpu_as_it_is(fakes):
    gpu = Machine(fakes, "nvml:GPU-a", component="gpu", scope=Scope.BOARD)
    gpu.lost = True
    with pytest.raises(MeterError, match=r"nothing to calibrate against \(nvml:GPU-a: lost count"):
        calibrate(gpu.meter(), bench=gpu.bench())
    assert load_calibration() is None
    gpu.lost = False
    lines: list[str] = []
    found = calibrate(gpu.meter(), bench=gpu.bench(progress=lines.append))
    assert (list(found.idle_w), found.cpu) == (["nvml:GPU-a"], None)
    assert lines[-1].startswith("cpu_time: stays as it is")


def test_idle_power_stays_if_the_load_fails(machine):
    def load(n_cores: int, work: str):
        raise MeterError("cannot keep a core busy")

    with pytest.raises(MeterError, match="keep a core busy"):
        calibrate(machine.meter(), bench=machine.bench(load=load))
    assert load_calibration().idle_power_w("rapl:package-0") is not None


def test_recorded_windows_calibrate_a_machine_without_a_meter(tmp_path):
    with pytest.raises(MeterError, match=r"nothing to calibrate against.*recorded pairs"):
        calibrate("cpu_time:1")
    assert load_calibration() is None
    file = tmp_path / "pairs.csv"
    rows = [f"2,{2 * load},{2 * (30.0 + 7.5 * load)}" for load in (0, 1, 2, 4)]
    file.write_text("\n".join(["duration_s,cpu_s,energy_j", *rows]))
    found = calibrate("cpu_time:1", file)
    assert found.cpu.watts_per_core == pytest.approx(7.5)
    assert (found.cpu.reference, found.idle_w) == ("pairs in pairs.csv", {})
