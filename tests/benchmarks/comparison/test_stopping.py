"""Signals, exits and errors in the middle of a trial: its joules are charged whatever comes."""

import contextlib
import os
import signal
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import perjoule
from perjoule.benchmarks.comparison import start
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.ledger import Ledger
from perjoule.energy import EnergyMeter
from perjoule.errors import OutputError

from ...command import call
from .ledgers import cut, read_ledger, spent_j

OPERATIONS = 1_234_567
MODULE = f"""
import os, signal, sys, time
from perjoule import Work

DONE = []

def in_rehearsal():
    frame = sys._getframe()
    while frame and not frame.f_code.co_filename.endswith("rehearsal.py"):
        frame = frame.f_back
    return bool(frame)

def steps(trial, at_third=lambda: None, asks=True):
    for _ in trial.epochs():
        for step in range(4):
            if asks and trial.should_stop():
                return
            trial.count_operations({OPERATIONS} + step)
            if not in_rehearsal():
                DONE.append({OPERATIONS} + step)
            if step == 2 and trial.number == 1 and not in_rehearsal():
                at_third()
        trial.report(accuracy=0.5)

def send_two():
    for name in os.environ["SEND"].split():
        os.kill(os.getpid(), getattr(signal, name))

def asking(trial):
    steps(trial, send_two)

def deaf(trial):
    steps(trial, lambda: (send_two(), time.sleep(60)), asks=False)

def exits(trial):
    steps(trial, lambda: sys.exit("enough"))

def presses(trial):
    def press():
        raise KeyboardInterrupt
    steps(trial, press)

class Leaver:
    def __init__(self, space, seed): self.asked = 0
    def ask(self, spent_j):
        self.asked += 1
        if self.asked > 2: sys.exit(3)
        return Work({{"epochs": 2, "rate": 0.5}}, 1)
    def tell(self, result): pass

def stopped_in_rehearsal(trial):
    os.kill(os.getpid(), signal.SIGINT)
    steps(trial)
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "stopping_own.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    # In this process, as networks of perjoule are trained.
    monkeypatch.setattr(start, "runs_own_code", lambda _: False)
    yield
    sys.modules.pop("stopping_own", None)


def done_j():
    return sum(each * 1e-10 for each in sys.modules["stopping_own"].DONE)


def arguments(tmp_path, objective, strategies="random"):
    file = tmp_path / "experiment.yaml"
    file.write_text(
        f"{{objective: 'stopping_own:{objective}', strategies: ['{strategies}'], seeds: 1, "
        "trials: 4, budget: unlimited, meter: model, workers: 1, "
        "space: {rate: {low: 0.1, high: 0.9}, epochs: 2}}"
    )
    return file, tmp_path / "run"


@pytest.mark.parametrize(
    ("objective", "sent", "code"),
    [
        ("asking", "SIGINT SIGINT", 130),
        ("asking", "SIGHUP SIGTERM", 129),
        ("deaf", "SIGTERM SIGINT", 143),
    ],
)
def test_two_signals_at_once_lose_no_joule(tmp_path, monkeypatch, objective, sent, code):
    monkeypatch.setenv("SEND", sent)
    file, folder = arguments(tmp_path, objective)
    ended = call("compare", file, "--out", folder)
    assert ended.code == code
    assert ended.err.splitlines()[-1] == (
        f"Interrupted; nothing is lost. Go on with: perjoule compare --resume --out {folder}"
    )
    assert (folder / "report.html").exists()
    assert sum(spent_j(folder).values()) == pytest.approx(done_j(), rel=1e-12)
    assert not (folder / "inflight").exists()


def test_what_is_broken_off_is_done_again_and_the_table_is_the_same_to_the_bit(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("SEND", "SIGINT SIGINT")
    file, folder = arguments(tmp_path, "asking")
    assert call("compare", file, "--out", folder).code == 130
    monkeypatch.setenv("SEND", "")
    resumed = perjoule.compare(out=folder, resume=True).trials
    whole = perjoule.compare(file, out=tmp_path / "whole").trials
    resumed = resumed[resumed["state"] != "interrupted"]
    for name in ("energy_j", "energy_train_j", "p.rate", "score"):
        assert resumed[name].tolist() == whole[name].tolist()


@pytest.mark.parametrize(("objective", "why"), [("exits", "SystemExit: enough"), ("presses", "K")])
def test_a_candidate_that_exits_is_a_failed_trial(tmp_path, objective, why):
    file, folder = arguments(tmp_path, objective)
    trials = perjoule.compare(file, out=folder).trials
    assert trials["state"].tolist() == ["complete", "failed", "complete", "complete"]
    assert trials["message"][1].startswith(why)
    assert sum(spent_j(folder).values()) == pytest.approx(done_j(), rel=1e-12)


def test_a_strategy_that_exits_ends_its_run_alone(tmp_path):
    file, folder = arguments(tmp_path, "steps", "stopping_own:Leaver")
    [run] = perjoule.compare(file, out=folder).summary["runs"]
    assert (run["status"], run["trials"]) == ("strategy error", 2)
    assert run["reason"] == "RuntimeError: ask raised SystemExit: 3"


@pytest.mark.parametrize("fault", [OutputError("full"), KeyboardInterrupt(), RuntimeError("?")])
def test_what_cannot_be_recorded_is_charged_later(tmp_path, monkeypatch, fault):
    append, seen = Ledger.append, []

    def fail(self, event):
        seen.append(event)
        if len(seen) > 3:
            raise fault
        append(self, event)

    file, folder = arguments(tmp_path, "steps")
    monkeypatch.setattr(Ledger, "append", fail)
    with pytest.raises(type(fault)):
        perjoule.compare(file, out=folder)
    [sign] = Folder(folder).signs_of_life()
    assert sum(spent_j(folder).values()) + sign.energy_j == pytest.approx(done_j(), rel=1e-12)
    monkeypatch.setattr(Ledger, "append", append)
    perjoule.compare(out=folder, resume=True)
    assert any(event["event"] == "interrupted" for event in read_ledger(folder))
    assert sum(spent_j(folder).values()) == pytest.approx(done_j(), rel=1e-12)


def test_a_signal_while_all_is_prepared_says_what_there_is(tmp_path):
    file, folder = arguments(tmp_path, "stopped_in_rehearsal")
    ended = call("compare", file, "--out", folder)
    assert ended.code == 130
    assert ended.message == "perjoule: compare was stopped by Ctrl-C: nothing was begun"
    assert not folder.exists()
    perjoule.compare(arguments(tmp_path, "steps")[0], out=folder)
    cut(folder, -2)  # as if its run had not ended
    experiment = folder / "experiment.yaml"
    experiment.write_text(
        experiment.read_text().replace("stopping_own:steps", "stopping_own:stopped_in_rehearsal")
    )
    ended = call("compare", "--resume", "--trust", "--out", folder)  # it was changed by hand
    assert ended.code == 130
    assert ended.message.endswith(f"Go on with: perjoule compare --resume --out {folder}")


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=9), st.integers(0, 10**15))
def test_counted_joules_do_not_depend_on_what_was_counted_before(steps, before):
    readings = []
    for already in (0, before):
        with contextlib.closing(EnergyMeter("model")) as meter:
            meter.count_operations(already)
            window = meter.window()
            for each in steps:
                meter.count_operations(each)
            readings.append(window.close().total_j)
    assert readings[0] == readings[1] == sum(steps) * 1e-10


def test_a_killed_trial_is_not_said_to_run(tmp_path):
    file, folder = arguments(tmp_path, "steps")
    perjoule.compare(file, out=folder)
    (folder / "inflight").mkdir()
    sign = folder / "inflight" / "random-0.0.json"
    sign.write_text(
        '{"run": "random-0", "number": 0, "trial": 9, "params": {"epochs": 50}, "energy_j": 12.0, '
        '"epoch": 8, "epochs_j": [1, 1, 1, 1, 1, 1, 1, 1]}'
    )
    os.utime(sign, (0, 0))  # of long ago
    states = {}
    for is_locked in (False, True):
        with Folder(folder).locked() if is_locked else contextlib.nullcontext():
            [own] = [each for each in perjoule.project(folder).unfinished if each.trial == 9]
            states[is_locked] = own.state
    assert states == {False: "interrupted", True: "running"}


def test_the_programs_that_a_candidate_starts_can_be_ended(tmp_path):
    """A fork, which inherits how signals are answered, has no part in that."""
    (tmp_path / "forking.py").write_text(
        "import multiprocessing, time\n"
        "def fit(trial):\n"
        "    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "    child.start()\n"
        "    child.terminate()\n"
        "    child.join(5)\n"
        "    alive = child.is_alive()\n"
        "    child.kill()\n"
        "    trial.count_operations(1e6)\n"
        "    return 0.0 if alive else 1.0\n"
    )
    space = {"epochs": 1, "rate": {"low": 0.1, "high": 0.9}}
    result = perjoule.compare(
        out=tmp_path / "run", objective="forking:fit", strategies=["random"], seeds=1, trials=1,
        budget="unlimited", meter="model", workers=1, space=space,
    )  # fmt: skip
    assert result.trials["score"].tolist() == [1.0]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
