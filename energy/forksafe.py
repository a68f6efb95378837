"""Locks that a forked child finds free, whoever held them in the parent."""

from __future__ import annotations

import os
import threading
import weakref

_guards: weakref.WeakSet[Guard] = weakref.WeakSet()


class Guard:
    """A lock for ``with`` that a forked child finds free, even if another thread held it.

    Its thread may take it again: a signal or the garbage collector may call in between.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _guards.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _renew_all() -> None:
    """Take new locks, in a child that has only the thread that forked."""
    for guard in list(_guards):
        guard._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
