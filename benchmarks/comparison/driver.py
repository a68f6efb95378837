"""The loop of a comparison: whichever run has spent the fewest joules gets the free worker.

So a comparison that is interrupted is a fair one at any moment, and the heat and noise of the
machine fall on all strategies alike. The driver alone writes; the ledger is the truth, and a
resumed comparison goes on from it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from ...energy import SourceInfo
from ...energy.quantities import format_energy
from ...errors import BudgetError, ConfigurationError
from ...models.outcome import State
from ...tuners.registry import find_recipe
from .events import (
    End,
    Event,
    Run,
    end_event,
    failed_event,
    interrupted_event,
    search_event,
    slice_event,
)
from .executors import execute, kill_workers, leave, make_executor, prepare
from .experiment import Experiment
from .folder import Folder
from .ledger import Ledger
from .messages import Job, Outcome, Prepared, Setting, merge
from .workforce import Workforce

POLL_S = 0.25
GRACE_S = 1.5
"""After Ctrl-C, seconds until workers that do not stop by themselves are ended."""
MOST_FAILED_IN_A_ROW = 20
MOST_TRUNCATED_IN_A_ROW = 3
"""What is left after so many tries fits no candidate worth trying."""
MOST_LOST_IN_A_ROW = 2
"""So often may a candidate take its worker down before it counts as failed."""
ASK_MARGIN = 1.5
"""The next ask of a fitted model may cost this much more than the last or the rehearsed one."""


class Progress(Protocol):
    """Who is shown how a comparison goes."""

    def begin(self, experiment: Experiment, sources: list[SourceInfo], workers: int) -> None:
        """Take what begins, before anything costly is done."""
        ...

    def update(self, runs: list[Run], inflight_j: dict[str, float | None]) -> None:
        """Take the present state: all runs, and the joules of their slices in flight."""
        ...

    def stopping(self) -> None:
        """Somebody asked to stop; workers are keeping what they have."""
        ...


class Comparison:
    """Runs all (strategy, seed) pairs of an experiment until their allotments are spent.

    Args:
        setting: The experiment and its folder.
        workers: Trials at a time.
        executor: Any PEP 3148 executor; by default this process or a pool of spawned ones.
        progress: Is told how it goes.
    """

    def __init__(
        self,
        setting: Setting,
        workers: int,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._setting = setting
        self._workers = workers
        self._own_executor = executor is None
        self._executor = executor or make_executor(workers)
        self._progress = progress
        self._folder = Folder(setting.folder)
        experiment = setting.experiment
        self.allotment_j = experiment.allotment_j
        self.runs = {
            f"{strategy}-{seed}": Run(f"{strategy}-{seed}", strategy, seed)
            for seed in range(experiment.seeds)
            for strategy in experiment.strategies
        }
        self.interrupted = False
        self._interrupted_s = 0.0
        self._inflight: dict[Future[Outcome], tuple[Run, float]] = {}
        self._workforce = Workforce()

    def prepare(self) -> Prepared:
        """Start the workers, and make sure that the budget is worth starting for.

        Raises:
            BudgetError: Not even one epoch of the cheapest candidate fits an allotment.
            PerjouleError: The data set, device, meter or space cannot be used, or workers die.
        """
        try:
            self.prepared = self._prepare_workers()
        except BrokenProcessPool:  # the heaviest candidate may have taken a worker's memory
            self._replace_pool()
            self._setting = replace(self._setting, probe_heaviest=False)
            try:
                self.prepared = self._prepare_workers()
            except BrokenProcessPool as error:
                raise ConfigurationError(
                    "the workers die when they start (out of memory?): take fewer with --workers, "
                    "or a smaller space"
                ) from error
        epoch_j = self.prepared.epoch_j
        if epoch_j is not None and epoch_j > self.allotment_j:
            n_runs = len(self.runs)
            raise BudgetError(
                f"budget {format_energy(self.allotment_j * n_runs)} gives each of {n_runs} runs "
                f"{format_energy(self.allotment_j)}, but one epoch of the cheapest candidate "
                f"costs {format_energy(epoch_j)} here: give at least "
                f"{format_energy(epoch_j * n_runs)}, better ten times that"
            )
        return self.prepared

    def _prepare_workers(self) -> Prepared:
        futures = [self._executor.submit(prepare, self._setting) for _ in range(self._workers)]
        answers = {each.pid: each for each in (future.result() for future in futures)}
        return merge(list(answers.values()))

    def run(self) -> None:
        """Go on until every run is over or Ctrl-C; everything is in the ledger then.

        The folder must be made and locked, and ``prepare`` have been called.
        """
        with Ledger(self._folder.ledger) as self._ledger, self._answering_ctrl_c():
            self._folder.begin()
            self._replay()
            startup_j = self.prepared.startup_j
            self._ledger.append(
                {"event": "start", "workers": self._workers, "startup_j": startup_j}
            )
            started, started_cpu = time.perf_counter(), time.process_time()
            try:
                while self._launch() or self._inflight:
                    self._settle_finished()
                    self._show()
                    if self.interrupted and self._grace_over():
                        break
                    if self.interrupted and not self._inflight:
                        break
            finally:
                self._abandon("the comparison was stopped")
                self._folder.end()
                self._write_session(
                    time.perf_counter() - started, time.process_time() - started_cpu
                )

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the workers back."""
        if self._own_executor:
            kill_workers(self._executor)
            self._executor.shutdown(wait=False, cancel_futures=True)
        leave()

    def _replay(self) -> None:
        """Bring the runs to where the ledger is, and charge slices that died with a driver."""
        for event in self._folder.events():
            if "run" in event:
                self.runs[event["run"]].apply(event)
        for sign in self._folder.signs_of_life():
            run = self.runs.get(sign["run"])
            if run is not None and run.n_slices == sign["number"]:
                self._record(interrupted_event(sign, "the comparison was killed"))
        self._folder.clear_signs()

    def _record(self, event: Event) -> None:
        self._ledger.append(event)
        run = self.runs[event["run"]]
        run.apply(event)
        if run.end is not None:
            self._folder.drop_all_checkpoints(run.name)

    def _launch(self) -> bool:
        """Give the free workers work; False if there is none to give."""
        launched = False
        busy = {run.name for run, _ in self._inflight.values()}
        while len(self._inflight) < self._workers and not self.interrupted:
            waiting = [r for r in self.runs.values() if r.end is None and r.name not in busy]
            run = min(waiting, key=lambda r: r.spent_j or 0.0, default=None)
            if run is None:
                break
            end = self._why_over(run)
            if end is not None:
                self._record(end_event(run, *end))
                continue
            try:
                self._submit(run)
            except BrokenProcessPool:
                self._replace_pool()
                busy.clear()
                continue
            busy.add(run.name)
            launched = True
        return launched

    def _why_over(self, run: Run) -> tuple[End, str] | None:
        """Why a run gets no further work, None if it does."""
        if run.spent_j is None:
            return End.METER_LOST, "a source stopped answering; see `perjoule doctor`"
        if run.n_failed_in_a_row >= MOST_FAILED_IN_A_ROW:
            count = run.n_failed_in_a_row
            return End.FAILING, f"{count} trials failed in a row, the last by {run.failure}"
        needed_j = self._expected_ask_j(run) + (self.prepared.epoch_j or 0.0)
        left_j = self.allotment_j - run.spent_j
        if left_j <= 0 or needed_j > left_j or run.n_truncated_in_a_row >= MOST_TRUNCATED_IN_A_ROW:
            return End.SPENT, ""
        return None

    def _expected_ask_j(self, run: Run) -> float:
        """What the next ask may cost: as much as the rehearsed or the last one."""
        early_j, fitted_j = self.prepared.ask_j[run.strategy]
        startup = find_recipe(run.strategy).startup_trials
        if startup is None or len(run.history) < startup:
            return max([early_j, *run.ask_j[-1:]])
        return ASK_MARGIN * max([fitted_j, *run.ask_j[-1:]])

    def _submit(self, run: Run) -> None:
        assert run.spent_j is not None
        job = Job(
            run=run.name,
            strategy=run.strategy,
            seed=run.seed,
            trial=run.n_trials,
            number=run.n_slices,
            history=tuple(run.history),
            spent_j=run.spent_j,
            remaining_j=self.allotment_j - run.spent_j,
            incumbent=run.incumbent,
        )
        self._workforce.engaged()
        submitted = time.perf_counter()
        future = self._executor.submit(execute, self._setting, job)
        future.add_done_callback(lambda _: self._workforce.freed())
        self._inflight[future] = (run, submitted)

    def _settle_finished(self) -> None:
        done, _ = wait(self._inflight, timeout=POLL_S, return_when=FIRST_COMPLETED)
        broken = False
        for future in done:
            try:
                outcome = future.result()
            except BrokenProcessPool:
                broken = True
                continue
            # Not before: what raises anything else is charged as lost when the loop ends.
            run, submitted = self._inflight.pop(future)
            self._workforce.settled(outcome, time.perf_counter() - submitted)
            self._settle(run, outcome)
        if broken:
            self._replace_pool()

    def _settle(self, run: Run, outcome: Outcome) -> None:
        """Write what came back, and only then forget its sign of life."""
        counts_search = self.prepared.counts_search
        if outcome.slice_ is not None:
            weights = outcome.slice_.checkpoint
            if weights is not None:  # first, so that no recorded incumbent is without
                self._folder.write_weights(run.name, outcome.trial, weights, run.incumbent_trial)
            self._record(slice_event(outcome, counts_search=counts_search))
            self._tidy(run, outcome.trial, outcome.slice_.state)
        else:
            self._record(search_event(outcome, counts_search=counts_search))
            reason = End.STRATEGY_ERROR if outcome.error else End.NO_WORK
            self._record(end_event(run, reason, outcome.error))
        self._setting.sign_of_life(run.name).unlink(missing_ok=True)

    def _tidy(self, run: Run, trial: int, state: State) -> None:
        """Forget states that no slice will start from."""
        if state is State.INTERRUPTED:
            return
        n_slices = sum(told.trial == trial for told in run.history)
        self._folder.drop_checkpoints(run.name, trial, n_slices + (state is not State.PAUSED))

    def _replace_pool(self) -> None:
        """A worker died, and its pool with it: charge what was in flight and go on anew."""
        self._abandon("its worker died (out of memory?)")
        self._folder.clear_signs()
        kill_workers(self._executor)
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor, self._own_executor = make_executor(self._workers), True

    def _abandon(self, message: str) -> None:
        """Charge the slices in flight by their last signs of life."""
        if not self._inflight:
            return
        if self._own_executor:
            kill_workers(self._executor)
        lost = {run.name: run for run, _ in self._inflight.values()}
        self._inflight.clear()
        for sign in self._folder.signs_of_life():
            run = lost.get(sign["run"])
            if run is None or run.n_slices != sign["number"]:
                continue
            if not self.interrupted and run.n_lost_in_a_row + 1 >= MOST_LOST_IN_A_ROW:
                self._record(failed_event(sign, message))
            else:
                self._record(interrupted_event(sign, message))

    def _grace_over(self) -> bool:
        return time.perf_counter() - self._interrupted_s > GRACE_S

    def _show(self) -> None:
        if self._progress is not None:
            signs = self._folder.signs_of_life() if self._inflight else []
            inflight_j = {sign["run"]: sign["energy_j"] for sign in signs}
            self._progress.update(list(self.runs.values()), inflight_j)

    def _write_session(self, wall_s: float, driver_cpu_s: float) -> None:
        force = self._workforce
        self._ledger.append(
            {
                "event": "session",
                "status": "interrupted" if self.interrupted else "complete",
                "wall_s": wall_s,
                "busy_s": force.busy_s,
                "asking_s": force.asking_s,
                "waiting_s": force.waiting_s,
                "unbilled_j": force.unbilled_j,
                # With one worker the driver trains too.
                "driver_cpu_s": driver_cpu_s if self._workers > 1 else None,
            }
        )

    @contextmanager
    def _answering_ctrl_c(self) -> Iterator[None]:
        """The first Ctrl-C (or SIGTERM) asks all to stop and keep everything; a second insists."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(*_: object) -> None:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True
            self._interrupted_s = time.perf_counter()
            self._setting.stop_sign.touch()
            if self._progress is not None:
                self._progress.stopping()

        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, stop) for number in signals]
        try:
            yield
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)
