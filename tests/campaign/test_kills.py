"""Killed at any moment and resumed: no trial is lost, no joule is wrong."""

import json
import random
import signal
import time

import pandas as pd
import pytest

from .victims import (
    Faults,
    charged_j,
    events_of,
    experiment,
    open_victims,
    unrecorded_j,
    what_was_told,
)

CASES = 100
WAYS = [
    (1, "random, tpe"),
    (1, "asha"),
    (1, "hyperband"),
    (2, "random"),
    (2, "asha"),
    (2, "random, tpe"),
]


def test_killed_at_any_moment_and_resumed(tmp_path, share_of, tally):
    draw = random.Random(7)
    faults = Faults("wrong_joules", "lost_trials", "tracebacks", "hangs", "unequal_tables")
    cases = [
        {
            "way": draw.choice(WAYS),
            "function": draw.choice(["fit", "fit", "forgetful"]),
            "kills": [
                {"lines": draw.choice([-1, 0, 1, 1, 2, 3, 5, 7]), "later_s": draw.uniform(0, 0.3)}
                for _ in range(draw.choice([1, 1, 2]))
            ],
        }
        for number in range(CASES)
    ]
    chosen = draw.sample(range(CASES), share_of(CASES))
    references = {}
    with open_victims(tmp_path) as victims:
        for number in chosen:
            workers, strategies = cases[number]["way"]
            folder, log = tmp_path / f"run-{number}", tmp_path / f"done-{number}"
            function = cases[number]["function"]
            file = experiment(tmp_path, function, strategies, workers)
            told: tuple[object, ...] = (number,)
            for kill in cases[number]["kills"]:
                before = events_of(folder)
                flying_j = unrecorded_j(folder, before)
                goes_on = (folder / "experiment.yaml").exists()
                how = ["--resume", "--out", folder] if goes_on else [file, "--out", folder]
                victim = victims.start("compare", *how, DONE_LOG=str(log), STEP_S="0.01")
                wanted = len(before) + kill["lines"]
                if kill["lines"] >= 0:
                    victim.wait_for(lambda: len(events_of(folder)) > wanted)  # noqa: B023
                time.sleep(kill["later_s"])
                ended = victim.end(victim.send(signal.SIGKILL, group=draw.random() < 0.5))
                told = number, cases[number], kill, ended
                faults.add("tracebacks", ended.has_traceback, *told)
                after = events_of(folder)
                faults.add("lost_trials", after[: len(before)] != before, *told)
                if len(after) > len(before):
                    lost_j = charged_as_killed(after[len(before) :])
                    faults.add("wrong_joules", lost_j != pytest.approx(flying_j), lost_j, *told)
            if not (folder / "experiment.yaml").exists():
                continue
            before = events_of(folder)
            flying_j = unrecorded_j(folder, before)
            resumed = victims.run("compare", "--resume", "--out", folder)
            told = (*told, resumed)
            faults.add("tracebacks", resumed.has_traceback, *told)
            faults.add("hangs", resumed.code == -signal.SIGKILL, *told)
            faults.add("lost_trials", resumed.code != 0, *told)
            after, trials = events_of(folder), pd.read_parquet(folder / "trials.parquet")
            summary = json.loads((folder / "summary.json").read_text())
            lost_j = charged_as_killed(after[len(before) :])
            faults.add("wrong_joules", lost_j != pytest.approx(flying_j), lost_j, flying_j, *told)
            by_hand_j = charged_j(after)
            for run in summary["runs"]:
                own = trials[trials["run"] == run["run"]]
                total_j = pytest.approx(by_hand_j[run["run"]])
                faults.add("wrong_joules", run["spent_j"] != total_j, run, *told)
                faults.add("wrong_joules", own["energy_j"].sum() != total_j, run, *told)
                faults.add("lost_trials", set(own["trial"]) != set(range(len(own))), run, *told)
            faults.add("lost_trials", after[: len(before)] != before, *told)
            faults.add("lost_trials", summary["status"] != "complete", *told)
            if workers > 1:
                continue
            way = function, strategies
            if way not in references:
                whole = tmp_path / f"whole-{len(references)}"
                references[way] = whole
                victims.run("compare", file, "--out", whole)
            differs = what_was_told(folder) != what_was_told(references[way])
            faults.add("unequal_tables", differs, *told)
    tally("kills", len(chosen), **faults.counts)


def charged_as_killed(events):
    """Joules that a resumed comparison charged for what was in flight when it was killed."""
    return sum(
        event["energy_j"]
        for event in events
        if event["event"] == "interrupted" and event["message"] == "the comparison was killed"
    )
