import json
import re
import subprocess
import sys
from shutil import copytree

import pandas as pd
import pytest
import torch

import perjoule
from perjoule.benchmarks.comparison.experiment import (
    DEFAULT_BUDGET,
    DEFAULT_SEEDS,
    DEFAULT_STRATEGIES,
)
from perjoule.energy import Kind
from perjoule.tuners.registry import RECIPES

from ..command import PROGRESS, Ended, call, shell

COMMANDS = (
    "compare",
    "tune",
    "report",
    "replay",
    "import",
    "audit",
    "export",
    "measure",
    "calibrate",
    "doctor",
    "strategies",
    "init",
)
DERIVED = ("trials.parquet", "curves.parquet", "summary.json", "report.html")


def options(**changed):
    """Options of a comparison of a second, some of them changed, or left out by None."""
    usual = {
        "strategies": "random",
        "seeds": "1",
        "budget": "0.2 J",
        "meter": "model",
        "workers": "1",
        "device": "cpu",
        "out": "new",
    }
    given = {**usual, **changed}
    return [text for name, value in given.items() if value for text in (f"--{name}", value)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A current folder with a few files that cannot be used."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("")
    (tmp_path / "broken.yaml").write_text("budget: 5 J\nstrategies: [random\nseeds: 1\n")
    (tmp_path / "typo.yaml").write_text("budgte: 5 J\n")
    return tmp_path


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A finished search, and what it printed."""
    path = tmp_path_factory.mktemp("tuned") / "run"
    ended = call("tune", "--strategy", "random", "--budget", "1 J", "--meter", "model",
                 "--device", "cpu", "--out", path)  # fmt: skip
    assert ended.code == 0, ended.err
    return path, ended


no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (options(strategies="tpee"), r"unknown strategy 'tpee': did you mean 'tpe'\?"),
        (options(strategies="random,random"), "'random' is named twice"),
        (options(strategies="nowhere:Mine"), "No module named 'nowhere'"),
        ([*options(), "--dataset", "digitz"], r"unknown data set 'digitz': did you mean 'digits'"),
        (options(budget="0 J"), "'0 J' is not above zero"),
        (options(budget="many"), "'many' is not an amount of energy: write"),
        (options(budget="1e-6 J"), r"cheapest candidate costs [\d.]+ mJ here: give at least"),
        pytest.param(
            options(budget="1e-6 J", workers="2"),
            r"costs [\d.]+ mJ here: give at least",
            marks=pytest.mark.thorough,
        ),
        (options(seeds="0"), "seeds = 0"),
        (options(workers="-1"), "workers = -1"),
        (options(workers="0"), "workers = 0"),
        (options(meter="watt"), r"unknown meter 'watt': .*known: amdsmi, auto, "),
        (options(meter="model:none"), "'none' is not a number above zero"),
        (options(meter="replay:missing.csv"), r"missing\.csv"),
        (options(carbon="FRX"), "unknown country 'FRX'"),
        (options(carbon="56"), "write it like"),
        (options(device="gpu"), "device 'gpu'"),
        pytest.param(options(device="cuda"), "device 'cuda'.*try 'cpu'", marks=no_cuda),
        (options(out="taken"), "taken exists already: add --resume"),
        (options(out="file"), "file exists already"),
        (options(out="file/new"), "file/new"),
        (["--resume"], "--resume needs --out"),
        (["--resume", "--out", "empty"], "empty holds no comparison"),
        (["--resume", "--out", "taken"], "taken holds no comparison"),
        (["--resume", "--out", "new"], "new holds no comparison"),
        (["broken.yaml", *options()], r"broken\.yaml, line 3: broken YAML"),
        (["typo.yaml", *options()], r"typo\.yaml 'budgte': did you mean 'budget'"),
        (["missing.yaml", *options()], r"missing\.yaml: cannot be read"),
        (["empty", *options()], "empty: cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_one_line_and_code_2(arguments, message, folder):
    before = sorted(folder.rglob("*"))
    ended = call("compare", *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.message.startswith("perjoule: ")
    assert re.search(message, ended.message)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["tune", "--strategy", "tpee"],
        ["tune", "--budget", "-3 J"],
        ["report", "empty"],
        ["report", "missing"],
        ["measure", "--", "no-such-command"],
        ["measure", "--meter", "watt", "true"],
        ["measure", "--carbon", "Atlantis", "true"],
        ["measure", "--series", "missing/power.parquet", "true"],
        ["calibrate", "--reference", "cpu_time"],
        ["calibrate", "--pairs", "missing.csv"],
        ["init", "typo.yaml"],
        ["init", "missing/experiment.yaml"],
    ],
    ids=" ".join,
)
def test_the_other_commands_too(arguments, folder):
    before = {path: path.stat().st_size for path in folder.rglob("*")}
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.message.startswith("perjoule: ")
    assert {path: path.stat().st_size for path in folder.rglob("*")} == before


@pytest.mark.parametrize(
    "arguments",
    [["compare", "--nope"], ["tune", "--seeds", "3"], ["comapre"], ["compare", "--seeds", "few"]],
    ids=" ".join,
)
def test_misuse_of_the_command_line_is_code_2(arguments, folder):
    before = sorted(folder.rglob("*"))
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert sorted(folder.rglob("*")) == before


def test_no_traceback_in_a_process_of_its_own():
    ended = shell("compare", *options(strategies="tpee"))
    assert (ended.code, ended.out) == (2, "")
    assert ended.message.startswith("perjoule: unknown strategy 'tpee'")


def test_help_of_every_command_is_light():
    script = f"""
import contextlib, io, sys
from perjoule.cli import main
for command in {["", *COMMANDS]}:
    sys.argv = ["perjoule", *filter(None, [command]), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main()
        except SystemExit as end:
            assert end.code == 0, command
    assert "Usage: perjoule " + command in out.getvalue(), command
sys.argv = ["perjoule", "compare", "--seeds", "few"]
with contextlib.redirect_stderr(io.StringIO()):
    try:
        main()
    except SystemExit as end:
        assert end.code == 2
assert not {{"torch", "numpy", "optuna", "pandas", "plotly", "rich", "yaml"}} & set(sys.modules)
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_paragraphs_of_help_break_where_the_terminal_ends(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = [line.strip() for line in call("report", "--help").out.splitlines()]
    start = next(at for at, line in enumerate(lines) if line.startswith("Of a run folder"))
    assert all(len(line) > 60 for line in lines[start : start + 2]), lines


def test_help_of_compare_tells_the_defaults():
    told = " ".join(call("compare", "--help").out.split())
    assert f"or {DEFAULT_BUDGET} if not given" in told
    assert f"or {DEFAULT_SEEDS} if not given" in told
    assert len(DEFAULT_STRATEGIES) == 7 and "seven usual ones if not given" in told


def test_bare_it_shows_its_help():
    ended = call()
    assert all(command in ended.out for command in COMMANDS)
    assert ended.err == ""


def test_the_version():
    assert call("--version") == Ended(0, f"{perjoule.__version__}\n", "")


def test_doctor_says_what_each_component_is():
    ended = call("doctor", "--json")
    components = json.loads(ended.out)["components"]
    assert {each["component"] for each in components} == {"cpu", "dram", "gpu", "node"}
    assert {each["status"] for each in components} <= {kind.value for kind in Kind}
    shown = call("doctor")
    assert (ended.code, shown.code) == (0, 0)
    assert "unavailable" in shown.out or "measured" in shown.out


SPIN = "print(sum(i * i for i in range(1_000_000)))"


def test_a_command_is_metered_and_its_exit_code_and_output_are_its_own():
    ended = shell("measure", "--meter", "cpu_time:5", "--", sys.executable, "-c",
                  SPIN + "; import sys; sys.exit(3)")  # fmt: skip
    assert ended.code == 3
    assert ended.out == "333332833333500000\n"
    assert re.search(r"\d m?J modelled in [\d.]+ (ms|s), [\d.]+ W on average", ended.err)
    assert "cpu_time" in ended.err


@pytest.mark.thorough
def test_a_commands_joules_as_json_come_last(folder):
    ended = shell("measure", "--json", "--meter", "cpu_time:5", "--carbon", "100 g/kWh",
                  "--series", "power.parquet", "--period", "0.05",
                  sys.executable, "-c", SPIN)  # fmt: skip
    printed, _, text = ended.out.partition("\n")
    data = json.loads(text)
    assert printed == "333332833333500000"
    assert data["command"][0] == sys.executable
    assert data["exit_code"] == 0
    assert data["kind"] == "modelled"
    assert data["total_j"] > 0
    assert data["carbon"]["grams"] == pytest.approx(data["total_j"] / 3.6e6 * 100)
    series = pd.read_parquet(folder / "power.parquet")
    assert set(series["source"]) == {"cpu_time"}
    assert series["energy_j"].iloc[-1] == pytest.approx(data["total_j"], rel=0.5)


def test_a_command_is_held_to_a_budget_and_written_to_files(folder):
    files = ("--out", "joules.json", "--out", "joules.md")
    spin = ("--meter", "cpu_time:5", *files, "--", sys.executable, "-c", SPIN)
    assert call("measure", "--budget", "1 kJ", *spin).code == 0
    text = (folder / "joules.md").read_text()
    assert re.match(r"\*\*\d+ mJ modelled\*\* ± 43 % in ", text)
    assert "keep to the budget of 1.00 kJ" in text
    assert json.loads((folder / "joules.json").read_text())["kind"] == "modelled"
    ended = call("measure", "--force", "--budget", "1 mJ", *spin)
    assert (ended.code, "exceed the budget of 1.00 mJ" in ended.err) == (1, True)
    ended = call("measure", "--force", "--budget", "1 mJ", *spin[:-1], "raise SystemExit(3)")
    assert ended.code == 3
    for wrong in ("joules.txt", "no/such/joules.md"):
        assert call("measure", "--out", wrong, "--", "touch", "begun").code == 2
    assert not (folder / "begun").exists()


def test_joules_are_told_even_if_their_file_cannot_be_written_any_more(folder):
    (folder / "gone").mkdir()
    ended = call("measure", "--meter", "cpu_time:5", "--out", "gone/a.json", "--", "rmdir", "gone")
    assert ended.code == 2 and "perjoule: cannot write gone/a.json" in ended.err
    assert "modelled in" in ended.err


def test_this_machine_is_calibrated_by_recorded_windows(folder, monkeypatch):
    monkeypatch.setenv("PERJOULE_HOME", str(folder / "home"))
    rows = ["duration_s,cpu_s,energy_j"]
    rows += [f"10,{cores * 10},{(20 + 6 * cores) * 10}" for cores in range(5)]
    (folder / "pairs.csv").write_text("\n".join(rows))
    ended = call("calibrate", "--pairs", "pairs.csv", "--reference", "cpu_time", "--json")
    assert json.loads(ended.out)["cpu"]["watts_per_core"] == pytest.approx(6.0)
    assert (
        "6 W per busy core"
        in call("calibrate", "--pairs", "pairs.csv", "--reference", "cpu_time").out
    )
    [cpu] = [c for c in json.loads(call("doctor", "--json").out)["components"]
             if c["source"] == "cpu_time"] or [None]  # fmt: skip
    assert cpu is None or "6 W per core" in cpu["detail"]


def test_strategies_are_listed():
    ended = call("strategies", "--json")
    assert [each["name"] for each in json.loads(ended.out)] == list(RECIPES)
    shown = call("strategies")
    assert (ended.code, shown.code) == (0, 0)
    assert all(name in shown.out for name in [*RECIPES, "module:attribute"])
    assert "--stop-early is heeded by pbgi, frugal, frugal-prior." in shown.out
    assert "--warm-start is heeded by frugal, frugal-prior." in shown.out


@pytest.mark.thorough
def test_the_file_of_init_is_accepted_and_never_overwritten(folder):
    assert call("init").code == 0
    path = folder / "experiment.yaml"
    written = path.read_text()
    again = call("init")
    assert again.code == 2
    assert "is there already" in again.message
    assert path.read_text() == written

    ended = call("compare", "experiment.yaml", *options(), "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["experiment"]["dataset"] == "digits"


def test_compare_prints_results_on_stdout_and_progress_on_stderr(folder):
    ended = call("compare", *options(strategies="random,grid"))
    assert ended.code == 0, ended.err
    assert all(PROGRESS.match(line) for line in ended.err.splitlines())
    for text in ("random", "grid", "modelled", str(folder / "new" / "report.html")):
        assert text in ended.out
    assert {path.name for path in (folder / "new").iterdir()} >= {*DERIVED, "ledger.jsonl"}


@pytest.mark.thorough
def test_json_is_all_there_is_on_stdout(folder):
    ended = call("compare", *options(), "--json")
    assert ended.code == 0, ended.err
    summary = json.loads(ended.out)
    assert summary == json.loads((folder / "new" / "summary.json").read_text())
    assert summary["status"] == "complete"


@pytest.mark.thorough
def test_a_strategy_beside_the_user_is_found(folder):
    (folder / "mine.py").write_text(
        "from perjoule import Work\n"
        "class Mine:\n"
        "    def __init__(self, space, seed):\n"
        "        self.params = space.cheapest()\n"
        "    def ask(self, spent_j):\n"
        "        return Work(self.params, 1)\n"
        "    def tell(self, result):\n"
        "        pass\n"
    )
    ended = shell("compare", *options(strategies="mine:Mine", budget="0.05 J"), cwd=folder)
    assert ended.code == 0, ended.err
    assert "mine:Mine" in ended.out


def test_tune_says_what_it_found(tuned):
    path, ended = tuned
    best = json.loads((path / "best.json").read_text())
    assert all(PROGRESS.match(line) for line in ended.err.splitlines())
    assert f"{100 * best['score']:.1f} %" in ended.out
    assert all(name in ended.out for name in best["params"])


def test_a_finished_search_resumed_is_as_it_was(tuned, folder):
    path = copytree(tuned[0], folder / "copy")
    best = (path / "best.json").read_text()
    ended = call("tune", "--resume", "--out", path)
    assert ended.code == 0, ended.err
    assert (path / "best.json").read_text() == best


@pytest.mark.thorough
def test_a_comparison_is_not_resumed_as_a_search(folder):
    assert call("compare", *options()).code == 0
    ended = call("tune", "--resume", "--out", "new")
    assert ended.code == 2
    assert "keeps no weights" in ended.message


def test_a_comparison_is_not_resumed_with_another_budget(tuned):
    path, _ = tuned
    before = (path / "ledger.jsonl").read_bytes()
    ended = call("compare", "--resume", "--out", path, "--budget", "2 J")
    assert ended.code == 2
    assert "budget" in ended.message
    assert (path / "ledger.jsonl").read_bytes() == before


def test_a_report_is_remade_from_the_ledger_alone(tuned, folder):
    path = copytree(tuned[0], folder / "copy")
    before = json.loads((path / "summary.json").read_text())
    before["analysis"]["table"] = "copy"
    trials = pd.read_parquet(path / "trials.parquet")
    for name in DERIVED:
        (path / name).unlink()
    ended = call("report", path)
    assert ended.code == 0, ended.err
    assert "random" in ended.out
    assert json.loads((path / "summary.json").read_text()) == before
    pd.testing.assert_frame_equal(pd.read_parquet(path / "trials.parquet"), trials)
    assert all((path / name).stat().st_size > 0 for name in DERIVED)


def test_text_in_brackets_is_printed_as_it_is(capsys):
    from perjoule.energy.doctor import ComponentStatus
    from perjoule.reports.metering_terminal import print_findings

    print_findings([ComponentStatus("cpu", "unavailable", detail="list[int] [/dev/x]")])
    assert "list[int] [/dev/x]" in capsys.readouterr().out
