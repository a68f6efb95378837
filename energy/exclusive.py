"""One trial at a time where a counter sees more than one process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import MeterError
from .source import PowerSource, Scope, Source


@contextmanager
def exclusive(sources: Iterable[Source | PowerSource]) -> Iterator[None]:
    """Hold the measured domains: two comparisons in one package would bill each other.

    Raises:
        MeterError: Another process holds one of them.
    """
    held: list[FileLock] = []
    try:
        for source in sources:
            if source.info.scope is Scope.PROCESS:
                continue
            name = "".join(c if c.isalnum() else "-" for c in source.info.id)
            lock = FileLock(Path(tempfile.gettempdir()) / f"perjoule-{name}.lock", timeout=0)
            try:
                lock.acquire()
            except Timeout as error:
                raise MeterError(
                    f"{source.info.id} is being metered by another perjoule: wait for it, or take "
                    "--meter cpu_time, which counts this process alone"
                ) from error
            held.append(lock)
        yield
    finally:
        for lock in held:
            lock.release()
