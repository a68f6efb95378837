"""Metering any command: it runs as a child of this process, inside one window."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError
from .meter import EnergyMeter
from .reading import Reading
from .sampler import THREAD_NAME

FROM_THE_TERMINAL = ("SIGINT", "SIGQUIT")  # which the command gets too, being in our process group
TO_PASS_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")  # sent to us, meant for the command
SET_SUBREAPER, GET_SUBREAPER = 36, 37  # options of Linux's prctl


@dataclass(frozen=True)
class CommandResult:
    """What a command used, and how it ended."""

    exit_code: int  # as shells give it: 128 plus the signal's number where a signal ended it
    reading: Reading  # gross energy from before the command began until after it ended
    command: tuple[str, ...]  # the program and its arguments


def measure(command: Sequence[str], meter: EnergyMeter) -> CommandResult:
    """Run a command to its end and meter it; a ConfigurationError if it cannot be run.

    Signals go to it instead of ending us, so that its energy is told however it ends. On Linux
    descendants whose parents ended become our children (``PR_SET_CHILD_SUBREAPER``), so that
    daemons count too, up to the command's end. Both need the main thread, and ended daemons are
    waited for only if there is no other thread, whose children they might be.
    """
    if isinstance(command, str) or not command:
        mend = "give a list of the program and its arguments"
        raise ConfigurationError(f"command {command!r}: {mend}")
    supervisor = _Supervisor()
    in_main_thread = threading.current_thread() is threading.main_thread()
    supervision = supervisor.supervising() if in_main_thread else contextlib.nullcontext()
    with supervision, meter.window() as window:
        exit_code = supervisor.run(command)
    return CommandResult(exit_code, window.reading, tuple(command))


class _Supervisor:
    """Looks after the command's process and the orphans among its descendants."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before = _children()
        # Threads may start children of their own, which only they may wait for.
        threads = {thread.name for thread in threading.enumerate()}
        self._alone = threads <= {threading.main_thread().name, THREAD_NAME}

    def run(self, command: Sequence[str]) -> int:
        try:
            # What was left open for us, such as make's job server, was left open for the command.
            self._child = child = subprocess.Popen(command, close_fds=False)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(
                f"command {command[0]!r} cannot be run ({reason}): name a program on PATH or an "
                "executable file, its arguments apart; a shell's line goes behind sh -c"
            ) from error
        for number in self._early:
            child.send_signal(number)
        code = child.wait()
        return code if code >= 0 else 128 - code

    @contextlib.contextmanager
    def supervising(self) -> Iterator[None]:
        """Pass signals on and adopt orphans for as long as this lasts."""
        with contextlib.ExitStack() as stack:
            for name in FROM_THE_TERMINAL:
                stack.enter_context(_handling(name, lambda number: None))
            for name in TO_PASS_ON:
                stack.enter_context(_handling(name, self._pass_on))
            # The exit codes of children are lost to those who ignore that they end.
            stack.enter_context(_handling("SIGCHLD", self._reap, though_ignored=True))
            stack.enter_context(_adopting_orphans())
            yield
            self._reap()

    def _pass_on(self, number: int) -> None:
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def _reap(self, _: int = 0) -> None:
        """Wait for the orphans that ended, so that their time is reported to us."""
        if self._child is None or not self._alone:
            return  # what ended may be the command, or somebody else's
        for pid in _children() - self._before - {self._child.pid}:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


@contextlib.contextmanager
def _handling(
    name: str, handle: Callable[[int], None], *, though_ignored: bool = False
) -> Iterator[None]:
    """Handle a signal, if this system has it and it is not to be ignored, as under nohup.

    A handler, unlike SIG_IGN, is not inherited: the command reacts as it would without us.
    """
    number = getattr(signal, name, None)
    before = None if number is None else signal.getsignal(number)
    if number is None or before is None or (before is signal.SIG_IGN and not though_ignored):
        yield
        return
    signal.signal(number, lambda number, _: handle(number))
    try:
        yield
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Become the parent of descendants whose parents end, where the system can do that."""
    before = ctypes.c_int()
    prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None
    if prctl is None or not _children_file().exists() or prctl(GET_SUBREAPER, ctypes.byref(before)):
        yield
        return
    prctl(SET_SUBREAPER, ctypes.c_ulong(1))
    try:
        yield
    finally:
        prctl(SET_SUBREAPER, ctypes.c_ulong(before.value))


def _children_file() -> Path:
    """Linux's list of the main thread's children, to which orphans are added."""
    return Path(f"/proc/self/task/{os.getpid()}/children")


def _children() -> set[int]:
    try:
        return set(map(int, _children_file().read_text().split()))
    except OSError:  # another system
        return set()
