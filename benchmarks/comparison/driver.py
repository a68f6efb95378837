"""The loop of a comparison: whichever run has spent the fewest joules gets the free worker.

So a comparison that is interrupted is a fair one at any moment, and the heat and noise of the
machine fall on all strategies alike. The driver alone writes; the ledger is the truth, and a
resumed comparison goes on from it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Protocol

from ...energy import SourceInfo
from ...models.outcome import State
from ...tuners.registry import find_recipe
from .events import End, EndEvent, RunEvent, SearchEvent, SessionEvent, SliceEvent, StartEvent
from .executors import execute
from .experiment import Experiment
from .folder import Folder
from .ledger import Ledger
from .messages import Job, Outcome, Prepared, Setting
from .recovery import Pool, lost_slices
from .run import ASK_MARGIN, Run, restore_runs
from .signals import Interrupt
from .work import Workforce

POLL_S = 0.25


class ComparisonWatcher(Protocol):
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

    def refitting(self, epochs: int) -> None:
        """The search is over; its best candidate is trained again, for so many epochs."""
        ...


class Driver:
    """Runs all (strategy, seed) pairs of an experiment until their allotments are spent.

    The folder of the setting is made and locked; ``prepared`` is what the workers found when they
    started, and the watcher is told how it goes.
    """

    def __init__(
        self,
        setting: Setting,
        pool: Pool,
        prepared: Prepared,
        ledger: Ledger,
        watcher: ComparisonWatcher | None = None,
    ) -> None:
        self._setting, self._pool, self._prepared = setting, pool, prepared
        self._ledger, self._watcher = ledger, watcher
        self._folder = Folder(setting.folder)
        self._runs = restore_runs(setting.experiment, self._folder.events(), self._folder.ledger)
        self._inflight: dict[Future[Outcome], tuple[Run, float]] = {}
        self._workforce = Workforce()
        self._interrupt = Interrupt(self._ask_to_stop)

    def run(self) -> None:
        """Go on until every run is over or somebody stops it; the ledger has everything then."""
        with self._interrupt, self._session():
            while self._launch() or self._inflight:
                self._settle_finished()
                self._show()
                if self._interrupt.grace_is_over:
                    break

    def _launch(self) -> bool:
        """Give the free workers work; False if there is none to give."""
        launched = False
        while len(self._inflight) < self._pool.workers and not self._interrupt.is_set:
            busy = {run.name for run, _ in self._inflight.values()}
            waiting = [r for r in self._runs.values() if r.end is None and r.name not in busy]
            if not waiting:
                break
            run = min(waiting, key=lambda run: run.spent_j or 0.0)
            why_over = run.why_over(
                self._setting.experiment.allotment_j,
                self._expected_ask_j(run),
                self._prepared.epoch_j or 0.0,
            )
            if why_over is not None:
                self._end(run, *why_over)
                continue
            try:
                self._submit(run)
                launched = True
            except BrokenProcessPool:
                self._replace_workers()
        return launched

    def _expected_ask_j(self, run: Run) -> float:
        """What the next ask may cost: as much as the rehearsed or the last one."""
        early_j, fitted_j = self._prepared.ask_j[run.strategy]
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
            remaining_j=self._setting.experiment.allotment_j - run.spent_j,
            incumbent=run.incumbent,
        )
        self._workforce.engaged()
        submitted_s = time.perf_counter()
        future = self._pool.submit(execute, self._setting, job)
        future.add_done_callback(lambda _: self._workforce.freed())
        self._inflight[future] = (run, submitted_s)

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
            run, submitted_s = self._inflight.pop(future)
            self._workforce.settled(outcome, time.perf_counter() - submitted_s)
            self._settle(run, outcome)
        if broken:
            self._replace_workers()

    def _settle(self, run: Run, outcome: Outcome) -> None:
        """Write what came back, and only then forget its sign of life."""
        counts_search = self._prepared.counts_search
        if outcome.slice_ is not None:
            weights = outcome.slice_.checkpoint
            if weights is not None:  # first, so that no recorded incumbent is without
                self._folder.write_weights(run.name, outcome.trial, weights, run.incumbent_trial)
            self._record(SliceEvent.of(outcome, counts_search=counts_search))
            self._drop_used_checkpoints(run, outcome.trial, outcome.slice_.state)
        else:
            energy_j = outcome.search.total_j if counts_search else 0.0
            self._record(SearchEvent(run=run.name, energy_j=energy_j))
            self._end(run, End.STRATEGY_ERROR if outcome.error else End.NO_WORK, outcome.error)
        self._setting.sign_of_life(run.name).unlink(missing_ok=True)

    def _drop_used_checkpoints(self, run: Run, trial: int, state: State) -> None:
        """Forget the states of a trial that no slice will start from."""
        if state is not State.INTERRUPTED:
            n_slices = sum(told.trial == trial for told in run.history)
            self._folder.drop_checkpoints(run.name, trial, n_slices + (state is not State.PAUSED))

    def _end(self, run: Run, reason: End, message: str) -> None:
        self._record(EndEvent(run=run.name, reason=reason, message=message))
        self._folder.drop_all_checkpoints(run.name)

    def _record(self, event: RunEvent) -> None:
        self._ledger.append(event)
        self._runs[event.run].apply(event)

    def _replace_workers(self) -> None:
        """A worker died, and its pool with it: charge what was in flight and go on anew."""
        self._charge_inflight("its worker died (out of memory?)")
        self._folder.clear_signs()
        self._pool.replace()

    def _charge_inflight(self, message: str) -> None:
        """Charge the slices in flight, which are lost."""
        if not self._inflight:
            return
        self._pool.kill()  # so that their signs of life are the last ones
        lost = {run.name: run for run, _ in self._inflight.values()}
        self._inflight.clear()
        may_fail = not self._interrupt.is_set
        for event in lost_slices(self._folder, lost, message, may_fail=may_fail):
            self._record(event)

    def _ask_to_stop(self) -> None:
        self._setting.stop_sign.touch()
        if self._watcher is not None:
            self._watcher.stopping()

    def _show(self) -> None:
        if self._watcher is not None:
            signs = self._folder.signs_of_life() if self._inflight else []
            self._watcher.update(
                list(self._runs.values()), {sign.run: sign.energy_j for sign in signs}
            )

    @contextmanager
    def _session(self) -> Iterator[None]:
        """Write when the driver begins and stops, and what was lost with the one before it."""
        self._folder.begin()
        for event in lost_slices(self._folder, self._runs, "the comparison was killed"):
            self._record(event)
        self._folder.clear_signs()
        workers, startup_j = self._pool.workers, self._prepared.startup_j
        self._ledger.append(StartEvent(workers=workers, startup_j=startup_j))
        started_s, started_cpu_s = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._charge_inflight("the comparison was stopped")
            self._folder.end()
            force = self._workforce
            self._ledger.append(
                SessionEvent(
                    status="interrupted" if self._interrupt.is_set else "complete",
                    wall_s=time.perf_counter() - started_s,
                    busy_s=force.busy_s,
                    asking_s=force.asking_s,
                    waiting_s=force.waiting_s,
                    unbilled_j=force.unbilled_j,
                    # With one worker the driver trains, too.
                    driver_cpu_s=time.process_time() - started_cpu_s if workers > 1 else None,
                )
            )
