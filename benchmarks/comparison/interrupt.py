"""Ctrl-C and its like, answered by whoever writes a ledger."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from .signals import PATIENCE_S, Active, Handlers, Stopped, is_importing

GRACE_S = 1.5
"""After a signal, seconds until what does not stop by itself is broken off."""
NUDGE_S = 0.25
"""How often a user's code that stands in the way is broken off again."""


class Interrupt(Handlers):
    """Answers the signals of whoever writes a ledger: it is asked to stop, and never broken off.

    Args:
        ask_to_stop: Is called once after the first signal, in another thread, since a handler may
            interrupt the writing of the very stream that it would write to.
    """

    def __init__(self, ask_to_stop: Callable[[], None]) -> None:
        super().__init__()
        self._ask_to_stop = ask_to_stop
        self._asked_s: float | None = None
        self._insisted = False
        self._broke_s = -PATIENCE_S
        self._pipe: tuple[int, int] | None = None

    @property
    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked_s is not None

    @property
    def grace_is_over(self) -> bool:
        """Whether nobody need be waited for any more."""
        asked_s = self._asked_s
        return asked_s is not None and (self._insisted or time.perf_counter() - asked_s > GRACE_S)

    def _answer(self, number: int, frame: FrameType | None) -> None:
        if self._asked_s is None:
            self._asked_s = time.perf_counter()
            if Active.program is not None:
                Active.program.heard(number)
            if self._pipe is not None:
                os.write(self._pipe[1], b"s")
        else:
            self._insisted = True
        if not (Active.breakable and self.grace_is_over) or is_importing(frame):
            return
        # A code that is being left may put things away; one that goes on regardless is asked again.
        if time.perf_counter() - self._broke_s > PATIENCE_S:
            self._broke_s = time.perf_counter()
            raise Stopped

    def _attend(self, pipe: int) -> None:
        """Ask to stop after the first signal; then break off what stands in the way."""
        if os.read(pipe, 1) != b"s":
            return
        with contextlib.suppress(Exception):  # nobody may be there to be told
            self._ask_to_stop()
        main = threading.main_thread().ident
        if main is None or not hasattr(signal, "pthread_kill"):
            return
        while not select.select([pipe], [], [], NUDGE_S)[0]:
            if Active.breakable and self.grace_is_over:
                signal.pthread_kill(main, signal.SIGINT)

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._pipe = os.pipe()
            self._listener = threading.Thread(
                target=self._attend, args=self._pipe[:1], name="perjoule-signals", daemon=True
            )
            self._listener.start()
        self._install()
        return self

    def __exit__(self, *_: object) -> None:
        if self._pipe is not None:  # first, so that no nudge meets another handler
            os.write(self._pipe[1], b"e")
            self._listener.join()
        self._restore()
        for fd in self._pipe or ():
            os.close(fd)
        self._pipe = None
