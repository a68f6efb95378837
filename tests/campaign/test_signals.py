"""Two signals at many moments: nothing is lost, and how to go on is said."""

import random
import signal
import time

from .victims import (
    JOULES_PER_OPERATION,
    OPERATIONS,
    Faults,
    charged_j,
    done_j,
    events_of,
    experiment,
    open_victims,
    what_was_told,
)

CASES = 40
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
STEP_J = 2 * OPERATIONS * JOULES_PER_OPERATION


def test_two_signals_at_any_moment_lose_nothing(tmp_path, share_of, tally):
    draw = random.Random(13)
    faults = Faults("wrong_joules", "lost_trials", "tracebacks", "hangs", "unsaid", "other_codes")
    cases = [
        {
            "workers": draw.choice([1, 1, 1, 2]),
            "function": draw.choice(["fit", "fit", "headlong"]),
            "strategies": draw.choice(["random", "random, tpe", "asha"]),
            "lines": draw.choice([-1, 0, 1, 1, 2, 3, 4, 5, 6, 9]),  # of the ledger; -1: at once
            "first_s": draw.choice([0.0, draw.uniform(0, 0.4)]),
            "then_s": draw.choice([0.0, draw.uniform(0, 0.05), draw.uniform(0, 2)]),
            "numbers": [draw.choice(NUMBERS), draw.choice(NUMBERS)],
            "group": draw.random() < 0.5,
        }
        for _ in range(CASES)
    ]
    chosen = draw.sample(range(CASES), share_of(CASES))
    references = {}
    with open_victims(tmp_path) as victims:
        for number in chosen:
            case = cases[number]
            folder, log = tmp_path / f"run-{number}", tmp_path / f"done-{number}"
            file = experiment(tmp_path, case["function"], case["strategies"], case["workers"])
            victim = victims.start(
                "compare", file, "--out", folder, DONE_LOG=str(log), STEP_S="0.01"
            )
            if case["lines"] >= 0:
                victim.wait_for(lambda: len(events_of(folder)) > case["lines"])  # noqa: B023
            time.sleep(0.02 + case["first_s"])
            victim.send(case["numbers"][0], group=case["group"])
            time.sleep(case["then_s"])
            ended = victim.end(victim.send(case["numbers"][1], group=case["group"]))
            begun = (folder / "experiment.yaml").exists()
            how = f"perjoule compare --resume --out {folder}"
            said = how in ended.last_line if begun else "nothing was begun" in ended.last_line
            spent_j, known_j = sum(charged_j(events_of(folder)).values()), done_j(log)
            told = number, case, ended
            codes = [0, *(128 + each for each in case["numbers"])]
            faults.add("tracebacks", ended.has_traceback, *told)
            faults.add("hangs", ended.code == -signal.SIGKILL, *told)
            faults.add("unsaid", ended.code != 0 and not said, *told)
            faults.add("other_codes", ended.code not in codes, *told)
            is_wrong = not -1e-9 <= known_j - spent_j <= 2 * STEP_J
            faults.add("wrong_joules", is_wrong, spent_j, known_j, *told)
            faults.add("wrong_joules", list(folder.glob("inflight/*.json")), *told)
            if not begun or case["workers"] == 2:
                continue
            resumed = victims.run("compare", "--resume", "--out", folder)
            faults.add("lost_trials", resumed.code != 0, resumed, *told)
            key = case["function"], case["strategies"]
            if key not in references:
                whole = tmp_path / f"whole-{len(references)}"
                references[key] = whole
                victims.run("compare", file, "--out", whole)
            differs = what_was_told(folder) != what_was_told(references[key])
            faults.add("lost_trials", differs, *told)
    tally("double signals", len(chosen), **faults.counts)


STUDY = """
from perjoule.benchmarks.studies import Design, Findings, Part, Study, running
from perjoule.benchmarks.studies import factorial, of_cells
import time

running.IDLE_S, running.LOAD_S = {True: 0.1, False: 0.1}, 0.1

@of_cells
def train(trial):
    for _ in trial.epochs():
        for _ in range(5):
            if trial.should_stop():
                return
            trial.count_operations(1e6)
            time.sleep(0.01)
        trial.report(accuracy=0.5)

def design(options):
    cells = factorial(width=(1, 2))
    parts = [Part(name, cells, objective="stopped_study:train", repetitions=2, epochs=2,
                  steps=lambda cell: 1) for name in ("first", "second")]
    return Design(tuple(parts), fixed={"epochs": 2})

STUDY = Study("stopped", "?", "Me, 2026", design, lambda table: Findings(()))
"""
CSV = "strategy,energy_j,accuracy,seed,epochs,rate\n" + "".join(
    f"random,{1 + n % 3},{0.5 + n % 7 / 20},{n % 3},2,{n / 100}\n" for n in range(60)
)


def test_every_command_is_stopped_in_one_line(tmp_path, share_of, tally, monkeypatch):
    draw = random.Random(19)
    faults = Faults("tracebacks", "hangs", "unsaid", "other_codes")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stopped_study.py").write_text(STUDY)
    (tmp_path / "table.csv").write_text(CSV)
    (tmp_path / "power.csv").write_text("timestamp,power.draw [W]\n0,10 W\n1,20.5 W\n2,20 W\n")
    commands = {  # and for how long each may go on
        ("study", "stopped_study:STUDY", "--meter", "model", "--out", "OUT"): 4.0,
        ("tune", "--budget", "2 J", "--meter", "model", "--refit", "--out", "OUT"): 3.0,
        ("replay", "table.csv", "--strategies", "random", "--match", "nearest"): 1.0,
        ("report", "table.csv"): 0.7,
        ("audit", "table.csv"): 0.5,
        ("import", "nvidia-smi", "power.csv", "--out", "OUT.csv"): 0.4,
        ("project", "table.csv"): 0.4,
        ("doctor",): 0.3,
    }
    cases = [
        (command, draw.uniform(0, most_s), draw.choice(NUMBERS), draw.random() < 0.2)
        for command, most_s in draw.choices(list(commands.items()), k=CASES)
    ]
    chosen = draw.sample(range(CASES), share_of(CASES))
    with open_victims(tmp_path) as victims:
        for number in chosen:
            command, later_s, sent, is_fresh = cases[number]
            out = tmp_path / f"out-{number}"
            arguments = [each.replace("OUT", str(out)) for each in command]
            start = victims.start_fresh if is_fresh else victims.start
            victim = start(*arguments)
            time.sleep(later_s + (0.3 if is_fresh else 0.02))
            ended = victim.end(victim.send(sent, group=draw.random() < 0.5))
            told = number, command, later_s, sent, is_fresh, ended
            faults.add("tracebacks", ended.has_traceback, *told)
            faults.add("hangs", ended.code == -signal.SIGKILL, *told)
            faults.add("other_codes", ended.code not in (0, 1, 128 + sent), *told)
            goes_on = any(out.glob("experiment.yaml")) or any(out.glob("study.yaml"))
            words = f"--resume{' --refit' * ('--refit' in command)} --out {out}"
            said = (words if goes_on else "was stopped") in ended.last_line
            faults.add("unsaid", ended.code > 1 and not said, *told)
    tally("stopped commands", len(chosen), **faults.counts)
