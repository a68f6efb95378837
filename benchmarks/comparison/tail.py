"""A ledger that somebody else writes, read as it grows: each line once, and never written to."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import DataError, OutputError
from ...files.bounded import TABLE, open_file, too_large
from ...files.damage import damaged
from .chain import BrokenChainError, Link, read_chain
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

    def read(self) -> list[Event]:
        """The whole lines since the last call; a line that is not whole yet waits.

        Raises:
            OutputError: A line is not the one that was written, or what was read is gone.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError:
            if self._offset:
                raise OutputError(f"{self._path}: was removed while it was watched") from None
            return []
        seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        if seen == self._seen:
            return []
        is_other = self._seen is not None and seen[0] != self._seen[0]
        if is_other or status.st_size < self._offset:
            raise OutputError(f"{self._path}: was replaced by another file while it was watched")
        lines = self._new_lines()
        self._seen = seen
        return self._parse(lines)

    def _new_lines(self) -> list[bytes]:
        try:
            with open_file(self._path) as file:
                file.seek(self._offset)
                content = file.read(TABLE + 1)
        except (OSError, DataError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"{self._path}: cannot be read ({reason})") from error
        if len(content) > TABLE:
            raise too_large(self._path, self._offset + len(content), TABLE)
        *lines, torn = content.split(b"\n")
        self._offset += len(content) - len(torn)
        return lines

    def _parse(self, lines: list[bytes]) -> list[Event]:
        if not lines:
            return []
        before = 0 if self._last is None else self._last.n
        try:
            events, links = read_chain(lines, self._last)
        except BrokenChainError as error:
            raise damaged(self._path, error, error.line) from error
        self._last = links[-1]
        return parse_events(self._path, events, before + 1)

    @property
    def last_written(self) -> float | None:
        """When it was last written to, in Unix time; None if it is not there."""
        try:
            return os.stat(self._path).st_mtime  # noqa: PTH116
        except OSError:
            return None
