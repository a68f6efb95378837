"""RAPL through perf events, with a kernel whose counts a test decides."""

import os
import struct
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.sources import perf
from perjoule.energy.sources.resolve import Machine, resolve
from perjoule.errors import ConfigurationError, MeterError, SourceError

SCALE = "2.3283064365386962890625e-10"
J_PER_UNIT = 2**-32


class Kernel(perf.Kernel):
    """Events as files of eight bytes; refuses what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.refused, self.asked, self.closed = folder, {}, [], []
        folder.mkdir(exist_ok=True)

    def open(self, kind: int, config: int, cpu: int) -> int:
        self.asked.append((kind, config, cpu))
        if config in self.refused:
            raise OSError(self.refused[config], os.strerror(self.refused[config]))
        self.show(config, cpu, 0)
        return os.open(self.folder / f"{config}-{cpu}", os.O_RDONLY)

    def show(self, config: int, cpu: int, count: int) -> None:
        (self.folder / f"{config}-{cpu}").write_bytes(struct.pack("=Q", count))

    def read(self, file: int) -> int:
        os.lseek(file, 0, os.SEEK_SET)
        return super().read(file)

    def close(self, file: int) -> None:
        self.closed.append(file)
        super().close(file)


def plant(root: Path, *, cpus: str = "0,18", vendor: str = "GenuineIntel", dram: bool = True):
    """A tree of two packages, of one CPU of each 18."""
    events = {
        "energy-cores": 1,
        "energy-pkg": 2,
        "energy-psys": 5,
        **({"energy-ram": 3} if dram else {}),
    }
    files = {f"{perf.PMU}/type": "24", f"{perf.PMU}/cpumask": cpus}
    for name, config in events.items():
        event = f"{perf.PMU}/events/{name}"
        files |= {
            event: f"event=0x{config:02x}",
            f"{event}.unit": "Joules",
            f"{event}.scale": SCALE,
        }
    for cpu in range(36):
        topology = f"sys/devices/system/cpu/cpu{cpu}/topology"
        files[f"{topology}/physical_package_id"] = str(cpu // 18)
        files[f"{topology}/die_id"] = str(cpu % 18 // 9)
    files["proc/cpuinfo"] = f"processor : 0\nvendor_id : {vendor}\n"
    files["proc/sys/kernel/perf_event_paranoid"] = "4"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


@pytest.fixture
def kernel(tmp_path):
    return Kernel(tmp_path / "events")


@pytest.fixture
def root(tmp_path):
    return plant(tmp_path / "root")


def ids(found) -> list[str]:
    return [source.info.id for source in found.sources]


def test_one_counter_a_package_and_nothing_that_overlaps(root, kernel):
    found = perf.discover(root, kernel)
    assert ids(found) == ["rapl:package-0", "rapl:package-1", "rapl:dram-0", "rapl:dram-1"]
    assert kernel.asked == [(24, 2, 0), (24, 2, 18), (24, 3, 0), (24, 3, 18)]
    assert {(s.info.kind, s.info.scope) for s in found.sources} == {(Kind.MEASURED, Scope.PACKAGE)}
    assert "perf event" in found.sources[0].info.detail


@pytest.mark.parametrize(
    ("cpus", "vendor", "names"),
    [
        ("0-0,18", "GenuineIntel", ["0", "1"]),
        ("0,9,18,27", "GenuineIntel", ["0-die-0", "0-die-1", "1-die-0", "1-die-1"]),
        ("0,9,18,27", "AuthenticAMD", ["0", "1"]),  # its dies show their package's counter
    ],
)
def test_dies_are_added_where_they_count_for_themselves(tmp_path, kernel, cpus, vendor, names):
    root = plant(tmp_path / "dies", cpus=cpus, vendor=vendor, dram=False)
    assert ids(perf.discover(root, kernel)) == [f"rapl:package-{name}" for name in names]


@given(st.lists(st.integers(0, 550 * 2**32), max_size=10))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_of_64_bits_are_joules_without_a_wrap(fakes, root, kernel, steps):
    clock, count = fakes.Clock(), 0
    source = perf.discover(root, kernel, clock).sources[0]
    for step in steps:
        clock.now += 1.0
        count += step
        kernel.show(2, 0, count)
        assert source.read() == pytest.approx(count * J_PER_UNIT)
    assert source.resets == 0


def test_a_jump_and_an_event_that_stops_make_the_window_unavailable(fakes, root, kernel):
    clock = fakes.Clock()
    window = fakes.Metered(*perf.discover(root, kernel, clock).sources[:1], clock=clock).window

    def lap(count: int):
        clock.now += 1.0
        kernel.show(2, 0, count)
        return window.lap()

    assert lap(10 * 2**32).total_j == 10.0
    (kernel.folder / "2-0").write_bytes(b"")  # as the kernel answers for an event in error
    clock.now += 1.0
    stopped = window.lap()
    assert stopped.total_j is None
    assert "the event has stopped" in stopped.warnings[0]
    assert lap(30 * 2**32).total_j is None  # its start is not known
    assert lap(40 * 2**32).total_j == 10.0
    jumped = lap(2**63)
    assert jumped.total_j is None
    assert "lost count" in jumped.warnings[0]


def test_what_the_kernel_refuses_is_told_with_the_way_to_mend_it(root, kernel):
    kernel.refused = {2: 13}
    found = perf.discover(root, kernel)
    assert not found.sources
    assert found.reason == "perf event energy-pkg: Permission denied"
    assert "kernel.perf_event_paranoid=0`, now 4" in found.mend
    assert f"setcap cap_perfmon=ep {os.path.realpath(sys.executable)}" in found.mend
    kernel.refused = {3: 1}
    found = perf.discover(root, kernel)
    assert (ids(found), found.incomplete) == (["rapl:package-0", "rapl:package-1"], True)
    assert len(kernel.closed) == 0  # those of the packages are in use
    kernel.refused = {2: 22}
    assert "--meter rapl" in perf.discover(root, kernel).mend
    for file, text in (
        (f"{perf.PMU}/events/energy-pkg.unit", "Wh"),
        (f"{perf.PMU}/cpumask", "all"),
    ):
        (root / file).write_text(text)
        assert not perf.discover(root, kernel).sources


def test_events_are_closed_with_their_sources_and_a_child_reads_them_too(root, kernel):
    sources = perf.discover(root, kernel).sources
    meter = EnergyMeter(sources)
    pid = os.fork()
    if not pid:  # must not run anything of the parent's
        os._exit(0 if meter.snapshot(synchronize=False).values == (0.0,) * 4 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    for source in sources:
        source.close()
    assert len(kernel.closed) == 4
    with pytest.raises(SourceError, match="Bad file descriptor"):
        sources[0].read()


def test_perf_serves_where_powercap_cannot_be_read_and_never_beside_it(
    fakes, root, kernel, powercap, tmp_path
):
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    here = {"rapl_root": powercap.root, "perf_root": root, "perf_kernel": kernel}
    here |= {"nvml_binding": fakes.Nvml(), "hwmon_root": tmp_path, "pm_root": tmp_path}
    machine = Machine(**here)
    assert [s.info.id for s in resolve("auto", machine)] == ["rapl:package-0"]
    assert not kernel.asked
    with pytest.raises(ConfigurationError, match="same joules twice"):
        resolve("rapl,perf", machine)
    powercap.lock("intel-rapl:0")
    assert len(resolve("auto", machine)) == 4
    assert len(resolve("perf", machine)) == 4
    kernel.refused = {2: 13}
    with pytest.raises(MeterError, match=r"perf energy cannot be read here.*Permission denied"):
        resolve("perf", machine)
    assert [s.info.id for s in resolve("auto", machine)] == ["cpu_time"]


def test_the_kernel_itself_counts_what_it_knows_and_refuses_the_rest():
    kernel = perf.Kernel()
    with pytest.raises(OSError, match=r"."):
        kernel.open(0x7FFFFFFF, 2, 0)
    try:
        file = kernel.open(1, 0, 0)  # PERF_COUNT_SW_CPU_CLOCK, in nanoseconds
    except OSError as error:
        pytest.skip(f"perf events are closed here: {error}")
    first_ns, began_s = kernel.read(file), time.perf_counter()
    time.sleep(0.02)
    assert kernel.read(file) - first_ns >= 0.5e9 * (time.perf_counter() - began_s)
    kernel.close(file)
