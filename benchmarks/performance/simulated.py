"""Workers that train nothing: whatever a comparison takes with them is its own overhead."""

from __future__ import annotations

import pickle
import random
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any

from perjoule.benchmarks.comparison.executors import prepare
from perjoule.benchmarks.comparison.messages import Job, Outcome, Setting
from perjoule.energy import EnergyMeter, Reading
from perjoule.models.outcome import CurvePoint, SliceResult, State
from perjoule.models.trial import Trial

OPERATIONS = 1e6
"""Of a trial: 0.1 mJ by the meter ``model``."""
SPACE = {
    "x": {"low": 0.0, "high": 1.0},
    "rate": {"low": 1e-5, "high": 1e-1, "log": True},
    "depth": {"low": 1, "high": 8},
    "epochs": 1,
}
IDLE_S = 0.002


def at_once(trial: Trial) -> float:
    """A training function that returns at once."""
    trial.count_operations(OPERATIONS)
    return trial.params["x"]


class Simulated(Executor):
    """So many workers of one run's trial each, of which one comes back whenever all are busy.

    Jobs are pickled as any executor of processes would, and their results made up. A worker takes
    its ticket; its signs of life, which its own machine would write, are left out.
    """

    def __init__(self, workers: int, seed: int = 0) -> None:
        self._workers, self._random = workers, random.Random(seed)
        self._busy: deque[tuple[Future[Any], bytes]] = deque()
        self._changed = threading.Condition()
        self._over = False
        self.sent_bytes = self.n_jobs = 0
        with EnergyMeter("model") as meter:
            window = meter.window()
            self._nothing = window.lap()
            meter.count_operations(OPERATIONS)
            self._reading = window.lap()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a worker something to do."""
        future: Future[Any] = Future()
        if fn is prepare:
            future.set_result(fn(*args, **kwargs))
            return future
        sent = pickle.dumps((fn, args, kwargs))
        self.sent_bytes, self.n_jobs = self.sent_bytes + len(sent), self.n_jobs + 1
        with self._changed:
            self._busy.append((future, sent))
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        """Let one come back whenever all are busy, or nothing more is given for a while."""
        while True:
            with self._changed:
                while not self._over and len(self._busy) < self._workers:
                    if not self._changed.wait(IDLE_S) and self._busy:
                        break
                if self._over:
                    return
                self._busy.rotate(-self._random.randrange(len(self._busy)))
                future, sent = self._busy.popleft()
            _, (setting, *jobs), _ = pickle.loads(sent)
            future.set_result(tuple(self._outcome(setting, job) for job in jobs))

    def _outcome(self, setting: Setting, job: Job) -> Outcome:
        with suppress(FileNotFoundError):
            setting.ticket(job).unlink()
        draw = self._random.random
        params = {"x": draw(), "rate": 1e-5 * 1e4 ** draw(), "depth": 1 + int(8 * draw())}
        score = params["x"]
        result = SliceResult(
            {**params, "epochs": 1},
            State.COMPLETE,
            score,
            setup=self._nothing,
            train=self._reading,
            validate=Reading(),
            epochs=1,
            curve=(CurvePoint(1, self._reading.total_j, score, float("nan")),),
        )
        return Outcome(job.run, job.trial, self._nothing, result, nonce=job.nonce, worker="none:1")
