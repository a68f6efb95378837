"""What is written down of the command line is what the program says, and shells complete it."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from shutil import which

import pytest

import perjoule
from perjoule.cli import facts, manual
from perjoule.cli.about import LIBRARIES
from perjoule.energy.sources.resolve import METERS
from perjoule.tuners.registry import RECIPES

from ..command import call

ROOT = Path(perjoule.__file__).parent
RENEW = "renew it: make manual"
VARIABLE = re.compile(r"\bPERJOULE_[A-Z]+\b")
OF_HELPERS = {"PERJOULE_HELPER"}  # set by perjoule itself for a process that it starts


@pytest.fixture(scope="module")
def program():
    return facts.program()


@pytest.mark.parametrize(
    ("path", "write"),
    [("docs/reference/command-line.md", manual.markdown), ("packaging/perjoule.1", manual.man)],
)
def test_what_is_written_down_is_what_the_program_says(program, path, write):
    assert (ROOT / path).read_text("utf-8") == write(program), RENEW


def test_the_walk_finds_what_a_caller_can_give(program):
    compare = next(each for each in program.commands if each.name == "compare")
    assert compare.usage == "perjoule compare [OPTIONS] [EXPERIMENT.yaml]"
    shown = call("compare", "--help").out
    for option in compare.options:
        assert re.search(rf"^ +{option.names[0]}\b", shown, re.MULTILINE), option
    assert {name for name, _ in program.exit_codes} == {"0", "1", "2", "70", "130, 143, 129"}


def test_each_variable_that_the_program_reads_is_told(program):
    rooms = ("api", "benchmarks", "cli", "energy", "files", "models", "reports", "tuners")
    sources = (
        path
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if "performance" not in path.parts
    )
    read = {name for path in sources for name in VARIABLE.findall(path.read_text("utf-8"))}
    told = {name for name, _ in program.environment if VARIABLE.fullmatch(name)}
    assert read - OF_HELPERS == told


def test_the_page_of_the_manual_is_sound():
    page = ROOT / "packaging" / "perjoule.1"
    if which("mandoc") is None:
        pytest.skip("needs mandoc")
    ended = subprocess.run(["mandoc", "-Tlint", page], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def complete(monkeypatch, words):
    """What bash is told when the last of the words is to be completed."""
    monkeypatch.setenv("_PERJOULE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    return call().out.split()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("perjoule stud", ["study"]),
        ("perjoule compare --warm", ["--warm-start"]),
        ("perjoule compare --strategies rand", ["random"]),
        ("perjoule compare --strategies random,sob", ["random,sobol"]),
        ("perjoule tune --strategy cma", ["cmaes"]),
        ("perjoule compare --dataset npz", ["npz:"]),
        ("perjoule measure --meter shel", ["shelly:"]),
        ("perjoule study ener", ["energy-model"]),
        ("perjoule disclose --as boa", ["boamps"]),
        ("perjoule import nvid", ["nvidia-smi"]),
        ("perjoule figures --only any", ["anytime"]),
        ("perjoule export --format torch", ["torchscript", "torch-export"]),
        ("perjoule compare --executor das", ["dask"]),
        ("perjoule compare --record prom", ["prometheus:"]),
        ("perjoule compare --metric bal", ["balanced_accuracy"]),
        ("perjoule compare --architecture torchv", ["torchvision:"]),
    ],
)
def test_values_are_completed(monkeypatch, words, found):
    assert set(complete(monkeypatch, words)) >= set(found)


def test_all_values_of_a_registry_are_offered(monkeypatch):
    assert complete(monkeypatch, "perjoule tune --strategy ") == list(RECIPES)
    offered = {each.rstrip(":") for each in complete(monkeypatch, "perjoule compare --meter ")}
    assert offered == set(METERS)
    assert "random,random" not in complete(monkeypatch, "perjoule compare --strategies random,r")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(monkeypatch, shell):
    monkeypatch.setenv("_PERJOULE_COMPLETE", f"source_{shell}")
    ended = call()
    assert ended.code == 0
    assert f"_PERJOULE_COMPLETE=complete_{shell}" in ended.out
    if which(shell):
        subprocess.run([shell, "-n"], input=ended.out, text=True, check=True)


def test_versions_for_a_report_of_a_bug():
    lines = call("--version", "--verbose").out.splitlines()
    assert lines[0] == f"perjoule {perjoule.__version__}"
    assert f"torch {version('torch')}" in lines
    assert len([each for each in lines if each.startswith(LIBRARIES)]) == len(LIBRARIES)
    assert any(re.match(r"(no )?meter", each) for each in lines)
    refused = call("--verbose")
    assert (refused.code, refused.message) == (
        2, "perjoule: --verbose goes with --version: leave it out"
    )  # fmt: skip


def test_the_versions_load_nothing_heavy():
    script = (
        "import sys; sys.argv = ['perjoule', '--version', '--verbose']\n"
        "from perjoule.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'optuna', 'pandas', 'plotly'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
