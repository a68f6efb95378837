"""The benchmark of strategies: what is kept of runs, how they are scored, and its command."""

import gzip
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perjoule.benchmarks.comparison.events import End
from perjoule.benchmarks.performance import plays
from perjoule.benchmarks.performance.families import BEST, family_ranks, family_ratios
from perjoule.benchmarks.performance.gathering import Gathering, Wanted
from perjoule.benchmarks.performance.plays import Entry, version_of
from perjoule.benchmarks.performance.records import (
    Forecasts,
    Records,
    RunRecord,
    record_of,
)
from perjoule.benchmarks.performance.scores import TaskRuns, frame_of, score_task
from perjoule.benchmarks.performance.strategies import main
from perjoule.benchmarks.performance.tasks import TaskFacts, facts_of, find_tasks
from perjoule.benchmarks.performance.variants import Variant, recipe_of
from perjoule.benchmarks.replay.simulation import Simulation, Slice, Terms
from perjoule.benchmarks.statistics.runs import AnytimeCurves
from perjoule.models.metric import ACCURACY, METRICS
from perjoule.models.outcome import State
from perjoule.tuners.strategy import Forecast

from ..samples import NAN

LOSS = METRICS["loss"]
BLANK = RunRecord("t", "a", "1", 0, 40, 0.0, "epochs", (), (), 0.0, 0.0, 0.0, 0)


def facts(name="t", metric=ACCURACY, best=1.0, start=0.5):
    return TaskFacts(name, "family", 40, 100.0, best, start, "print", metric)


def record(strategy, joules, scores, spent_j=100.0, task="t", **others):
    return replace(
        BLANK,
        strategy=strategy,
        run=task,
        joules=joules,
        scores=scores,
        spent_j=spent_j,
        trained_j=spent_j,
        **others,
    )


def task_of(name="t", **runs):
    """A task of which each strategy has runs of (joules, score), or None for one without a hit."""
    found = {
        strategy: [
            record(strategy, (joules,) if joules else (), (1.0,) if joules else (), seed=seed)
            for seed, joules in enumerate(own)
        ]
        for strategy, own in runs.items()
    }
    return TaskRuns(facts(name), found)


def slice_of(score, spent_j, state=State.COMPLETE, epochs=1, forecast=None):
    return Slice(0, state, score, 10.0, epochs, spent_j, 1.0, 0.002, None, forecast, {})


# What is kept -------------------------------------------------------------------------------------


def test_a_run_is_kept_by_the_improvements_of_its_incumbent():
    slices = [
        slice_of(0.5, 10.0),
        slice_of(0.4, 20.0),
        slice_of(0.9, 30.0, State.FAILED),
        slice_of(0.7, 40.0, State.TRUNCATED),
        slice_of(NAN, 50.0),
    ]
    kept = record_of(Simulation(Terms(60.0), slices, End.SPENT), ACCURACY, BLANK)
    assert (kept.joules, kept.scores) == ((10.0, 40.0), (0.5, 0.7))
    assert (kept.spent_j, kept.trained_j, kept.slices) == (50.0, 45.0, 5)
    assert kept.search_s == 0.01
    curves = AnytimeCurves.of(frame_of([kept], ACCURACY))
    assert curves.energy_to_target(0.6).loc["a-0"].tolist() == ["a", True, 40.0]
    assert curves.energy_to_target(0.8).loc["a-0"].tolist() == ["a", False, 50.0]


def test_forecasts_are_judged_by_oriented_scores_of_slices_that_reached_their_end():
    forecast = Forecast(-0.4, -0.3, -0.2)  # of a loss from 0.2 to 0.4
    slices = [
        slice_of(0.3, 10.0, epochs=1, forecast=forecast),
        slice_of(0.5, 20.0, State.PAUSED, 5, forecast),  # a greater loss is a lower score
        slice_of(0.1, 30.0, epochs=7, forecast=forecast),
        slice_of(0.9, 40.0, State.TRUNCATED, 7, forecast),
        slice_of(NAN, 50.0, State.FAILED, 7, forecast),
        slice_of(0.3, 60.0),
    ]
    kept = record_of(Simulation(Terms(60.0), slices, End.SPENT), LOSS, BLANK)
    assert kept.forecasts == {"1": Forecasts(1, 0, 0), "4": Forecasts(2, 1, 1)}
    assert sum(kept.forecasts.values(), Forecasts()).coverage == pytest.approx(1 / 3)
    assert kept.scores == (0.3, 0.1)  # of a loss, the least is the best
    assert math.isnan(Forecasts().coverage)


# How it is scored ---------------------------------------------------------------------------------


def test_targets_of_a_loss_lie_on_the_way_from_the_median_random_candidate():
    assert facts(best=0.8).target(0.95) == pytest.approx(0.76)
    assert facts(metric=LOSS, best=0.1, start=0.5).target(0.9) == pytest.approx(-0.14)
    runs = [record("a", (10.0, 20.0), (0.2, 0.105)), record("a", (30.0,), (0.11,), seed=1)]
    task = TaskRuns(facts(metric=LOSS, best=0.1, start=0.5), {"a": runs})
    [score] = score_task(task, [], 4.0)
    assert (score.reached[0.95].hits, score.reached[0.95].ert_j) == (2, 25.0)
    assert (score.reached[0.99].hits, score.final) == (0, pytest.approx(0.1075))


def test_a_task_is_never_left_out_of_a_mean_for_an_infinite_ratio():
    tasks = [
        task_of("both", ours=[10.0, 10.0], one=[40.0, 40.0], other=[20.0, 20.0]),
        task_of("only us", ours=[10.0, 30.0], one=[None, None], other=[None, None]),
        task_of("only one", ours=[None, None], one=[50.0, 50.0], other=[None, None]),
        task_of("neither", ours=[None, None], one=[None, None], other=[None, None]),
    ]
    of_best, of_one, of_other = family_ratios(tasks, "ours", ["ours", "one", "other"])[:3]
    # 200 J over half a hit are 400 J, over a whole one 200 J.
    assert dict(of_one.by_task) == pytest.approx(
        {"only one": 8.0, "neither": 1.0, "both": 0.25, "only us": 0.1}
    )
    assert of_one.mean == pytest.approx((8.0 * 1.0 * 0.25 * 0.1) ** 0.25)
    assert of_one.worst == ("only one", pytest.approx(8.0))
    assert of_one.missed == {"subject": ("only one",), "rival": ("only us",), "both": ("neither",)}
    assert of_one.low <= of_one.mean <= of_one.high
    assert (of_best.rival, of_best.rivals["both"], of_best.rivals["only one"]) == (
        BEST,
        "other",
        "one",
    )
    assert of_best.by_task["both"] == pytest.approx(0.5)
    assert of_other.by_task["only one"] == 1.0


def test_intervals_narrow_with_runs_and_hold_the_ratio():
    rng = np.random.default_rng(1)

    def width(n):
        tasks = [
            task_of(f"t{k}", ours=list(rng.exponential(10, n)), one=list(rng.exponential(20, n)))
            for k in range(6)
        ]
        found = family_ratios(tasks, "ours", ["one"])[1]
        assert found.low < 0.5 < found.high
        return math.log(found.high / found.low)

    assert width(80) < 0.7 * width(8)


def test_ranks_share_ties_and_a_run_without_a_result_is_the_worst():
    runs = {
        "a": [record("a", (5.0, 60.0), (0.5, 0.9))],
        "b": [record("b", (20.0,), (0.7,))],
        "c": [record("c", (), ())],
    }
    ranks = family_ranks([TaskRuns(facts(), runs), TaskRuns(facts("u"), {**runs, "d": runs["a"]})])
    assert ranks.ranks == {
        "a": (1.0, 2.0, 2.0, 1.0, 1.0),
        "b": (2.5, 1.0, 1.0, 2.0, 2.0),
        "c": (2.5, 3.0, 3.0, 3.0, 3.0),
    }
    assert (ranks.runs, ranks.left_out) == (2, ("d",))


# Files --------------------------------------------------------------------------------------------

FAST = ["--strategies", "random,asha", "--tasks", "fashion-mnist,scaling", "--seeds", "2"]
TERMS = ["--free-search", "--trials", "5", "--jobs", "1"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "runs.jsonl.gz"
    assert main([*FAST, *TERMS, "--record", str(path), "--subject", "asha"]) == 0
    return path


def lines_of(path):
    return [json.loads(line) for line in gzip.open(path, "rt")]


def test_recorded_runs_are_scored_alike_without_being_run(recorded, capsys, tmp_path):
    figures = [tmp_path / name for name in ("one.json", "two.json")]
    again = [*FAST, *TERMS, "--record", str(recorded), "--subject", "asha"]
    alone = ["--strategies", "none", *TERMS, "--recorded", str(recorded), "--subject", "asha"]
    before = recorded.read_bytes()
    for arguments, path in zip((again, alone), figures, strict=True):
        assert main([*arguments, "--json", str(path)]) == 0
    assert recorded.read_bytes() == before
    one, two = (json.loads(path.read_text()) for path in figures)
    assert one["families"] == two["families"]
    printed = capsys.readouterr()
    assert "8 of 8 runs are in the file" in printed.err
    assert "ERT of asha to 99% over that of a rival" in printed.out
    assert {family: len(own["ratios"]) for family, own in one["families"].items()} == {
        "shipped": 4,
        "surfaces": 4,
    }


def test_a_file_that_was_cut_off_goes_on_and_runs_of_other_versions_are_run_anew(
    recorded, tmp_path, capsys
):
    lines = lines_of(recorded)
    assert [("task" in line, "run" in line) for line in lines[:3]] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    lines[2]["version"] = "older"
    torn = tmp_path / "torn.jsonl"
    text = "".join(json.dumps(line) + "\n" for line in lines)
    torn.write_text(text[:-30])
    assert main([*FAST, *TERMS, "--record", str(torn)]) == 0
    assert "6 of 8 runs are in the file" in capsys.readouterr().err
    pairs = zip(torn.read_text().splitlines(), lines_of(recorded), strict=True)
    for line, before in pairs:
        now = json.loads(line)
        assert {**now, "search_s": 0} == {**before, "search_s": 0}


def test_a_compressed_file_is_read_up_to_where_it_was_cut_off(recorded, tmp_path):
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(recorded.read_bytes()[:-200])
    n_whole = len(Records().read(recorded).runs)
    assert 0 < len(Records().read(torn).runs) < n_whole


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [("fingerprint", "0000", "another table or surface"), ("budget_j", 1.0, "runs of 1 J, not")],
)
def test_runs_on_another_task_are_refused(recorded, tmp_path, capsys, key, value, why):
    lines = lines_of(recorded)
    lines[0][key] = value
    stale = tmp_path / "stale.jsonl"
    stale.write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = ["--strategies", "none", *TERMS, "--recorded", str(stale)]
    assert main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{stale}: its runs of fashion-mnist were recorded on {why}")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--strategies", "tpe,,asha"], "the name of a strategy is empty: drop a comma"),
        (["--strategies", "tpee"], "unknown strategy 'tpee': did you mean 'tpe'?"),
        (["--tasks", "digit"], "unknown task 'digit': did you mean 'digits'?"),
        (["--tables", "."], "there is no table in it: name a folder with a subfolder"),
        (["--recorded", "absent.jsonl"], "cannot read absent.jsonl"),
        (["--strategies", "none"], "there are no runs to score"),
    ],
)
def test_bad_input_gets_one_line(arguments, why, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert why in line


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[" * 10_000 + "\n{}\n", "line 1: no JSON (more than"),
        ("[1]\n", "line 1: neither a task nor a run"),
        ({"joules": [1.0], "scores": []}, "1 joules for 0 scores"),
        ({"spent_j": math.inf}, "joules and scores are to be finite"),
        ({"forecasts": {"first": {"n": 1}}}, "forecasts are to be by epochs"),
    ],
)
def test_a_broken_file_gets_one_line(recorded, tmp_path, capsys, line, why):
    path = tmp_path / "broken.jsonl"
    if isinstance(line, dict):
        *before, last = lines_of(recorded)
        line = "".join(json.dumps(each) + "\n" for each in (*before, last | line))
    path.write_text(line)
    assert main(["--strategies", "none", *TERMS, "--recorded", str(path)]) == 2
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith(f"{path}, line ")
    assert why in told


def test_charged_runs_are_not_taken_for_free_ones(recorded, capsys):
    assert main(["--strategies", "none", "--trials", "5", "--recorded", str(recorded)]) == 2
    assert "8 recorded runs of 8 are of other terms" in capsys.readouterr().err


@pytest.mark.thorough
def test_ctrl_c_keeps_what_is_done(tmp_path):
    path = tmp_path / "runs.jsonl"
    script = Path(plays.__file__).with_name("strategies.py")
    options = ["--strategies", "random", "--tasks", "scaling", "--free-search", "--jobs", "1"]
    command = [sys.executable, script, *options, "--seeds", "5000", "--record", path]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, env=os.environ
    )
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and not (path.exists() and '"run"' in path.read_text()):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert f"what is done is kept in {path}" in errors
    assert 0 < len(Records().read(path).runs) < 5000


# Tasks and variants -------------------------------------------------------------------------------


def test_a_folder_of_tables_is_a_family(tmp_path, recorded):
    shipped = find_tasks()["fashion-mnist"]
    assert shipped.folder is not None
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "one").symlink_to(shipped.folder)
    source = find_tasks([tmp_path / "mine"])["mine/one"]
    assert source.family == "mine"
    mine, theirs = facts_of(source, 40), facts_of(shipped, 40)
    assert (mine.fingerprint, mine.budget_j) == (theirs.fingerprint, theirs.budget_j)


def test_the_budget_is_that_of_random_candidates_trained_to_the_longest_epochs():
    surface = facts_of(find_tasks()["scaling"], 1)
    # An epoch of a candidate of mean size takes 1.2 J, a diverging one ends after its first.
    assert 16 * 0.2 < surface.budget_j < 16 * 1.2
    assert facts_of(find_tasks()["scaling"], 40).budget_j == pytest.approx(40 * surface.budget_j)


def test_a_variant_is_a_strategy_with_other_options(monkeypatch):
    monkeypatch.setitem(plays.VARIANTS, "halved", Variant("asha", {"proposer": "tpe"}))
    assert recipe_of("halved").options == {"proposer": "tpe"}
    assert version_of("halved") != version_of("asha")
    source = find_tasks()["scaling"]
    entry = Entry(source, facts_of(source, 3), "halved", 0)
    found, same = plays.run(entry), plays.run(entry._replace(strategy="asha-tpe"))
    assert (found.strategy, found.scores) == ("halved", same.scores)


def test_variants_are_printed_beside_their_bases(monkeypatch, capsys, tmp_path, recorded):
    name, variant = "asha-again", Variant("asha", {})
    monkeypatch.setitem(plays.VARIANTS, name, variant)
    runs = lines_of(recorded)
    runs += [{**each, "strategy": name} for each in runs if each.get("strategy") == "asha"]
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in runs))
    alone = [*TERMS, "--strategies", "none", "--recorded", str(path), "--subject", "asha"]
    assert main([*alone, "--ablation"]) == 0
    assert "asha-again        to 95%: 1.00 (" in capsys.readouterr().out


@pytest.mark.thorough
def test_the_tasks_of_others_are_run():
    beside = Path(plays.__file__).resolve().parents[3] / "shared" / "recorded" / "lcbench"
    folder = Path(os.environ.get("PERJOULE_TABLES", beside))
    if not folder.is_dir():
        pytest.skip(f"{folder}, tables recorded by others, is not here")
    gathering = Gathering(Wanted(3, 2, 0.0, "epochs"), [folder], ["126026"], [], None)
    [task] = gathering.gather(["random", "asha"], jobs=1)
    assert task.facts.task == f"{folder.name}/126026"
    assert {name: len(runs) for name, runs in task.runs.items()} == {"random": 2, "asha": 2}
