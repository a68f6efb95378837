"""The events of a comparison's ledger. A key of the file is the name of a field here.

start        a driver began: how many workers it has, what starting them took
machine      trials are trained on another machine than so far: what it is
slice        a trial's slice ended: its outcome and every joule of it
search       an ask gave no work: its joules
interrupted  a slice was lost (crash, kill): the joules last heard of, a lower bound
end          a run is over, and why
refit        the best candidate's training on more data began, or how it ended; charged to no run
session      a driver stopped: how busy its workers were, what was charged to no run
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field

from ...energy import Reading
from ...models.outcome import CurvePoint, State
from ...tuners.strategy import Work
from ..tables.contract import COMPONENTS, LOWER_BOUND, OLD_NAMES
from ..tables.facts import Fact
from .machines import MachineFacts
from .messages import Job, Outcome

Finite = Annotated[float, Field(allow_inf_nan=False)]
Joules = Annotated[Finite, Field(ge=0.0, le=1e18)]
"""Gross energy; more than the largest is no measurement."""
PartJoules = Annotated[Finite, Field(ge=-1e-6, le=1e18)]
"""A difference of energies, which may have been rounded."""
Seconds = Annotated[Finite, Field(ge=0.0, le=1e12)]
UnixTime = Annotated[Finite, Field(ge=0.0, lt=9e9)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Pair = tuple[Finite, Finite]
Point = (
    tuple[Count, PartJoules | None, Finite, Finite | None]
    | tuple[Count, PartJoules | None, Finite, Finite | None, Mapping[str, Finite | None]]
)
"""A validated epoch: its number, the slice's joules up to it, score, loss (None: not finite), and
what else was reported, by name."""


def _of_version_1(name: str) -> Any:
    """Reads a field also by the name that it had when every score was an accuracy."""
    old = next(old for old, new in OLD_NAMES.items() if new == name)
    return Field(validation_alias=AliasChoices(name, old))


class End(StrEnum):
    """Why a run is over."""

    SPENT = "spent"
    """What is left of its allotment does not fit another trial."""
    TRIALS = "trials"
    """It has had as many trials as it may."""
    NO_WORK = "no work"
    """Its strategy has nothing left to propose; the message is its reason, if it says one."""
    FAILING = "failing"
    """Too many trials failed in a row."""
    STRATEGY_ERROR = "strategy error"
    """Its strategy raised an error."""
    METER_LOST = "meter lost"
    """Energy became unavailable, so its budget cannot be kept."""


@dataclass(frozen=True, kw_only=True)
class StartEvent(Fact):
    """A driver began."""

    event: Literal["start"] = "start"
    workers: Count  # trials at a time
    startup_j: Joules | None  # what starting and warming up the workers used; None if unavailable


@dataclass(frozen=True, kw_only=True)
class MachineEvent(Fact):
    """A worker is on a machine that had none before."""

    event: Literal["machine"] = "machine"
    machine: MachineFacts


@dataclass(frozen=True, kw_only=True)
class SliceEvent(Fact):
    """A slice ended. What is not known is None, never 0.

    Most fields are columns of the trial table (`tables.contract.COLUMNS`), of this slice alone.
    """

    event: Literal["slice"] = "slice"
    run: str
    trial: Count
    state: State
    params: Mapping[str, Any] | None  # the candidate; None if its worker died before it was known
    score: Annotated[Finite | None, _of_version_1("score")] = None
    test_score: Annotated[Finite | None, _of_version_1("test_score")] = None
    energy_j: Joules | None
    setup_j: PartJoules | None = None
    train_j: PartJoules | None = None
    validate_j: PartJoules | None = None
    search_j: PartJoules | None = None
    ask_j: PartJoules | None = None  # the part of ``search_j`` before the slice was trained
    predicted_j: Finite | None = None
    energy_kind: str = LOWER_BOUND
    components: Mapping[str, PartJoules | None] = field(default_factory=dict)  # joules by component
    duration_s: Seconds | None = None
    epochs: Count | None = None
    n_parameters: Count | None = None
    flops: Count | None = None
    train_step: Pair | None = None  # operations and joules of the first training step
    validate_step: Pair | None = None  # operations and joules of the first validation step
    started_at: UnixTime | None = None  # unix time
    asks: bool = True  # whether its training asked to stop inside epochs
    repeated: Count = 0  # epochs trained again, since no state of the trial was kept
    message: str
    warnings: tuple[str, ...] = ()  # what the meter warned of
    nonce: str = ""  # of the job that trained it
    operations: Annotated[Finite, Field(ge=0.0)] | None = None  # counted in it; None if nothing was
    worker: str = ""  # the process that trained it, and its machine
    work: Work | None = None  # of an interrupted one, as of `InterruptedEvent`
    curve: tuple[Point, ...] = ()  # the validated epochs; their joules count from the slice's start

    @property
    def machine(self) -> str:
        """The machine that trained it; empty where that is not known."""
        return self.worker.rpartition(":")[0]

    @classmethod
    def of(cls, outcome: Outcome, *, counts_search: bool) -> SliceEvent:
        """Make the event of a trained slice.

        Args:
            outcome: What the worker returned, with a slice.
            counts_search: Whether the meter sees the energy of searching; if not it is None, not 0.
        """
        result = outcome.slice_
        assert result is not None
        total = outcome.search + result.reading if counts_search else result.reading
        step, validation = result.train_step, result.validate_step
        same = ("state", "score", "duration_s", "epochs", "n_parameters", "flops", "message")
        same += ("asks", "repeated")
        return cls(
            run=outcome.run,
            trial=outcome.trial,
            params=dict(result.params),
            **{name: getattr(result, name) for name in same},
            test_score=outcome.test_score,
            energy_j=total.total_j,
            setup_j=result.setup.total_j,
            train_j=_phase_j(result.train),
            validate_j=_phase_j(result.validate),
            search_j=outcome.search.total_j if counts_search else None,
            ask_j=outcome.ask_j if counts_search else None,
            predicted_j=outcome.predicted_j,
            energy_kind=total.kind,
            components={name: total.component_j(name) for name in COMPONENTS},
            train_step=step and (step.operations, step.energy_j),
            validate_step=validation and (validation.operations, validation.energy_j),
            started_at=outcome.started_at,
            warnings=total.warnings,
            nonce=outcome.nonce,
            operations=outcome.operations or None,
            worker=outcome.worker,
            curve=tuple(_point(each) for each in result.curve),
        )


@dataclass(frozen=True, kw_only=True)
class SearchEvent(Fact):
    """An ask gave no work, for so many joules; None if they are unavailable."""

    event: Literal["search"] = "search"
    run: str
    energy_j: Joules | None
    nonce: str = ""  # of the job that asked


@dataclass(frozen=True, kw_only=True)
class InterruptedEvent(Fact):
    """A slice was lost with its worker."""

    event: Literal["interrupted"] = "interrupted"
    run: str
    trial: Count
    params: Mapping[str, Any] | None  # the candidate; None if it was not known yet
    energy_j: Joules | None  # joules last heard of, a lower bound; None if unavailable
    message: str  # how it was lost
    # What it was to do, to be begun again as it is; None where the strategy will ask for it again.
    work: Work | None = None
    nonce: str = ""  # of the job that was lost; another event of it is what it spent after that
    blamed: bool = True  # whether it may have ended its process; false where another is known to

    @classmethod
    def asked(cls, job: Job, *, counts_search: bool) -> InterruptedEvent:
        """Make the event of work that was asked for, but not begun before all was stopped."""
        turn = job.turn
        assert turn is not None
        assert turn.work is not None
        return cls(
            run=job.run,
            trial=job.trial,
            params=dict(turn.work.params),
            energy_j=turn.ask.total_j if counts_search else 0.0,
            message="the comparison was stopped",
            work=turn.work,
            nonce=job.nonce,
            blamed=False,
        )

    def as_slice(self, state: State = State.INTERRUPTED) -> SliceEvent:
        """The same as a slice of which nothing else is known."""
        told = {name: value for name, value in vars(self).items() if name != "blamed"}
        return SliceEvent(**{**told, "event": "slice"}, state=state)


@dataclass(frozen=True, kw_only=True)
class EndEvent(Fact):
    """A run is over: why, and more about it."""

    event: Literal["end"] = "end"
    run: str
    reason: End
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class RefitEvent(Fact):
    """The best candidate's training on the training and the validation split began, or ended."""

    event: Literal["refit"] = "refit"
    run: str
    trial: Count  # whose candidate it is
    state: State | None = None  # how it ended; None: it began
    energy_j: Joules | None = None  # None if unavailable; of a begun one it is not known yet
    energy_kind: str = LOWER_BOUND
    duration_s: Seconds | None = None
    epochs: Count | None = None  # whole ones
    test_score: Finite | None = None
    startup_j: Joules | None = None  # of warming up before it; None if unavailable
    message: str = ""  # what went wrong, if anything


@dataclass(frozen=True, kw_only=True)
class SessionEvent(Fact):
    """A driver stopped."""

    event: Literal["session"] = "session"
    status: str  # ``"complete"``, ``"interrupted"``, or ``"failed"`` by an error
    wall_s: Seconds  # seconds from its start
    busy_s: Seconds  # worker-seconds on jobs
    asking_s: Seconds  # of these, on asking and telling strategies
    waiting_s: Seconds  # worker-seconds without a job although there was one to give
    unbilled_j: Finite | None  # joules charged to no run; None if unavailable
    driver_cpu_s: Finite | None  # CPU-seconds of the driver; None if it is a worker, too
    message: str = ""  # the error that it ended by, if any


Charged = SliceEvent | SearchEvent | InterruptedEvent
"""What a run is charged for."""
RunEvent = Charged | EndEvent
"""What changes a run."""
Event = StartEvent | MachineEvent | RunEvent | RefitEvent | SessionEvent


def _point(point: CurvePoint) -> Point:
    """A point of a curve; what is not finite is None."""
    epoch, energy_j, score, loss, figures = point
    plain = epoch, energy_j, score, loss if math.isfinite(loss) else None
    if figures is None:
        return plain
    return *plain, {n: x if math.isfinite(x) else None for n, x in figures.items()}


def _phase_j(reading: Reading) -> float | None:
    """Joules of a phase; one that was never entered used none."""
    return reading.total_j if reading.components else 0.0
