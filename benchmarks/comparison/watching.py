"""Showing how a comparison goes, whoever looks at it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from ...energy import SourceInfo
from ...energy.quantities import total
from .experiment import Experiment
from .folder import Folder
from .run import Run

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
        self._next_s = 0.0

    def show(self) -> None:
        """Show the present state."""
        if self._watcher is None:
            return
        signs = self._folder.signs_of_life()
        charged = {nonce for run in self._runs.values() for nonce in run.charged}
        signs = [sign for sign in signs if sign.nonce not in charged]
        inflight_j: dict[str, float | None] = {}
        for sign in signs:
            inflight_j[sign.run] = total([inflight_j.get(sign.run, 0.0), sign.energy_j])
        for run in self._runs.values():
            run.flying = tuple(sign for sign in signs if sign.run == run.name)
        self._watcher.update(list(self._runs.values()), inflight_j)

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
