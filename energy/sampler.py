"""The one background thread: it calls what sources want to be called for between readings."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable

from ..errors import SourceError
from .source import CountedJoules, Source, Task

RETRY_S = 1.0  # when to call again what failed
LONGEST_WAIT_S = 3_600.0
THREAD_NAME = "perjoule-meter"  # the one thread of a meter; it starts no processes


def try_read(source: Source, name: str) -> float | str:
    """Read a source, or say why that failed; a meter never raises into what it meters."""
    try:
        read = source.read()
        energy_j = read if isinstance(read, CountedJoules) else float(read)
    except SourceError as error:
        return f"{name}: {error}"
    except Exception as error:  # noqa: BLE001 - sources may be the user's own
        return f"{name}: unexpected {type(error).__name__}: {error}"
    return energy_j if math.isfinite(energy_j) else f"{name}: reads {energy_j} J"


class Sampler:
    """Does its tasks in one daemon thread, each when due; starts none without tasks.

    It holds no reference to the meter, so that a forgotten meter can end it.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = list(tasks)
        self._closed = False
        self._pid, self._calls = os.getpid(), _Calls()
        self._start()

    def ensure_alive(self) -> None:
        """Start again in a forked child, where threads do not follow."""
        if self._pid != os.getpid() and not self._closed:
            self._pid, self._calls = os.getpid(), _Calls()
            self._start()

    def wake(self) -> None:
        """Do the first task now, whenever it is due."""
        self._calls.rung.set()

    def stop(self) -> None:
        """End the thread."""
        self._closed = self._calls.stopping = True
        self._calls.rung.set()

    def _start(self) -> None:
        if self._tasks:
            threading.Thread(
                target=_work, args=(self._tasks, self._calls), name=THREAD_NAME, daemon=True
            ).start()


class _Calls:
    """How a sampler calls its thread."""

    def __init__(self) -> None:
        self.rung, self.stopping = threading.Event(), False


def _work(tasks: list[Task], calls: _Calls) -> None:
    due_s = [time.perf_counter()] * len(tasks)
    while True:
        for index, task in enumerate(tasks):
            if time.perf_counter() >= due_s[index]:
                try:
                    wait_s = task()
                except Exception:  # noqa: BLE001 - readings say what is wrong; the thread goes on
                    wait_s = RETRY_S
                due_s[index] = time.perf_counter() + wait_s
        if calls.rung.wait(min(max(min(due_s) - time.perf_counter(), 0.0), LONGEST_WAIT_S)):
            if calls.stopping:
                return
            calls.rung.clear()
            due_s[0] = time.perf_counter()
