"""Hostile networks, training functions and strategies, each in a comparison with harmless ones.

The harmless ones spend their share, whatever the hostile one does; what it did has its reason and
its joules; the terminal shows no traceback.
"""

import random
import sys
import time

import perjoule
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.run import restore_runs

MOST_S = 10.0
"""So much longer than in a harmless comparison may nothing happen in one with a hostile part."""

# Statements that a training function, or a network's builder, runs for one of the candidates.
DEEDS = {
    "raises": "raise ValueError('one\\ntwo')",
    "rude": "class R(Exception):\n        def __str__(self): raise self\n    raise R",
    "exits": "sys.exit(3)",
    "exits_0": "sys.exit(0)",
    "ends": "os._exit(0)",
    "ends_9": "os._exit(9)",
    "aborts": "os.abort()",
    "segfaults": "ctypes.string_at(0)",
    "is_killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "alarmed": "signal.signal(signal.SIGALRM, signal.SIG_DFL); signal.alarm(1); time.sleep(3)",
    "interrupts": "raise KeyboardInterrupt",
    "generator_exit": "raise GeneratorExit",
    "memory": "raise MemoryError",
    "recurses": "sys.setrecursionlimit(10**5)\n    def f(): f()\n    f()",
    "closes_all": "os.closerange(3, 200)",
}
# Those that change the process, and go on.
CHANGES = {
    "forks": "os.fork()",
    "chdirs": "os.chdir('/')",
    "closes_stdout": "sys.stdout.close()",
    "closes_fds": "os.close(1); os.close(2)",
    "handlers": "[signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]",
    "is_terminated": "os.kill(os.getpid(), signal.SIGTERM)",
    "threads": "threading.Thread(target=lambda: 1 / 0).start()",
    "cleans_up": "Untidy()",
}
# What a training function gives for a score.
SCORES = {
    "nan": "return float('nan')",
    "infinite": "return float('inf')",
    "complex": "return 1j",
    "text": "return '0.5'",
    "none": "return None",
    "object": "return object()",
    "percent": "return 93.0",
    "generator": "yield 0.5",
    "misnamed": "trial.report(f1=0.5)",
    "negative": "trial.count_operations(-1e15); return 0.5",
    "nan_operations": "trial.count_operations(float('nan')); return 0.5",
    "describes": "trial.describe('many', None); return 0.5",
}
# What a strategy answers, or does before.
ANSWERS = {
    "until_0": "return Work(p, 0)",
    "until_negative": "return Work(p, -3)",
    "until_nan": "return Work(p, float('nan'))",
    "until_half": "return Work(p, 1.5)",
    "until_infinite": "return Work(p, float('inf'))",
    "until_j_nan": "return Work(p, 1, until_j=float('nan'))",
    "predicts_text": "return Work(p, 1, predicted_j='many')",
    "predicts_nan": "return Work(p, 1, predicted_j=float('nan'))",
    "object": "return object()",
    "params": "return Work(p['fate'], 1)",
    "wrong_keys": "return Work({'colour': 3}, 1)",
    "odd_keys": "return Work({3: 3}, 1)",
    "outside": "return Work({**p, 'fate': 'elsewhere'}, 1)",
    "unpicklable": "return Work({**p, 'fate': lambda: 3}, 1)",
    "trial": "return Work(p, 1, trial=99)",
    "trial_text": "return Work(p, 1, trial='x')",
    "raises": "raise LookupError('no\\nmore')",
    "exits": "sys.exit(3)",
    "interrupts": "raise KeyboardInterrupt",
    "ends": "os._exit(3)",
    "segfaults": "ctypes.string_at(0)",
    "forks": "os.fork(); raise LookupError('two')",
    "sleeps": "time.sleep(1e6)",
    "computes": "while True: pass",
    "swallows": "swallow()",
    "holds": "ctypes.PyDLL(None).sleep(10**6)",
}
HOSTILE = """
import ctypes, os, signal, sys, threading, time
from perjoule import Work
import torch

class Untidy:
    def __del__(self):
        raise ValueError("not tidied up")

def train(trial):
    trial.count_operations(1e7)
    if trial.params["fate"] == "hostile":
        score = deed(trial)
        if score is not None or {strict}:
            return score
    return 0.5

def swallow():
    while True:
        try:
            time.sleep(1e6)
        except BaseException:
            pass

def deed(trial):
    {deed}

def build(shape, n_classes, *, fate):
    if fate == "hostile":
        deed(None)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(shape[1] * shape[2], n_classes))

class Hostile:
    ask_limit_s = 2.0

    def __init__(self, space, seed):
        self.space = space
        self.told = 0
        {made}

    def ask(self, spent_j):
        p = self.space.cheapest()
        if self.told == 2:
            {ask}
        return Work(p, 1)

    def tell(self, result):
        self.told += 1
        {tell}
"""
SPACE = {"fate": ["fine", "hostile", "well"], "epochs": 1}
NOTHING = {"deed": "pass", "made": "pass", "ask": "pass", "tell": "pass", "strict": False}


class Silence:
    """Watches for how long nothing happens in a comparison."""

    def __init__(self):
        self.longest_s, self.since_s, self.seen = 0.0, time.monotonic(), None

    def begin(self, experiment, sources, workers):
        self.stopping()

    def update(self, runs, inflight_j):
        seen = [(run.n_trials, run.n_idle_asks, run.end, run.spent_j) for run in runs]
        if seen != self.seen:
            self.seen = seen
            self.stopping()

    def stopping(self):
        """Something happened."""
        now_s = time.monotonic()
        self.longest_s, self.since_s = max(self.longest_s, now_s - self.since_s), now_s


def cases():
    """The names of all cases, each with what it puts into the module and what is compared."""
    for name, deed in (DEEDS | CHANGES).items():
        yield f"training {name}", {"deed": deed}, {"objective": "train"}, {}
        options = {"dataset": "synthetic:4x4x1:2:60", "budget": "1e-5 J"}
        yield f"network {name}", {"deed": deed}, {"architecture": "build"}, options
    for name, deed in SCORES.items():
        yield f"score {name}", {"deed": deed, "strict": True}, {"objective": "train"}, {}
    strategies = {"strategies": ["random", "{module}:Hostile"]}
    for name, answer in ANSWERS.items():
        yield f"ask {name}", {"ask": answer}, {"objective": "train"}, strategies
    for name in ("raises", "exits", "ends", "sleeps", "swallows"):
        for place in ("made", "tell"):
            yield f"{place} {name}", {place: ANSWERS[name]}, {"objective": "train"}, strategies


def compare(folder, name, parts, named, options):
    """Compare what a case says; returns the result and how long nothing happened on the way."""
    (folder / f"{name}.py").write_text(HOSTILE.format(**NOTHING | parts))
    given = {"strategies": ["random"], "budget": "0.04 J", "seeds": 1, "meter": "model"} | options
    given["strategies"] = [each.format(module=name) for each in given["strategies"]]
    given |= {key: f"{name}:{attribute}" for key, attribute in named.items()}
    given |= {"out": folder / f"{name}.run", "space": SPACE, "workers": 1}
    silence = Silence()
    result = perjoule.compare(progress=silence, **given)
    return result, silence.longest_s


def faults_of(case, result, shown):
    """What was wrong with a comparison, by kinds of faults."""
    runs = {run["strategy"]: run for run in result.summary["runs"]}
    trials, harmless = result.trials, runs["random"]
    hostile = trials[(trials["p.fate"] == "hostile") & (trials["strategy"] == "random")]
    fine = trials[(trials["p.fate"] != "hostile") & (trials["strategy"] == "random")]
    kind, name = case.split()
    unsaid = 0
    if kind in ("training", "network", "score") and name not in CHANGES:
        unsaid = int(not hostile["state"].isin(["failed", "interrupted"]).all())
        unsaid += int(hostile["message"].eq("").any())
    elif kind not in ("training", "network", "score"):
        last = next(run for strategy, run in runs.items() if strategy != "random")
        unsaid = int(last["status"] != "strategy error" or not last["reason"])
    experiment = Folder(result.folder)
    again = restore_runs(
        Experiment(**experiment.description()["experiment"]), experiment.events(), experiment.ledger
    )
    spent_j = sum(run.spent_j or 0.0 for run in again.values())
    told_j = sum(run["spent_j"] or 0.0 for run in runs.values())
    uncharged = trials["energy_j"].isna().sum() + (abs(spent_j - told_j) > 1e-9)
    return {
        "ended_comparisons": int(harmless["status"] != "spent" or not len(fine)),
        "harmed_trials": int((fine["state"] == "failed").sum()),
        "uncharged_trials": int(uncharged),
        "unsaid_reasons": unsaid,
        "tracebacks": int("Traceback" in shown),
    }


def test_what_is_hostile_harms_nobody_else(tmp_path, monkeypatch, share_of, tally, capfd):
    monkeypatch.syspath_prepend(tmp_path)
    every = list(cases())
    chosen = random.Random(7).sample(every, share_of(len(every)))
    _, usual_s = compare(tmp_path, "harmless", {}, {"objective": "train"}, {})
    capfd.readouterr()
    found, told = {}, []
    for number, (case, parts, named, options) in enumerate(chosen):
        name = f"hostile_{number}"
        try:
            result, silent_s = compare(tmp_path, name, parts, named, options)
            faults = faults_of(case, result, "".join(capfd.readouterr()))
        except BaseException as error:  # noqa: BLE001 - whatever ends it is what is looked for
            faults, silent_s = {"ended_comparisons": 1}, 0.0
            told.append(f"{case}: {type(error).__name__}: {error}")
        faults["hangs"] = int(silent_s > usual_s + MOST_S)
        told += [f"{case}: {faults} {silent_s:.1f} s silent"] if any(faults.values()) else []
        found = {key: found.get(key, 0) + faults.get(key, 0) for key in {**found, **faults}}
        sys.modules.pop(name, None)
    print(*told, sep="\n")
    tally("hostile code", len(chosen), **found)
