"""The real binding against a shared library whose answers are written by the test."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PRELUDE = """
import json, os, sys, time
from pathlib import Path
from perjoule.energy import EnergyMeter
from perjoule.energy.sources.nvml import source as nvml
from perjoule.errors import SourceError

file = Path(os.environ["FAKE_NVML"])
state, said = {}, {}

def show(**facts):
    for key, value in facts.items():
        state[key.replace("__", ".")] = value
    text = "".join(f"{key} {value}\\n" for key, value in state.items() if value is not None)
    file.with_suffix(".new").write_text(text)
    file.with_suffix(".new").replace(file)

def card(index, **facts):
    given = {"uuid": f"GPU-{index}aaa", "name": "Card", "energy_mj": 5_000_000, "pids": "-"}
    show(gpus=index + 1, **{f"gpu{index}__{key}": v for key, v in {**given, **facts}.items()})

def discovered(**facts):
    card(0, **facts)
    found = nvml.discover()
    return {"ids": [s.info.id for s in found.sources], "why": f"{found.reason}. {found.mend}"}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the library with")
    folder = tmp_path_factory.mktemp("library")
    source = Path(__file__).with_name("fake_nvml.c")
    built = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", built, source], check=True)
    return folder


@pytest.fixture
def script(library, tmp_path):
    """Run a script with the library in place, and return what it said."""

    def script(text: str, **environment: str):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CUDA_")}
        places = {
            "LD_LIBRARY_PATH": str(library),
            "FAKE_NVML": str(tmp_path / "state"),
            "PERJOULE_HOME": str(tmp_path),
        }
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + text + "\nprint(json.dumps(said))\n"],
            env={**clean, **places, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return script


def test_a_counter_is_exact_and_survives_errors_and_forks(script):
    said = script("""
card(0, energy_mj=5_000_123, pids=os.getpid())
meter = EnergyMeter("nvml")
[source] = nvml.discover().sources
said["read_j"] = source.read()

window = meter.window()
show(gpu0__energy_mj=5_002_623)
said["window_j"] = window.close().total_j

window = meter.window()
show(gpu0__energy_mj="!15")
lost = window.close()
said["lost_j"], said["lost_why"] = lost.total_j, lost.warnings[0]
show(gpu0__energy_mj=5_004_000)

def in_child(do):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, json.dumps(do()).encode())
        os._exit(0)
    os.close(writer)
    os.wait()
    return json.loads(os.read(reader, 4096))

def count():
    window = meter.window()
    show(gpu0__energy_mj=5_006_000)
    return [window.close().total_j, source.read()]

def without_driver():
    show(gpus="!9")
    try:
        return source.read()
    except SourceError as error:
        return str(error)

said["child"], said["no_driver"] = in_child(count), in_child(without_driver)

show(gpu0__energy_mw=10_000)
window = meter.window()
time.sleep(0.3)
reading = window.close()
said["power_w"] = reading.total_j / reading.duration_s
""")
    assert said["read_j"] == 5_000.123
    assert said["window_j"] == pytest.approx(2.5)
    assert said["lost_j"] is None
    assert said["lost_why"] == "nvml:GPU-0aaa: NVML energy: GPU is lost"
    assert said["child"] == [pytest.approx(2.0), 5_006.0]
    assert said["no_driver"] == "NVML energy: Driver Not Loaded"
    assert said["power_w"] == pytest.approx(10.0, rel=0.1)


def test_each_lack_is_found_by_calling(script):
    said = script("""
said["power"] = discovered(energy_mj=None, power_mw=40_000)
card(0, energy_mj=0, instant_mw=50_000, power_mw=40_000, pids=os.getpid())
[source] = nvml.discover().sources
said["instant_w"] = source.read_power_w()
with EnergyMeter("nvml") as meter:
    time.sleep(0.15)
said["integrated"] = [meter.reading.total_j / meter.reading.duration_s, meter.reading.kind]
said["vgpu"] = discovered(energy_mj=0, instant_mw=None, power_mw=0)
said["jetson"] = discovered(energy_mj=None, power_mw=None, pids=None)
said["mute"] = discovered(uuid=None)
show(gpus="!9")
said["no driver"] = [nvml.discover().reason]
""")
    assert said["power"]["ids"] == ["nvml-power:GPU-0aaa"]
    assert said["instant_w"] == 50.0
    assert said["integrated"] == [pytest.approx(50.0, rel=0.1), "integrated"]
    assert "Card reports neither energy nor power" in said["vgpu"]["why"]
    assert said["jetson"]["ids"] == said["vgpu"]["ids"] == said["mute"]["ids"] == []
    assert "Not Supported" in said["jetson"]["why"]
    assert "on Jetson take --meter hwmon, its INA3221 rails" in said["jetson"]["why"]
    assert "GPU 0: Not Supported" in said["mute"]["why"]
    assert said["no driver"] == ["NVML: Driver Not Loaded"]


def test_a_slice_is_billed_as_its_board_and_others_are_named(script):
    said = script(
        """
card(0)
card(1, slice0__uuid="MIG-1111", slice2__uuid="MIG-2222", pids="!4")
show(gpu1__slice2__pids=f"{os.getpid()},{os.getppid()}")
with EnergyMeter("nvml") as meter:
    show(gpu1__energy_mj=5_001_000)
said["warnings"] = meter.reading.warnings[:2]
said["joules"] = meter.reading.total_j
said["parent"] = os.getppid()
""",
        CUDA_VISIBLE_DEVICES="MIG-2222",
    )
    assert said["joules"] == pytest.approx(1.0)
    whole, shared = said["warnings"]
    assert whole.startswith("nvml:GPU-1aaa: ")
    assert "the whole GPU, of which this process has slice MIG-2222" in whole
    assert said["parent"] == os.getpid()
    assert shared.startswith(f"nvml:GPU-1aaa: shared with process {os.getpid()} (")
