"""Dask and executorlib train: what dies there is charged, and no joule is left out."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import psutil
import pytest

import perjoule
from perjoule.benchmarks.comparison import engines, on_dask
from perjoule.benchmarks.comparison.recovery import Pool
from perjoule.cli.groups import Machines
from perjoule.errors import ConfigurationError, PerjouleError

from .ledgers import cut, read_ledger, spent_j, wait_until

WATTS = 10.0
BUSY = """
import time

def fit(trial):
    for _ in trial.epochs():
        end_s = time.process_time() + 0.2
        while time.process_time() < end_s and not trial.should_stop():
            sum(i * i for i in range(2_000))
        trial.report(accuracy=trial.params["rate"])
"""
OPTIONS = {
    "objective": "busy_training:fit", "space": {"rate": {"low": 0.1, "high": 0.9}, "epochs": 3},
    "meter": f"cpu_time:{WATTS}", "seeds": 1, "strategies": ["random", "tpe"], "budget": "40 J",
    "workers": 2,
}  # fmt: skip


@pytest.fixture(autouse=True)
def busy(tmp_path, monkeypatch):
    """A training that other processes can import."""
    (tmp_path / "busy_training.py").write_text(BUSY)
    place = os.pathsep.join((str(tmp_path), *sys.path))
    monkeypatch.setenv("PYTHONPATH", place)
    monkeypatch.syspath_prepend(tmp_path)


class Accountant:
    """Reads the CPU time of worker processes, kills one in mid-trial, and sums up what all used."""

    def __init__(self, folder, of_workers):
        self._folder, self._of_workers = folder, of_workers
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.killed_s = self._used_s = 0.0
        self._thread.start()

    def _watch(self):
        wait_until(lambda: b'"start"' in self._ledger())
        before_s = {process: cpu_s(process) for process in self._of_workers()}
        wait_until(lambda: self._ledger().count(b'"slice"') >= 2)
        wait_until(lambda: self._kill_in_mid_trial(before_s))
        wait_until(lambda: b'"session"' in self._ledger())
        self._used_s = self.killed_s + sum(cpu_s(each) - s for each, s in before_s.items())

    def _kill_in_mid_trial(self, before_s):
        """Kill a worker just after a sign of life of its, since it is charged by the last."""
        for file in self._folder.glob("inflight/*.json"):
            with suppress(FileNotFoundError, psutil.Error):
                sign = json.loads(first := file.read_bytes())
                while file.read_bytes() == first:
                    time.sleep(0.005)
                victim = psutil.Process(sign["pid"])
                victim.suspend()
                time.sleep(0.3)
                if sign["params"] and file.exists():  # its result has not come
                    self.killed_s = cpu_s(victim) - before_s.pop(victim)
                    victim.kill()
                    return True
                victim.resume()
        return False

    def _ledger(self):
        file = self._folder / "ledger.jsonl"
        return file.read_bytes() if file.exists() else b""

    def used_s(self):
        """CPU-seconds of all workers while the loop ran, the dead one's included."""
        self._thread.join()
        return self._used_s


def cpu_s(process):
    times = process.cpu_times()
    return times.user + times.system


@contextmanager
def dask_cluster(n_workers):
    """The engine of a scheduler, and its workers, which nobody starts again."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    with ExitStack() as stack:
        cluster = stack.enter_context(
            distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50)
        )
        command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address]
        workers = []
        for _ in range(n_workers):
            worker = subprocess.Popen(
                [*command, "--no-nanny", "--nthreads", "1", "--no-dashboard"],
                stderr=subprocess.DEVNULL,
            )
            stack.callback(worker.wait)
            stack.callback(worker.kill)
            workers.append(psutil.Process(worker.pid))
        with distributed.Client(cluster) as client:  # one that joins late imports all, unmetered
            client.wait_for_workers(n_workers, timeout=60)
        yield f"dask:{cluster.scheduler_address}", workers


def check_the_books(result, accountant):
    """All that the workers used is billed, or told as nobody's."""
    assert result.summary["status"] == "complete"
    events, runs = read_ledger(result.folder), result.summary["runs"]
    [lost] = [event for event in events if event["event"] == "interrupted"]
    assert "its executor lost it" in lost["message"]
    assert 0 < lost["energy_j"] <= accountant.killed_s * WATTS
    [shown] = result.trials[result.trials["state"] == "interrupted"]["energy_j"]
    assert shown == lost["energy_j"]
    billed = spent_j(result.folder)
    assert {run["run"]: run["spent_j"] for run in runs} == pytest.approx(billed, rel=1e-9)
    assert not (result.folder / "inflight").exists()
    assert sum(billed.values()) == pytest.approx(accountant.used_s() * WATTS, rel=0.05)


@pytest.mark.kill
def test_a_dask_worker_that_is_killed_is_charged_and_missed_by_nobody(tmp_path):
    with dask_cluster(2) as (engine, workers):
        accountant = Accountant(tmp_path / "run", lambda: workers)
        result = perjoule.compare(out=tmp_path / "run", executor=engine, **OPTIONS)
        check_the_books(result, accountant)


@pytest.mark.kill
def test_a_worker_of_executorlib_that_is_killed_is_charged(tmp_path, monkeypatch):
    pytest.importorskip("executorlib", reason="executorlib is not installed")
    monkeypatch.setattr(engines, "RESTARTS", 0)  # a new one would import all anew, unmetered
    accountant = Accountant(tmp_path / "run", engines._children_of_executorlib)
    result = perjoule.compare(out=tmp_path / "run", executor="executorlib", **OPTIONS)
    check_the_books(result, accountant)


@pytest.mark.kill
def test_a_comparison_of_the_local_pool_goes_on_with_dask(tmp_path):
    options = OPTIONS | {"budget": "14 J", "workers": 1}
    begun = perjoule.compare(out=tmp_path / "run", **options)
    cut(begun.folder, 2)  # as if its driver had been killed
    [_, *before] = read_ledger(begun.folder)
    result = perjoule.compare(out=begun.folder, resume=True, executor="dask", workers=2)
    assert result.summary["status"] == "complete"
    events = read_ledger(begun.folder)
    assert events[1:2] == before
    first, *later = (event["worker"] for event in events if event["event"] == "slice")
    assert later
    assert first not in later
    billed = spent_j(begun.folder)
    assert {r["run"]: r["spent_j"] for r in result.summary["runs"]} == pytest.approx(billed)


@pytest.mark.filterwarnings("ignore:.pydantic.config.Extra")  # of executorlib
@pytest.mark.parametrize(
    ("engine", "says"),
    [
        ("dusk", "unknown executor 'dusk': did you mean 'dask'?"),
        ("nothing", "unknown executor 'nothing' (known: dask"),
        ("dask:", "--scheduler: no address is given"),
        ("executorlib:pbs", "unknown executor 'executorlib:pbs'"),
        ("dask:nonsense://there", "--scheduler nonsense://there: no Dask scheduler answers"),
        ("dask:tcp://127.0.0.1:9", "--scheduler tcp://127.0.0.1:9: no Dask scheduler answers"),
        ("executorlib:slurm-job", "there is no command srun here: run this inside a job of Slurm"),
        ("executorlib:flux-cluster", "there is no command flux here"),
    ],
)
def test_an_engine_that_cannot_be_had_is_refused_in_a_line(engine, says, tmp_path, monkeypatch):
    monkeypatch.setattr(on_dask, "ANSWER_S", 0.2)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PerjouleError) as refused:
        perjoule.compare(executor=engine, out=tmp_path / "run", **OPTIONS)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("engine", "extra"), [("dask", "dask"), ("executorlib", "slurm")])
def test_an_engine_that_is_not_installed_comes_with_the_command(engine, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, {"dask": "distributed"}.get(engine, engine), None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'perjoule\[{extra}\]'"):
        perjoule.compare(executor=engine, **OPTIONS)


def test_a_scheduler_is_dasks(tmp_path):
    assert Machines(scheduler="tcp://there:8786").engine == "dask:tcp://there:8786"
    with pytest.raises(ConfigurationError, match="has no scheduler"):
        _ = Machines(executor="executorlib", scheduler="tcp://there:8786").engine


@pytest.mark.parametrize("status", ["closed", "running"])
def test_a_scheduler_that_is_gone_is_told_with_how_to_go_on(status):
    """A client that has given up tells of no workers, and is closed from then on."""
    client = SimpleNamespace(status=status, scheduler_info=lambda n_workers: {})
    with pytest.raises(ConfigurationError, match=r"scheduler is gone.*--resume --out FOLDER"):
        Pool(2, on_dask.Dask(client))


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs masks of signals")
def test_children_are_shielded_though_the_first_of_all_starts_a_tracker():
    program = (
        "import signal\n"
        "from multiprocessing import resource_tracker\n"
        "from perjoule.benchmarks.comparison.shielding import shielding_children\n"
        "with shielding_children():\n"
        "    resource_tracker.ensure_running()\n"
        "    print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.strip() == b"True"
