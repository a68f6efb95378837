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
            time.sleep(case["first_s"])
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
