"""The ledger: an append-only file of events, flushed one by one. What it says is the truth.

Its lines are a chain (`chain`), and a seal tells its last one (`seal`): whatever was done to the
file is said when it is read. A torn last line is what a crash leaves; it is cut off.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from ...energy.quantities import format_energy, total
from ...errors import OutputError
from ...files.damage import damaged
from ..tables.facts import first_fault
from .blocks import Block, read_blocks
from .chain import BrokenChainError, read_chain
from .events import Charged, Event
from .seal import Seal, read_seal

_BEFORE_ALL = read_chain([])[1][0]


class Ledger:
    """Appends events to a file of JSON lines, each on disk before ``append`` returns.

    Args:
        path: The file; it is made if missing, and a torn last line is cut off.

    Raises:
        OutputError: The file is damaged, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last, self._whole = _BEFORE_ALL, 0
        for block in _blocks(path) if was_begun(path) else ():
            self._last, self._whole = block.links[-1], block.end
        self._is_torn = True
        with contextlib.ExitStack() as opened:
            try:
                self._file = opened.enter_context(path.open("a+b", buffering=0))
                self._mend()
                self._seal = Seal(path)
            except OSError as error:
                raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
            self._seal.set(self._last)
            opened.callback(self._seal.close)
            self._opened = opened.pop_all()

    def append(self, event: Event) -> None:
        """Write one event, whole or not at all.

        Raises:
            OutputError: The disk is full or gone, and the file ends with the event before; or
                somebody removed, replaced or changed the file.
        """
        line, link = self._last.next(json.dumps(event.to_dict(), allow_nan=False).encode())
        line += b"\n"
        try:
            if self._is_torn:
                self._mend()
            self._check_place(event)
            self._is_torn = True
            rest = line
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # or the next event would be glued to half of this
                self._mend()
            raise OutputError(
                f"{self._path}: cannot be written ({error.strerror or error}); make room, and go "
                f"on with --resume --out {self._path.parent}: what was trained is charged then"
            ) from error
        self._is_torn = False
        self._whole += len(line)
        self._last = link
        self._seal.set(link)

    def _mend(self) -> None:
        """Cut off what was written in part."""
        self._file.truncate(self._whole)
        self._is_torn = False

    def _check_place(self, event: Event) -> None:
        """Make sure that the file is the one that was opened, and that nobody else wrote to it."""
        own = os.fstat(self._file.fileno())
        try:
            there = self._path.stat()
            if (there.st_ino, there.st_dev) != (own.st_ino, own.st_dev):
                what, fate = "was replaced by another file", "are lost"
            elif own.st_size == self._whole:
                return
            else:
                what, fate = "was changed by somebody else", "are in doubt"
        except OSError:
            what, fate = "was removed or moved", "are lost"
        raise OutputError(
            f"{self._path}: {what} while it was written: {self._held(event)} {fate}; "
            "it cannot be gone on with, unless you restore it"
        )

    def _held(self, event: Event) -> str:
        """What the file told, which this process can still read, and the event besides."""
        try:
            whole = os.pread(self._file.fileno(), self._whole, 0).split(b"\n")[:-1]
            events = [*parse_events(self._path, read_chain(whole)[0]), event]
        except (OSError, OutputError, BrokenChainError):  # somebody wrote over it
            events = []
        if len(events) <= self._last.n:
            return f"all its {self._last.n} events and one that is not in it yet"
        charged_j = total(each.energy_j for each in events if isinstance(each, Charged))
        joules = "an unknown number of joules" if charged_j is None else format_energy(charged_j)
        return f"{joules} of {len(events)} events, the last one included,"

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._opened.close()


def was_begun(path: Path) -> bool:
    """Whether there is a ledger, or there was one that somebody removed."""
    return path.exists() or bool((seal := read_seal(path)) and seal.n)


def read_events(path: Path) -> list[Event]:
    """Read all whole events; a torn last line, left by a crash, is dropped.

    Raises:
        OutputError: The file is missing; or a line is no event, or not the one that was written.
    """
    return list(stream_events(path))


def stream_events(path: Path) -> Iterator[Event]:
    """The same one by one, however many there are."""
    for block in _blocks(path):
        yield from parse_events(path, block.events, block.links[0].n + 1)


def parse_events(path: Path, lines: Iterable[bytes], first: int = 1) -> list[Event]:
    """Parse lines of a ledger without their numbers, of which ``first`` is the first one's.

    Raises:
        OutputError: One of them is no event.
    """
    events = []
    for number, line in enumerate(lines, first):
        try:
            events.append(_event_type().validate_json(line, strict=True))
        except ValidationError as error:
            raise damaged(path, first_fault(error), number) from error
    return events


def _blocks(path: Path) -> Iterator[Block]:
    """All whole lines, the last one that was sealed among them."""
    seal = read_seal(path)  # before the file, which may grow meanwhile
    n = 0
    try:
        for block in read_blocks(path):
            first, n = block.links[0].n, block.links[-1].n
            if seal is not None and first < seal.n <= n and block.links[seal.n - first] != seal:
                raise damaged(path, "another was written there: the file was replaced", seal.n)
            yield block
    except OSError as error:
        if seal is not None and seal.n and not path.exists():
            raise OutputError(
                f"{path}: was removed, and {seal.n} events with it; restore a copy"
            ) from error
        raise OutputError(
            f"{path}: cannot be read ({error.strerror}); is it a run folder?"
        ) from error
    if seal is not None and seal.n > n:
        gone = f"line {seal.n}" if seal.n == n + 1 else f"lines {n + 1} to {seal.n}"
        raise damaged(path, f"{gone}, once written whole, cut off at the end", n + 1)


@cache
def _event_type() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="event")])
