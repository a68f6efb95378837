"""A deadline by wall time for calls of a user's own strategy.

>>> with deadline(60.0, "ask"):
...     pass
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_S = 0.5
"""Seconds until a call that swallowed its deadline is told again."""
GRACE_S = 1.5
"""Seconds after the deadline until a worker process ends whose call cannot be told of it."""


class Overdue(TimeoutError):  # noqa: N818 - says what happened, as State does
    """A call did not return in its time."""


class _Alarm(BaseException):
    """Passes through ``except Exception``."""


@contextmanager
def deadline(seconds: float, what: str) -> Iterator[None]:
    """End what takes longer; elsewhere than in a main thread on Unix nothing is ended.

    A worker process whose call cannot be ended ends itself.

    Raises:
        Overdue: It took longer.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def tell(_number: int, _frame: FrameType | None) -> None:
        raise _Alarm

    before = signal.signal(signal.SIGALRM, tell)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        try:
            if multiprocessing.parent_process() is not None:
                faulthandler.dump_traceback_later(seconds + GRACE_S, exit=True, file=nowhere)
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
            yield
        except _Alarm:
            raise Overdue(
                f"{what} did not return within {seconds:g} s: if it needs longer, give its class "
                "ask_limit_s, in seconds"
            ) from None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            faulthandler.cancel_dump_traceback_later()
            signal.signal(signal.SIGALRM, before)
