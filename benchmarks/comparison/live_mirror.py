"""The mirror of a comparison that is going on: trials are added to it as they end."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ...errors import OutputError
from ...models.outcome import State
from .events import EndEvent, Event, InterruptedEvent, SliceEvent
from .folder import MIRROR, Folder
from .loading import read_run
from .mirror import Described, Mirror, write_mirror
from .record import add_up, curve_table, slice_table
from .tail import LedgerTail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..tables.table import Table

EVERY_S = 5.0
"""The least seconds between two additions."""
SHARE = 0.01
"""Of the loop's time, what additions take at most; whatever is left is added at the end."""
_OPEN = (State.PAUSED, State.INTERRUPTED)
"""States of trials that may go on."""


class LiveMirror:
    """Writes ``studies.journal`` of one comparison, between its slices and at its end.

    Args:
        tell: Is told the file once there is one.
    """

    def __init__(self, tell: Callable[[Path], object] | None = None) -> None:
        self._tell = tell
        self._folder: Folder | None = None
        self._mirror: Mirror | None = None
        self._next_s = 0.0
        self._open: dict[tuple[str, int], list[SliceEvent | InterruptedEvent]] = {}

    def begin(self, folder: Folder) -> None:
        """Write the trials that there are, in place of an older file.

        Raises:
            OutputError: It cannot be written.
        """
        self._folder, self._tail = folder, LedgerTail(folder.ledger)
        self._described = Described.of(read_run(folder.path))
        self._mirror = Mirror([self._described])
        self._add(self._tail.read())
        self._mirror.write(folder.path / MIRROR)
        if self._tell is not None:
            self._tell(folder.path / MIRROR)
        self._next_s = time.perf_counter() + EVERY_S

    def catch_up(self) -> None:
        """Add the trials that have ended, now and then; what goes wrong is met at the end."""
        if self._mirror is None or self._folder is None or time.perf_counter() < self._next_s:
            return
        began_s = time.perf_counter()
        try:
            self._add(self._tail.read())
            self._mirror.append(self._folder.path / MIRROR)
        except (OSError, OutputError):
            self._mirror = None
        took_s = time.perf_counter() - began_s
        self._next_s = time.perf_counter() + max(EVERY_S, took_s / SHARE)

    def finish(self, folder: Folder, table: Table) -> None:
        """Add all that is left; where the journal is not as the table is, it is written anew.

        Raises:
            OutputError: It cannot be written.
        """
        path = folder.path / MIRROR
        mirror = self._mirror if path.exists() else None
        with suppress(OSError):
            if mirror is not None and mirror.add(self._described, table.trials, table.curves):
                mirror.append(path)
                return
        write_mirror(path, {"": table})

    def _add(self, events: list[Event]) -> None:
        """Add the trials that will not go on; slices of the others wait."""
        for event in events:
            if isinstance(event, SliceEvent | InterruptedEvent):
                self._open.setdefault((event.run, event.trial), []).append(event)
        over = {event.run for event in events if isinstance(event, EndEvent)}
        ended = [key for key, slices in self._open.items() if _has_ended(slices[-1], over)]
        slices = [event for key in ended for event in self._open.pop(key)]
        if slices and self._mirror is not None:
            trials = add_up(slice_table(slices), over)
            self._mirror.add(self._described, trials, curve_table(slices))


def _has_ended(last: SliceEvent | InterruptedEvent, over: set[str]) -> bool:
    state = State.INTERRUPTED if isinstance(last, InterruptedEvent) else last.state
    return state not in _OPEN or last.run in over
