"""Showing how a comparison goes, whoever looks at it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ...energy import SourceInfo
from ...energy.quantities import total
from .experiment import Experiment
from .folder import Folder
from .run import Run

if TYPE_CHECKING:
    from .heartbeat import SignOfLife

SHOWN_SHARE = 0.05
"""Of the loop's time, what showing takes at most: many slices in flight are shown less often."""
SHOW_S = 1.0
"""How often a slice that is trained in the driver's own process is shown."""


class ComparisonWatcher(Protocol):
    """Who is shown how a comparison goes."""

    def begin(self, experiment: Experiment, sources: list[SourceInfo], workers: int) -> None:
        """Take what begins, before anything costly is done."""
        ...

    def update(self, runs: list[Run], inflight_j: dict[str, float | None]) -> None:
        """Take the present state: all runs, and the joules of their slices in flight."""
        ...

    def stopping(self) -> None:
        """Somebody asked to stop; workers are keeping what they have."""
        ...

    def refitting(self, epochs: int) -> None:
        """The search is over; its best candidate is trained again, for so many epochs."""
        ...


class Display:
    """Shows a watcher, if there is one, the runs of a folder and their slices in flight."""

    def __init__(
        self, watcher: ComparisonWatcher | None, folder: Folder, runs: Mapping[str, Run]
    ) -> None:
        self._watcher, self._folder, self._runs = watcher, folder, runs
        self._next_s = self._due_s = 0.0

    def show(self, *, last: bool = False) -> None:
        """Show the present state, if it is time for that; the last one always."""
        began_s = time.perf_counter()
        if self._watcher is None or (began_s < self._due_s and not last):
            return
        flying: dict[str, list[SignOfLife]] = {}
        for sign in self._folder.signs_of_life():
            run = self._runs.get(sign.run)
            if run is None or sign.nonce not in run.charged:
                flying.setdefault(sign.run, []).append(sign)
        inflight_j = {name: total(sign.energy_j for sign in own) for name, own in flying.items()}
        for run in self._runs.values():
            run.flying = tuple(flying.get(run.name, ()))
        self._watcher.update(list(self._runs.values()), inflight_j)
        now_s = time.perf_counter()
        self._due_s = now_s + (now_s - began_s) / SHOWN_SHARE

    def show_inside_slice(self) -> None:
        """Show the present state now and then while a slice is trained in this process.

        A watcher's fault is none of the slice's: it is met when it is shown the end of it.
        """
        if time.perf_counter() >= self._next_s:
            self._next_s = time.perf_counter() + SHOW_S
            with suppress(Exception):
                self.show()

    def stopping(self) -> None:
        """Show that somebody asked to stop."""
        if self._watcher is not None:
            self._watcher.stopping()
