from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perjoule.energy import EnergyMeter, Kind, Scope
from perjoule.energy.sources.hwmon import source as hwmon
from perjoule.errors import ConfigurationError, SourceError, UnknownNameError


class Tree:
    """A hwmon tree of chips, each with its device."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "hwmon"
        self.root.mkdir(parents=True)
        self.devices = folder / "devices"

    def chip(self, number: int, name: str, device: str = "", **files: object) -> Path:
        folder = self.root / f"hwmon{number}"
        folder.mkdir()
        if device:
            (self.devices / device).mkdir(parents=True, exist_ok=True)
            (folder / "device").symlink_to(self.devices / device)
        for file, value in {"name": name, **files}.items():
            (folder / file).write_text(f"{value}\n")
        return folder

    def sources(self, channel: str | None = None) -> dict:
        return {source.info.id: source for source in hwmon.discover(self.root, channel).sources}


@pytest.fixture
def tree(tmp_path) -> Tree:
    return Tree(tmp_path)


def denying(*names: str):
    """Opens files as a user does who may not read some."""

    def open_file(path: Path) -> int:
        if path.name in names:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os.open(path, os.O_RDONLY)

    return open_file


def sockets(tree: Tree, *energies_uj: int) -> Path:
    """An amd_energy chip with as many sockets, of one core each."""
    files: dict[str, object] = {}
    for number, energy_uj in enumerate(energies_uj, start=1):
        files |= {f"energy{number}_label": f"Ecore{number:03}", f"energy{number}_input": 7}
        socket = number + len(energies_uj)
        files |= {f"energy{socket}_label": f"Esocket{number - 1}"}
        files |= {f"energy{socket}_input": energy_uj}
    return tree.chip(0, "amd_energy", "amd_energy.0", **files)


def test_sockets_are_counted_and_the_cores_inside_them_are_not(tree):
    chip = sockets(tree, 1_000_000, 90_000_000)
    found = hwmon.discover(tree.root)
    assert [source.info.id for source in found.sources] == [
        "hwmon:amd_energy-amd_energy.0/energy3_input",
        "hwmon:amd_energy-amd_energy.0/energy4_input",
    ]
    info = found.sources[0].info
    assert (info.component, info.kind, info.scope) == ("cpu", Kind.MEASURED, Scope.PACKAGE)
    with EnergyMeter(found.sources) as meter:
        window = meter.window()
        (chip / "energy3_input").write_text("1500000\n")
        (chip / "energy4_input").write_text("90200000\n")
        (chip / "energy1_input").write_text("900000\n")
        reading = window.close()
    assert reading.total_j == pytest.approx(0.7)
    assert reading.kind == Kind.MEASURED


def test_memory_nodes_of_one_socket_that_show_one_counter_are_counted_once(tree):
    sockets(tree, 5_000_000_000, 5_000_000_100, 7_000_000_000)
    assert list(tree.sources()) == [
        "hwmon:amd_energy-amd_energy.0/energy4_input",
        "hwmon:amd_energy-amd_energy.0/energy6_input",
    ]


def test_a_counter_that_falls_was_reset(tree):
    chip = sockets(tree, 9_000_000)
    with EnergyMeter(hwmon.discover(tree.root).sources) as meter:
        window = meter.window()
        (chip / "energy2_input").write_text("40\n")
        assert "lost count" in window.lap().warnings[0]
        (chip / "energy2_input").write_text("300040\n")
        assert window.lap().total_j == pytest.approx(0.3)
        assert window.close().total_j is None


def test_a_chip_that_comes_back_under_another_number_is_found_but_has_lost_count(tree):
    chip = sockets(tree, 9_000_000)
    (source,) = hwmon.discover(tree.root).sources
    assert source.read() == pytest.approx(9.0)
    (chip / "energy2_input").write_text("")
    with pytest.raises(SourceError, match="energy2_input"):
        source.read()
    (chip / "energy2_input").write_text("9100000\n")  # a passing failure costs nothing
    assert (source.read(), source.resets) == (pytest.approx(9.1), 0)
    (chip / "energy2_input").write_text("")
    with pytest.raises(SourceError):
        source.read()
    chip.rename(tree.root / "unloaded")
    with pytest.raises(SourceError, match="energy2_input"):
        source.read()
    chip.mkdir()
    (chip / "name").write_text("nvme\n")
    new = shutil.copytree(tree.root / "unloaded", tree.root / "hwmon5", symlinks=True)
    (new / "energy2_input").write_text("20000000\n")
    assert (source.read(), source.resets) == (pytest.approx(20.0), 1)
    assert (source.read(), source.resets) == (pytest.approx(20.0), 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(powers_uw=st.lists(st.integers(0, 3_000_000_000), min_size=1, max_size=5))
def test_powers_are_in_microwatts(tmp_path_factory, powers_uw):
    tree = Tree(tmp_path_factory.mktemp("tree"))
    chip = tree.chip(0, "amdgpu", "0000:03:00.0", power1_average=0)
    (source,) = hwmon.discover(tree.root).sources
    for power_uw in powers_uw:
        (chip / "power1_average").write_text(f"{power_uw:<30}\n")
        assert source.read_power_w() == pytest.approx(power_uw / 1e6)


def test_equal_cards_have_names_of_their_own_that_outlast_a_boot(tree):
    tree.chip(9, "amdgpu", "0000:03:00.0", power1_average=9_000_000, power1_label="PPT")
    tree.chip(10, "amdgpu", "0000:83:00.0", power1_input=8_000_000, power1_label="PPT")
    tree.chip(11, "amdgpu", power1_average=1_000_000)
    sources = tree.sources()
    assert {name: source.read_power_w() for name, source in sources.items()} == {
        "hwmon:amdgpu-0000:03:00.0/power1_average": pytest.approx(9),
        "hwmon:amdgpu-0000:83:00.0/power1_input": pytest.approx(8),
        "hwmon:amdgpu-hwmon11/power1_average": pytest.approx(1),
    }
    assert {(s.info.component, s.info.scope, s.info.kind) for s in sources.values()} == {
        ("gpu", Scope.BOARD, Kind.INTEGRATED)
    }


def test_chips_of_one_name_on_one_device_are_told_apart(tree):
    for number in range(2):
        tree.chip(number, "amd_hsmp_hwmon", "amd_hsmp", power1_input=1_000_000 * number)
    assert list(tree.sources()) == [
        "hwmon:amd_hsmp_hwmon-amd_hsmp/power1_input",
        "hwmon:amd_hsmp_hwmon-amd_hsmp.2/power1_input",
    ]


def test_average_and_present_power_of_a_card_are_one(tree):
    tree.chip(0, "amdgpu", "card", power1_average=5_000_000, power1_input=5_000_000)
    assert list(tree.sources()) == ["hwmon:amdgpu-card/power1_average"]


def test_an_apu_is_left_out_since_its_power_includes_the_cpu(tree):
    tree.chip(0, "amdgpu", "apu", power1_input=9_000_000, in1_input=800)
    found = hwmon.discover(tree.root)
    assert not found.sources
    assert "APU" in found.reason
    assert tree.sources("amdgpu/power1_input@cpu")


@pytest.mark.parametrize(
    ("labels", "taken"),
    [
        ({1: "card", 2: "pkg"}, "energy1_input"),
        ({2: "pkg"}, "energy2_input"),
        ({1: ""}, "energy1_input"),
    ],
)
def test_an_intel_card_contains_its_package(tree, labels, taken):
    files = {f"energy{number}_input": 1_000 for number in labels}
    files |= {f"energy{number}_label": label for number, label in labels.items()}
    tree.chip(0, "xe", "0000:03:00.0", **files)
    assert list(tree.sources()) == [f"hwmon:xe-0000:03:00.0/{taken}"]


def test_counters_that_wrap_when_not_read_are_tended_and_others_need_not_be(tree):
    tree.chip(0, "i915", "card", energy1_input=1_000)
    tree.chip(1, "i915_gt0", "card", energy1_input=1_000)  # a part of the card
    tree.chip(2, "amd_energy", "socket", energy1_input=1_000, energy1_label="Esocket0")
    sources = tree.sources()
    assert sorted(sources) == [
        "hwmon:amd_energy-socket/energy1_input",
        "hwmon:i915-card/energy1_input",
    ]
    [task] = sources["hwmon:i915-card/energy1_input"].tasks()
    assert 0 < task() < 262
    assert not sources["hwmon:amd_energy-socket/energy1_input"].tasks()


def rails(tree: Tree, number: int, device: str, *labels: str) -> Path:
    files: dict[str, object] = {}
    for rail, label in enumerate(labels, start=1):
        files |= {f"in{rail}_label": label, f"in{rail}_input": 5_000, f"curr{rail}_input": 1_200}
    return tree.chip(number, "ina3221", device, **files)


def test_a_jetsons_input_is_its_whole_and_its_rails_are_inside(tree):
    chip = rails(tree, 0, "1-0040", "VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC")
    ((name, source),) = tree.sources().items()
    assert name == "hwmon:ina3221-1-0040/in1_input*curr1_input"
    assert (source.info.component, source.info.scope) == ("node", Scope.MODULE)
    assert source.read_power_w() == pytest.approx(6.0)
    (chip / "curr1_input").write_text("2000\n")
    assert source.read_power_w() == pytest.approx(10.0)


def test_a_jetsons_own_power_is_taken_where_its_driver_has_one(tree):
    chip = rails(tree, 0, "1-0040", "VDD_IN")
    (chip / "power1_input").write_text("7000000\n")
    ((name, source),) = tree.sources().items()
    assert name == "hwmon:ina3221-1-0040/power1_input"
    assert source.read_power_w() == pytest.approx(7.0)


def test_rails_that_are_no_whole_are_offered_by_name_and_not_guessed(tree):
    rails(tree, 0, "1-0040", "VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
    found = hwmon.discover(tree.root)
    assert not found.sources
    assert "ina3221-1-0040/VDD_GPU_SOC" in found.reason
    (source,) = hwmon.discover(tree.root, "ina3221/VDD_GPU_SOC@gpu").sources
    assert (source.info.component, source.read_power_w()) == ("gpu", pytest.approx(6.0))


def firmware_meters(tree: Tree, *names: str) -> None:
    """ACPI power meters, whose files older kernels keep in the device's folder."""
    for number, name in enumerate(names):
        chip = tree.chip(number, "", f"ACPI000D:0{number}")
        (chip / "name").unlink()
        files = {"name": "power_meter", "power1_average": 100_000_000, "power1_oem_info": name}
        for file, value in files.items():
            (chip / "device" / file).write_text(f"{value}\n")


def test_a_single_firmware_meter_is_the_machine(tree):
    firmware_meters(tree, "")
    ((name, source),) = tree.sources().items()
    assert name == "hwmon:power_meter-ACPI000D:00/power1_average"
    assert (source.info.component, source.info.scope) == ("node", Scope.NODE)


def test_firmware_meters_that_may_contain_one_another_are_not_added(tree):
    firmware_meters(tree, "PSU", "Riser")
    found = hwmon.discover(tree.root)
    assert not found.sources
    assert "whole and its parts" in found.reason
    assert len(tree.sources("power_meter-ACPI000D:01/power1_average")) == 1


def test_a_grace_processor_and_its_module_are_known_by_their_names(tree):
    names = ("Module", "Grace", "CPU", "SysIO")
    firmware_meters(tree, *(f"{name} Power Socket 0" for name in names))
    infos = [source.info for source in tree.sources().values()]
    assert [(info.id.partition("/")[0][-2:], info.component, info.scope) for info in infos] == [
        ("01", "cpu", Scope.PACKAGE),
        ("00", "node", Scope.MODULE),
    ]


def test_one_driver_serves_for_the_processor_and_one_for_the_machine(tree):
    sockets(tree, 1_000)
    tree.chip(1, "zenpower", "k", power1_input=1, power1_label="SVI2_P_Core")
    tree.chip(2, "corsairpsu", "psu", power1_input=1, power1_label="power total")
    tree.chip(3, "macsmc_hwmon", "smc", power1_input=1, power1_label="Total System Power")
    assert list(tree.sources()) == [
        "hwmon:amd_energy-amd_energy.0/energy2_input",
        "hwmon:macsmc_hwmon-smc/power1_input",
    ]


@pytest.mark.parametrize(
    ("driver", "component", "powers_w", "more"),
    [
        ("zenpower", "cpu", {"cpu0 SVI2_P_Core": 1, "cpu0 SVI2_P_SoC": 2}, {}),
        ("fam15h_power", "cpu", {"": 3}, {"power1_average": 99}),
        ("amd_hsmp_hwmon", "cpu", {"": 3}, {"power1_cap": 99}),
        ("corsairpsu", "node", {"power total": 3, "power +12v": 2}, {}),
        ("macsmc_hwmon", "node", {"AC Input Power": 4, "Total System Power": 3}, {}),
    ],
)
def test_known_drivers_give_wholes_or_all_their_parts(tree, driver, component, powers_w, more):
    files: dict[str, object] = dict(more)
    for number, (label, power_w) in enumerate(powers_w.items(), start=1):
        files[f"power{number}_input"] = power_w * 1_000_000
        files |= {f"power{number}_label": label} if label else {}
    tree.chip(0, driver, "device", **files)
    sources = tree.sources().values()
    assert sum(source.read_power_w() for source in sources) == pytest.approx(3.0)
    assert {source.info.component for source in sources} == {component}


def test_a_slow_device_is_asked_once_a_second(tree, fakes):
    chip = tree.chip(0, "corsairpsu", "psu", power1_input=1_000_000, power1_label="power total")
    clock = fakes.Clock()
    (source,) = hwmon.discover(tree.root, clock=clock).sources
    assert source.info.update_period_s == 1.0
    assert source.read_power_w() == pytest.approx(1.0)
    (chip / "power1_input").write_text("2000000\n")
    clock.now += 0.9
    assert source.read_power_w() == pytest.approx(1.0)
    clock.now += 0.2
    assert source.read_power_w() == pytest.approx(2.0)


def test_a_forbidden_counter_is_named_with_what_mends_it(tree):
    chip = sockets(tree, 1_000)
    found = hwmon.discover(tree.root, open_file=denying("energy2_input"))
    assert not found.sources
    assert found.incomplete
    assert "Permission denied" in found.reason
    assert f"sudo chmod a+r {chip}/energy2_input" in found.mend
    assert 'ATTR{name}=="amd_energy"' in found.mend
    assert 'RUN+="/bin/chmod a+r /sys%p/energy2_input"' in found.mend


def test_half_of_the_processors_is_none_and_another_driver_may_serve(tree):
    sockets(tree, 1_000, 9_000_000)
    tree.chip(1, "fam15h_power", "k", power1_input=1_000)
    forbidden = denying("energy4_input")
    found = hwmon.discover(tree.root, open_file=forbidden)
    assert [source.info.id for source in found.sources] == ["hwmon:fam15h_power-k/power1_input"]
    assert not found.incomplete
    assert "energy4_input" in found.reason


def test_a_card_that_cannot_be_read_leaves_the_others_and_is_missed(tree):
    tree.chip(0, "amdgpu", "asleep", power1_average="")
    tree.chip(1, "amdgpu", "awake", power1_average=1_000_000)
    found = hwmon.discover(tree.root)
    assert [source.info.id for source in found.sources] == ["hwmon:amdgpu-awake/power1_average"]
    assert found.incomplete
    assert "amdgpu-asleep" in found.reason
    assert not found.mend  # no permission is lacking


def test_any_channel_can_be_named(tree):
    tree.chip(0, "nct6775", "nct6775.656", power1_input=4_000_000, power1_label="CPU in")
    tree.chip(1, "nct6775", "nct6775.657", power1_input=5_000_000)
    found = tree.sources("nct6775/power1_input")
    assert [source.read_power_w() for source in found.values()] == [4.0, 5.0]
    assert {source.info.component for source in found.values()} == {"node"}
    ((name, source),) = tree.sources("nct6775/CPU in@dram").items()
    assert name == "hwmon:nct6775-nct6775.656/power1_input"
    assert (source.info.component, source.info.scope) == ("dram", Scope.PACKAGE)
    assert list(tree.sources(name.removeprefix("hwmon:"))) == [name]


def test_a_channel_that_is_not_there_is_answered_with_those_that_are(tree):
    tree.chip(0, "nct6775", "nct6775.656", power1_input=4_000_000)
    found = hwmon.discover(tree.root, "nct6775/power2_input")
    assert not found.sources
    assert "nct6775-nct6775.656/power1_input" in found.mend
    assert "nct6775-nct6775.656/power1_input" in hwmon.discover(tree.root).reason


def test_a_channel_is_written_as_chip_slash_channel(tree):
    with pytest.raises(ConfigurationError, match="CHIP/CHANNEL"):
        hwmon.discover(tree.root, "nct6775")
    with pytest.raises(UnknownNameError, match="did you mean 'cpu'"):
        hwmon.discover(tree.root, "nct6775/power1_input@cpus")


def test_where_there_is_no_hwmon_the_reason_says_so(tree, tmp_path):
    assert "none" in hwmon.discover(tmp_path / "none").reason
    assert "(there are: none)" in hwmon.discover(tree.root).reason
