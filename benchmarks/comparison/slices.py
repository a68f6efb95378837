"""What a worker trains for a job, alone or in a stack with others, and what it tells of that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ...energy import EnergyBudget, EnergyMeter, Reading
from ...energy.quantities import total
from ...energy.splitting import SplitMeter
from ...models.metric import Metric
from ...models.network_training import NetworkTraining
from ...models.objective import Objective, Slice
from ...models.outcome import RESULTS, SliceResult, State, StopRule
from ...models.own_training import OwnTraining
from ...models.phases import Assignment
from ...tuners.strategy import Told, Work
from .folder import Folder
from .heartbeat import Pulse
from .keeping import Experience
from .messages import Job, Outcome, Setting
from .pot import SharedBudget, budget_of
from .records import Records
from .signals import Stopped, breakable
from .trained import score_on_test


class Started(NamedTuple):
    """A job that trains: what is to be done, with what, and who says how far it is."""

    job: Job
    work: Work
    trial: int  # its number
    ask: Reading  # energy of asking for it
    budget: EnergyBudget
    pulse: Pulse


class Trainer:
    """Trains slices of a comparison's candidates in this process."""

    def __init__(
        self,
        setting: Setting,
        training: NetworkTraining | OwnTraining,
        meter: EnergyMeter,
        metric: Metric,
        device: str,
        probed: Sequence[Told],
        records: Records,
    ) -> None:
        """Take what a worker has.

        Args:
            setting: Of the comparison.
            training: What trains a candidate.
            meter: What counts its joules.
            metric: What scores are of.
            device: Where it trains.
            probed: Candidates whose steps were tried at the start.
            records: What jobs go on from.
        """
        self._setting, self._folder = setting, Folder(setting.folder, setting.exchange)
        self._training, self._meter, self._metric = training, meter, metric
        self._device, self._probed, self._records = device, probed, records
        self._steps: dict[str, Experience] = {}  # of runs

    def train(self, started: Started) -> SliceResult:
        """Train a slice, go on with a trial from its checkpoint, and keep a new one if it pauses.

        The slice is what its history and its job make it, whoever used the worker before.
        """
        result = self._objective(started.job).train_slice(*self._slice(started, self._meter))
        return self._keep(started, result)

    def train_stack(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Train jobs of one run as one stack, whose joules are split evenly among those in it."""
        from ...models.fused import train_together

        training = self._training
        assert isinstance(training, NetworkTraining)
        started_at, started_s = time.time(), time.perf_counter()
        window, counted = self._meter.window(), self._meter.operations
        split = SplitMeter(self._meter, len(jobs))
        with closing(split):
            for job in jobs:
                self._records.find(job)
            stack = [_start(job, self._setting, split) for job in jobs]
            slices = [self._slice(each, split) for each in stack]

            def leave(place: int, result: SliceResult) -> None:
                self._end(stack[place], result, stack[place].ask)
                split.leave()

            try:
                with breakable():
                    results = self._objective(jobs[0]).train_together(
                        slices, partial(train_together, training), leave
                    )
            except BaseException:
                for each in stack:
                    each.pulse.last_words()
                raise
        around = window.lap()
        known = [result.reading.total_j for result in results]
        shares = _shares(known)
        operations = self._meter.operations - counted
        outcomes = [
            replace(
                self.conclude(each, self._keep(each, result), each.ask),
                operations=None if share is None else operations * share,
                started_at=started_at,
            )
            for each, result, share in zip(stack, results, shares, strict=True)
        ]
        spent_j = total(known)
        beyond_j = total([around.total_j, None if spent_j is None else -spent_j])
        after_j = window.lap().total_j
        busy_s = (time.perf_counter() - started_s) / len(jobs)
        outcomes = [replace(each, busy_s=busy_s) for each in outcomes]
        outcomes[0] = replace(outcomes[0], unbilled_j=total([beyond_j, after_j]))
        return outcomes

    def conclude(self, started: Started, result: SliceResult, search: Reading) -> Outcome:
        """What is told of a slice; a new incumbent is scored on test data.

        Args:
            started: Its job.
            result: What it gave.
            search: Energy of asking for it and of telling it.
        """
        job, work = started.job, started.work
        self._end(started, result, search)
        is_best, training = _is_better(result, job.incumbent, self._metric), self._training
        test_score = result.test_score if is_best else None
        weights = result.weights if is_best else None
        if weights is not None and isinstance(training, NetworkTraining):
            test_score, fault = score_on_test(training, work.params, weights)
            result = replace(result, message=result.message or fault)
        result = replace(result, checkpoint=weights if self._setting.keep_weights else None)
        if isinstance(started.budget, SharedBudget):
            started.budget.settle(search + result.reading)
        return Outcome(
            job.run,
            started.trial,
            search,
            result,
            ask_j=started.ask.total_j,
            predicted_j=work.predicted_j,
            test_score=test_score,
        )

    def _end(self, started: Started, result: SliceResult, search: Reading) -> None:
        """Leave what a slice took in its sign of life, until it is recorded."""
        searched = search if self._meter.counts_search else Reading()
        started.pulse.ended((searched + result.reading).total_j)

    def _slice(self, started: Started, meter: EnergyMeter) -> Slice:
        job, work, trial, _, budget, pulse = started
        slices = job.history.of(trial)
        until_j = work.until_j
        if until_j is not None:  # of the trial; what is left of it is the slice's
            until_j -= sum(told.energy_j or 0.0 for told in slices)
        assignment = Assignment(
            StopRule(work.until, until_j, work.pause),
            meter,
            budget,
            interrupted=pulse,
            reported=pulse.reported,
            number=trial,
            done=slices[-1].epochs if slices else 0,
            beat=job.incumbent,
        )
        checkpoint = self._folder.read_checkpoint(job.run, trial, len(slices))
        return Slice(work.params, assignment, checkpoint)

    def _keep(self, started: Started, result: SliceResult) -> SliceResult:
        """Keep the state of a paused trial."""
        if result.state is State.PAUSED and result.checkpoint is not None:
            run, trial = started.job.run, started.trial
            n_slices = len(started.job.history.of(trial))
            self._folder.write_checkpoint(run, trial, n_slices + 1, result.checkpoint)
        return result

    def _objective(self, job: Job) -> Objective:
        """An objective that knows what the steps of this run's trials cost, and no others.

        So that what a run finds depends on its own history alone, not on who else used the worker.
        """
        seen = self._steps.get(job.run)
        if seen is None or not seen.is_of(job.history):
            seen = self._steps[job.run] = Experience(self._probed)
        seen.catch_up(job.history)
        known = (seen.train, seen.validate)
        # Only `Stopped` comes from a signal here; a KeyboardInterrupt is the candidate's own.
        return Objective(self._training, self._metric, self._device, job.seed, known, Stopped)


def _start(job: Job, setting: Setting, meter: EnergyMeter) -> Started:
    """Begin a job of a stack; what it trains was asked for by another one."""
    turn = job.turn
    assert turn is not None
    assert turn.work is not None
    budget = budget_of(job, setting, meter)
    return Started(job, turn.work, job.trial, turn.ask, budget, Pulse(setting, job, budget))


def _is_better(result: SliceResult, incumbent: float | None, metric: Metric) -> bool:
    """Whether a slice gave a better network than all before."""
    if result.state not in RESULTS or result.score is None:
        return False
    return metric.improves(result.score, incumbent)


def _shares(amounts: Sequence[float | None]) -> list[float | None]:
    """The part of each in all; None where any is not known, or there is nothing to share."""
    whole = total(amounts)
    return [each / whole if each is not None and whole else None for each in amounts]
