"""Recording a comparison: what its ledger tells is given to recorders while it goes on."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, OutputError, PerjouleError
from ...files.bounded import read_text
from ...models.metric import Metric
from ..analysis.target import DEFAULT_TARGET
from .calling import Caller
from .ended import EndedTrials
from .events import StartEvent
from .experiment import Experiment
from .recorder import Begun, Finished, Present, Recorder, RunFacts
from .run import restore_runs
from .state import Standing
from .tail import LedgerTail

if TYPE_CHECKING:
    from pathlib import Path

    from ..analysis.analysing import Analysis
    from ..tables.table import Table
    from .events import Event
    from .folder import Folder
    from .heartbeat import SignOfLife

EVERY_S = 5.0
"""The least seconds between two deliveries."""
SHARE = 0.01
"""Of the loop's time, what deliveries take at most; whatever is left is delivered at the end."""
CHECK_S = BEGIN_S = 60.0
"""So long a recorder may take to be checked, and to begin."""
PATIENCE_S = 5.0
"""So long the loop waits for recorders; what is left by then waits for another time."""
FINISH_S = 120.0
"""So long a recorder may take for each call, once the comparison is over."""
AT_ONCE = 16
"""Trials that a recorder gets in one call."""


class Recording:
    """Gives recorders one comparison, between its slices and at its end.

    Nothing that a recorder does ends or holds up the comparison: each has a thread of its own, and
    one that fails is told once and called no more.

    Args:
        recorders: The recorders.
        target: The score to reach.
        tell: Is told sentences while the comparison goes on; faults are warnings without it.
    """

    def __init__(
        self,
        recorders: Sequence[Recorder],
        target: str | float = DEFAULT_TARGET,
        tell: Callable[[str], object] | None = None,
    ) -> None:
        self._callers = [Caller(each) for each in recorders]
        self._target, self._tell = target, tell
        self._told: set[str] = set()
        self._folder: Folder | None = None
        self._next_s = 0.0
        self._workers: int | None = None

    @property
    def looks(self) -> tuple[str, ...]:
        """How to look at what was recorded, a line for each recorder that works."""
        working = (caller for caller in self._callers if not caller.fault)
        return tuple(filter(None, (caller.look for caller in working)))

    @property
    def faults(self) -> tuple[str, ...]:
        """What went wrong, a line for each recorder that failed."""
        return tuple(filter(None, (caller.sentence for caller in self._callers)))

    def check(self) -> None:
        """Make sure that all recorders can be opened.

        Raises:
            PerjouleError: One cannot.
        """
        for caller in self._callers:
            caller.call(caller.recorder.check)
        self._wait(CHECK_S)
        for caller in self._callers:
            if caller.is_busy:
                raise ConfigurationError(f"{caller.name} did not answer within {CHECK_S:g} s")
            if isinstance(caller.error, PerjouleError):
                raise caller.error
            if caller.error is not None:
                raise ConfigurationError(f"{caller.name} cannot be opened: {caller.fault}")

    def begin(self, folder: Folder) -> None:
        """Give what begins, or is gone on with, and the trials that have ended before."""
        self._folder, self._tail = folder, LedgerTail(folder.ledger)
        description = folder.description()
        experiment = Experiment(**description["experiment"])
        runs = restore_runs(experiment, (), folder.ledger)
        begun = _begun(folder.path, description, experiment)
        kind = "+".join(sorted({each for own in begun.kinds.values() for each in own.split("+")}))
        self._trials = EndedTrials(runs, folder.ledger, kind, begun.created)
        self._standing = Standing(experiment, self._target)
        for caller in self._callers:
            caller.call(lambda each=caller: each.recorder.begin(begun))
        self._deliver(always=True)
        self._wait(BEGIN_S)
        self._tell_faults()
        for look in self.looks:
            if self._tell is not None:
                self._tell(look)
        self._next_s = time.perf_counter() + EVERY_S

    def catch_up(self) -> None:
        """Give the trials that have ended, and how it stands, now and then."""
        if self._folder is None or time.perf_counter() < self._next_s:
            return
        began_s = time.perf_counter()
        with suppress(OSError, OutputError):  # it is met by who writes the ledger, or at the end
            self._deliver()
        self._wait(PATIENCE_S)
        self._tell_faults()
        took_s = time.perf_counter() - began_s
        self._next_s = time.perf_counter() + max(EVERY_S, took_s / SHARE)

    def finish(self, folder: Folder, table: Table, analysis: Analysis) -> None:
        """Give all that is left, what was found, and where the report is."""
        if self._folder is None:
            self.begin(folder)
        self._deliver(always=True)
        over = all(run.end is not None for run in self._trials.runs.values())
        paths = folder.path / "report.html", folder.path / "summary.json"
        finished = Finished(not over, table, analysis, *paths)
        for caller in self._callers:
            caller.call(lambda each=caller: each.recorder.finish(finished))
        for caller in self._callers:
            while caller.is_busy and caller.comes_back(FINISH_S):
                pass
            caller.end(f"it did not end within {FINISH_S:g} s")
        self._tell_faults(last=True)

    def _deliver(self, *, always: bool = False) -> None:
        """Give what the ledger has more than the last time.

        Args:
            always: Whether recorders that are busy are also to know how it stands now.

        Raises:
            OutputError: The ledger is damaged.
        """
        events = self._tail.read()
        self._workers = _workers(events, self._workers)
        ended = self._trials.take(events)
        flying = self._look_around()
        for run in self._trials.runs.values():
            run.flying = tuple(sign for sign in flying if sign.run == run.name)
        state = self._standing.look([*self._trials.runs.values()], time.time())
        present = Present(state, self._trials.states(), self._workers, len(flying), time.time())
        for caller in self._callers:
            was_busy = caller.is_busy
            for first in range(0, len(ended), AT_ONCE):
                some = tuple(ended[first : first + AT_ONCE])
                caller.call(lambda each=caller, some=some: each.recorder.trials(some))
            if always or not was_busy:
                caller.call(lambda each=caller: each.recorder.standing(present))

    def _look_around(self) -> list[SignOfLife]:
        """Slices in flight that the ledger does not have."""
        assert self._folder is not None
        with suppress(OSError, OutputError):
            runs = self._trials.runs
            signs = self._folder.signs_of_life()
            return [each for each in signs if each.run in runs and not _is_known(each, runs)]
        return []

    def _wait(self, seconds: float) -> None:
        """Let all recorders work, until they have taken everything or so long."""
        until_s = time.monotonic() + seconds
        for caller in self._callers:
            caller.may_work.set()
        for caller in self._callers:
            caller.wait(until_s - time.monotonic())
        for caller in self._callers:
            caller.may_work.clear()

    def _tell_faults(self, *, last: bool = False) -> None:
        """Tell what went wrong, once; as a warning only at the end, since some end programs."""
        for fault in self.faults:
            if fault not in self._told and (last or self._tell is not None):
                self._told.add(fault)
                if self._tell is not None:
                    self._tell(fault)
                else:
                    warnings.warn(fault, stacklevel=2)


def _begun(path: Path, description: Mapping[str, Any], experiment: Experiment) -> Begun:
    text = read_text(path / "experiment.yaml")
    finite = math.isfinite(experiment.budget_j)
    kinds: dict[str, list[str]] = {}
    for source in description["meter"]:
        kinds.setdefault(str(source["component"]), []).append(str(source["kind"]))
    return Begun(
        identity=blake2b(text.encode(), digest_size=8).hexdigest(),
        name=str(description["name"]),
        folder=path,
        experiment=experiment.model_dump(),
        space=description["space"],
        metric=Metric.parse(experiment.metric),
        kinds={name: "+".join(sorted(set(own))) for name, own in kinds.items()},
        runs=tuple(
            RunFacts(f"{strategy}-{seed}", strategy, seed)
            for seed in range(experiment.seeds)
            for strategy in experiment.strategies
        ),
        budget_j=experiment.budget_j if finite else None,
        allotment_j=experiment.allotment_j if finite else None,
        created=datetime.fromisoformat(str(description["created"])),
    )


def _workers(events: Sequence[Event], before: int | None) -> int | None:
    """Trials at a time, by the last driver that began."""
    begun = [event.workers for event in events if isinstance(event, StartEvent)]
    return begun[-1] if begun else before


def _is_known(sign: SignOfLife, runs: Mapping[str, Any]) -> bool:
    return sign.nonce in runs[sign.run].charged
