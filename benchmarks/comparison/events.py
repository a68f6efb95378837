"""The events of a comparison's ledger, and what a run is by them.

slice        a trial's slice ended: its outcome and every joule of it
search       an ask gave no work: its joules
interrupted  a slice was lost (crash, kill): the joules last heard of, a lower bound
end          a run is over, and why
session      a driver stopped: what was metered over all, and how busy the workers were
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ...models.outcome import CurvePoint, State, StepCost
from ...tuners.strategy import Told
from ..tables.contract import COMPONENTS, LOWER_BOUND
from .messages import Outcome

Event = dict[str, Any]


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


@dataclass
class Run:
    """One strategy with one seed spending one allotment, as far as the ledger goes.

    Attributes:
        name: Such as ``"tpe-0"``.
        strategy: Name of the strategy.
        seed: Its seed.
        spent_j: Gross joules charged; None once some became unavailable.
        history: What its strategy was told.
        n_trials: Trials recorded, interrupted ones included.
        n_slices: Slices recorded, interrupted ones included.
        incumbent: Best validation accuracy so far.
        incumbent_trial: The trial that has it.
        ask_j: Joules of its asks, the last one last.
        n_failed_in_a_row: Trials failed since the last that did not.
        failure: Why the last of them failed.
        n_truncated_in_a_row: Trials that the budget cut short since the last that it did not.
        n_lost_in_a_row: Slices lost since the last that was not.
        end: Why it is over; None if it is not.
        message: More about the end.
    """

    name: str
    strategy: str
    seed: int
    spent_j: float | None = 0.0
    history: list[Told] = field(default_factory=list)
    n_trials: int = 0
    n_slices: int = 0
    incumbent: float | None = None
    incumbent_trial: int | None = None
    ask_j: list[float] = field(default_factory=list)
    n_failed_in_a_row: int = 0
    failure: str = ""
    n_truncated_in_a_row: int = 0
    n_lost_in_a_row: int = 0
    end: End | None = None
    message: str = ""

    def apply(self, event: Event) -> None:
        """Take an event of this run; the present and a resumed driver both come here."""
        kind = event["event"]
        if kind == "end":
            self.end, self.message = End(event["reason"]), event["message"]
            return
        energy_j = event["energy_j"]
        self.spent_j = None if self.spent_j is None or energy_j is None else self.spent_j + energy_j
        if kind in ("slice", "interrupted"):
            self.n_trials = max(self.n_trials, event["trial"] + 1)
            self.n_slices += 1
        if kind == "interrupted":
            self.n_lost_in_a_row += 1
        elif kind == "slice":
            self._apply_slice(event)

    def _apply_slice(self, event: Event) -> None:
        state, accuracy = State(event["state"]), event["accuracy"]
        self.n_lost_in_a_row = 0
        if state is State.INTERRUPTED:
            return
        steps = (_step_cost(event[kind]) for kind in ("train_step", "validate_step"))
        curve = tuple(CurvePoint(*point) for point in event["curve"])
        self.history.append(
            Told(
                event["params"],
                state,
                accuracy,
                event["energy_j"],
                *steps,
                trial=event["trial"],
                epochs=event["epochs"] or 0,
                curve=curve,
            )
        )
        self.ask_j.append(event["ask_j"] or 0.0)
        truncated = state is State.TRUNCATED
        self.n_truncated_in_a_row = self.n_truncated_in_a_row + 1 if truncated else 0
        if state is State.FAILED:
            self.n_failed_in_a_row += 1
            self.failure = event["message"]
            return
        self.n_failed_in_a_row = 0
        if accuracy is not None and (self.incumbent is None or accuracy > self.incumbent):
            self.incumbent, self.incumbent_trial = accuracy, event["trial"]


def slice_event(outcome: Outcome, *, counts_search: bool) -> Event:
    """The ledger's event of a trained slice.

    Args:
        outcome: What the worker returned, with a slice.
        counts_search: Whether the meter sees the energy of searching; if not it is null, not 0.
    """
    result = outcome.slice_
    assert result is not None
    total = outcome.search + result.reading if counts_search else result.reading
    return {
        "event": "slice",
        "run": outcome.run,
        "trial": outcome.trial,
        "state": result.state.value,
        "params": dict(result.params),
        "accuracy": result.accuracy,
        "test_accuracy": outcome.test_accuracy,
        "energy_j": total.total_j,
        "setup_j": result.setup.total_j,
        "train_j": _phase_j(result.train),
        "validate_j": _phase_j(result.validate),
        "search_j": outcome.search.total_j if counts_search else None,
        "ask_j": outcome.ask_j if counts_search else None,
        "predicted_j": outcome.predicted_j,
        "energy_kind": total.kind,
        "components": {name: total.component_j(name) for name in COMPONENTS},
        "duration_s": result.duration_s,
        "epochs": result.epochs,
        "n_parameters": result.n_parameters,
        "flops": result.flops,
        "train_step": _plain(result.train_step),
        "validate_step": _plain(result.validate_step),
        "started_at": outcome.started_at,
        "message": result.message,
        "warnings": list(total.warnings),
        "curve": [
            [point.epoch, point.energy_j, point.accuracy, _finite(point.loss)]
            for point in result.curve
        ],
    }


def search_event(outcome: Outcome, *, counts_search: bool) -> Event:
    """The event of an ask that gave no work."""
    energy_j = outcome.search.total_j if counts_search else 0.0
    return {"event": "search", "run": outcome.run, "energy_j": energy_j}


def interrupted_event(sign: dict[str, Any], message: str) -> Event:
    """The event of a slice that was lost with its worker.

    Args:
        sign: Its last sign of life. What it used after that is not known, so its joules are a
            lower bound.
        message: How it was lost.
    """
    return {
        "event": "interrupted",
        "run": sign["run"],
        "trial": sign["trial"],
        "params": sign["params"],
        "energy_j": sign["energy_j"],
        "message": message,
    }


def failed_event(sign: dict[str, Any], message: str) -> Event:
    """A candidate that takes its worker down again and again has failed, with its joules."""
    return {
        **interrupted_event(sign, message),
        "event": "slice",
        "state": "failed",
        "accuracy": None,
        "test_accuracy": None,
        "setup_j": None,
        "train_j": None,
        "validate_j": None,
        "search_j": None,
        "ask_j": None,
        "energy_kind": LOWER_BOUND,
        "components": {},
        "duration_s": None,
        "epochs": None,
        "n_parameters": None,
        "flops": None,
        "train_step": None,
        "validate_step": None,
        "started_at": None,
        "warnings": [],
        "curve": [],
    }


def end_event(run: Run, reason: End, message: str = "") -> Event:
    """The event of a run's end."""
    return {"event": "end", "run": run.name, "reason": reason.value, "message": message}


def _phase_j(reading: Any) -> float | None:
    """Joules of a phase; one that was never entered used none."""
    return reading.total_j if reading.components else 0.0


def _plain(step: StepCost | None) -> list[float] | None:
    return None if step is None else [step.operations, step.energy_j]


def _step_cost(pair: list[float] | None) -> StepCost | None:
    return None if pair is None else StepCost(*pair)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
