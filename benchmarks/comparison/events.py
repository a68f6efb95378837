"""The events of a comparison's ledger. A key of the file is the name of a field here.

start        a driver began: how many workers it has, what starting them took
slice        a trial's slice ended: its outcome and every joule of it
search       an ask gave no work: its joules
interrupted  a slice was lost (crash, kill): the joules last heard of, a lower bound
end          a run is over, and why
session      a driver stopped: how busy its workers were, what was charged to no run
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ...energy import Reading
from ...errors import DataError
from ...models.outcome import State, StepCost
from ..tables.contract import COMPONENTS, LOWER_BOUND
from ..tables.facts import Fact, first_fault
from .messages import Outcome

Pair = tuple[float, float]
Point = tuple[int, float | None, float, float | None]
"""A validated epoch: its number, the slice's joules up to it, accuracy, loss (None: not finite)."""


class End(StrEnum):
    """Why a run is over."""

    SPENT = "spent"
    """What is left of its allotment does not fit another trial."""
    NO_WORK = "no work"
    """Its strategy has nothing left to propose."""
    FAILING = "failing"
    """Too many trials failed in a row."""
    STRATEGY_ERROR = "strategy error"
    """Its strategy raised an error."""
    METER_LOST = "meter lost"
    """Energy became unavailable, so its budget cannot be kept."""


@dataclass(frozen=True)
class SignOfLife(Fact):
    """What a slice in flight was last heard of.

    Attributes:
        run: The run's name.
        number: How many slices the run had before.
        trial: Number of the trial.
        params: The candidate; None while the strategy is still asked.
        energy_j: Joules spent so far; None if unavailable.
    """

    run: str
    number: int
    trial: int
    params: Mapping[str, Any] | None
    energy_j: float | None


@dataclass(frozen=True, kw_only=True)
class StartEvent(Fact):
    """A driver began.

    Attributes:
        workers: Trials at a time.
        startup_j: What starting and warming up the workers used; None if unavailable.
    """

    event: Literal["start"] = "start"
    workers: int
    startup_j: float | None


@dataclass(frozen=True, kw_only=True)
class SliceEvent(Fact):
    """A slice ended. What is not known is None, never 0.

    Most fields are columns of the trial table (`tables.contract.COLUMNS`), of this slice alone.

    Attributes:
        params: The candidate; None if its worker died before it was known.
        ask_j: The part of ``search_j`` before the slice was trained.
        components: Joules by component.
        train_step: Operations and joules of the first training step.
        validate_step: Operations and joules of the first validation step.
        started_at: Unix time.
        warnings: What the meter warned of.
        curve: The validated epochs; their joules count from the slice's start.
    """

    event: Literal["slice"] = "slice"
    run: str
    trial: int
    state: State
    params: Mapping[str, Any] | None
    accuracy: float | None = None
    test_accuracy: float | None = None
    energy_j: float | None
    setup_j: float | None = None
    train_j: float | None = None
    validate_j: float | None = None
    search_j: float | None = None
    ask_j: float | None = None
    predicted_j: float | None = None
    energy_kind: str = LOWER_BOUND
    components: Mapping[str, float | None] = field(default_factory=dict)
    duration_s: float | None = None
    epochs: int | None = None
    n_parameters: int | None = None
    flops: int | None = None
    train_step: Pair | None = None
    validate_step: Pair | None = None
    started_at: float | None = None
    message: str
    warnings: tuple[str, ...] = ()
    curve: tuple[Point, ...] = ()

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
        same = ("accuracy", "duration_s", "epochs", "n_parameters", "flops", "message")
        return cls(
            run=outcome.run,
            trial=outcome.trial,
            state=result.state,
            params=dict(result.params),
            **{name: getattr(result, name) for name in same},
            test_accuracy=outcome.test_accuracy,
            energy_j=total.total_j,
            setup_j=result.setup.total_j,
            train_j=_phase_j(result.train),
            validate_j=_phase_j(result.validate),
            search_j=outcome.search.total_j if counts_search else None,
            ask_j=outcome.ask_j if counts_search else None,
            predicted_j=outcome.predicted_j,
            energy_kind=total.kind,
            components={name: total.component_j(name) for name in COMPONENTS},
            train_step=_pair(result.train_step),
            validate_step=_pair(result.validate_step),
            started_at=outcome.started_at,
            warnings=total.warnings,
            curve=tuple(
                (point.epoch, point.energy_j, point.accuracy, _finite(point.loss))
                for point in result.curve
            ),
        )


@dataclass(frozen=True, kw_only=True)
class SearchEvent(Fact):
    """An ask gave no work.

    Attributes:
        run: The run's name.
        energy_j: Its joules; None if unavailable.
    """

    event: Literal["search"] = "search"
    run: str
    energy_j: float | None


@dataclass(frozen=True, kw_only=True)
class InterruptedEvent(Fact):
    """A slice was lost with its worker.

    Attributes:
        run: The run's name.
        trial: Number of the trial.
        params: The candidate; None if it was not known yet.
        energy_j: Joules last heard of, a lower bound; None if unavailable.
        message: How it was lost.
    """

    event: Literal["interrupted"] = "interrupted"
    run: str
    trial: int
    params: Mapping[str, Any] | None
    energy_j: float | None
    message: str

    @classmethod
    def of(cls, sign: SignOfLife, message: str) -> InterruptedEvent:
        """Make the event of a slice by its last sign of life."""
        return cls(
            run=sign.run,
            trial=sign.trial,
            params=sign.params,
            energy_j=sign.energy_j,
            message=message,
        )

    def as_slice(self, state: State = State.INTERRUPTED) -> SliceEvent:
        """The same as a slice of which nothing else is known.

        A candidate that takes its worker down again and again has failed.
        """
        return SliceEvent(
            run=self.run,
            trial=self.trial,
            state=state,
            params=self.params,
            energy_j=self.energy_j,
            message=self.message,
        )


@dataclass(frozen=True, kw_only=True)
class EndEvent(Fact):
    """A run is over.

    Attributes:
        run: The run's name.
        reason: Why.
        message: More about it.
    """

    event: Literal["end"] = "end"
    run: str
    reason: End
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class SessionEvent(Fact):
    """A driver stopped.

    Attributes:
        status: ``"complete"`` or ``"interrupted"``.
        wall_s: Seconds from its start.
        busy_s: Worker-seconds on jobs.
        asking_s: Of these, on asking and telling strategies.
        waiting_s: Worker-seconds without a job although there was one to give.
        unbilled_j: Joules charged to no run; None if unavailable.
        driver_cpu_s: CPU-seconds of the driver; None if it is a worker, too.
    """

    event: Literal["session"] = "session"
    status: str
    wall_s: float
    busy_s: float
    asking_s: float
    waiting_s: float
    unbilled_j: float | None
    driver_cpu_s: float | None


RunEvent = SliceEvent | SearchEvent | InterruptedEvent | EndEvent
"""What changes a run."""
Event = StartEvent | RunEvent | SessionEvent


def parse_event(line: bytes) -> Event:
    """Read an event from its line in the ledger.

    Raises:
        DataError: It is no event of this version; the message says why.
    """
    try:
        return _events().validate_python(json.loads(line))
    except ValidationError as error:
        raise DataError(first_fault(error)) from error
    except ValueError as error:
        raise DataError(str(error)) from error


@cache
def _events() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="event")])


def _phase_j(reading: Reading) -> float | None:
    """Joules of a phase; one that was never entered used none."""
    return reading.total_j if reading.components else 0.0


def _pair(step: StepCost | None) -> Pair | None:
    return None if step is None else (step.operations, step.energy_j)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
