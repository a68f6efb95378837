"""The worker's side of a comparison: ask a strategy, train the slice, tell it the result.

The ask happens where the training will, so that no worker ever waits for another run's optimiser
and its CPU time is on the bill of its own process.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from ...energy import EnergyBudget, Reading
from ...energy.quantities import total
from ...models.importing import describe_error
from ...models.metric import Metric
from ...models.network_training import NetworkTraining
from ...models.objective import Objective
from ...models.outcome import RESULTS, SliceResult, State, StopRule
from ...models.phases import Assignment
from ...models.space import Space
from ...tuners.deadline import Overdue
from ...tuners.pending import ask_beside
from ...tuners.registry import find_recipe
from ...tuners.strategy import Strategy, Told, Work, check_work, restore, why_done
from .folder import Folder
from .heartbeat import Pulse
from .helper import loaded_j
from .instruments import detect_runtime, one_thread, open_meter
from .messages import Job, Outcome, Prepared, Setting
from .pot import SharedBudget, budget_of
from .rehearsal import Price, Rehearsal, price
from .signals import Stopped, breakable
from .trained import describe_data, describe_task, make_training, score_on_test
from .trust import is_own, runs_own_code


class _Asked(NamedTuple):
    """What an ask gave."""

    strategy: Strategy | None = None  # that is to be told the result, if it is at hand
    work: Work | None = None
    error: str = ""  # why the strategy could not be asked
    why_done: str = ""  # why it gave no work, if it says so


class Session:
    """What a worker keeps between the jobs of one comparison: meter, data and strategies.

    Raises:
        PerjouleError: The data set, device, meter or space cannot be used.
    """

    def __init__(self, setting: Setting) -> None:
        experiment = setting.experiment
        self._setting, self._folder = setting, Folder(setting.folder)
        apart = multiprocessing.parent_process() is not None
        self._may_end = apart and runs_own_code(experiment.model_dump())
        self._strategies: dict[str, tuple[Strategy, int]] = {}
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
            rehearsal = Rehearsal(
                self._meter, self._training, self._metric, str(device), self.space, self._task
            )
            epoch_j, cheapest = rehearsal.cheapest()
            heaviest = rehearsal.heaviest() if setting.probe_risky else []
            self._probed = (cheapest, *heaviest)
            ask_j = {name: self._rehearse(rehearsal, name) for name in experiment.strategies}
            limits = threadpool_limits(1)  # now that all numeric libraries are loaded
            held.callback(limits.restore_original_limits)
            self.prepared = Prepared(
                sources=self._meter.sources,
                runtime=self._runtime.describe(),
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

    def execute(self, job: Job) -> Outcome:
        """Ask, train, tell, and score a new incumbent on the test split; or what is its turn.

        Whatever breaks it off, what it has spent is in its sign of life then.
        """
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
        strategy, work, error, why = self._ask(job)
        ask = window.lap()
        ask_s = time.perf_counter() - started_s
        outcome = Outcome(job.run, job.trial, ask, None, error=error, started_at=started_at)
        if work is None:
            return replace(outcome, why_done=why, ask_s=ask_s, busy_s=ask_s)
        trial = job.trial if work.trial is None else work.trial
        pulse.begin(work, trial)
        if job.turn is not None:
            if job.turn.work is None:
                return replace(outcome, trial=trial, work=work, ask_s=ask_s, busy_s=ask_s)
            ask = job.turn.ask + ask
        objective = self._objective(job.seed, (*self._probed, *job.history))
        counted = self._meter.operations
        result = self._train(job, work, trial, objective, budget, pulse)
        outcome = replace(outcome, operations=self._meter.operations - counted)
        around = window.lap()
        telling_s = time.perf_counter()
        if strategy is not None:
            self._tell(job, trial, strategy, result, ask)
        told = window.lap()
        ask_s += time.perf_counter() - telling_s
        searched = ask + told if self.prepared.counts_search else Reading()
        pulse.ended((searched + result.reading).total_j)
        is_best, training = _is_better(result, job.incumbent, self._metric), self._training
        test_score = result.test_score if is_best else None
        weights = result.weights if is_best else None
        if weights is not None and isinstance(training, NetworkTraining):
            test_score, fault = score_on_test(training, work.params, weights)
            result = replace(result, message=result.message or fault)
        result = replace(result, checkpoint=weights if self._setting.keep_weights else None)
        if isinstance(budget, SharedBudget):
            budget.settle(ask + told + result.reading)
        return replace(
            outcome,
            trial=trial,
            search=ask + told,
            slice_=result,
            ask_j=ask.total_j,
            predicted_j=work.predicted_j,
            test_score=test_score,
            unbilled_j=_unbilled_j(around, result.reading, window.lap()),
            ask_s=ask_s,
            busy_s=time.perf_counter() - started_s,
        )

    def _train(
        self,
        job: Job,
        work: Work,
        trial: int,
        objective: Objective,
        budget: EnergyBudget,
        pulse: Pulse,
    ) -> SliceResult:
        """Go on with a trial from its checkpoint, and keep a new one if it is paused."""
        slices = [told for told in job.history if told.trial == trial]
        until_j = work.until_j
        if until_j is not None:  # of the trial; what is left of it is the slice's
            until_j -= sum(told.energy_j or 0.0 for told in slices)
        result = objective.train_slice(
            work.params,
            Assignment(
                StopRule(work.until, until_j, work.pause),
                self._meter,
                budget,
                interrupted=pulse,
                reported=pulse.reported,
                number=trial,
                done=slices[-1].epochs if slices else 0,
                beat=job.incumbent,
            ),
            self._folder.read_checkpoint(job.run, trial, len(slices)),
        )
        if result.state is State.PAUSED and result.checkpoint is not None:
            self._folder.write_checkpoint(job.run, trial, len(slices) + 1, result.checkpoint)
        return result

    def _ask(self, job: Job) -> _Asked:
        """Bring the run's strategy up to date and ask it; a fault ends the run, not the worker."""
        strategy, n_told = self._strategies.pop(job.run, (None, 0))
        if job.turn is not None and job.turn.work is not None:
            return _Asked(None, job.turn.work)
        if job.strategy in self._overdue:
            return _Asked(error=self._overdue[job.strategy])
        try:
            if job.turn is not None:
                strategy = find_recipe(job.strategy).build(self.space, job.seed, self._task)
                work = ask_beside(strategy, job.history, job.turn.pending, job.spent_j)
                return _Asked(None, work, why_done="" if work else why_done(strategy))
            if strategy is None or n_told != len(job.history):
                strategy = find_recipe(job.strategy).build(self.space, job.seed, self._task)
                restore(strategy, job.history)
            work = strategy.ask(job.spent_j)
            check_work(work, job.history)
            return _Asked(strategy, work, why_done="" if work else why_done(strategy))
        except Stopped:
            raise
        except BaseException as error:  # noqa: BLE001 - a strategy may be the user's own
            return _Asked(error=describe_error(error))

    def _tell(
        self, job: Job, trial: int, strategy: Strategy, result: SliceResult, ask: Reading
    ) -> None:
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
            strategy.tell(told)
            self._strategies[job.run] = (strategy, len(job.history) + 1)
        except Stopped:
            raise
        except Overdue as error:
            self._overdue[job.strategy] = describe_error(error)
        except BaseException:  # noqa: BLE001
            return

    def _objective(self, seed: int, known: Sequence[Told]) -> Objective:
        """An objective that knows what the steps of these trials cost, and no others.

        So that what a run finds depends on its own history alone, not on who else used the worker.
        """
        train = [each.train_step for each in known if each.train_step]
        validate = [each.validate_step for each in known if each.validate_step]
        device = str(self._runtime.device)
        # Only `Stopped` comes from a signal here; a KeyboardInterrupt is the candidate's own.
        known_steps = (train, validate)
        return Objective(self._training, self._metric, device, seed, known_steps, Stopped)


def _is_better(result: SliceResult, incumbent: float | None, metric: Metric) -> bool:
    """Whether a slice gave a better network than all before."""
    if result.state not in RESULTS or result.score is None:
        return False
    return metric.improves(result.score, incumbent)


def _unbilled_j(around: Reading, billed: Reading, after: Reading) -> float | None:
    """Joules around a slice that are not its own, and of what came after it."""
    own_j = billed.total_j
    return total([around.total_j, None if own_j is None else -own_j, after.total_j])
