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
        self.root, self.devices = folder / "hwmon", folder / "devices"
        self.root.mkdir(parents=True)

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
        found = hwmon.discover(self.root, channel).sources
        return {source.info.id.removeprefix("hwmon:"): source for source in found}


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
    labels = [f"Ecore{number:03}" for number in range(1, len(energies_uj) + 1)]
    labels += [f"Esocket{number}" for number in range(len(energies_uj))]
    files: dict[str, object] = {f"energy{n}_label": label for n, label in enumerate(labels, 1)}
    values = [7] * len(energies_uj) + [*energies_uj]
    files |= {f"energy{number}_input": value for number, value in enumerate(values, 1)}
    return tree.chip(0, "amd_energy", "amd_energy.0", **files)


def test_sockets_are_counted_and_the_cores_inside_them_are_not(tree):
    chip = sockets(tree, 1_000_000, 90_000_000, 90_000_100)  # the last two show one socket
    sources = tree.sources()
    assert list(sources) == [f"amd_energy-amd_energy.0/energy{n}_input" for n in (4, 5)]
    for source in sources.values():
        info = source.info
        assert (info.component, info.kind, info.scope) == ("cpu", Kind.MEASURED, Scope.PACKAGE)
    with EnergyMeter(sources.values()).window() as window:
        for number, energy_uj in {4: 1_500_000, 5: 90_200_000, 1: 900_000}.items():
            (chip / f"energy{number}_input").write_text(f"{energy_uj}\n")
    assert window.reading.total_j == pytest.approx(0.7)


def test_a_counter_that_falls_was_reset(tree):
    file = sockets(tree, 9_000_000) / "energy2_input"
    window = EnergyMeter(hwmon.discover(tree.root).sources).window()
    file.write_text("40\n")
    assert "lost count" in window.lap().warnings[0]
    file.write_text("300040\n")
    assert window.lap().total_j == pytest.approx(0.3)
    assert window.close().total_j is None


def test_a_chip_that_comes_back_under_another_number_is_found_but_has_lost_count(tree):
    chip = sockets(tree, 9_000_000)
    (source,) = hwmon.discover(tree.root).sources
    assert source.read() == pytest.approx(9.0)
    for text in ("", "9100000\n", ""):  # a passing failure costs nothing
        (chip / "energy2_input").write_text(text)
        if text:
            assert (source.read(), source.resets) == (pytest.approx(9.1), 0)
        else:
            with pytest.raises(SourceError, match="energy2_input"):
                source.read()
    chip.rename(tree.root / "unloaded")
    with pytest.raises(SourceError, match="energy2_input"):
        source.read()
    chip.mkdir()
    (chip / "name").write_text("nvme\n")
    new = shutil.copytree(tree.root / "unloaded", tree.root / "hwmon5", symlinks=True)
    (new / "energy2_input").write_text("20000000\n")
    for _ in range(2):
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
        "amdgpu-0000:03:00.0/power1_average": pytest.approx(9),
        "amdgpu-0000:83:00.0/power1_input": pytest.approx(8),
        "amdgpu-hwmon11/power1_average": pytest.approx(1),
    }
    identities = {(s.info.component, s.info.scope, s.info.kind) for s in sources.values()}
    assert identities == {("gpu", Scope.BOARD, Kind.INTEGRATED)}


def test_chips_of_one_name_on_one_device_are_told_apart_and_powers_of_one_card_are_not(tree):
    for number in range(2):
        tree.chip(number, "amd_hsmp_hwmon", "amd_hsmp", power1_input=1_000_000 * number)
    tree.chip(2, "amdgpu", "card", power1_average=5_000_000, power1_input=5_000_000)
    processors = [f"amd_hsmp_hwmon-amd_hsmp{which}/power1_input" for which in ("", ".2")]
    assert list(tree.sources()) == [*processors, "amdgpu-card/power1_average"]


@pytest.mark.parametrize(
    ("labels", "taken"), [({1: "card", 2: "pkg"}, 1), ({2: "pkg"}, 2), ({1: ""}, 1)]
)
def test_an_intel_card_contains_its_package(tree, labels, taken):
    files = {f"energy{number}_input": 1_000 for number in labels}
    files |= {f"energy{number}_label": label for number, label in labels.items()}
    tree.chip(0, "xe", "0000:03:00.0", **files)
    assert list(tree.sources()) == [f"xe-0000:03:00.0/energy{taken}_input"]


def test_counters_that_wrap_when_not_read_are_tended_and_others_need_not_be(tree):
    tree.chip(0, "i915", "card", energy1_input=1_000)
    tree.chip(1, "i915_gt0", "card", energy1_input=1_000)  # a part of the card
    tree.chip(2, "amd_energy", "socket", energy1_input=1_000, energy1_label="Esocket0")
    sources = tree.sources()
    assert sorted(sources) == ["amd_energy-socket/energy1_input", "i915-card/energy1_input"]
    [task] = sources["i915-card/energy1_input"].tasks()
    assert 0 < task() < 262
    assert not sources["amd_energy-socket/energy1_input"].tasks()


def rails(tree: Tree, *labels: str) -> Path:
    files: dict[str, object] = {}
    for rail, label in enumerate(labels, start=1):
        files |= {f"in{rail}_label": label, f"in{rail}_input": 5_000, f"curr{rail}_input": 1_200}
    return tree.chip(0, "ina3221", "1-0040", **files)


def test_rails_that_are_no_whole_are_offered_by_name_and_not_guessed(tree):
    rails(tree, "VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
    found = hwmon.discover(tree.root)
    assert not found.sources
    assert "ina3221-1-0040/VDD_GPU_SOC" in found.reason
    (source,) = tree.sources("ina3221/VDD_GPU_SOC@gpu").values()
    assert (source.info.component, source.read_power_w()) == ("gpu", pytest.approx(6.0))


def test_a_jetsons_input_is_its_whole_and_its_rails_are_inside(tree):
    chip = rails(tree, "VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC")
    ((name, source),) = tree.sources().items()
    assert name == "ina3221-1-0040/in1_input*curr1_input"
    assert (source.info.component, source.info.scope) == ("node", Scope.MODULE)
    assert source.read_power_w() == pytest.approx(6.0)
    (chip / "curr1_input").write_text("2000\n")
    assert source.read_power_w() == pytest.approx(10.0)
    (chip / "power1_input").write_text("7000000\n")  # its own power is taken if it has one
    ((name, source),) = tree.sources().items()
    assert (name, source.read_power_w()) == ("ina3221-1-0040/power1_input", pytest.approx(7.0))


def firmware_meters(tree: Tree, *names: str) -> None:
    """ACPI power meters, whose files older kernels keep in the device's folder."""
    for number, name in enumerate(names):
        chip = tree.chip(number, "", f"ACPI000D:0{number}")
        (chip / "name").unlink()
        files = {"name": "power_meter", "power1_average": 100_000_000, "power1_oem_info": name}
        for file, value in files.items():
            (chip / "device" / file).write_text(f"{value}\n")


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ([""], [("0", "node", Scope.NODE)]),  # the machine
        (["PSU", "Riser"], []),  # the one may contain the other
        (
            [f"{part} Power Socket 0" for part in ("Module", "Grace", "CPU", "SysIO")],
            [("1", "cpu", Scope.PACKAGE), ("0", "node", Scope.MODULE)],
        ),
    ],
)
def test_firmware_meters_are_the_machine_or_known_by_their_names(tree, names, taken):
    firmware_meters(tree, *names)
    id_of = "hwmon:power_meter-ACPI000D:0{}/power1_average".format
    found = hwmon.discover(tree.root)
    infos = [source.info for source in found.sources]
    expected = [(id_of(number), component, scope) for number, component, scope in taken]
    assert [(info.id, info.component, info.scope) for info in infos] == expected
    assert taken or "whole and its parts" in found.reason
    assert len(tree.sources("power_meter-ACPI000D:00/power1_average")) == 1


def test_one_driver_serves_for_the_processor_and_one_for_the_machine(tree):
    sockets(tree, 1_000)
    tree.chip(1, "zenpower", "k", power1_input=1, power1_label="SVI2_P_Core")
    tree.chip(2, "corsairpsu", "psu", power1_input=1, power1_label="power total")
    tree.chip(3, "macsmc_hwmon", "smc", power1_input=1, power1_label="Total System Power")
    taken = ["amd_energy-amd_energy.0/energy2_input", "macsmc_hwmon-smc/power1_input"]
    assert list(tree.sources()) == taken


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
    for after_s, power_w in ((0.0, 1.0), (0.9, 1.0), (0.2, 2.0)):
        clock.now += after_s
        assert source.read_power_w() == pytest.approx(power_w)
        (chip / "power1_input").write_text("2000000\n")


def test_a_forbidden_counter_is_named_with_what_mends_it(tree):
    chip = sockets(tree, 1_000)
    found = hwmon.discover(tree.root, open_file=denying("energy2_input"))
    assert (found.sources, found.incomplete) == ([], True)
    assert "Permission denied" in found.reason
    assert f"sudo chmod a+r {chip}/energy2_input" in found.mend
    assert 'ATTR{name}=="amd_energy"' in found.mend
    assert 'RUN+="/bin/chmod a+r /sys%p/energy2_input"' in found.mend


def test_half_of_the_processors_is_none_and_another_driver_may_serve(tree):
    sockets(tree, 1_000, 9_000_000)
    tree.chip(1, "fam15h_power", "k", power1_input=1_000)
    found = hwmon.discover(tree.root, open_file=denying("energy4_input"))
    assert [source.info.id for source in found.sources] == ["hwmon:fam15h_power-k/power1_input"]
    assert not found.incomplete
    assert "energy4_input" in found.reason


def test_an_apu_is_left_out_since_its_power_includes_the_cpu(tree):
    tree.chip(0, "amdgpu", "apu", power1_input=9_000_000, in1_input=800)
    found = hwmon.discover(tree.root)
    assert not found.sources
    assert "APU" in found.reason
    assert tree.sources("amdgpu/power1_input@cpu")


def test_a_card_that_cannot_be_read_leaves_the_others_and_is_missed(tree):
    tree.chip(0, "amdgpu", "asleep", power1_average="")
    tree.chip(1, "amdgpu", "awake", power1_average=1_000_000)
    assert list(tree.sources()) == ["amdgpu-awake/power1_average"]
    found = hwmon.discover(tree.root)
    assert (found.incomplete, found.mend) == (True, "")  # no permission is lacking
    assert "amdgpu-asleep" in found.reason


def test_any_channel_can_be_named(tree):
    tree.chip(0, "nct6775", "nct6775.656", power1_input=4_000_000, power1_label="CPU in")
    tree.chip(1, "nct6775", "nct6775.657", power1_input=5_000_000)
    found = tree.sources("nct6775/power1_input").values()
    assert [(s.read_power_w(), s.info.component) for s in found] == [(4.0, "node"), (5.0, "node")]
    ((name, source),) = tree.sources("nct6775/CPU in@dram").items()
    assert name == "nct6775-nct6775.656/power1_input"
    assert (source.info.component, source.info.scope) == ("dram", Scope.PACKAGE)
    assert list(tree.sources(name)) == [name]


def test_a_channel_that_is_not_there_is_answered_with_those_that_are(tree, tmp_path):
    assert "none" in hwmon.discover(tmp_path / "none").reason
    assert "(there are: none)" in hwmon.discover(tree.root).reason
    tree.chip(0, "nct6775", "nct6775.656", power1_input=4_000_000)
    assert "nct6775-nct6775.656/power1_input" in hwmon.discover(tree.root).reason
    found = hwmon.discover(tree.root, "nct6775/power2_input")
    assert not found.sources
    assert "nct6775-nct6775.656/power1_input" in found.mend
    with pytest.raises(ConfigurationError, match="CHIP/CHANNEL"):
        hwmon.discover(tree.root, "nct6775")
    with pytest.raises(UnknownNameError, match="did you mean 'cpu'"):
        hwmon.discover(tree.root, "nct6775/power1_input@cpus")


def test_a_counter_that_leaps_or_shows_less_than_nothing_is_not_believed(tree, fakes):
    file, clock = sockets(tree, 9_000_000) / "energy2_input", fakes.Clock()
    meter = EnergyMeter(hwmon.discover(tree.root, clock=clock).sources, clock=clock)
    for shown_uj, reason in ((-5, "which is impossible"), (909_000_000, "lost count")):
        window = meter.window()
        clock.now += 0.05
        file.write_text(f"{shown_uj}\n")
        meter.watch.look()
        clock.now += 10.0  # so long that the window's mean power is possible
        assert reason in window.close().warnings[0]
        file.write_text("9000000\n")
