"""Executors that run jobs again, lose them or do them twice: every joule is charged, once."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future
from contextlib import suppress

import pytest

import perjoule
from perjoule.benchmarks.comparison import heartbeat
from perjoule.benchmarks.comparison.executors import kill_workers, spawn_executor
from perjoule.errors import ConfigurationError, DataError

from . import careless
from .careless import Careless, compare
from .ledgers import read_ledger, spent_j, wait_until


@pytest.fixture(autouse=True)
def exact_signs(monkeypatch):
    """A sign of life before every step, so that a death hides nothing."""
    monkeypatch.setattr(heartbeat, "PULSE_S", 0.0)


def nonces(folder):
    return [event["nonce"] for event in read_ledger(folder) if "nonce" in event]


@pytest.mark.parametrize("ways", [("fine", "rerun", "twice"), ("fine", "lost", "cancelled")])
def test_each_joule_is_charged_once_whatever_the_executor_does(tmp_path, ways):
    executor = Careless(1, ways)
    result = compare(tmp_path / "run", executor)
    assert result.summary["status"] == "complete"
    assert sum(spent_j(result.folder).values()) == pytest.approx(executor.spent_j, rel=1e-9)
    lost = [e for e in read_ledger(result.folder) if e["event"] == "interrupted"]
    assert executor.deaths > 1
    failed = [e for e in read_ledger(result.folder) if e.get("state") == "failed"]
    assert len(lost) + len(failed) == executor.deaths
    assert len(set(nonces(result.folder))) == len(nonces(result.folder))
    assert not (result.folder / "inflight").exists()
    for run in result.summary["runs"]:
        own = result.trials[result.trials["run"] == run["run"]]
        assert sorted(own["trial"]) == list(range(len(own)))
        assert run["spent_j"] <= 0.4 * 1.01
    assert "executor lost it" in lost[0]["message"]
    assert result.summary["work"]["overhead"][1]["energy_j"] is None  # of the lost workers


def test_an_executor_that_never_begins_a_job_is_refused_with_its_reason(tmp_path):
    class Broken(Careless):
        def submit(self, fn, /, *args, **kwargs):
            if fn.__name__ != "execute":
                return super().submit(fn, *args, **kwargs)
            future: Future = Future()
            future.set_exception(ConnectionError("no worker\nanswers"))
            return future

    with pytest.raises(ConfigurationError, match=r"lost 3 jobs in a row .*: no worker: look"):
        compare(tmp_path / "run", Broken(0))


def test_what_cannot_be_done_at_all_is_said_and_not_tried_again(tmp_path):
    class Refusing(Careless):
        def submit(self, fn, /, *args, **kwargs):
            if fn.__name__ != "execute":
                return super().submit(fn, *args, **kwargs)
            future: Future = Future()
            future.set_exception(DataError("images.npz: cannot be read"))
            return future

    with pytest.raises(DataError, match=r"images\.npz"):
        compare(tmp_path / "run", Refusing(0))


# Other processes ----------------------------------------------------------------------------------


def signs_of_life(folder):
    for file in folder.glob("inflight/*.json"):
        with suppress(FileNotFoundError):
            yield file.read_bytes()


SLOW = """
import os, time
from pathlib import Path

def fit(trial):
    spent = Path(os.environ["SPENT"])
    for _ in trial.epochs():
        for _ in range(30):
            if trial.should_stop():
                break
            trial.count_operations(1e7)
            with spent.open("a") as file:
                file.write(f"{os.getpid()}\\n")
            time.sleep(0.02)
        trial.report(accuracy=0.5)
"""
OPTIONS = {
    "objective": "slow_training:fit", "space": careless.SPACE | {"epochs": 3}, "meter": "model",
    "seeds": 1, "workers": 2, "strategies": ["random", "tpe"], "budget": "0.6 J",
}  # fmt: skip


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """A module for other processes, and the file that they write a line to at every step."""
    (tmp_path / "slow_training.py").write_text(SLOW)
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("SPENT", str(tmp_path / "spent"))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "spent"


class Forgetful(Executor):
    """A pool that says of its second job that it is lost, while it is still being done."""

    def __init__(self, pool):
        self._pool, self._n_jobs = pool, 0

    def submit(self, fn, /, *args, **kwargs):
        inner = self._pool.submit(fn, *args, **kwargs)
        self._n_jobs += fn.__name__ == "execute"
        if fn.__name__ != "execute" or self._n_jobs != 2:
            return inner
        outer: Future = Future()
        setting, job = args

        def forget():
            wait_until(setting.sign_of_life(job).exists, 60)
            time.sleep(0.3)
            outer.set_exception(RuntimeError("I forgot it"))

        threading.Thread(target=forget, daemon=True).start()
        return outer


@pytest.mark.campaign
@pytest.mark.kill
def test_what_a_job_spends_after_it_was_given_up_is_charged_too(tmp_path, slow):
    """The rehearsal of each process counts one epoch, which is charged to no run."""
    with spawn_executor(2) as pool:
        result = perjoule.compare(out=tmp_path / "run", executor=Forgetful(pool), **OPTIONS)
    events = read_ledger(result.folder)
    lost = [event for event in events if event["event"] == "interrupted"]
    assert "I forgot it" in lost[0]["message"]
    assert len({event["nonce"] for event in lost}) == 1
    [startup] = [event for event in events if event["event"] == "start"]
    really_j = 1e-3 * len(slow.read_text().splitlines())
    assert sum(spent_j(result.folder).values()) == pytest.approx(
        really_j - startup["startup_j"], abs=2e-3
    )


@pytest.mark.campaign
@pytest.mark.kill
def test_a_dask_worker_that_is_killed_loses_no_joules(tmp_path, slow):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    folder = tmp_path / "run"
    killed = []

    def kill():
        wait_until((folder / "ledger.jsonl").exists, 90)
        wait_until(lambda: b'"slice"' in (folder / "ledger.jsonl").read_bytes(), 90)
        wait_until(lambda: b'"energy_j": 0.01' in b"".join(signs_of_life(folder)), 90)
        pid = int(slow.read_text().splitlines()[-1])
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        # One run, so that the last step is of the job in flight.
        options = OPTIONS | {"strategies": ["random"], "budget": "0.4 J"}
        result = perjoule.compare(out=folder, executor=client.get_executor(), **options)
        thread.join()
    assert killed
    assert result.summary["status"] == "complete"
    events = read_ledger(folder)
    lost = [event for event in events if event["event"] == "interrupted"]
    assert len(lost) == 1
    assert "executor lost it (NotWantedError: it was begun before" in lost[0]["message"]
    assert lost[0]["energy_j"] > 0
    really_j = 1e-3 * len(slow.read_text().splitlines())
    [startup] = [event for event in events if event["event"] == "start"]
    charged_j = sum(spent_j(folder).values()) + startup["startup_j"]
    # The worker that took the place of the killed one rehearsed again, for nobody knows how much.
    assert charged_j - 1e-9 <= really_j <= charged_j + 0.1
    assert (
        json.loads((folder / "summary.json").read_text())["work"]["overhead"][1]["energy_j"] is None
    )


@pytest.mark.kill
def test_a_script_without_a_guard_is_told_to_have_one(tmp_path):
    script = tmp_path / "plain.py"
    script.write_text(
        "import perjoule\n"
        'perjoule.compare(strategies=["random"], budget="1 J", seeds=2, meter="model", workers=2,'
        ' out="run")\n'
    )
    place = os.pathsep.join(sys.path)
    ended = subprocess.run(
        [sys.executable, script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": place},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(
        'call perjoule below `if __name__ == "__main__":` in it, or take workers=1 and name no '
        "module:function"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.campaign
@pytest.mark.kill
def test_what_a_candidate_forks_ends_with_the_comparison(tmp_path):
    (tmp_path / "forking.py").write_text(
        "import os\n"
        "def train(trial):\n"
        "    if os.fork() == 0:\n"
        '        open(f"child-{os.getpid()}", "w").close()\n'
        "        import time; time.sleep(600)\n"
        "    trial.report(accuracy=0.5)\n"
    )
    (tmp_path / "space.yaml").write_text("rate: {low: 0.1, high: 1.0}\n")
    command = (
        "-m perjoule compare --objective forking:train --space space.yaml --strategies random "
        "--seeds 1 --budget unlimited --trials 1 --meter cpu_time"
    )
    place = os.pathsep.join(sys.path)
    subprocess.run(
        [sys.executable, *command.split()], cwd=tmp_path, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": place}, timeout=120,
    )  # fmt: skip
    children = [int(path.name.partition("-")[2]) for path in tmp_path.glob("child-*")]
    assert children
    wait_until(lambda: not any(map(is_alive, children)))


def is_alive(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _start_method():
    return multiprocessing.get_start_method()


@pytest.mark.parametrize("chosen", [None, "spawn"])
def test_processes_of_a_users_code_start_as_they_would_without_perjoule(chosen, monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: chosen)
    pool = spawn_executor(1)
    monkeypatch.undo()
    try:
        own = multiprocessing.get_context().get_start_method()
        assert pool.submit(_start_method).result(60) == (chosen or own)
    finally:
        kill_workers(pool)
        pool.shutdown(wait=False)
