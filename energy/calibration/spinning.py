"""Keeping cores busy for a while."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from ...errors import MeterError

Load = Callable[[int, str], AbstractContextManager[None]]  # keeps as many cores busy with a work

# What is done once, and over and over: mostly branches and memory, or vectors as in training.
WORKS = {
    "interpreter": ("x = 1.0", "for _ in range(10_000): x = (x * 1.7 + 0.3) % 3.1"),
    "matrices": ("import numpy; x = numpy.full((256, 256), 1 / 256)", "x @ x"),
}

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SCRIPT = """\
import os, threading
def end_with_parent():
    os.read(0, 1)  # returns when the parent closes the pipe or dies, however it dies
    os._exit(0)
threading.Thread(target=end_with_parent, daemon=True).start()
{once}
os.write(1, b"busy\\n")
while True:
    {again}
"""


@contextmanager
def spinning(n_cores: int, work: str) -> Iterator[None]:
    """Keep cores busy with a work of ``WORKS``, by processes that end with the block or with us."""
    once, again = WORKS[work]
    command = [sys.executable, "-P", "-c", _SCRIPT.format(once=once, again=again)]
    environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
    with ExitStack() as stack:
        workers: list[subprocess.Popen[bytes]] = []
        for _ in range(n_cores):
            worker = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            stack.enter_context(worker)
            stack.callback(worker.kill)
            workers.append(worker)
        for worker in workers:
            if worker.stdout is None or not worker.stdout.readline():
                raise MeterError(f"cannot keep a core busy: `{sys.executable} -c` does not work")
        yield
