"""An executor that runs jobs again, loses them or does them twice, and a training that dies."""

from __future__ import annotations

import random
import threading
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

import perjoule

J_PER_STEP = 1e-3
STEPS = 10
OPERATIONS = 1e7  # of a step, of 1e-10 J each by the model meter
DEADLY = ("rerun", "lost", "cancelled")
WAYS = ("fine", "rerun", "lost", "cancelled", "twice")
SPACE = {"rate": {"low": 0.01, "high": 0.3, "log": True}, "epochs": {"low": 1, "high": 5}}


class DeadWorkerError(Exception):
    """A worker died."""


class Careless(Executor):
    """Does jobs one by one, each in a way that its seed decides; counts what was really spent.

    A worker that dies is a thread that stands still in the middle of its slice until all is over.

    Attributes:
        spent_j: Joules that all executions of jobs have used.
        deaths: How many of them ended before they were done.
    """

    def __init__(self, seed: int, ways: tuple[str, ...] = WAYS) -> None:
        self._random, self._ways = random.Random(seed), ways
        self._steps_left: int | None = None
        self._died, self._over = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self.spent_j, self.deaths, self._is_job = 0.0, 0, False

    def submit(self, fn, /, *args, **kwargs):
        future: Future[Any] = Future()
        self._is_job = fn.__name__ == "execute"
        way = self._random.choice(self._ways) if self._is_job else "fine"
        do = fn
        if way in DEADLY:
            self._steps_left = self._random.randrange(STEPS)
            do = partial(self._dying, fn)
        try:
            try:
                result = do(*args, **kwargs)
            except DeadWorkerError:
                if way != "rerun":
                    raise
                result = fn(*args, **kwargs)
            if way == "twice":
                result = fn(*args, **kwargs)
            future.set_result(result)
        except DeadWorkerError:
            if way == "lost":
                future.set_exception(RuntimeError("the worker is gone"))
            else:
                future.cancel()
                future.set_running_or_notify_cancel()
        except Exception as error:  # noqa: BLE001 - the future carries it
            future.set_exception(error)
        self._steps_left, self._is_job = None, False
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _dying(self, fn, *args, **kwargs):
        """Do a job in a thread that stands still in it, and again if the way says so."""
        self._died.clear()
        future: Future[Any] = Future()

        def work():
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - the future carries it
                future.set_exception(error)

        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()
        while not (self._died.wait(0.005) or future.done()):
            pass
        if future.done():
            return future.result()
        self.deaths += 1
        raise DeadWorkerError

    def train(self, trial: perjoule.Trial) -> None:
        """The training, whose worker dies when the executor wants that."""
        for epoch in trial.epochs():
            for _ in range(STEPS):
                if trial.should_stop():
                    break
                if self._steps_left is not None:
                    self._steps_left -= 1
                    if self._steps_left < 0:
                        self._steps_left = None
                        self._died.set()
                        self._over.wait()
                        return
                trial.count_operations(OPERATIONS)
                self.spent_j += J_PER_STEP * self._is_job
            trial.report(accuracy=1 - 1 / (2 + epoch + trial.params["rate"]))


def compare(folder, executor: Careless, **options: Any) -> perjoule.Result:
    """A small comparison by such an executor."""
    given = {"strategies": ["random", "tpe"], "seeds": 1, "budget": "0.8 J", "meter": "model"}
    with executor:
        return perjoule.compare(
            out=folder,
            executor=executor,
            objective=executor.train,
            space=SPACE,
            **given | {"workers": 1} | options,
        )
