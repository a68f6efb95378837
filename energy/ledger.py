"""The ledger: an append-only file of events, flushed one by one. What it says is the truth."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import OutputError


class Ledger:
    """Appends events to a file of JSON lines, each on disk before ``append`` returns.

    Args:
        path: The file; it is made if missing, and a torn last line is cut off.
    """

    def __init__(self, path: Path) -> None:
        whole = _whole_bytes(path) if path.exists() else 0
        self._file = path.open("ab")
        self._file.truncate(whole)

    def append(self, event: dict[str, Any]) -> None:
        """Write one event."""
        self._file.write(json.dumps(event, allow_nan=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def read_events(path: Path) -> list[dict[str, Any]]:
    """Read all whole events; a torn last line, left by a crash, is dropped.

    Raises:
        OutputError: The file is missing, or a line before the last is no event.
    """
    try:
        lines = path.read_bytes()[: _whole_bytes(path)].splitlines()
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be read ({error.strerror}); is it a run folder?"
        ) from error
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(json.loads(line))
        except ValueError as error:
            raise OutputError(
                f"{path}, line {number}: damaged ({error}); restore a copy"
            ) from error
    return events


def _whole_bytes(path: Path) -> int:
    """Length of the file up to its last line end."""
    return path.read_bytes().rfind(b"\n") + 1
