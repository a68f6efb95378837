"""A ledger that somebody else writes, read as it grows: each line once, and never written to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...errors import OutputError
from .blocks import read_blocks
from .chain import Link
from .events import Event
from .ledger import parse_events


class LedgerTail:
    """The events of a ledger that have not been read yet.

    Args:
        path: The ledger, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0  # bytes of the whole lines that were read
        self._last: Link | None = None
        self._seen: tuple[int, int, int] | None = None  # file, size and time at the last look

    @property
    def n_read(self) -> int:
        """How many lines were read."""
        return 0 if self._last is None else self._last.n

    def read(self) -> list[Event]:
        """The whole lines since the last call; a line that is not whole yet waits.

        Raises:
            OutputError: A line is not the one that was written, or what was read is gone.
        """
        return list(self.stream())

    def stream(self) -> Iterator[Event]:
        """The same one by one, however many there are."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            if self._offset:
                raise OutputError(f"{self._path}: was removed while it was watched") from None
            return
        seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        if seen == self._seen:
            return
        is_other = self._seen is not None and seen[0] != self._seen[0]
        if is_other or status.st_size < self._offset:
            raise OutputError(f"{self._path}: was replaced by another file while it was watched")
        try:
            for block in read_blocks(self._path, self._offset, self._last):
                yield from parse_events(self._path, block.events, block.links[0].n + 1)
                self._offset, self._last = block.end, block.links[-1]
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{self._path}: cannot be read ({reason})") from error
        self._seen = seen

    @property
    def last_written(self) -> float | None:
        """When it was last written to, in Unix time; None if it is not there."""
        try:
            return os.stat(self._path).st_mtime  # noqa: PTH116
        except OSError:
            return None
