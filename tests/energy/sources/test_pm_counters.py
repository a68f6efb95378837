"""Cray's pm_counters on a tree of files."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perjoule.energy import Kind, Scope
from perjoule.energy.sources import pm_counters
from perjoule.energy.sources.resolve import Machine, resolve
from perjoule.errors import ConfigurationError, SourceError

LUMI_G = {
    "energy": 900_000,
    "cpu_energy": 300_000,
    "memory_energy": 100_000,
    **{f"accel{n}_energy": 100_000 + n for n in range(4)},
}


class Node:
    """A pm_counters tree that scans when told."""

    def __init__(self, root: Path, energies_j: dict[str, int]) -> None:
        self.root, self.energies_j = root, dict(energies_j)
        self.facts = {"freshness": 7, "startup": 1_612_345_678_901_234, "generation": 3}
        root.mkdir(exist_ok=True)
        self.write("raw_scan_hz", "10")
        self.write("power", "523 W 1612345678901234 us")  # and others that are no joules
        self.scan()

    def write(self, name: str, text: object) -> None:
        (self.root / name).write_text(f"{text}\n")

    def scan(self, **spent_j: int) -> None:
        self.facts["freshness"] += 1
        for name, fact in self.facts.items():
            self.write(name, fact)
        for name, energy_j in spent_j.items():
            self.energies_j[name] += energy_j
        for name, energy_j in self.energies_j.items():
            self.write(name, f"{energy_j} J 1612345678901234 us")


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path / "pm_counters", LUMI_G)


@pytest.fixture
def metered(fakes, node):
    clock = fakes.Clock()
    metered = fakes.Metered(*pm_counters.discover(node.root, clock=clock).sources, clock=clock)

    def lap(duration_s: float = 10.0, **spent_j: int):
        clock.now += duration_s
        node.scan(**spent_j)
        return metered.window.lap()

    metered.lap = lap
    return metered


def test_parts_are_billed_and_the_node_that_holds_them_is_shown(metered):
    infos = {info.id.partition(":")[2]: info for info in metered.meter.sources}
    assert set(infos) == set(LUMI_G)
    found = {name: (info.component, info.scope) for name, info in infos.items()}
    assert found["accel3_energy"] == ("gpu", Scope.MODULE)
    assert (found["energy"], found["memory_energy"]) == (("node", Scope.NODE), ("dram", "package"))
    assert {info.update_period_s for info in infos.values()} == {0.1}
    spent_j = {"energy": 9_000, "cpu_energy": 2_000, "memory_energy": 500, "accel0_energy": 3_000}
    rest_j = {f"accel{n}_energy": 900 for n in (1, 2, 3)}
    lap = metered.lap(**spent_j, **rest_j)
    assert (lap.total_j, lap.kind) == (2_000 + 500 + 3_000 + 2_700, Kind.MEASURED)
    assert (lap.component_j("node"), lap.component_j("gpu")) == (9_000, 5_700)


@given(st.lists(st.dictionaries(st.sampled_from(list(LUMI_G)), st.integers(1, 1_500)), max_size=5))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_spent_is_counted_to_the_joule(fakes, tmp_path, steps):
    clock, node = fakes.Clock(), Node(tmp_path / "pm_counters", LUMI_G)
    sources = pm_counters.discover(node.root, clock=clock).sources
    first_j = [source.read() for source in sources]
    for spent_j in steps:
        clock.now += 2.0
        node.scan(**spent_j)
        [source.read() for source in sources]
    names = [source.info.id.partition(":")[2] for source in sources]
    spent = [source.read() - before for source, before in zip(sources, first_j, strict=True)]
    assert spent == [sum(step.get(name, 0) for step in steps) for name in names]
    assert not any(source.resets for source in sources)


def test_all_counters_are_of_one_scan(fakes, node, monkeypatch):
    cpu, memory = (
        pm_counters.discover(node.root, name, fakes.Clock()).sources[0]
        for name in ("cpu_energy", "memory_energy")
    )
    reads, pread = [], os.pread

    def scans_meanwhile(file: int, size: int, offset: int) -> bytes:
        reads.append(file)
        if len(reads) == 5:  # after the energy, before freshness is looked at again
            node.scan(cpu_energy=50)
        return pread(file, size, offset)

    node.scan()
    cpu._clock.now += 1.0  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setattr(pm_counters.os, "pread", scans_meanwhile)
    assert cpu.read() == 300_050  # read anew, since a scan came in between
    monkeypatch.setattr(pm_counters.os, "pread", lambda *asked: [node.scan(), pread(*asked)][1])
    memory._clock.now += 1.0  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(SourceError, match="changed at each of 5 readings"):
        memory.read()


def test_a_controller_that_stands_is_stale_and_one_that_began_anew_lost_count(metered, node):
    metered.lap(cpu_energy=100)
    metered.clock.now += 10.0
    stale = metered.window.lap()
    assert stale.total_j is None
    assert "freshness has stood at 9 for 10 s" in stale.warnings[0]
    metered.lap(cpu_energy=100)
    node.facts["startup"] += 1
    anew = metered.lap(cpu_energy=100)
    assert anew.total_j is None
    assert "lost count" in anew.warnings[0]


def test_a_changed_power_cap_is_told_and_costs_no_count(metered, node):
    every = dict.fromkeys(LUMI_G, 100)
    node.facts["generation"] += 1
    lap = metered.lap(**every)
    assert lap.total_j == 600
    assert "pm_counters:cpu_energy: a power cap of the node was changed" in lap.warnings


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-5 J 1 us", "shows '-5 J 1 us', which is no energy in J"),
        ("300100 mJ 1 us", "no energy in J"),
        ("", "shows ''"),
        ("9300000 J 1 us", "lost count"),  # 9 MJ in 10 s
        ("200000 J 1 us", "lost count"),  # fell
    ],
)
def test_a_reading_that_is_impossible_leaves_its_neighbours(metered, node, text, why):
    node.scan()
    metered.clock.now += 10.0
    for name, energy_j in LUMI_G.items():
        node.write(name, f"{energy_j + 100} J 2 us")
    node.write("cpu_energy", text)
    lap = metered.window.lap()
    assert (lap.component_j("cpu"), lap.total_j) == (None, None)
    assert lap.component_j("gpu") == 400
    assert any(why in warning for warning in lap.warnings)


def test_sums_and_absent_accelerators_are_no_sources_and_what_is_missing_is_told(tmp_path):
    energies_j = {"energy": 9, "cpu_energy": 5, "accel_energy": 2, "accel0_energy": 2}
    node = Node(tmp_path / "pm", {**energies_j, "accel1_energy": 0, "memory_energy": 0})
    found = pm_counters.discover(node.root)
    ids = [source.info.id.partition(":")[2] for source in found.sources]
    assert ids == ["accel0_energy", "cpu_energy", "energy"]
    assert found.incomplete
    assert "memory_energy shows 0 J, as a dead counter" in found.reason
    [source] = pm_counters.discover(node.root, "energy").sources
    assert source.info.scope is Scope.NODE
    assert "There are: accel0_energy" in pm_counters.discover(node.root, "gpu_energy").mend
    assert "no energy counters" in pm_counters.discover(tmp_path / "none").reason
    (node.root / "freshness").unlink()
    assert "cannot read" in pm_counters.discover(node.root).reason


def test_auto_takes_processors_and_memory_where_rapl_is_closed(fakes, node, powercap, tmp_path):
    closed = {"perf_root": tmp_path, "hwmon_root": tmp_path, "nvml_binding": fakes.Nvml()}
    machine = Machine(rapl_root=tmp_path, pm_root=node.root, **closed)
    ids = [source.info.id for source in resolve("auto", machine)]
    assert ids == ["pm_counters:cpu_energy", "pm_counters:memory_energy"]
    powercap.zone("intel-rapl:0", "package-0", 1_000)
    powercap.zone("intel-rapl:0:0", "dram", 1_000)
    machine = Machine(rapl_root=powercap.root, pm_root=node.root, **closed)
    assert len(resolve("auto", machine)) == 2
    assert len(resolve("rapl,pm_counters:energy", machine)) == 3
    for part in ("", ":cpu_energy", ":memory_energy"):
        with pytest.raises(ConfigurationError, match="same joules twice"):
            resolve(f"rapl,pm_counters{part}", machine)


def test_files_are_closed(node):
    def count_open() -> int:
        links = [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]
        return sum(link.startswith(str(node.root)) for link in links)

    sources = pm_counters.discover(node.root).sources
    assert count_open() == len(LUMI_G) + 4  # and what is to be known of scans
    del sources
    assert count_open() == 0
