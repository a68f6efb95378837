"""The frame of studies with a study of one's own: run, resumed, read again, given tables."""

import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import perjoule
from perjoule.api import studies
from perjoule.benchmarks.comparison import start
from perjoule.benchmarks.comparison.events import InterruptedEvent
from perjoule.benchmarks.comparison.ledger import Ledger
from perjoule.benchmarks.studies import reading, registry, running
from perjoule.benchmarks.studies.folder import StudyFolder
from perjoule.benchmarks.studies.load import Load, LoadSample, LoadWatch, read_load
from perjoule.errors import ConfigurationError, DataError, OutputError, UnknownNameError
from perjoule.reports.study_terminal import print_study

from ...command import call
from ..comparison.ledgers import cut, read_ledger, spent_j, wait_until

OWN = """
import os, time
from perjoule.benchmarks.studies import (
    Claim, Design, Findings, Part, Quantity, Study, factorial, of_cells
)
from perjoule.benchmarks.studies import complete, paired_ratio, running

if "SLOW" in os.environ:
    running.IDLE_S, running.LOAD_S = {True: 0.1}, 0.1

@of_cells
def train(trial):
    if os.environ.pop("STOPPED", ""):
        os.kill(os.getpid(), 2)
    for epoch in trial.epochs():
        if trial.should_stop():
            return
        time.sleep(float(os.environ.get("SLOW", 0)))
        trial.count_operations(1e9 * trial.params["width"] * (1 + trial.params["deep"]))
        trial.report(accuracy=0.5 + trial.params["width"] / 100, width=trial.params["width"])

@of_cells
def train_long(trial):
    for epoch in trial.epochs():
        while not trial.should_stop():
            time.sleep(0.01)

def design(options, objective="own_study:train", steps=2):
    cells = factorial(width=(1, 3), deep=(False, True))
    part = Part("all", cells, objective=objective, repetitions=3, epochs=2,
                steps=lambda cell: steps)
    return Design((part,), fixed={"epochs": 2}, notes=("A note.",))

def analyse(table):
    ratio = paired_ratio(complete(table), {"p.width": 3}, {"p.width": 1}, within=["p.deep"])
    holds = None if ratio is None else ratio.value > 2
    return Findings((Claim("Width costs.", Quantity(2.9), ratio, holds, "it is so"),))

STUDY = Study("own", "Does width cost?", "Me, 2026", design, analyse)
def long_design(options):
    return design(options, "own_study:train_long", 10**5)

LONG = Study("own", "?", "Me", long_design, analyse)

def two_parts(options):
    cells = tuple({"width": width, "deep": False} for width in (1, 3))
    names = ("first", "second")
    return Design(tuple(Part(each, cells, objective="own_study:train", epochs=2,
                             steps=lambda cell: 2) for each in names))

def divide(table):
    ours = Quantity(float("nan"), high=float("inf"))
    return Findings((Claim("It is so.", None, ours, None, "nothing was spent"),))

TWO = Study("two", "?", "Me", two_parts, lambda table: Findings(()))
INFINITE = Study("infinite", "?", "Me", design, divide)
NOTHING = 3
"""


@pytest.fixture
def own_study(tmp_path, monkeypatch):
    (tmp_path / "own_study.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(running, "IDLE_S", {True: 0.1, False: 0.1})
    monkeypatch.setattr(running, "LOAD_S", 0.1)
    yield "own_study:STUDY"
    sys.modules.pop("own_study", None)


def test_a_study_runs_its_cells_in_shuffled_order_and_claims(own_study, tmp_path):
    result = perjoule.study(own_study, meter="model", out=tmp_path / "s", repetitions=2)
    [claim] = result.findings.claims
    assert (claim.ours.value, claim.holds) == (pytest.approx(3.0), True)
    trials = result.table.trials
    assert len(trials) == 8
    assert set(trials["strategy"]) == {
        f"width {width}, deep {deep}" for width in (1, 3) for deep in ("off", "on")
    }
    assert set(trials["p.width"]) == {1, 3}
    assert set(trials["seed"]) == {0, 1}
    ledger = read_ledger(tmp_path / "s" / "parts" / "all")
    orders = {
        seed: [e["params"]["cell"] for e in ledger if e["event"] == "slice" and e["run"] == seed]
        for seed in ("grid-0", "grid-1")
    }
    assert sorted(orders["grid-0"]) == sorted(orders["grid-1"]) != orders["grid-0"]
    assert "x.width" in result.table.curves.columns
    # What was found is the same through every door, and another table's analysis may have it.
    again = perjoule.report(tmp_path / "s" / "parts" / "all")
    assert again.trials["energy_j"].sum() == pytest.approx(trials["energy_j"].sum())
    table = perjoule.load_table(tmp_path / "s")
    assert perjoule.analyse(table).to_dict() == result.analysis.to_dict()
    recorded = perjoule.study(
        own_study, source=tmp_path / "s" / "trials.parquet", out=tmp_path / "r"
    )
    assert recorded.findings.claims == result.findings.claims
    found = json.loads((tmp_path / "s" / "findings.json").read_text())
    assert found["claims"][0]["ours"]["value"] == claim.ours.value


def test_joules_of_cpu_seconds_are_called_so(own_study, tmp_path):
    findings = {}
    for meter in ("cpu_time:5", "model"):
        result = perjoule.study(own_study, meter=meter, out=tmp_path / meter[:3], repetitions=1)
        findings[meter] = " ".join(result.findings.notes)
        assert json.loads((tmp_path / meter[:3] / "findings.json").read_text())["notes"] == list(
            result.findings.notes
        )
    assert "ratios of CPU time" in findings["cpu_time:5"]
    assert "ratios of CPU time" not in findings["model"]


def test_tables_of_other_machines_are_analysed_with_it(own_study, tmp_path):
    options = {"meter": "model", "repetitions": 1}
    first = perjoule.study(own_study, out=tmp_path / "a", **options)
    both = perjoule.study(
        own_study, out=tmp_path / "b", add=[tmp_path / "a" / "trials.parquet"], **options
    )
    assert len(both.table.trials) == 2 * len(first.table.trials)
    assert len(perjoule.study(own_study, resume=True, out=tmp_path / "b").table.trials) == 8


def test_any_executor_may_train_the_cells(own_study, tmp_path):
    with ThreadPoolExecutor(1) as pool:
        result = perjoule.study(
            own_study, meter="model", out=tmp_path / "s", repetitions=1, executor=pool
        )
    assert len(result.table.trials) == 4


def test_a_long_study_is_foreseen_and_needs_a_yes(own_study, tmp_path):
    with pytest.raises(ConfigurationError, match="add --yes to run it, or --quick") as no:
        perjoule.study("own_study:LONG", meter="cpu_time", out=tmp_path / "s")
    assert 190 < int(re.search(r"about (\d+) minutes", str(no.value))[1]) < 600
    assert not (tmp_path / "s").exists()


def test_ctrl_c_while_a_part_is_prepared_says_how_to_go_on(own_study, tmp_path, monkeypatch):
    monkeypatch.setenv("STOPPED", "yes")
    folder = tmp_path / "s"
    command = ["study", own_study, "--meter", "model", "--repetitions", "1", "--out", folder]
    monkeypatch.setattr(running, "foresee", lambda *_: {})
    monkeypatch.setattr(start, "runs_own_code", lambda _: False)  # the signal is this process's
    ended = call(*command)
    assert ended.code == 130
    assert ended.err.splitlines()[-1] == (
        f"Interrupted; nothing is lost. Go on with: perjoule study {own_study} --resume "
        f"--out {folder}"
    )
    assert call("study", own_study, "--resume", "--out", folder).code == 0


@pytest.mark.campaign
@pytest.mark.kill
def test_a_killed_study_goes_on_and_charges_what_was_lost(own_study, tmp_path):
    folder = tmp_path / "s"
    part = folder / "parts" / "all"
    command = [sys.executable, "-m", "perjoule", "study", own_study, "--quick", "--out", folder]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with subprocess.Popen(
        [*map(str, command), "--meter", "cpu_time"],
        env=environment | {"SLOW": "0.2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        ledger = part / "ledger.jsonl"
        wait_until(lambda: ledger.exists() and ledger.read_text().count('"slice"') >= 2)
        process.send_signal(signal.SIGKILL)
    with pytest.raises(DataError, match="perjoule report"):
        perjoule.load_table(folder)
    result = perjoule.study(own_study, resume=True, out=folder)
    assert not result.interrupted
    trials = result.table.trials
    assert (trials["state"] == "complete").sum() == 12
    total_j = sum(spent_j(part).values())
    assert trials["energy_j"].sum() == pytest.approx(total_j)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["layer"], "did you mean 'layers'"),
        (["own_study:NOTHING"], "is no perjoule.benchmarks.studies.Study"),
        (["own_study:MISSING"], "no function 'MISSING'"),
        (["own_study:STUDY", "--resume"], "--resume needs --out"),
        (["own_study:STUDY", "--resume", "--out", "nowhere"], "holds no study"),
        (["own_study:STUDY", "--from", "nowhere.csv"], "no such file"),
        (["own_study:STUDY", "--meter", "vapour"], "vapour"),
        (["own_study:STUDY", "--map", "score=a"], "--map is of the tables"),
        (["own_study:STUDY", "--from", "a.csv", "--repetitions", "2"], "--from analyses"),
    ],
)
def test_mistakes_are_one_line(own_study, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    ended = call("study", *arguments)
    assert ended.code == 2
    [line] = ended.err.splitlines()
    assert message in line
    assert not (tmp_path / "runs").exists()


def test_a_folder_is_gone_on_with_as_it_was_begun(own_study, tmp_path):
    perjoule.study(own_study, meter="model", out=tmp_path / "s", repetitions=1)
    with pytest.raises(OutputError, match="exists already"):
        perjoule.study(own_study, meter="model", out=tmp_path / "s")
    with pytest.raises(ConfigurationError, match="begun with other options"):
        perjoule.study(own_study, meter="model", out=tmp_path / "s", repetitions=2, resume=True)
    with pytest.raises(ConfigurationError, match="holds the study own, not layers"):
        perjoule.study("layers", out=tmp_path / "s", resume=True)
    with pytest.raises(UnknownNameError, match="repetition"):
        perjoule.study(own_study, repetition=2, out=tmp_path / "t")
    with pytest.raises(ConfigurationError, match="repetitions = 0: give a whole number"):
        perjoule.study(own_study, repetitions=0, out=tmp_path / "t")


def test_a_strangers_folder_runs_nothing(own_study, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    perjoule.study(own_study, meter="model", out=tmp_path / "s", repetitions=1)
    record = tmp_path / "s" / "study.yaml"
    record.write_text(record.read_text().replace("study: own", "study: evil:STUDY"))
    with pytest.raises(ConfigurationError, match="somebody's own"):
        perjoule.report(tmp_path / "s")
    record.write_text(
        record.read_text()
        .replace("study: evil:STUDY", "study: layers")
        .replace("dataset: null", "dataset: digits+evil:load")
    )
    with pytest.raises(ConfigurationError, match=r"would import .evil:load.*--trust"):
        perjoule.report(tmp_path / "s")
    assert not (tmp_path / "ran").exists()
    record.write_text("study: [")
    with pytest.raises(OutputError, match=r"study\.yaml: damaged"):
        perjoule.report(tmp_path / "s")


def test_the_study_of_the_documentation_runs(tmp_path, monkeypatch):
    page = Path(perjoule.__file__).parent / "docs" / "how-to" / "studies.md"
    source = page.read_text().split('title="widths.py"\n')[1].split("```")[0]
    assert len(source.split("\n\n\n", 1)[1].splitlines()) <= 30
    (tmp_path / "widths.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(running, "IDLE_S", {True: 0.1})
    result = perjoule.study(
        "widths:STUDY", quick=True, meter="model", repetitions=1, out=tmp_path / "s"
    )
    [claim] = result.findings.claims
    assert 1 < float(claim.ours.value) < 16
    assert result.findings.exhibits == ()


def test_studies_are_listed_with_question_paper_and_cost():
    ended = call("study", "--json")
    for each in json.loads(ended.out):
        assert {"name", "question", "paper", "quick_cost", "full_cost", "link"} == {*each}
        assert each["question"].endswith("?")


def test_the_load_of_the_machine_is_watched(tmp_path):
    with LoadWatch(tmp_path / "load.jsonl"):
        pass
    lines = [LoadSample(1.0, cores) for cores in (0.0, 0.1, 0.0, 1.5)]
    path = tmp_path / "made.jsonl"
    path.write_text("".join(json.dumps(each.to_dict()) + "\n" for each in lines) + '{"at": ')
    load = read_load(path, before_cores=0.0)
    assert load == Load(0.0, 0.05, 1.5, 0.25, 4)
    assert "25%" in load.warning
    assert read_load(tmp_path / "none.jsonl", None).warning == ""


def test_interrupted_trials_are_charged_beside_those_trained_in_their_place():
    from perjoule.benchmarks.studies import Design, Part, factorial
    from perjoule.benchmarks.studies.tables import complete, study_table

    trials = pd.DataFrame(
        {
            "run": "grid-0",
            "strategy": "grid",
            "seed": 0,
            "trial": [0, 1, 2],
            "state": ["interrupted", "complete", "complete"],
            "score": [None, 0.5, 0.6],
            "energy_j": [1.0, 2.0, 3.0],
            "p.cell": ['{"width": 1}', '{"width": 1}', '{"width": 2}'],
        }
    )
    design = Design((Part("all", factorial(width=(1, 2))),))
    table = study_table("t", design, [perjoule.load_table(trials)])
    assert table.trials["energy_j"].sum() == 6.0
    assert complete(table)["energy_j"].sum() == 5.0
    assert table.trials.groupby("run")["trial"].apply(list).tolist() == [[0, 1], [0]]


def test_a_study_is_read_and_gone_on_with_wherever_it_was_killed(own_study, tmp_path, capsys):
    whole = perjoule.study("own_study:TWO", meter="model", repetitions=1, out=tmp_path / "s")
    first, second = (tmp_path / "s" / "parts" / name for name in ("first", "second"))
    for torn in ("", None):  # before the first event of a part, and before it has a ledger
        cut(second, 0)
        if torn is None:
            (second / "ledger.jsonl").unlink()
        study = sys.modules["own_study"].TWO
        so_far = studies.derive(study, StudyFolder(tmp_path / "s"))
        assert so_far.interrupted
        assert so_far.table.description["study"]["over"] is False
        print_study(so_far)
        assert "Some trials are still to come" in capsys.readouterr().out
        assert len(so_far.table.trials) == 2
        again = perjoule.study("own_study:TWO", resume=True, out=tmp_path / "s")
        assert not again.interrupted
        assert len(again.table.trials) == len(whole.table.trials) == 4
    assert not any("parts differ" in note for note in again.table.notes)
    stated = second / "experiment.yaml"  # as if it had been gone on with elsewhere
    stated.write_text(stated.read_text().replace("cores: ", "cores: 9"))
    elsewhere = studies.derive(study, StudyFolder(tmp_path / "s"))
    assert any("The parts differ in machine" in note for note in elsewhere.table.notes)
    lost = {"run": "grid-0", "trial": 2, "params": None, "energy_j": 0.5}
    with Ledger(first / "ledger.jsonl") as ledger:  # killed while it asked for a cell
        ledger.append(InterruptedEvent(**lost, message="it was killed"))
    found = studies.derive(study, StudyFolder(tmp_path / "s")).table.trials
    assert found["energy_j"].sum() == pytest.approx(whole.table.trials["energy_j"].sum() + 0.5)
    assert set(found["strategy"]) - set(whole.table.trials["strategy"]) == {"unknown cell"}


def test_a_folder_is_of_one_process(own_study, tmp_path):
    folder = StudyFolder(tmp_path / "s")
    perjoule.study(own_study, meter="model", repetitions=1, out=folder.path)
    with folder.locked(), pytest.raises(OutputError, match="in use by another"):
        perjoule.study(own_study, resume=True, out=folder.path)
    assert (folder.path / "report.html").exists()
    begun, other = folder.record(), StudyFolder(tmp_path / "t")

    class Meanwhile:
        """Begins a study in the same folder while the other is foreseen."""

        def foreseen(self, _):
            other.path.mkdir()
            other.write(begun)

    with pytest.raises(OutputError, match="exists already: add --resume"):
        perjoule.study(own_study, meter="model", out=other.path, progress=Meanwhile())
    assert other.record() == begun
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="use --out"):
        perjoule.study(own_study, meter="model", out=tmp_path / "file" / "s")


def test_tables_of_one_name_are_all_added_and_none_is_replaced(own_study, tmp_path):
    options = {"meter": "model", "repetitions": 1}
    first = perjoule.study(own_study, out=tmp_path / "a", **options)
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        first.table.write(tmp_path / name / "t.parquet")
    added = [tmp_path / name / "t.parquet" for name in ("x", "y")]
    both = perjoule.study(own_study, out=tmp_path / "b", add=added, **options)
    assert len(both.table.trials) == 3 * len(first.table.trials)
    with pytest.raises(OutputError, match="is there already"):
        perjoule.study(own_study, out=tmp_path / "b", resume=True, add=added[:1])
    with pytest.raises(DataError, match="no such file"):
        perjoule.study(own_study, out=tmp_path / "c", add=[tmp_path / "none.csv"], **options)
    assert not (tmp_path / "c").exists()


def test_findings_are_json_whatever_was_divided_by_nothing(own_study, tmp_path):
    result = perjoule.study("own_study:INFINITE", meter="model", repetitions=1, out=tmp_path / "s")
    [claim] = json.loads((tmp_path / "s" / "findings.json").read_text())["claims"]
    assert claim["ours"]["value"] is claim["ours"]["high"] is None
    assert result.report.exists()


def test_a_study_of_another_design_is_not_gone_on_with_and_keeps_its_report(own_study, tmp_path):
    result = perjoule.study(own_study, meter="model", repetitions=1, out=tmp_path / "s")
    module = sys.modules["own_study"]
    module.STUDY = replace(module.STUDY, design=lambda options: module.design(options, steps=3))
    assert not perjoule.study(own_study, resume=True, out=tmp_path / "s").interrupted
    module.STUDY = replace(module.STUDY, design=module.long_design)
    with pytest.raises(ConfigurationError, match="was begun with objective"):
        perjoule.study(own_study, resume=True, out=tmp_path / "s")
    assert result.report.exists()


def test_all_studies_that_were_stopped_are_gone_on_with_as_they_were_asked_for(
    own_study, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    find_study = registry.find_study
    monkeypatch.setattr(registry, "STUDIES", ("first", "second"))
    monkeypatch.setattr(registry, "find_study", lambda _: find_study(own_study))
    monkeypatch.setattr(reading, "has_ended", lambda _: False)
    options = ["--quick", "--meter", "model", "--repetitions", "1", "--carbon", "56 g/kWh"]
    ended = call("study", "all", *options, "--out", "s")
    assert ended.code == 130
    told = "study all --quick --repetitions 1 --meter model --carbon '56 g/kWh' --resume --out"
    assert told in ended.err
    assert [each.name for each in Path("s").iterdir() if each.is_dir()] == ["first"]
    monkeypatch.setattr(reading, "has_ended", running.has_ended)
    again = call("study", "all", *options, "--resume", "--out", "s")
    assert again.code == 0
    assert (tmp_path / "s" / "index.html").exists()
    assert (tmp_path / "s" / "second" / "report.html").exists()
