"""Calibrating in simulated time: a machine draws idle power plus watts per busy core."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.calibration.calibrating import Bench, calibrate, measure_idle, measure_windows
from perjoule.energy.calibration.fitting import LoadWindow, fit, read_windows
from perjoule.energy.calibration.spinning import WORKS, spinning
from perjoule.energy.calibration.stored import (
    Calibration,
    IdlePower,
    calibration_file,
    home,
    identify,
    load_calibration,
    machine_id,
    save_calibration,
)
from perjoule.energy.sources.cpu.time import CpuTimeSource
from perjoule.errors import ConfigurationError, DataError, MeterError, OutputError

IDLE_W, CORE_W, BACKGROUND = 20.0, 6.0, 0.1


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "perjoule-home"
    monkeypatch.setenv("PERJOULE_HOME", str(folder))
    return folder


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


def stored(idle_w: dict[str, float] | None = None, cpu=None) -> Calibration:
    idle = {name: IdlePower(power_w, 0.5, 20.0, 0.1, "now") for name, power_w in idle_w.items()}
    return save_calibration(Calibration(machine_id(), "a machine", "now", idle, cpu))


def windows(idle_w: float, core_w: float, loads, duration_s: float = 2.0) -> list[LoadWindow]:
    return [
        LoadWindow(duration_s, load * duration_s, (idle_w + core_w * load) * duration_s)
        for load in loads
    ]


# What is stored.


def test_what_is_saved_is_loaded():
    fitted = fit(windows(10.0, 5.0, [0, 1, 2]), "rapl:package-0", "a counter")
    saved = stored({"rapl:package-0": 12.0}, fitted)
    assert load_calibration() == saved
    assert saved.idle_power_w("rapl:package-0") == 12.0
    assert saved.idle_power_w("nvml:GPU-a") is None


def test_nothing_stored_is_no_calibration(folder):
    assert load_calibration() is None
    folder.write_text("a file where a folder should be")
    assert load_calibration() is None


def test_what_a_new_calibration_did_not_measure_is_kept():
    fitted = fit(windows(10.0, 5.0, [0, 1, 2]))
    stored({"a": 1.0, "b": 2.0}, fitted)
    stored({"b": 3.0})
    found = load_calibration()
    assert (found.idle_power_w("a"), found.idle_power_w("b")) == (1.0, 3.0)
    assert found.cpu == fitted


def change(**fields) -> str:
    data = json.loads(calibration_file().read_text())
    return json.dumps({**data, **fields})


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:40],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: "{}",
        lambda text: change(version=2),
        lambda text: change(machine="another"),
        lambda text: change(idle_w={"a": {"power_w": 3}}),
        lambda text: change(idle_w=[]),
        lambda text: text.replace("12.5", "NaN"),
        lambda text: text.replace("12.5", "-12.5"),
        lambda text: text.replace("12.5", '"12.5"'),
        lambda text: change(more=1),
    ],
)
def test_a_file_that_cannot_be_used_is_ignored_with_a_warning_and_mended_by_saving(damage):
    stored({"a": 12.5})
    file = calibration_file()
    file.write_text(damage(file.read_text()))
    with pytest.warns(RuntimeWarning, match=f"{file.name}.*run `perjoule calibrate` again"):
        assert load_calibration() is None
    with pytest.warns(RuntimeWarning, match="calibrate"):
        stored({"b": 1.0})
    assert list(load_calibration().idle_w) == ["b"]


def test_a_calibration_is_saved_whole_or_not_at_all(folder, monkeypatch):
    def fail(_):
        raise OSError(28, "disk full")

    stored({"a": 1.0})
    assert [file.name for file in folder.iterdir()] == [calibration_file().name]
    before = calibration_file().read_text()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="disk full; set PERJOULE_HOME"):
        stored({"a": 2.0})
    assert [file.name for file in folder.iterdir()] == [calibration_file().name]
    assert calibration_file().read_text() == before


@pytest.mark.parametrize(
    ("environ", "system", "end"),
    [
        ({"PERJOULE_HOME": "/x", "XDG_CONFIG_HOME": "/c"}, "linux", "/x"),
        ({"XDG_CONFIG_HOME": "/c"}, "linux", "/c/perjoule"),
        ({}, "linux", "/.config/perjoule"),
        ({"XDG_CONFIG_HOME": "/c"}, "darwin", "/Library/Application Support/perjoule"),
        ({"APPDATA": "/a"}, "win32", "/a/perjoule"),
    ],
)
def test_the_folder_is_the_systems_own_unless_set(environ, system, end):
    assert home(environ, system).as_posix().endswith(end)


def test_machines_of_one_home_differ_and_each_stays_the_same(tmp_path):
    given = tmp_path / "machine-id"
    given.write_text("abc\n")
    here = identify(given, "node1", 8)
    assert here == identify(given, "node1", 8)
    assert "abc" not in here
    others = [
        identify(given, "node2", 8),
        identify(given, "node1", 16),
        identify(tmp_path / "none", "node1", 8),
        identify(tmp_path / "none", "node2", 8),
    ]
    assert len({here, *others}) == 5
    assert machine_id() == machine_id()


# Idle power.


def test_idle_power_is_the_mean_over_the_time_with_its_spread(machine):
    powers_w = iter([IDLE_W, IDLE_W + 2.0] * 5)

    def sleep(seconds: float) -> None:
        machine.clock.now += seconds
        machine.counter.energy_j += next(powers_w) * seconds

    idle = measure_idle(machine.meter(), 20.0, Bench(sleep, lambda: 0.0))
    power = idle.idle_w["rapl:package-0"]
    assert power.power_w == pytest.approx(IDLE_W + 1.0)
    assert power.spread_w == pytest.approx(math.sqrt(10 / 9))
    assert power.duration_s == pytest.approx(20.0)
    assert idle.notes == ()


def test_a_machine_at_work_has_no_idle_power(machine):
    machine.busy = 1.5
    with pytest.raises(MeterError, match=r"not idle, 1\.5 cores were busy"):
        measure_idle(machine.meter(), bench=machine.bench())


def test_models_of_a_process_have_no_idle_power_and_say_so(machine, fakes):
    model = fakes.Counter("cpu_time", kind=Kind.MODELLED, scope=Scope.PROCESS)
    idle = measure_idle(machine.meter(model), bench=machine.bench())
    assert list(idle.idle_w) == ["rapl:package-0"]
    assert idle.notes == ("cpu_time: has no idle power, being modelled in process scope",)
    alone = measure_idle(EnergyMeter([model], clock=machine.clock), bench=Bench(pytest.fail))
    assert alone.idle_w == {}


def test_a_source_that_is_lost_or_too_slow_has_no_idle_power_and_says_why(machine, fakes):
    broken = fakes.Counter("nvml:a")
    slow = fakes.Counter("plug", component="node", scope=Scope.NODE, update_period_s=60.0)
    meter = machine.meter(broken, slow)
    broken.failure = fakes.failure
    idle = measure_idle(meter, 20.0, machine.bench())
    assert list(idle.idle_w) == ["rapl:package-0"]
    assert "plug: its idle power needs 300 s" in idle.notes[0]
    assert "nvml:a: bus error" in idle.notes[1]


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.inf, math.nan])
def test_idle_power_takes_time(machine, duration_s):
    with pytest.raises(ConfigurationError, match="take 20 s"):
        measure_idle(machine.meter(), duration_s, machine.bench())


# The fit.

loads = st.lists(st.floats(0.0, 64.0), min_size=4, max_size=12).filter(
    lambda some: sorted(some)[-2] - sorted(some)[1] > 0.5  # without any one of them, too
)


@given(st.floats(0.0, 500.0), st.floats(0.1, 50.0), loads, st.floats(0.1, 100.0))
def test_noiseless_windows_give_back_their_coefficients(idle_w, core_w, loads, duration_s):
    fitted = fit(windows(idle_w, core_w, loads, duration_s))
    assert fitted.watts_per_core == pytest.approx(core_w, rel=1e-6)
    assert fitted.idle_w == pytest.approx(idle_w, rel=1e-6, abs=1e-6)
    assert fitted.residual == pytest.approx(0.0, abs=1e-6)
    assert fitted.n_windows == len(loads)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 100.0), st.floats(0.0, 1e3), st.floats(0.0, 1e5)),
        min_size=3,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_no_fit_is_negative_and_the_order_of_windows_does_not_matter(rows, random):
    pairs = [LoadWindow(*row) for row in rows]
    shuffled = random.sample(pairs, len(pairs))
    try:
        fitted = fit(pairs)
    except ConfigurationError:
        with pytest.raises(ConfigurationError):
            fit(shuffled)
        return
    assert fitted.watts_per_core > 0
    assert fitted.idle_w >= 0
    again = fit(shuffled)
    assert again.watts_per_core == pytest.approx(fitted.watts_per_core)
    assert again.idle_w == pytest.approx(fitted.idle_w)
    assert again.residual == pytest.approx(fitted.residual)


@given(st.lists(st.floats(-1.0, 1.0), min_size=8, max_size=8), st.floats(0.05, 0.3))
def test_the_residual_grows_with_noise(noise, size):
    def residual(amount: float) -> float:
        pairs = [
            LoadWindow(p.duration_s, p.cpu_s, p.energy_j + amount * CORE_W * part)
            for p, part in zip(windows(100.0, CORE_W, range(8)), noise, strict=True)
        ]
        return fit(pairs).residual

    if residual(0.05) > 1e-6:  # noise may happen to be a line itself
        assert residual(size * 2) > residual(size) > residual(size / 2)


def test_the_residual_is_what_the_other_windows_foretell_of_the_energy_above_idle():
    pairs = [LoadWindow(1.0, 0.0, 10.0), LoadWindow(1.0, 1.0, 13.0), LoadWindow(1.0, 2.0, 20.0)]
    # Without the second: 10 W + 5 W/core, so 5 W are foretold and 3 are. Without the third:
    # 10 W + 3 W/core, so 6 W are foretold and 10 are.
    expected = math.sqrt(((3 / 5 - 1) ** 2 + (10 / 6 - 1) ** 2) / 2)
    assert fit(pairs).residual == pytest.approx(expected)


def test_idle_power_is_not_below_zero_at_the_price_of_the_slope():
    fitted = fit([LoadWindow(1.0, 1.0, 1.0), LoadWindow(1.0, 2.0, 4.0), LoadWindow(1.0, 3.0, 7.0)])
    assert fitted.idle_w == 0.0
    assert fitted.watts_per_core == pytest.approx((1 + 8 + 21) / (1 + 4 + 9))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (windows(10.0, 5.0, [0, 4]), "2 windows cannot be fitted"),
        (windows(10.0, 5.0, [2.0, 2.2, 2.4]), "too alike"),
        (windows(10.0, 5.0, [0, 0, 0, 4]), "too alike"),  # nothing can foretell the last
        (windows(10.0, -1.0, [0, 1, 2, 3]), "do not rise"),
        (windows(10.0, 0.0, [0, 1, 2, 3]), "do not rise"),
        (
            [LoadWindow(1, 0, 9), LoadWindow(1, 1, 10), LoadWindow(1, 2, 30), LoadWindow(1, 3, 12)],
            "hardly follow",
        ),
    ],
)
def test_windows_that_tell_nothing_are_refused(pairs, message):
    with pytest.raises(ConfigurationError, match=message):
        fit(pairs)


# Recorded windows.


def test_recorded_windows_are_read(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_text("when,energy_j,duration_s,cpu_s\nnoon,30,2,4\n\nlater,1e2,5,0\n")
    assert read_windows(file) == [LoadWindow(2.0, 4.0, 30.0), LoadWindow(5.0, 0.0, 100.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column duration_s"),
        ("duration_s,cpu_s\n1,2\n", "line 1: no column energy_j"),
        ("duration_s,cpu_s,energy_j\n1,2,3\n1,two,3\n", "line 3: .*'two'"),
        ("duration_s,cpu_s,energy_j\n1,2\n", "line 2: could not convert"),
        ("duration_s,cpu_s,energy_j\n0,2,3\n", "line 2: no window takes 0 s"),
        ("duration_s,cpu_s,energy_j\n1,-2,3\n", "line 2: no window"),
        ("duration_s,cpu_s,energy_j\n1,2,nan\n", "line 2: no window"),
        ("duration_s,cpu_s,energy_j\n1,2,inf\n", "line 2: no window"),
    ],
)
def test_malformed_records_name_file_and_line(tmp_path, text, message):
    file = tmp_path / "pairs.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=f"pairs.csv, {message}"):
        read_windows(file)


def test_records_that_are_no_text_or_not_there_name_the_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: cannot be read"):
        read_windows(tmp_path / "none.csv")
    file = tmp_path / "pairs.csv"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"pairs\.csv: cannot be read"):
        read_windows(file)


# Driving a load.


def test_windows_under_load_give_back_the_machine(machine):
    fitted = fit(measure_windows(machine.meter(), [0, 1, 2, 4], bench=machine.bench()))
    assert fitted.watts_per_core == pytest.approx(CORE_W)
    assert fitted.idle_w == pytest.approx(IDLE_W)


def test_work_that_draws_more_shows_in_the_residual(machine):
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


@pytest.mark.parametrize("work", WORKS)
def test_cores_are_kept_busy_within_the_block_only(work):
    before = set(psutil.Process().children())
    with spinning(2, work):
        workers = set(psutil.Process().children()) - before
        assert len(workers) == 2
        deadline = time.perf_counter() + 20.0
        while min(worker.cpu_times().user for worker in workers) < 0.3:
            assert time.perf_counter() < deadline, "the workers do not work"
            time.sleep(0.02)
    assert not any(worker.is_running() for worker in workers)


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # nobody may be there to reap it
    except psutil.NoSuchProcess:
        return False


def test_busy_cores_end_with_a_parent_that_is_killed():
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
    deadline = time.perf_counter() + 20.0
    while lives(worker):
        assert time.perf_counter() < deadline, "the worker outlives its parent"
        time.sleep(0.02)


# All of it.


def test_calibrating_measures_and_stores_idle_power_and_watts_per_core(machine):
    lines: list[str] = []
    found = calibrate(machine.meter(), bench=machine.bench(progress=lines.append))
    assert found == load_calibration()
    assert found.idle_power_w("rapl:package-0") == pytest.approx(IDLE_W + CORE_W * BACKGROUND)
    assert found.cpu.watts_per_core == pytest.approx(CORE_W)
    assert found.cpu.reference == "rapl:package-0"
    assert found.cpu.detail == "fake"
    assert found.description
    assert lines[0] == "idle power for 20 s: let the machine rest"
    assert "busy cores: 1 (matrices)" in lines


def test_a_gpu_alone_has_its_idle_power_and_leaves_the_cpu_as_it_is(fakes):
    gpu = Machine(fakes, "nvml:GPU-a", component="gpu", scope=Scope.BOARD)
    lines: list[str] = []
    found = calibrate(gpu.meter(), bench=gpu.bench(progress=lines.append))
    assert list(found.idle_w) == ["nvml:GPU-a"]
    assert found.cpu is None
    assert lines[-1].startswith("cpu_time: stays as it is")


def test_idle_power_stays_if_the_load_fails(machine):
    def load(n_cores: int, work: str):
        raise MeterError("cannot keep a core busy")

    with pytest.raises(MeterError, match="keep a core busy"):
        calibrate(machine.meter(), bench=machine.bench(load=load))
    assert load_calibration().idle_power_w("rapl:package-0") is not None


def test_recorded_windows_calibrate_a_machine_without_a_meter(tmp_path):
    file = tmp_path / "pairs.csv"
    rows = [f"{p.duration_s},{p.cpu_s},{p.energy_j}" for p in windows(30.0, 7.5, [0, 1, 2, 4])]
    file.write_text("\n".join(["duration_s,cpu_s,energy_j", *rows]))
    found = calibrate("cpu_time:1", file)
    assert found.cpu.watts_per_core == pytest.approx(7.5)
    assert found.cpu.reference == "pairs in pairs.csv"
    assert found.idle_w == {}


def test_a_source_that_is_lost_all_the_time_is_nothing_to_calibrate_against(fakes):
    gpu = Machine(fakes, "nvml:GPU-a", component="gpu", scope=Scope.BOARD)
    gpu.lost = True
    with pytest.raises(MeterError, match=r"nothing to calibrate against \(nvml:GPU-a: lost count"):
        calibrate(gpu.meter(), bench=gpu.bench())
    assert load_calibration() is None


def test_without_anything_measured_there_is_nothing_to_calibrate_against():
    with pytest.raises(MeterError, match=r"nothing to calibrate against.*recorded pairs"):
        calibrate("cpu_time:1")
    assert load_calibration() is None


# What comes of it.


def test_modelled_cpu_energy_takes_the_calibrated_watts_and_their_error():
    noisy = windows(10.0, 5.0, [0, 1, 2, 3, 3.5])
    noisy[2] = LoadWindow(2.0, 4.0, 44.0)
    fitted = fit(noisy, "rapl:package-0")
    stored({}, fitted)
    info = CpuTimeSource().info
    date = fitted.fitted_at[:10]
    assert f"x {fitted.watts_per_core:g} W per core: calibrated against" in info.detail
    assert info.detail.endswith(f"rapl:package-0 on {date}")
    assert info.gain_error == fitted.residual > 0


def test_a_figure_of_the_user_wins_and_idle_power_alone_changes_no_model():
    stored({"a": 1.0})
    assert "calibrated" not in CpuTimeSource().info.detail
    stored({}, fit(windows(10.0, 5.0, [0, 1, 2])))
    assert "x 9 W per core: given by the user" in CpuTimeSource(9.0).info.detail
