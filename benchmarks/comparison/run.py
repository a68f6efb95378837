"""What a run is by the events of its ledger, and the rules by which it is over.

A comparison and a replay have the same rules: they are here, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, KeysView, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...energy.quantities import format_energy, total
from ...files.damage import damaged
from ...models.metric import ACCURACY, Metric
from ...models.outcome import CurvePoint, State, StepCost
from ...tuners.strategy import Told, Work
from ..tables.contract import LOWER_BOUND
from .account import Account
from .events import End, EndEvent, Event, InterruptedEvent, RunEvent, SearchEvent, SliceEvent
from .experiment import Experiment
from .history import History, Past

if TYPE_CHECKING:
    from .heartbeat import SignOfLife

MOST_FAILED_IN_A_ROW = 20
MOST_TRUNCATED_IN_A_ROW = 3
"""After so many, what is left of an allotment fits no candidate worth trying."""
MOST_FREE_IN_A_ROW = 1_000
"""After so many that cost nothing, the allotment is never spent."""
ASK_MARGIN = 1.5
"""The next ask of a fitted model may cost this much more than the last or the rehearsed one."""


@dataclass
class Tally:
    """What the rules need to know of a run."""

    spent_j: float | None = 0.0  # gross joules charged; None once some became unavailable
    n_failed_in_a_row: int = 0  # slices
    failure: str = ""  # why the last of them failed
    n_truncated_in_a_row: int = 0  # slices that the budget cut short
    n_free_in_a_row: int = 0  # charges of 0 J

    def charge(self, energy_j: float | None) -> None:
        """Add joules; unknown ones make the sum unknown."""
        self.spent_j = total([self.spent_j, energy_j])
        self.n_free_in_a_row = 0 if energy_j else self.n_free_in_a_row + 1

    def count(self, state: State, message: str = "") -> None:
        """Take how a slice ended."""
        truncated, failed = state is State.TRUNCATED, state is State.FAILED
        self.n_truncated_in_a_row = self.n_truncated_in_a_row + 1 if truncated else 0
        self.n_failed_in_a_row = self.n_failed_in_a_row + 1 if failed else 0
        if failed:
            self.failure = message

    def why_over(self, allotment_j: float, ask_j: float, epoch_j: float) -> tuple[End, str] | None:
        """Say why the run gets no further work, and more about it; None if it gets some.

        Args:
            allotment_j: Joules that the run may spend.
            ask_j: Joules that the next ask may take.
            epoch_j: Joules of the least that could be trained.
        """
        if self.spent_j is None:
            return End.METER_LOST, "a source stopped answering; see `perjoule doctor`"
        if self.n_free_in_a_row >= MOST_FREE_IN_A_ROW:
            return (
                End.METER_LOST,
                f"{self.n_free_in_a_row:,} trials in a row cost 0 J by this meter",
            )
        if self.n_failed_in_a_row >= MOST_FAILED_IN_A_ROW:
            count = self.n_failed_in_a_row
            return End.FAILING, f"{count} trials failed in a row, the last by {self.failure}"
        left_j = allotment_j - self.spent_j
        if left_j <= 0:
            return End.SPENT, ""
        if ask_j + epoch_j <= left_j and self.n_truncated_in_a_row < MOST_TRUNCATED_IN_A_ROW:
            return None
        ask = f"the next ask (up to {format_energy(ask_j)})" if ask_j else ""
        epoch = f"the cheapest epoch ({format_energy(epoch_j)})" if epoch_j else ""
        few = f"too few for {' and '.join(filter(None, [ask, epoch]))}"
        if ask_j + epoch_j <= left_j:
            few = f"which the last {self.n_truncated_in_a_row} trials did not fit"
        left = f"{format_energy(left_j)} of {format_energy(allotment_j)} were left"
        return End.SPENT, f"{left}, {few}"


@dataclass(frozen=True)
class Lost:
    """A slice that was lost in flight, and waits to be trained again."""

    work: Work
    times: int  # that it was lost with its worker, in a row

    def is_of(self, event: SliceEvent | InterruptedEvent) -> bool:
        """Whether an event is of the same slice; a new trial has another number then."""
        return self.work.params == event.params and self.work.trial in (None, event.trial)


@dataclass
class Run(Tally):
    """One strategy with one seed spending one allotment, as far as the ledger goes."""

    strategy: str = field(kw_only=True)
    seed: int = field(kw_only=True)
    metric: Metric = field(default=ACCURACY, kw_only=True)  # what scores are of
    history: History = field(default_factory=History)  # what its strategy was told, oriented
    n_trials: int = 0  # recorded ones, interrupted ones included
    untold: dict[int, int] = field(default_factory=dict)  # lost slices, of trials that had any
    incumbent: float | None = None  # best validation score so far, in the metric's unit
    incumbent_trial: int | None = None
    ask_j: float = 0.0  # of the last ask that gave work; 0 before the first and if unknown
    unplaced_j: float | None = 0.0  # of asks that gave no work; None if unknown
    n_idle_asks: int = 0  # which gave no work
    n_lost_in_a_row: int = 0  # slices
    lost: list[Lost] = field(default_factory=list)  # where several trials are in flight at once
    # Joules charged to jobs that were lost, by their nonces; infinite for those that came back.
    charged: dict[str, float | None] = field(default_factory=dict)
    account: Account = field(default_factory=Account)  # what is told of it while it goes
    flying: tuple[SignOfLife, ...] = ()  # slices in flight, as a watcher is shown them
    # Joules of its slices by the machine that trained them, as far as both are known.
    on_machine_j: dict[str, float] = field(default_factory=dict)
    end: End | None = None  # why it is over; None if it is not
    message: str = ""  # more about the end

    @property
    def name(self) -> str:
        """Such as ``"tpe-0"``."""
        return f"{self.strategy}-{self.seed}"

    @property
    def past(self) -> Past:
        """What its strategy was told up to now."""
        return Past(self.history, len(self.history))

    @property
    def told(self) -> KeysView[int]:
        """The trials that its strategy was told of."""
        return self.history.trials

    def n_begun(self, flying: Iterable[int]) -> int:
        """How many trials it has begun, of which some are in flight."""
        return len(self.told) + sum(trial not in self.told for trial in set(flying))

    def n_slices(self, trial: int) -> int:
        """How many slices a trial has had, lost ones included."""
        return len(self.history.of(trial)) + self.untold.get(trial, 0)

    def apply(self, event: RunEvent) -> None:
        """Take an event of this run; the present and a resumed driver both come here."""
        if isinstance(event, EndEvent):
            self.end, self.message = event.reason, event.message
            return
        self.charge(event.energy_j)
        if self._knows(event):
            return
        if isinstance(event, SearchEvent):
            self.unplaced_j = total([self.unplaced_j, event.energy_j])
            self.n_idle_asks += 1
            return
        self.n_trials = max(self.n_trials, event.trial + 1)
        self._lose(event)
        score = event.score if isinstance(event, SliceEvent) else None
        self.account.take(
            event, None if score is None else self.metric.oriented(score), self.spent_j
        )
        if isinstance(event, SliceEvent):
            before_j = self.on_machine_j.get(event.machine, 0.0)
            self.on_machine_j[event.machine] = before_j + (event.energy_j or 0.0)
        died = isinstance(event, InterruptedEvent)
        self.n_lost_in_a_row = self.n_lost_in_a_row + event.blamed if died else 0
        if died or event.state is State.INTERRUPTED:
            self.untold[event.trial] = self.untold.get(event.trial, 0) + 1
        else:
            self._learn(event)

    def _knows(self, event: SliceEvent | SearchEvent | InterruptedEvent) -> bool:
        """Whether a job was charged before, and this is what it spent after it was given up."""
        is_known = event.nonce in self.charged
        if event.nonce:
            came_back = getattr(event, "energy_kind", LOWER_BOUND) != LOWER_BOUND
            is_lost = not (came_back or isinstance(event, SearchEvent))
            before_j = self.charged.get(event.nonce, 0.0)
            self.charged[event.nonce] = total([before_j, event.energy_j]) if is_lost else math.inf
        return is_known

    def times_lost(self, event: SliceEvent | InterruptedEvent) -> int:
        """How often in a row the slice of an event was lost with its worker before."""
        if event.work is None:
            return self.n_lost_in_a_row
        return next((each.times for each in self.lost if each.is_of(event)), 0)

    def _lose(self, event: SliceEvent | InterruptedEvent) -> None:
        """Keep what an interrupted slice was to do; what was lost before has now been done."""
        again = next((each for each in self.lost if each.is_of(event)), None)
        if again is not None:
            self.lost.remove(again)
        died = isinstance(event, InterruptedEvent)
        if event.work is not None and (died or event.state is State.INTERRUPTED):
            blamed = isinstance(event, InterruptedEvent) and event.blamed
            self.lost.append(Lost(event.work, blamed + (again.times if again else 0)))

    def _learn(self, event: SliceEvent) -> None:
        """Take a slice that its strategy was told of."""
        self.count(event.state, event.message)
        curve = (
            CurvePoint(epoch, energy_j, score, math.nan if loss is None else loss)
            for epoch, energy_j, score, loss, *_ in event.curve
        )
        self.history.append(
            Told(
                event.params or {},
                event.state,
                event.score,
                event.energy_j,
                event.train_step and StepCost(*event.train_step),
                event.validate_step and StepCost(*event.validate_step),
                trial=event.trial,
                epochs=event.epochs or 0,
                curve=tuple(curve),
            ).oriented(self.metric)
        )
        self.ask_j = event.ask_j or 0.0
        if event.state is State.FAILED or event.score is None:
            return
        if self.metric.improves(event.score, self.incumbent):
            self.incumbent, self.incumbent_trial = event.score, event.trial


def restore_runs(experiment: Experiment, events: Iterable[Event], ledger: Path) -> dict[str, Run]:
    """All runs of an experiment, brought to where its ledger is, whose lines are the events.

    Raises:
        OutputError: An event is of no run of the experiment.
    """
    metric = Metric.parse(experiment.metric)
    new = (
        Run(strategy=strategy, seed=seed, metric=metric)
        for seed in range(experiment.seeds)
        for strategy in experiment.strategies
    )
    runs = {run.name: run for run in new}  # in the order of their turns
    advance(runs, events, ledger)
    return runs


def advance(runs: Mapping[str, Run], events: Iterable[Event], ledger: Path, first: int = 1) -> None:
    """Bring runs, by name, to where a ledger is, of whose lines the events are those from a first.

    Raises:
        OutputError: An event is of none of the runs.
    """
    for line, event in enumerate(events, first):
        if not isinstance(event, RunEvent):
            continue
        if event.run not in runs:
            raise damaged(ledger, f"run {event.run[:100]!r} is not of the experiment", line)
        runs[event.run].apply(event)
