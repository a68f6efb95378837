"""The ledger: an append-only file of events, flushed one by one. What it says is the truth."""

from __future__ import annotations

import contextlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from ...bounded import TABLE, read_bytes
from ...errors import OutputError
from ...plain import read_json
from ..tables.facts import first_fault
from .events import Event


class Ledger:
    """Appends events to a file of JSON lines, each on disk before ``append`` returns.

    Args:
        path: The file; it is made if missing, and a torn last line is cut off.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._whole = len(_whole_lines(path)) if path.exists() else 0
            self._file = path.open("ab", buffering=0)
            self._file.truncate(self._whole)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error

    def append(self, event: Event) -> None:
        """Write one event, whole or not at all.

        Raises:
            OutputError: The disk is full or gone; the file ends with the event before.
        """
        line = json.dumps(event.to_dict(), allow_nan=False).encode() + b"\n"
        try:
            rest = line
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # or the next event would be glued to half of this
                self._file.truncate(self._whole)
            raise OutputError(
                f"{self._path}: cannot be written ({error.strerror}); make room and resume"
            ) from error
        self._whole += len(line)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


def read_events(path: Path) -> list[Event]:
    """Read all whole events; a torn last line, left by a crash, is dropped.

    Raises:
        OutputError: The file is missing, or a line before the last is no event.
    """
    try:
        lines = _whole_lines(path).splitlines()
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be read ({error.strerror}); is it a run folder?"
        ) from error
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(_event_type().validate_python(read_json(line)))
        except ValueError as error:  # a ValidationError is one, too
            why = first_fault(error) if isinstance(error, ValidationError) else error
            raise OutputError(f"{path}, line {number}: damaged ({why}); restore a copy") from error
    return events


@cache
def _event_type() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="event")])


def _whole_lines(path: Path) -> bytes:
    """The file up to its last line end."""
    content = read_bytes(path, TABLE)
    return content[: content.rfind(b"\n") + 1]
