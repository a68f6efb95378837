"""What is stored for a machine, and what comes of it."""

import json
import os
import shutil

import pytest

from perjoule.energy.calibration.stored import (
    Calibration,
    CpuFit,
    IdlePower,
    calibration_file,
    home,
    identify,
    load_calibration,
    machine_id,
    save_calibration,
)
from perjoule.energy.sources.cpu.time import CpuTimeSource
from perjoule.errors import OutputError

FIT = CpuFit(5.0, 10.0, 0.1, 3, "rapl:package-0", "a counter", "2026-01-01T00:00:00+00:00")


def stored(idle_w: dict[str, float] | None = None, cpu=None) -> Calibration:
    idle = {name: IdlePower(power_w, 0.5, 20.0, 0.1, "now") for name, power_w in idle_w.items()}
    return save_calibration(Calibration(machine_id(), "a machine", "now", idle, cpu))


def test_what_is_saved_is_loaded(calibrations):
    assert load_calibration() is None
    saved = stored({"rapl:package-0": 12.0}, FIT)
    assert load_calibration() == saved
    assert saved.idle_power_w("rapl:package-0") == 12.0
    assert saved.idle_power_w("nvml:GPU-a") is None
    shutil.rmtree(calibrations)
    calibrations.write_text("a file where a folder should be")
    assert load_calibration() is None


def test_what_a_new_calibration_did_not_measure_is_kept():
    stored({"a": 1.0, "b": 2.0}, FIT)
    stored({"b": 3.0})
    found = load_calibration()
    assert (found.idle_power_w("a"), found.idle_power_w("b")) == (1.0, 3.0)
    assert found.cpu == FIT


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:40],
        *(lambda _, text=text: text for text in ("", "[1, 2]", "{}")),
        *(
            lambda text, change=change: json.dumps(json.loads(text) | change)
            for change in (
                *({"version": 2}, {"machine": "another"}, {"idle_w": []}, {"more": 1}),
                {"idle_w": {"a": {"power_w": 3}}},
            )
        ),
        *(lambda text, new=new: text.replace("12.5", new) for new in ("NaN", "-12.5", '"12.5"')),
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


def test_a_calibration_is_saved_whole_or_not_at_all(calibrations, monkeypatch):
    def fail(_):
        raise OSError(28, "disk full")

    stored({"a": 1.0})
    before = calibration_file().read_text()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OutputError, match="disk full; make room and try again"):
            stored({"a": 2.0})
    assert [file.name for file in calibrations.iterdir()] == [calibration_file().name]
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
    given, none = tmp_path / "machine-id", tmp_path / "none"
    given.write_text("abc\n")
    machines = [(given, "node1", 8), (given, "node2", 8), (given, "node1", 16)]
    machines += [(none, "node1", 8), (none, "node2", 8)]
    found = [identify(*machine) for machine in machines]
    assert found == [identify(*machine) for machine in machines]
    assert len(set(found)) == 5
    assert not any("abc" in name for name in found)
    assert machine_id() == machine_id()


def test_modelled_cpu_energy_takes_the_calibrated_watts_unless_the_user_gives_some():
    stored({"a": 1.0})
    assert "calibrated" not in CpuTimeSource().info.detail  # by idle power alone
    stored({}, FIT)
    info = CpuTimeSource().info
    assert info.detail.endswith("x 5 W per core: calibrated against rapl:package-0 on 2026-01-01")
    assert info.gain_error == FIT.residual
    assert "x 9 W per core: given by the user" in CpuTimeSource(9.0).info.detail
