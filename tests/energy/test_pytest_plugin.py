"""`pytest --joules` on a small suite of its own, in a process of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import perjoule
from perjoule.energy.quantities import parse_energy

PACKAGE = Path(perjoule.__file__).parent
SUITE = """
import subprocess, sys, time
import pytest
from perjoule.energy.sources.cpu.time import CpuTimeSource
from perjoule.errors import SourceError

def burn(cpu_s):
    end = time.process_time() + cpu_s
    while time.process_time() < end:
        pass

@pytest.fixture
def costly():
    burn(0.05)

def test_small(costly):
    burn(0.01)

def test_of_a_child():
    code = "import time\\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", code], check=True)

@pytest.mark.joules(budget="1 mJ")
def test_greedy():
    burn(0.02)

@pytest.mark.joules(budget="1 kJ")
def test_frugal():
    burn(0.02)

@pytest.mark.joules(budget="1 kJ")
def test_unknown(monkeypatch):
    def read(self):
        raise SourceError("the plug was pulled")
    monkeypatch.setattr(CpuTimeSource, "read", read)
"""


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)

    def run(*options, plugins=()):
        names = ["perjoule.energy.pytest_plugin", *plugins]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += [word for name in names for word in ("-p", name)]
        path = os.pathsep.join(sys.path)
        environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path}
        return subprocess.run(
            [*command, *options],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_joules_of_each_test_are_listed_with_their_kind(suite):
    run = suite("--joules", "--joules-meter", "cpu_time:10")
    rows = dict(
        re.findall(r"^test_suite.py::(\w+): ([\d.]+ m?J) ± 43 % modelled$", run.stdout, re.M)
    )
    joules = {name: parse_energy(each) for name, each in rows.items()}
    assert joules["test_small"] == pytest.approx(0.1, rel=0.2)  # without its fixture
    assert joules["test_of_a_child"] >= 2.0
    assert "the joules of this test, 2" in run.stdout  # hundred millijoules
    assert "modelled, exceed its budget of 1.00 mJ" in run.stdout
    assert "the plug was pulled), are not known, so they cannot be held to its bu" in run.stdout
    assert re.search(r"^all 5 tests: [\d.]+ J modelled, 1 not known$", run.stdout, re.M)
    # Its teardown puts the plug back.
    assert re.search(r"^setup and teardown: [\d.]+ m?J modelled, 1 not known$", run.stdout, re.M)
    assert "2 failed, 3 passed" in run.stdout


def test_what_would_go_unseen_is_told(suite, tmp_path):
    (tmp_path / "test_suite.py").write_text(
        "import pytest\n"
        "@pytest.mark.joules(buget='1 kJ')\n"
        "def test_misspelt(): ...\n"
        "def test_fine(): ...\n"
    )
    run = suite("--joules")
    assert 'joules: give it one budget, such as budget="2 J"' in run.stdout
    assert "1 failed, 1 passed" in run.stdout
    run = suite("--joules-budget", "")  # a variable that is not set
    assert (run.returncode, "energy '' is not" in run.stderr) == (4, True)
    run = suite("--joules-json", ".")
    assert (run.returncode, "is a folder" in run.stderr) == (4, True)
    run = suite("--joules-json", "/proc/joules.json", "-k", "fine")
    assert run.returncode == 4
    assert "error: --joules-json: cannot write" in run.stdout
    assert "1 passed" in run.stdout


def test_each_run_of_a_test_is_in_the_sums(suite):
    pytest.importorskip("xdist")
    each = ("-n", "2", "--dist", "each", "-k", "test_small", "--joules-meter", "cpu_time:10")
    run = suite("--joules", *each, plugins=["xdist.plugin"])
    assert "test_small (run 2): " in run.stdout
    assert "all 2 tests: " in run.stdout


FORKING = """
import marshal, os, pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    hook, end, begin = item.config.hook, *os.pipe()
    if not os.fork():
        reports = runtestprotocol(item, log=False)
        sent = [hook.pytest_report_to_serializable(config=item.config, report=r) for r in reports]
        os.write(begin, marshal.dumps(sent))
        os._exit(0)
    os.close(begin)
    with open(end, "rb") as file:
        for each in marshal.loads(file.read()):
            report = hook.pytest_report_from_serializable(config=item.config, data=each)
            item.ihook.pytest_runtest_logreport(report=report)
    os.wait()
    return True
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_tests_in_forks_are_metered_there(suite, tmp_path):
    (tmp_path / "forking.py").write_text(FORKING)
    meter = ("--joules-meter", "cpu_time:10")
    run = suite("--joules", *meter, "-k", "small or child or greedy", plugins=["forking"])
    [child, small] = re.findall(r"^test_suite.py::test_(?:small|of_\w+): (.*) ±", run.stdout, re.M)
    assert parse_energy(child) >= 2.0  # listed by their joules
    assert parse_energy(small) == pytest.approx(0.1, rel=0.5)
    assert "exceed its budget of 1.00 mJ" in run.stdout
    assert "1 failed, 2 passed" in run.stdout


def test_workers_of_xdist_send_their_joules_and_a_file_holds_all(suite, tmp_path):
    pytest.importorskip("xdist")
    options = ("--joules-budget", "0.5 J", "--joules-json", "joules.json", "-n", "2")
    run = suite(*options, "--joules-meter", "cpu_time:10", plugins=["xdist.plugin"])
    assert "test_of_a_child - Failed: the joules of this test" in run.stdout
    assert "3 failed, 2 passed" in run.stdout
    found = json.loads((tmp_path / "joules.json").read_text())
    assert found["unknown"] == 2  # and its teardown
    tests = found["tests"]
    assert len(tests) == 5
    small = tests["test_suite.py::test_small"]
    assert small["call"]["energy_j"] < small["setup"]["energy_j"]
    known = [p["energy_j"] for test in tests.values() for p in test.values() if p["energy_j"]]
    assert found["totals_j"] == {"modelled": pytest.approx(sum(known))}


def test_what_cannot_be_split_among_workers_is_told_before_they_start(suite, tmp_path):
    pytest.importorskip("xdist")
    (tmp_path / "power.csv").write_text("time,power_w\n0,10\n1,10\n")
    options = ("--joules", "-n", "2", "--joules-meter", "recorded:power.csv")
    run = suite(*options, plugins=["xdist.plugin"])
    assert run.returncode == 4
    assert "counts a whole node, which cannot be split among workers" in run.stderr


def test_unasked_it_meters_nothing_and_loads_nothing(suite, tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import sys\ndef pytest_unconfigure():\n"
        "    print('LOADED', [n for n in sys.modules if n.startswith('perjoule.energy.')])"
    )
    (tmp_path / "test_suite.py").write_text("def test(): pass")
    run = suite()
    assert "LOADED ['perjoule.energy.pytest_plugin']" in run.stdout
    assert "joules" not in run.stdout.replace("perjoule", "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--joules", "--joules-meter", "nonsense"), "unknown meter 'nonsense'"),
        (("--joules-budget", "5"), "energy '5' has no unit"),
        (("--joules-json", "no/such/file.json"), "is no folder"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(suite, options, said):
    run = suite(*options)
    assert run.returncode == 4  # of pytest: it was called wrongly
    assert said in run.stderr
    assert "Traceback" not in run.stderr
