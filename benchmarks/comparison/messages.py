"""What crosses between the driver of a comparison and its workers. All of it pickles."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from typing import Any

from ...energy import Reading, SourceInfo
from ...energy.quantities import total
from ...models.outcome import SliceResult
from ...tuners.pending import Pending
from ...tuners.strategy import Work
from ..tables.earlier_facts import EarlierFacts
from .exchange import AnyFile, place
from .experiment import Experiment
from .history import Past
from .machines import Alike, MachineFacts


def process_here() -> str:
    """This process and its machine: ``"node:pid"``."""
    return f"{platform.node()}:{os.getpid()}"


@dataclass(frozen=True)
class Setting:
    """What all jobs of a comparison share."""

    experiment: Experiment
    space: Mapping[str, Any]  # the resolved search space, as plain values
    folder: Path
    shared: bool = False  # whether several workers use this machine's processors at once
    keep_weights: bool = False  # whether outcomes carry the weights of new incumbents
    # Whether what may end a worker is tried first: the heaviest candidate, a user's strategies.
    probe_risky: bool = True
    objective: Callable[..., Any] | None = None  # the user's own, where no import can find it
    # The energy model that strategies may order by, in plain values: as it was at the beginning.
    energy_model: Mapping[str, Any] | None = None
    # Earlier searches that strategies learn from; what they are is in the folder, or here before
    # there is one.
    warm_start: EarlierFacts | None = None
    earlier: bytes | None = None
    # Whether an executor that is not the driver's own has the workers: each minds its own machine.
    is_foreign: bool = False
    exchange_url: str | None = None  # of an object store, where workers do not see the folder
    alike: Alike | None = None  # what all workers must have in common, once the first have it
    driver: str = field(default_factory=process_here)
    token: str = field(default_factory=lambda: token_hex(8))  # of this driver's comparison

    @cached_property
    def key(self) -> str:
        """Equal for settings whose sessions may be shared."""
        parts = [self.experiment.model_dump(), self.space, str(self.folder), self.shared]
        # What another driver's workers have read of a folder may be there no more.
        own = self.token if self.objective is not None or self.is_foreign else None
        parts += [self.keep_weights, self.probe_risky, own]
        parts += [self.energy_model, self.warm_start and self.warm_start.fingerprint]
        return json.dumps(parts, sort_keys=True)

    @property
    def exchange(self) -> AnyFile:
        """The folder of what driver and workers tell each other: the run folder, or elsewhere."""
        return self.folder if self.exchange_url is None else place(self.exchange_url)

    @property
    def stop_sign(self) -> AnyFile:
        """A file that asks every worker to stop where it is."""
        return self.exchange / "stop"

    def sign_of_life(self, job: Job) -> AnyFile:
        """A file that says what a slice in flight has spent so far; another one for every job."""
        slot = 0 if job.turn is None else job.turn.slot
        return self.exchange / "inflight" / f"{file_name(job.run)}.{slot}.{job.nonce}.json"

    def ticket(self, job: Job) -> AnyFile:
        """A file that whoever begins a job takes away, so that nobody begins it again."""
        is_asked = job.turn is None or job.turn.work is None
        return self.sign_of_life(job).with_suffix(".ask" if is_asked else ".train")

    def given_up(self, job: Job) -> AnyFile:
        """A file that asks whoever may still have a job to stop: nobody waits for its result."""
        return self.sign_of_life(job).with_suffix(".stop")


def file_name(run: str) -> str:
    """A run's name in the names of files, another one for every run.

    Strategies of a user's own may have characters that a file name cannot have.

    >>> file_name("tpe-0"), file_name("my:Own-0")
    ('tpe-0', 'my.Own-0%776864ff')
    """
    plain = re.sub(r"[^\w.-]", ".", run)
    return plain if plain == run else f"{plain}%{blake2b(run.encode(), digest_size=4).hexdigest()}"


@dataclass(frozen=True)
class Prepared:
    """What a worker found when it started; joules that are unavailable are None."""

    sources: tuple[SourceInfo, ...]  # the meter's sources
    runtime: Mapping[str, Any]  # device, layout, precision and threads
    data: Mapping[str, Any]  # description of the data set
    # Of one epoch of the cheapest candidate, built and validated, estimated from a part of the
    # data.
    epoch_j: float | None
    # Per strategy, of an ask before and after its model is fitted.
    ask_j: Mapping[str, tuple[float, float]]
    startup_j: float | None  # of starting, warming up and rehearsing; charged to no run
    pid: int  # the worker's process
    helper_j: float | None = 0.0  # of what was loaded for all workers together, once
    # Results after which asks of a strategy become dear; None if they never do, or it is unknown.
    startup_trials: Mapping[str, int | None] = field(default_factory=dict)
    machines: tuple[MachineFacts, ...] = ()  # where the workers are

    @property
    def alike(self) -> Alike:
        """What all other workers must have, too."""
        return Alike.of(self.sources, self.data)

    @property
    def counts_search(self) -> bool:
        """Whether the meter sees the energy of searching."""
        return all(source.counts_search for source in self.sources)


def merge(workers: list[Prepared]) -> Prepared:
    """One answer for all workers: the dearest costs, and the joules of all starts together.

    Raises:
        MeterError: They meter in different ways.
        DataError: They have different data.
    """
    for worker in workers:
        workers[0].alike.check(worker.alike, worker.machines[0].name)
    known_j = [worker.epoch_j for worker in workers if worker.epoch_j is not None]
    return replace(
        workers[0],
        epoch_j=max(known_j) if len(known_j) == len(workers) else None,
        ask_j={
            name: tuple(max(each) for each in zip(*(w.ask_j[name] for w in workers), strict=True))
            for name in workers[0].ask_j
        },
        startup_j=total([*(worker.startup_j for worker in workers), workers[0].helper_j]),
        machines=tuple({each.machines[0].name: each.machines[0] for each in workers}.values()),
    )


@dataclass(frozen=True)
class Turn:
    """What a job does where several trials of a run are in flight: it asks, or it trains.

    Jobs of one run that train can be given to a worker together, to be one stack where they can.
    """

    slot: int  # of the run, which the slice holds from its ask to its end
    pending: tuple[Pending, ...] = ()  # slices of the run in flight, in the order they began
    work: Work | None = None  # what is to be trained; None asks for it
    count: int = 1  # of slices that are asked for at most
    ask: Reading = field(default_factory=Reading)  # energy of asking for it
    granted_j: float = 0.0  # joules taken from the run's pot for this slice


@dataclass(frozen=True)
class Job:
    """One ask of a run's strategy, and the slice it asks for; or one of them (see `Turn`)."""

    run: str
    strategy: str
    seed: int
    trial: int  # number of the trial to be trained, of the next new one before it is asked for
    n_slices: int  # that this trial has had, lost ones included
    untold: Mapping[int, int]  # slices that were lost, of trials that had any
    n_idle_asks: int  # asks that gave no work
    history: Past  # what its strategy was told; sent to another process, only how much
    spent_j: float
    remaining_j: float
    incumbent: float | None  # best score so far, None before the first
    turn: Turn | None = None  # None: one trial of the run at a time
    # Of this dispatch alone, by which it is charged once; an ask and its training have one.
    nonce: str = field(default_factory=lambda: token_hex(8))

    def slices_of(self, trial: int) -> int:
        """How many slices a trial of the run has had, lost ones included."""
        if trial == self.trial:
            return self.n_slices
        return len(self.history.of(trial)) + self.untold.get(trial, 0)


@dataclass(frozen=True)
class Outcome:
    """What a job cost and gave; joules that are unavailable are None."""

    run: str
    trial: int
    search: Reading  # energy of ask and tell
    slice_: SliceResult | None  # None if the strategy had no work left, or was only asked
    works: tuple[Work, ...] = ()  # what it asked for, where that is for other jobs to train
    ask_j: float | None = None
    predicted_j: float | None = None
    test_score: float | None = None  # of a new incumbent
    unbilled_j: float | None = 0.0  # of scoring the test split and a worker's start, if it started
    error: str = ""  # why the strategy could not be asked
    why_done: str = ""  # why it had no work left, if it says so
    started_at: float = 0.0  # Unix time
    nonce: str = ""  # the job's
    operations: float | None = None  # that were counted in the slice
    worker: str = ""  # the process, and its machine
    machine: MachineFacts | None = None  # of a worker that started with this job
    ask_s: float = 0.0  # of the worker, for asking and telling
    busy_s: float = 0.0
