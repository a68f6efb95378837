"""Ctrl-C, SIGTERM and SIGHUP: what is done is kept, at whatever moment they come.

While a driver works (`interrupt.Interrupt`) a signal only notes that somebody asked to stop, so
that nothing is broken off between a slice and its line in the ledger. Only what runs inside
`breakable`, a user's code, is broken off: by a second signal, or if it does not stop by itself.
Whatever else a program does (`Program`) is broken off at once, and it says how to go on.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from ...errors import PerjouleError

PATIENCE_S = 3.0
"""Seconds after a signal in which further ones do not disturb what is being put away."""
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
SHOW_CURSOR = b"\x1b[?25h"


class Stopped(KeyboardInterrupt):
    """A signal asked to stop."""


class Active:
    """Who answers the signals of this process, and whether it is in a user's code."""

    program: ClassVar[Program | None] = None
    breakable: ClassVar[bool] = False


class Handlers(ABC):
    """Answers the signals while it is entered; in another than the main thread it does nothing."""

    def __init__(self) -> None:
        self._terminals = [fd for fd in (1, 2) if _is_terminal(fd)]
        self._before: dict[int, Any] = {}

    def _install(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            before = signal.getsignal(number)
            # Under nohup the end of a terminal is to be ignored.
            if before is not None and (number == signal.SIGINT or before is not signal.SIG_IGN):
                self._before[number] = signal.signal(number, self._handle)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _detach(self._terminals)
        self._answer(number, frame)

    @abstractmethod
    def _answer(self, number: int, frame: FrameType | None) -> None:
        """Answer one signal; called between two steps of the main thread."""


class Program(Handlers):
    """Answers the signals of a whole command line, where nothing inside it does.

    The first one raises `Stopped`; one that comes while modules are loaded ends the process with
    the last words, since half of a library may not be left by an exception.

    Args:
        last_words: What to print when the process is ended.
    """

    def __init__(self, last_words: Callable[[], str]) -> None:
        super().__init__()
        self.last_words = last_words
        self.has_raised = False
        self.number: int | None = None  # of the first signal
        self.place: Path | None = None  # the outermost folder that is worked in
        self._heard_s: float | None = None
        self._over: int | None = None  # the exit code, once all is done
        self._held: bool | None = None  # None: nothing is held; else whether a signal waits

    @property
    def exit_code(self) -> int:
        """What the process ends with after a signal, as shells give it."""
        return 128 + (self.number or signal.SIGINT)

    def heard(self, number: int) -> bool:
        """Note a signal; False if it follows another one too closely to mean more."""
        now_s = time.monotonic()
        if self._heard_s is not None and now_s - self._heard_s < PATIENCE_S:
            return False
        self.number, self._heard_s = self.number or number, now_s
        return True

    def _answer(self, number: int, frame: FrameType | None) -> None:
        if self._over is not None:
            os._exit(self._over)
        if not self.heard(number):
            return
        if self._held is not None:
            self._held = True
        elif self.has_raised or is_importing(frame):
            self.leave()
        else:
            self._raise()

    def _raise(self) -> None:
        self.has_raised = True
        raise Stopped

    def leave(self) -> None:
        """End the process at once."""
        with contextlib.suppress(OSError):
            if _is_terminal(2):
                os.write(2, SHOW_CURSOR)
            os.write(2, f"{self.last_words()}\n".encode(errors="replace"))
        os._exit(self.exit_code)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Answer signals only once this is over."""
        if self._held is not None:
            yield
            return
        self._held = False
        try:
            yield
        finally:
            waits, self._held = self._held, None
            if waits:
                self._raise()

    def begin(self) -> None:
        """Answer signals from now on."""
        Active.program = self
        self._install()

    def over(self, exit_code: int) -> None:
        """All is done and said: a signal ends the process at once."""
        self._over = exit_code
        if self.has_raised:  # what was broken off in the middle may not end tidily
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
            os._exit(exit_code)
        # Python gives the default handlers back before its very end.
        atexit.register(_ignore_all)

    def end(self) -> None:
        """Answer no signal any more."""
        self._restore()
        Active.program = None


def _ignore_all() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def breakable() -> Iterator[None]:
    """Let signals raise `Stopped` in here, once somebody insists or the time of grace is over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    Active.breakable = True
    try:
        yield
    finally:
        Active.breakable = False


def working_in(folder: Path) -> None:
    """Tell the program which folder it works in; the first one is the outermost."""
    if Active.program is not None and Active.program.place is None:
        Active.program.place = folder


@contextmanager
def telling_first(tell: Callable[[], object]) -> Iterator[None]:
    """Tell what is there, if anything is, before a signal ends what is done in here."""
    try:
        yield
    except KeyboardInterrupt:
        with contextlib.suppress(PerjouleError):
            tell()
        raise


def is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being loaded; compiled ones print a traceback if that is broken off."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _detach(terminals: list[int]) -> None:
    """Write to nowhere what went to a terminal that is gone, so that writing raises nothing."""
    if not terminals:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in terminals:
        os.dup2(nowhere, fd)
    os.close(nowhere)
