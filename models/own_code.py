"""What code of a user's own may do to the process it runs in, undone.

Faults that no process survives (a segmentation fault, ``os._exit``) are the business of the worker
process that such code runs in (`benchmarks.comparison.recovery`).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .importing import current_folder_importable

_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM")
    if hasattr(signal, name)
)


@contextmanager
def own_code() -> Iterator[None]:
    """Call a user's code: what it changes of the current folder and of signals is set back.

    Its current folder is importable meanwhile. A fork of it that comes out here ends at once: there
    is one process that goes on.
    """
    pid, handlers = os.getpid(), {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    folder = _current_folder()
    try:
        with current_folder_importable():
            yield
    finally:
        if os.getpid() != pid:
            os._exit(0)
        if folder is not None and _current_folder() != folder:
            with suppress(OSError):
                os.chdir(folder)
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)


def is_interrupt(error: BaseException) -> bool:
    """Whether an error is somebody's wish to stop: a plain one in a worker is the code's own."""
    if type(error) is KeyboardInterrupt:
        return multiprocessing.parent_process() is None
    return isinstance(error, KeyboardInterrupt)


def _current_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - text is compared
    except OSError:  # somebody removed it
        return None
