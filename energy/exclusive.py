"""One trial at a time where a counter sees more than one process.

The lock of a domain is a name, not a file: a socket of Linux's abstract namespace, which belongs to
the machine. Nobody owns it, so no user can leave it to block the others; the kernel frees it when
its holder ends, and says who that is. Where there is none, it is a file of the user's own.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from filelock import FileLock, Timeout

from ..errors import MeterError
from .calibration.stored import home
from .source import PowerSource, Scope, Source

_MOST_ASKED = 128  # times that others ask who holds a domain; beyond it they are not told
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class _HeldError(MeterError):
    """Another process has the domain."""


POLL_S = 0.05
"""How often who waits for a domain asks for it."""


@contextmanager
def exclusive(
    sources: Iterable[Source | PowerSource], *, patience_s: float = 0.0
) -> Iterator[None]:
    """Hold the measured domains: two in one would bill each other.

    Args:
        sources: Those of a meter; what counts a process alone needs no lock.
        patience_s: Seconds to wait for a domain that another process holds.

    Raises:
        MeterError: It holds one for longer, or one cannot be locked.
    """
    domains = {source.info.id for source in sources if source.info.scope is not Scope.PROCESS}
    end_s = time.monotonic() + patience_s
    with ExitStack() as held:
        for domain in sorted(domains):  # in one order, so that no two wait for each other
            held.callback(_acquire_until(domain, end_s))
        yield


def _acquire_until(source_id: str, end_s: float) -> Callable[[], object]:
    """Take the lock of a source's domain as soon as it is free."""
    while True:
        try:
            return _acquire(source_id)
        except _HeldError:
            if time.monotonic() >= end_s:
                raise
        time.sleep(POLL_S)


def _acquire(source_id: str) -> Callable[[], object]:
    """Take the lock of a source's domain, and return what gives it back."""
    name = "perjoule-" + "".join(c if c.isalnum() else "-" for c in source_id)
    try:
        return _take_name(f"\0{name[:100]}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _is_held(source_id, _holder(f"\0{name[:100]}")) from error
    return _take_file(source_id, name)  # this system has no such names, or forbids them


def _take_name(name: str) -> Callable[[], object]:
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, "no abstract sockets")
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(name)
        lock.listen(_MOST_ASKED)
    except OSError:
        lock.close()
        raise
    return lock.close


def _take_file(source_id: str, name: str) -> Callable[[], object]:
    path = home() / f"{name}.lock"
    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise _is_held(source_id, "") from error
    except OSError as error:
        raise MeterError(
            f"{source_id} cannot be locked for this comparison alone: {path}: "
            f"{error.strerror or error}; set PERJOULE_HOME to a folder of yours, or take --meter "
            "cpu_time, which needs no lock"
        ) from error
    return lock.release


def _holder(name: str) -> str:
    """Who holds a name, in words; nothing if that cannot be known."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        asking.connect(name)
        told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(told)
        return f" (process {pid} of {_user(uid)})"
    return ""


def _user(uid: int) -> str:
    import pwd

    if uid == os.getuid():
        return "yours"
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def _is_held(source_id: str, holder: str) -> _HeldError:
    return _HeldError(
        f"{source_id} is being metered by another perjoule{holder}: wait for it, or take "
        "--meter cpu_time, which counts this process alone"
    )
