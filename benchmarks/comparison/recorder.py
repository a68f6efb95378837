"""The seam to whatever else shall have a comparison: a tracker, a monitor, something of a user's.

    class Best(perjoule.Recorder):
        def trials(self, ended):
            for trial in ended:
                print(trial.run, trial.score, trial.energy_j, trial.energy_kind)

    perjoule.compare(record=[Best(), "mlflow"])

What a recorder gets are frozen facts. Joules that are unknown are None, and say how they became
known in words of the trial table (`energy_kind`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...models.metric import Metric
    from ..analysis.analysing import Analysis
    from ..tables.table import Table
    from .state import ComparisonState


@dataclass(frozen=True)
class RunFacts:
    """A run that a comparison has: one strategy with one seed."""

    name: str
    strategy: str
    seed: int


@dataclass(frozen=True)
class Begun:
    """The comparison whose trials follow."""

    identity: str  # hexadecimal; the same for the same comparison whenever and wherever it goes on
    name: str  # its folder's when it began
    folder: Path
    experiment: Mapping[str, Any]  # the resolved experiment, as `perjoule init` explains it
    space: Mapping[str, Any]
    metric: Metric
    kinds: Mapping[str, str]  # how joules become known, by component: {"cpu": "modelled"}
    runs: tuple[RunFacts, ...]
    budget_j: float | None  # of all runs; None: unlimited
    allotment_j: float | None  # of each run; None: unlimited
    created: datetime


@dataclass(frozen=True)
class Point:
    """A validated epoch."""

    epoch: int  # whole epochs of the trial so far
    energy_j: float | None  # joules of the trial so far, without its search
    score: float | None
    loss: float | None


@dataclass(frozen=True)
class Best:
    """A new best score of a run, in the metric's unit."""

    spent_j: float | None  # by the run until then
    score: float


@dataclass(frozen=True)
class EndedTrial:
    """A trial that will not go on; a paused one ends, as pruned, when its run is over."""

    run: str
    strategy: str
    seed: int
    trial: int
    number: int  # how many trials of its run ended before it
    state: str  # complete, truncated, pruned, failed or interrupted
    score: float | None
    energy_j: float | None  # of all its phases, its search included
    energy_kind: str | None  # how these joules became known
    params: Mapping[str, Any]  # hyperparameters that count
    curve: tuple[Point, ...]
    ended_at: datetime  # when its last training ended; when all began where that is not known
    spent_j: float | None  # by its run up to the trial's end, searching included
    incumbent: float | None  # the best score of its run by then
    improved: tuple[Best, ...]  # how that came about since the last trial of its run ended
    row: Mapping[str, Any]  # what the trial table says of it, by column; what is unknown is None


@dataclass(frozen=True)
class RunState:
    """One run at one moment."""

    run: RunFacts
    spent_j: Mapping[str, float | None]  # joules charged to it, by their kind
    inflight_j: float | None  # of its slices in flight
    incumbent: float | None  # its best score
    ended: Mapping[str, int]  # trials that will not go on, by state
    is_over: bool


@dataclass(frozen=True)
class Present:
    """A comparison at one moment."""

    state: ComparisonState  # what `perjoule watch --json` tells
    runs: tuple[RunState, ...]
    workers: int | None  # trials at a time; None before that is known
    busy: int  # workers with a slice
    at: float  # Unix time


@dataclass(frozen=True)
class Finished:
    """A comparison whose tables and report have been written; it may still be gone on with."""

    interrupted: bool  # whether some of its runs are not over
    table: Table
    analysis: Analysis
    report: Path  # report.html
    summary: Path  # summary.json


class Recorder:
    """Base of recorders: each method does nothing unless it is made to.

    All but ``check`` are called in the order `begin`, then `trials` and `standing` any number of
    times, then `finish`, one at a time, in one thread that is not the main one. Whatever is raised
    there is told once, the recorder is called no more, and the comparison goes on. A comparison
    that is resumed, or reported anew, begins again and gives all trials again, in the same order.
    """

    name = ""
    """What it is called in messages; its class's name if empty."""

    def check(self) -> None:
        """Make sure that it can be opened, before anything is spent.

        Raises:
            PerjouleError: It cannot; the message says how to mend it.
        """

    def begin(self, comparison: Begun) -> None:
        """Take what begins, or goes on."""

    def trials(self, ended: Sequence[EndedTrial]) -> None:
        """Take trials that will not go on, in the order of their ends in each run."""

    def standing(self, present: Present) -> None:
        """Take how the comparison stands."""

    def finish(self, finished: Finished) -> None:
        """Take the end of the comparison, or of this part of it."""

    def look(self) -> str:
        """How to look at what was recorded, in a line; empty if there is nothing to say."""
        return ""
