"""Ctrl-C and SIGTERM: the first asks to stop and keep everything, a second one insists."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

GRACE_S = 1.5
"""After Ctrl-C, seconds until workers that do not stop by themselves are ended."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Answers both signals while it is entered; in another than the main thread it does nothing.

    Args:
        ask_to_stop: Is called at the first signal.
    """

    def __init__(self, ask_to_stop: Callable[[], None]) -> None:
        self._ask_to_stop = ask_to_stop
        self._asked_s: float | None = None
        self._before: list[signal.Handlers | Callable[..., object] | int | None] = []

    @property
    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked_s is not None

    @property
    def grace_is_over(self) -> bool:
        """Whether that is so long ago that nobody need be waited for."""
        return self._asked_s is not None and time.perf_counter() - self._asked_s > GRACE_S

    def _answer(self, *_: object) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self._asked_s = time.perf_counter()
        self._ask_to_stop()

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = [signal.signal(number, self._answer) for number in _SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=False):
            signal.signal(number, handler)
