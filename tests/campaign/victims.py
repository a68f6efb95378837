"""Command lines that are there to be stopped and killed, and what must be true of them then."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPERATIONS = 1_234_567
JOULES_PER_OPERATION = 1e-10
STEPS = 10
HANG_S = 10.0

MODULE = f"""
import os, sys, time

def rehearsed():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.endswith("rehearsal.py"):
            return True
        frame = frame.f_back
    return False

def fit(trial, asks=True, saves=True):
    log = None if rehearsed() or "DONE_LOG" not in os.environ else os.open(
        os.environ["DONE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    pause_s = float(os.environ.get("STEP_S", "0"))
    state = (saves and trial.restore()) or {{"learnt": 0.0}}
    for _ in trial.epochs():
        for _ in range({STEPS}):
            if asks and trial.should_stop():
                break
            trial.count_operations({OPERATIONS} + trial.params["width"])
            if log is not None:
                os.write(log, f"{{trial.params['width']}}\\n".encode())
            time.sleep(pause_s)
            state = {{"learnt": state["learnt"] + trial.params["rate"] / {STEPS}}}
        trial.report(accuracy=1 - 1 / (1 + state["learnt"]))
        if saves:
            trial.save(state)
    if log is not None:
        os.close(log)

def headlong(trial):
    fit(trial, asks=False)

def forgetful(trial):
    fit(trial, saves=False)
"""
"""Each step is written down by itself, so that what was done is known without any ledger."""

SPACE = "space: {rate: {low: 0.1, high: 0.9}, width: {low: 1, high: 99}, epochs: {low: 1, high: 3}}"

ZYGOTE = """
import json, os, sys
import perjoule.api, perjoule.cli, torch, optuna
import perjoule.benchmarks.comparison.worker, perjoule.reports.page
import perjoule.benchmarks.analysis.analysing
from perjoule import __main__ as program
for line in sys.stdin:
    asked = json.loads(line)
    if "wait" in asked:
        print(os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1]), flush=True)
        continue
    began, begins = os.pipe()
    pid = os.fork()
    if pid:
        os.close(begins)
        os.read(began, 1)
        os.close(began)
        print(pid, flush=True)
        continue
    os.setsid()
    os.environ.update(asked["env"])
    files = [open(asked["log"] + each, "wb") for each in (".out", ".err")]
    for fd, file in zip((1, 2), files):
        os.dup2(file.fileno(), fd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["perjoule", *asked["arguments"]]
    sys.path.insert(0, asked["folder"])
    os.close(begins)
    program.run()
"""
"""Forks command lines that need not load anything, since loading is most of what a start takes."""


@dataclass
class Ended:
    code: int
    out: str
    err: str
    took_s: float  # from the last signal to its end

    @property
    def has_traceback(self) -> bool:
        return "Traceback" in self.err or "Exception ignored" in self.err

    @property
    def last_line(self) -> str:
        return ([""] + [each for each in self.err.splitlines() if each.strip()])[-1]


class Victims:
    """Starts command lines in process groups of their own, and ends them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "victim.py").write_text(MODULE)
        path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
        self._environment = {**os.environ, "PYTHONPATH": path}
        self._zygote = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        self._number = 0

    def start(self, *arguments: Any, **environment: str) -> "Victim":
        self._number += 1
        log = self.folder / f"victim-{self._number}"
        asked = {
            "arguments": [str(each) for each in arguments],
            "env": environment,
            "log": str(log),
            "folder": str(self.folder),
        }
        return Victim(self, self._ask(asked), log)

    def start_fresh(self, *arguments: Any) -> "Victim":
        """Start a command line that loads all that it needs."""
        self._number += 1
        log = self.folder / f"victim-{self._number}"
        with log.with_suffix(".out").open("wb") as out, log.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "perjoule", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self._environment,
                start_new_session=True,
            )
        return Victim(self, process.pid, log, process)

    def run(self, *arguments: Any) -> "Ended":
        """Let a command line run to its end."""
        return self.start(*arguments).end(time.monotonic())

    def _ask(self, asked: dict[str, Any]) -> int:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        print(json.dumps(asked), file=self._zygote.stdin, flush=True)
        return int(self._zygote.stdout.readline())

    def close(self) -> None:
        self._zygote.kill()
        self._zygote.communicate()


@dataclass
class Victim:
    victims: Victims
    pid: int
    log: Path
    process: subprocess.Popen[bytes] | None = None  # None: a child of the zygote

    def send(self, number: int, *, group: bool = False) -> float:
        """Send a signal, to the whole group as a terminal does; returns when."""
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)
        return time.monotonic()

    def is_over(self) -> bool:
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2]
        except FileNotFoundError:
            return True
        return state.startswith("Z")

    def wait_for(self, condition: Any, timeout_s: float = 60.0) -> bool:
        """Whether a condition came true before the process ended."""
        end = time.monotonic() + timeout_s
        while not condition():
            if self.is_over() or time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def end(self, since: float) -> Ended:
        """Its end; one that takes too long is killed."""
        # A machine that others use is no fault of ours.
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        self.wait_for(lambda: False, HANG_S * max(1.0, load))
        took_s = time.monotonic() - since
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        fresh = self.process
        code = self.victims._ask({"wait": self.pid}) if fresh is None else fresh.wait()
        out, err = (self.log.with_suffix(each).read_text() for each in (".out", ".err"))
        return Ended(code, out, err, took_s)


@contextmanager
def open_victims(folder: Path) -> Iterator[Victims]:
    victims = Victims(folder)
    try:
        yield victims
    finally:
        victims.close()


def experiment(folder: Path, function: str, strategies: str, workers: int) -> Path:
    """Write an experiment with six trials for each strategy."""
    file = folder / f"{function}-{strategies.replace(', ', '-')}-{workers}.yaml"
    # Of an unlimited budget the same trials are left after a kill; it is shared by no two trials.
    side_by_side = workers > 1 and "," not in strategies
    ways = "trials: 6\nbudget: unlimited", "budget: 20 mJ\nparallel_trials: 2"
    file.write_text(
        f"objective: victim:{function}\nmeter: model\nseeds: 1\nworkers: {workers}\n"
        f"strategies: [{strategies}]\n{ways[side_by_side]}\n{SPACE}\n"
    )
    return file


def events_of(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a ledger that may not be there yet."""
    try:
        content = (folder / "ledger.jsonl").read_bytes()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def charged_j(events: list[dict[str, Any]]) -> dict[str, float]:
    """Joules of each run, by hand."""
    total: dict[str, float] = {}
    for event in events:
        if event["event"] in ("slice", "search", "interrupted"):
            total[event["run"]] = total.get(event["run"], 0.0) + event["energy_j"]
    return total


def done_j(log: Path) -> float:
    """Joules of all steps that were done."""
    if not log.exists():
        return 0.0
    widths = map(int, log.read_text().split())
    return sum((OPERATIONS + width) * JOULES_PER_OPERATION for width in widths)


def unrecorded_j(folder: Path, events: list[dict[str, Any]]) -> float:
    """Joules that signs of life tell of and the ledger does not."""
    slices = Counter(
        (e["run"], e["trial"]) for e in events if e["event"] in ("slice", "interrupted")
    )
    asks = Counter(e["run"] for e in events if e["event"] == "search")
    total = 0.0
    for file in sorted(folder.glob("inflight/*.json")):
        sign = json.loads(file.read_text())
        is_asking = sign["params"] is None
        known = asks[sign["run"]] if is_asking else slices[sign["run"], sign["trial"]]
        total += sign["energy_j"] if sign["number"] == known else 0.0
    return total


def what_was_told(folder: Path) -> dict[str, list[Any]]:
    """Of each run, in order, what its strategy was told: to the bit the same after a resume."""
    told: dict[str, list[Any]] = {}
    for event in events_of(folder):
        if event["event"] == "slice" and event["state"] != "interrupted":
            kept = ("state", "params", "energy_j", "train_j", "score", "epochs", "curve")
            told.setdefault(event["run"], []).append([event[name] for name in kept])
    return told


class Faults:
    """Counts faults by their kinds, and prints each."""

    def __init__(self, *kinds: str) -> None:
        self.counts = dict.fromkeys(kinds, 0)

    def add(self, kind: str, is_one: object, *told: object) -> None:
        if is_one:
            self.counts[kind] += 1
            print(kind, *told)
