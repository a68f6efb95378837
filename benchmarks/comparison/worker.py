"""The worker's side of a comparison: ask a strategy, train the slice, tell it the result.

The ask happens where the training will, so that no worker ever waits for another run's optimiser
and its CPU time is on the bill of its own process.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from ...energy import EnergyBudget, Reading
from ...energy.quantities import total
from ...models.importing import describe_error
from ...models.metric import Metric
from ...models.network_training import NetworkTraining
from ...models.objective import Objective
from ...models.outcome import SliceResult, State
from ...models.space import Space
from ...tuners.deadline import Overdue
from ...tuners.pending import ask_batch
from ...tuners.registry import find_recipe
from ...tuners.strategy import Strategy, Told, Work, check_work, why_done
from .cores import on_own_core
from .folder import Folder
from .heartbeat import Pulse
from .helper import loaded_j
from .instruments import detect_runtime, one_thread, open_meter
from .keeping import Kept
from .messages import Job, Outcome, Prepared, Setting, process_here
from .pot import budget_of
from .records import Records
from .rehearsal import Price, Rehearsal, price
from .signals import Stopped, breakable
from .slices import Started, Trainer
from .stacks import shared_of, stacks_of
from .trained import describe_data, describe_task, make_training
from .trust import is_own, runs_own_code


class _Asked(NamedTuple):
    """What an ask gave."""

    kept: Kept | None = None  # the strategy that is to be told the result, if it is at hand
    works: tuple[Work, ...] = ()  # several only where another job trains them
    error: str = ""  # why the strategy could not be asked
    why_done: str = ""  # why it gave no work, if it says so


class Session:
    """What a worker keeps between the jobs of one comparison: meter, data and strategies.

    Raises:
        PerjouleError: The data set, device, meter or space cannot be used.
    """

    def __init__(self, setting: Setting) -> None:
        experiment = setting.experiment
        self._setting, self._folder = setting, Folder(setting.folder, setting.exchange)
        apart = setting.driver != process_here()
        self._may_end = apart and runs_own_code(experiment.model_dump())
        self._records = Records(setting)
        self._kept: dict[str, Kept] = {}  # strategies of runs
        self._overdue: dict[str, str] = {}  # strategies that did not return, and what is said of it
        with contextlib.ExitStack() as held:
            held.enter_context(one_thread())
            self._runtime = detect_runtime(experiment)
            device = self._runtime.device
            self._meter = open_meter(experiment, device, shared=setting.shared)
            held.callback(self._meter.close)
            window, helper_j = self._meter.window(), loaded_j(setting)
            self.space = Space.parse(setting.space)
            self._metric = Metric.parse(experiment.metric)
            self._training = make_training(setting, self._runtime, self._metric)
            self._task = describe_task(setting, self._training, self._runtime, self._metric)
            is_free = self._may_end or device.type != "cpu"
            pinned = False if is_free else held.enter_context(on_own_core())
            rehearsal = Rehearsal(
                self._meter, self._training, self._metric, str(device), self.space, self._task
            )
            epoch_j, cheapest = rehearsal.cheapest()
            heaviest = rehearsal.heaviest() if setting.probe_risky else []
            probed = (cheapest, *heaviest)
            self._trainer = Trainer(
                setting,
                self._training,
                self._meter,
                self._metric,
                str(device),
                probed,
                self._records,
            )
            ask_j = {name: self._rehearse(rehearsal, name) for name in experiment.strategies}
            limits = threadpool_limits(1)  # now that all numeric libraries are loaded
            held.callback(limits.restore_original_limits)
            self.prepared = Prepared(
                sources=self._meter.sources,
                runtime={**self._runtime.describe(), "pinned": pinned},
                data=describe_data(self._training),
                epoch_j=epoch_j,
                ask_j=ask_j,
                startup_j=window.close().total_j,
                pid=os.getpid(),
                helper_j=helper_j,
                startup_trials={
                    name: find_recipe(name).startup_trials
                    for name in experiment.strategies
                    if self._rehearses(name)
                },
            )
            self._held = held.pop_all()

    def price(self, params: Mapping[str, Any], steps: int | None, seconds: float) -> Price:
        """What training a candidate to its end should take, by its first steps.

        Args:
            params: The candidate.
            steps: How often its whole training asks whether to stop; of perjoule's own networks it
                is known. None where nobody knows: its first epoch is trained then.
            seconds: How long it is trained at most, so that not even an epoch may end.
        """
        training = self._training
        if isinstance(training, NetworkTraining):
            steps = training.steps(params)
        objective = Objective(training, self._metric, str(self._runtime.device))
        return price(objective, params, self._meter, steps, seconds)

    def _rehearses(self, name: str) -> bool:
        """Whether a strategy may be asked before its run: a user's own may end its process."""
        return self._setting.probe_risky or not is_own(name)

    def _rehearse(self, rehearsal: Rehearsal, name: str) -> tuple[float, float]:
        """Joules of asking a strategy; none of one that does not return, which is not asked again.

        Raises:
            ConfigurationError: There is no such strategy.
        """
        if not self._rehearses(name):
            return 0.0, 0.0
        try:
            return rehearsal.asks(name)
        except Overdue as error:
            self._overdue[name] = describe_error(error)
            return 0.0, 0.0

    def close(self) -> None:
        """Stop the meter and give the threads back."""
        self._held.close()

    def execute(self, *jobs: Job) -> list[Outcome]:
        """Ask, train, tell, and score a new incumbent on the test split; or what is their turn.

        Whatever breaks them off, what they have spent is in their signs of life then.
        """
        if len(jobs) == 1:
            return [self._execute_alone(*jobs)]
        window = self._meter.window()
        stacks = stacks_of(self._training, jobs, measured=self._meter.counts_search)
        trying = window.close().split(len(jobs))
        stacks = [[_trying(job, trying) for job in stack] for stack in stacks]
        # Each has a sign of life before any is trained; the first one's held all of the ask.
        for job in (job for stack in reversed(stacks) for job in reversed(stack)):
            Pulse(self._setting, job, budget_of(job, self._setting, self._meter))
        outcomes: dict[str, Outcome] = {}
        for stack in stacks:
            alone = len(stack) == 1
            done = [self._execute_alone(*stack)] if alone else self._trainer.train_stack(stack)
            outcomes |= {job.nonce: outcome for job, outcome in zip(stack, done, strict=True)}
        return [outcomes[job.nonce] for job in jobs]

    def _execute_alone(self, job: Job) -> Outcome:
        budget = budget_of(job, self._setting, self._meter)
        pulse = Pulse(self._setting, job, budget)
        try:
            with pulse.beating(self._may_end), breakable():
                return self._execute(job, budget, pulse)
        except BaseException:
            pulse.last_words()
            raise

    def _execute(self, job: Job, budget: EnergyBudget, pulse: Pulse) -> Outcome:
        started_at, started_s = time.time(), time.perf_counter()
        window = self._meter.window()
        self._records.find(job)
        kept, works, error, why = self._ask(job)
        ask = window.lap()
        ask_s = time.perf_counter() - started_s
        outcome = Outcome(job.run, job.trial, ask, None, error=error, started_at=started_at)
        if not works:
            return replace(outcome, why_done=why, ask_s=ask_s, busy_s=ask_s)
        work = works[0]
        trial = job.trial if work.trial is None else work.trial
        pulse.begin(work, trial)
        if job.turn is not None:
            if job.turn.work is None:
                return replace(outcome, works=works, ask_s=ask_s, busy_s=ask_s)
            ask = job.turn.ask + ask
        counted = self._meter.operations
        started = Started(job, work, trial, ask, budget, pulse)
        result = self._trainer.train(started)
        operations = self._meter.operations - counted
        around = window.lap()
        telling_s = time.perf_counter()
        if kept is not None:
            self._tell(job, trial, kept, result, ask)
        told = window.lap()
        ask_s += time.perf_counter() - telling_s
        outcome = self._trainer.conclude(started, result, ask + told)
        return replace(
            outcome,
            operations=operations,
            unbilled_j=_unbilled_j(around, result.reading, window.lap()),
            started_at=started_at,
            ask_s=ask_s,
            busy_s=time.perf_counter() - started_s,
        )

    def _ask(self, job: Job) -> _Asked:
        """Bring the run's strategy up to date and ask it; a fault ends the run, not the worker."""
        kept = self._kept.pop(job.run, None)
        if job.turn is not None and job.turn.work is not None:
            return _Asked(None, (job.turn.work,))
        if job.strategy in self._overdue:
            return _Asked(error=self._overdue[job.strategy])
        try:
            if job.turn is not None:
                strategy = self._build(job)
                works = ask_batch(
                    strategy,
                    job.history,
                    job.turn.count,
                    job.spent_j,
                    job.turn.pending,
                    partial(shared_of, self._training) if job.turn.count > 1 else None,
                )
                return _Asked(None, tuple(works), why_done="" if works else why_done(strategy))
            if kept is None or not kept.is_of(job.history):
                kept = Kept(self._build(job))
            kept.catch_up(job.history)
            work = kept.strategy.ask(job.spent_j)
            trial = work.trial if isinstance(work, Work) else None
            check_work(work, () if trial is None else job.history.of(trial))
            works = () if work is None else (work,)
            return _Asked(kept, works, why_done="" if works else why_done(kept.strategy))
        except Stopped:
            raise
        except BaseException as error:  # noqa: BLE001 - a strategy may be the user's own
            return _Asked(error=describe_error(error))

    def _build(self, job: Job) -> Strategy:
        return find_recipe(job.strategy).build(self.space, job.seed, self._task)

    def _tell(self, job: Job, trial: int, kept: Kept, result: SliceResult, ask: Reading) -> None:
        """Tell the result; the strategy is kept only if it stands where the record will."""
        if result.state is State.INTERRUPTED:
            return
        told = Told(
            result.params,
            result.state,
            result.score,
            (ask + result.reading).total_j,
            result.train_step,
            result.validate_step,
            trial=trial,
            epochs=result.epochs,
            curve=result.curve,
        ).oriented(self._metric)
        # If telling fails, the next ask rebuilds the strategy and meets the error there.
        try:
            kept.tell(told)
            self._kept[job.run] = kept
        except Stopped:
            raise
        except Overdue as error:
            self._overdue[job.strategy] = describe_error(error)
        except BaseException:  # noqa: BLE001
            return


def _trying(job: Job, reading: Reading) -> Job:
    """The job with its part of what it took to find out whether a stack pays."""
    turn, energy_j = job.turn, reading.total_j or 0.0
    assert turn is not None
    turn = replace(turn, ask=turn.ask + reading, granted_j=turn.granted_j - energy_j)
    return replace(job, turn=turn)


def _unbilled_j(around: Reading, billed: Reading, after: Reading) -> float | None:
    """Joules around a slice that are not its own, and of what came after it."""
    own_j = billed.total_j
    return total([around.total_j, None if own_j is None else -own_j, after.total_j])
