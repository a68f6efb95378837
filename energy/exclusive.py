"""One trial at a time where a counter sees more than one process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import MeterError
from .source import PowerSource, Scope, Source

SHARED_MODE = 0o666  # whoever comes next must be able to open lock files too


@contextmanager
def exclusive(sources: Iterable[Source | PowerSource]) -> Iterator[None]:
    """Hold the measured domains, or raise a MeterError: two in one would bill each other."""
    with ExitStack() as held:
        for source in sources:
            if source.info.scope is not Scope.PROCESS:
                held.callback(_acquire(source.info.id).release)
        yield


def _acquire(source_id: str) -> FileLock:
    """Take the lock of a source's domain; it is the machine's, not the user's."""
    name = "".join(c if c.isalnum() else "-" for c in source_id)
    path = Path(tempfile.gettempdir()) / f"perjoule-{name}.lock"
    lock = FileLock(path, timeout=0, mode=SHARED_MODE)
    try:
        lock.acquire()
    except Timeout as error:
        raise MeterError(
            f"{source_id} is being metered by another perjoule: wait for it, or take "
            "--meter cpu_time, which counts this process alone"
        ) from error
    except OSError as error:
        raise MeterError(
            f"{source_id} cannot be locked for this comparison alone: {path}: "
            f"{error.strerror or error}; have its owner remove that file, or take --meter "
            "cpu_time, which needs no lock"
        ) from error
    return lock
