"""Processes beside the driver's own: its workers, and what a user's code forks."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType

from .signals import PATIENCE_S, SIGNALS, Active, Stopped, is_importing

LAST_WORDS_S = 1.0
"""Seconds to wait for workers that are broken off, to hear what they have spent."""
BREAK_OFF = getattr(signal, "SIGRTMIN", 0) + 7 if hasattr(signal, "SIGRTMIN") else None
"""Sent to workers alone, since those of a terminal reach them with their driver."""


@contextmanager
def shielding_children() -> Iterator[None]:
    """Start processes in here that know no signal before they `shield_worker`.

    Nor does one break off their start, which would leave half a process behind.
    """
    program = Active.program
    holding = contextlib.nullcontext() if program is None else program.holding()
    with holding:
        if not hasattr(signal, "pthread_sigmask"):
            yield
            return
        resource_tracker.ensure_running()  # which takes the mask away when it starts
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def shield_worker() -> None:
    """Leave the signals to the driver, whose process group a worker shares.

    They are handled and not ignored, since what is ignored is ignored by programs that a user's
    code starts, too. A worker whose driver does not end it after SIGTERM ends by itself.
    """

    def answer(number: int, frame: FrameType | None) -> None:
        if number == BREAK_OFF and Active.breakable and not is_importing(frame):
            Active.breakable = False
            raise Stopped
        if number == signal.SIGTERM and hasattr(signal, "alarm"):
            signal.alarm(2 * round(PATIENCE_S))

    for number in (*SIGNALS, *([BREAK_OFF] if BREAK_OFF else [])):
        signal.signal(number, answer)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


# A fork of a user's code has no part in all this. The signals wait while it begins, since Python
# forgets those that came before.

HANDLERS = (__name__, Active.__module__)
_forking = threading.local()


def _before_fork() -> None:
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _begin_fork() -> None:
    for number in SIGNALS:
        if getattr(signal.getsignal(number), "__module__", None) in HANDLERS:
            is_ctrl_c = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if is_ctrl_c else signal.SIG_DFL)
    Active.program = None
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_begin_fork
    )
