"""Replays that learn from other tables, and that end when nothing is worth its joules."""

import numpy as np
import pandas as pd
import pytest

import perjoule
from perjoule import load_table
from perjoule.benchmarks.comparison.repeating import repeat
from perjoule.errors import ConfigurationError, DataError

from ...command import call
from ..learners import WHY


def table(name, best, count=30):
    """Candidates of one hyperparameter, whose score falls on both sides of the best one."""
    rates = np.linspace(0.0, 1.0, count)
    rows = {"strategy": "theirs", "run": "theirs-0", "trial": range(count), "rate": rates}
    scores = 0.9 - (rates - best) ** 2
    joules = 1.0 + (7 * best + np.arange(count)) / 100
    frame = pd.DataFrame({**rows, "score": scores, "energy_j": joules})
    return perjoule.Table(frame, name)


@pytest.fixture
def files(tmp_path):
    """Three tables of the same space as files."""
    for name, best in (("a", 0.5), ("b", 0.4), ("c", 0.6)):
        load_table(table(name, best)).write(tmp_path / f"{name}.csv")
    return tmp_path


def replayed(given, strategies="learner", **options):
    common = {"match": "nearest", "budget": "20 J per run", "seeds": 1, "workers": 1}
    return perjoule.replay(given, strategies=strategies, **common | options)


def test_who_can_learns_from_the_other_tables_and_nobody_pays_for_them(files, learner):
    found = replayed(
        load_table(files / "a.csv"),
        "learner,deaf,random",
        warm_start=[files / "b.csv", table("other", 0.6)],
    )
    firsts = found.trials[found.trials["trial"] == 0].set_index("strategy")
    assert firsts["p.rate"]["learner"] == pytest.approx(0.4, abs=0.02)
    assert sorted(len(task.earlier) for task in learner.tasks) == [0, 2]
    [told] = [note for note in found.notes if "learns from" in note]
    assert told.startswith("learner learns from 60 trials of 2 tables (b, other), which took ")
    assert told.endswith("charged to no run here; deaf, random are told nothing of them.")
    spent_j = found.trials.groupby("strategy")["energy_j"].sum()
    assert (spent_j <= 20.0).all()
    assert f"--warm-start {files / 'b.csv'},other" in repeat(found, "98%").command


@pytest.mark.usefixtures("learner")
def test_a_run_that_ends_early_says_why_and_what_it_left(files):
    options = {"stop_early": 0.0001, "warm_start": str(files / "b.csv")}
    found = replayed(load_table(files / "a.csv"), "learner,random", **options)
    runs = found.runs.set_index("strategy")
    assert (runs["end"]["learner"], runs["message"]["learner"]) == ("no work", WHY)
    left_j = 20.0 - float(found.trials.set_index("strategy")["energy_j"]["learner"])
    [told] = [note for note in found.compare().notes if "no more work" in note]
    assert (
        told
        == f"learner-0 ended with no more work ({WHY}): {left_j:.1f} J of 20.0 J were not spent."
    )
    assert any(
        note == "learner ends a run when nothing promises 0.0001 for the whole budget; random "
        "spends its own."
        for note in found.notes
    )
    side_by_side = replayed(load_table(files / "a.csv"), parallel_trials=2, **options)
    assert side_by_side.runs["message"].tolist() == [WHY]


def test_without_being_asked_strategies_spend_their_budget(files):
    found = replayed(load_table(files / "a.csv"), "pbgi", budget="12 J per run")
    assert not any("no more work" in note for note in found.compare().notes)


def test_the_command_line_learns_from_tables_and_refuses_what_nobody_heeds(
    files, tmp_path, learner
):
    def run(*more, table="a.csv"):
        common = ("--match", "nearest", "--budget", "9 J per run", "--seeds", 1, "--workers", 1)
        return call("replay", files / table, *common, *more)

    load_table(files / "b.csv").write(files / "b, 1.csv")
    both = f'"{files / "b, 1.csv"}",{files / "c.csv"}'
    ended = run("--strategies", "learner", "--warm-start", both, "--stop-early", "0.001")
    assert ended.code == 0
    said = " ".join((ended.out + ended.err).split())
    assert "learner learns from 60 trials of 2 tables (b, 1, c), which took" in said
    assert f"no more work ({WHY}): " in said and "were not spent" in said
    for arguments, message in (
        (("--strategies", "random", "--warm-start", both), "warm_start: none of random learns"),
        (("--strategies", "random", "--stop-early", "0.1"), "stop_early: none of random stops"),
        (("--strategies", "pbgi", "--stop-early", "0"), "stop_early 0.0 is no number above zero"),
        (("--strategies", "learner", "--warm-start", files / "no.csv"), "no.csv: no such file"),
        (("--strategies", "learner", "--warm-start", files / "a.csv"), "a: is what is replayed"),
        (("--strategies", "learner", "--warm-start", ""), "the name of a table is empty"),
        (("--strategies", "learner", "--warm-start", "a,a"), "a is named twice"),
        (("--strategies", "learner", "--warm-start", 'a,"b'), "close each quote"),
    ):
        ended = run(*arguments)
        assert (ended.code, message in ended.err) == (2, True), ended.err


@pytest.mark.usefixtures("learner")
def test_a_table_that_shares_trials_with_what_is_replayed_is_told(files):
    replayed_table = load_table(files / "a.csv")
    part = perjoule.Table(replayed_table.trials.iloc[:-3], "part")
    notes = replayed(replayed_table, warm_start=part).notes
    assert any(
        note.startswith("27 of the 30 trials that are replayed are in part") for note in notes
    )
    notes = replayed(replayed_table, warm_start=files / "b.csv").notes
    assert not any("that are replayed are in" in note for note in notes)


def test_tables_of_something_else_are_refused(files, learner):
    other = load_table(table("other", 0.7).trials.rename(columns={"rate": "pace"}))
    with pytest.raises(DataError, match=r"no column p\.rate"):
        replayed(load_table(files / "a.csv"), warm_start=other)
    with pytest.raises(ConfigurationError, match="none of random, tpe learns"):
        replayed(load_table(files / "a.csv"), "random,tpe", warm_start=other)
    assert not learner.tasks
