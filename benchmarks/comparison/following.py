"""Following a comparison, or a study with its parts, from outside: its folder is only ever read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ...energy.quantities import total
from ...errors import OutputError
from ...files.damage import damaged
from ..tables.facts import Fact
from .events import EndEvent, Event, RunEvent, SessionEvent, SliceEvent, StartEvent
from .experiment import Experiment
from .folder import Folder
from .heartbeat import SignOfLife, read_sign
from .run import restore_runs
from .state import ComparisonState, Standing
from .tail import LedgerTail


class Phase(StrEnum):
    """What becomes of a comparison, as far as its folder tells."""

    STARTING = "starting"  # a process holds the folder, and nothing has happened yet
    RUNNING = "running"
    OVER = "over"  # all runs are over
    STOPPED = "stopped"  # somebody stopped it, and it can be gone on with
    FAILED = "failed"  # an error stopped it
    DIED = "died"  # its process is gone without a word


@dataclass(frozen=True)
class Watched(Fact):
    """A run folder at one moment."""

    folder: str
    command: str  # that goes on with it: ``compare``, ``tune``
    phase: Phase
    heard_s: float  # seconds since something was last written
    workers: int | None  # trials at a time; None before it is known
    state: ComparisonState | None  # None before the first event
    message: str = ""  # the error that stopped it, if one did

    @property
    def is_alive(self) -> bool:
        """Whether a process works in it."""
        return self.phase in (Phase.STARTING, Phase.RUNNING)


class Follower:
    """Reads a run folder as it grows: each line of its ledger once, and nothing is written.

    Args:
        path: The run folder, in which a comparison was begun.
        target: The score to reach.

    Raises:
        OutputError: The folder holds no comparison, or a damaged one.
    """

    def __init__(self, path: Path, target: str | float) -> None:
        self._folder, self.path = Folder(path), path
        description = self._folder.description()
        self._experiment = Experiment(**description["experiment"])
        self._command = "tune" if description["keep_weights"] else "compare"
        self._tail = LedgerTail(self._folder.ledger)
        self._runs = restore_runs(self._experiment, (), self._folder.ledger)
        self._standing = Standing(self._experiment, target)
        self.metric = self._standing.metric
        self._last: Event | None = None
        self._workers: int | None = None
        # Of the events that were there before the first look.
        self._spent_j: float | None = 0.0
        self._n_told = 0
        self._catches_up = True

    def look(self) -> Watched:
        """How it stands now.

        Raises:
            OutputError: The ledger is damaged, or was taken away.
        """
        alive = self._folder.is_in_use  # first: what is written before it ends is read below
        for event in self._tail.stream():
            self._take(event)
        self._catches_up = False
        signs = [*self._signs()] if alive else []
        for run in self._runs.values():
            run.flying = tuple(sign for sign in signs if sign.run == run.name)
        now_s = time.time()
        state = self._standing.look([*self._runs.values()], now_s) if self._last else None
        phase = self._phase(alive)
        if state is not None and not alive and state.over < state.runs:
            state = replace(state, left_s=None)  # nobody spends what is left
        return Watched(
            folder=str(self.path),
            command=self._command,
            phase=phase,
            heard_s=max(0.0, now_s - self._folder.last_heard),
            workers=self._workers,
            state=state,
            message=self._last.message if isinstance(self._last, SessionEvent) else "",
        )

    def _phase(self, alive: bool) -> Phase:
        if alive:
            return Phase.STARTING if self._last is None else Phase.RUNNING
        if all(run.end is not None for run in self._runs.values()):
            return Phase.OVER
        if not isinstance(self._last, SessionEvent):
            return Phase.DIED
        return Phase.FAILED if self._last.status == "failed" else Phase.STOPPED

    def _take(self, event: Event) -> None:
        self._last = event
        if isinstance(event, StartEvent):
            self._workers = event.workers
            self._standing.restart()
        if not isinstance(event, RunEvent):
            return
        if event.run not in self._runs:
            name = event.run[:100]
            raise damaged(self._folder.ledger, f"run {name!r} is not of the experiment")
        run = self._runs[event.run]
        n_told = len(run.told)
        run.apply(event)
        if self._catches_up and not isinstance(event, EndEvent):
            self._spent_j = total([self._spent_j, event.energy_j])
            self._n_told += len(run.told) - n_told
            if isinstance(event, SliceEvent) and event.started_at and event.duration_s:
                # When slices ended shows the pace before anybody looked.
                ended_s = event.started_at + event.duration_s
                self._standing.pass_by(ended_s, self._spent_j, self._n_told)

    def _signs(self) -> Iterator[SignOfLife]:
        """Slices in flight that are not in the ledger; a sign that cannot be read is none."""
        for file in sorted(self._folder.inflight.glob("*.json"), key=str):
            with suppress(OutputError):
                sign = read_sign(file)
                run = None if sign is None else self._runs.get(sign.run)
                if sign is not None and run is not None and sign.nonce not in run.charged:
                    yield sign
