"""The loop of a comparison: whichever run has spent the fewest joules gets the free worker.

So a comparison that is interrupted is a fair one at any moment, and the heat and noise of the
machine fall on all strategies alike. The driver alone writes; the ledger is the truth, and a
resumed comparison goes on from it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...files.writing import remove
from ...models.importing import describe_error
from ...models.outcome import State
from .events import (
    End,
    EndEvent,
    InterruptedEvent,
    MachineEvent,
    RunEvent,
    SearchEvent,
    SessionEvent,
    SliceEvent,
    StartEvent,
)
from .executors import execute
from .flights import Answer, Flight, Flights
from .folder import Folder
from .heartbeat import heard_by
from .interrupt import Interrupt
from .jobs import Jobs
from .ledger import Ledger
from .machines import MachineFacts
from .messages import Job, Outcome, Prepared, Setting
from .recovery import Pool, lost_slices
from .run import Run, restore_runs
from .signals import Stopped
from .turns import Turns
from .watching import ComparisonWatcher, Display
from .work import Workforce

if TYPE_CHECKING:
    from .recording import Recording

STOPPED = "the comparison was stopped"
POLL_S = 0.25


class Driver:
    """Runs all (strategy, seed) pairs of an experiment until their allotments are spent.

    The folder of the setting is made and locked; ``prepared`` is what the workers found when they
    started, the watcher is told how it goes, and a recording gets trials that have ended.
    """

    def __init__(
        self,
        setting: Setting,
        pool: Pool,
        prepared: Prepared,
        ledger: Ledger,
        watcher: ComparisonWatcher | None = None,
        recording: Recording | None = None,
    ) -> None:
        self._setting, self._pool, self._prepared = setting, pool, prepared
        self._ledger = ledger
        self._folder = Folder(setting.folder, setting.exchange)
        self._runs = restore_runs(setting.experiment, self._folder.events(), self._folder.ledger)
        self._inflight = Flights()
        self._jobs = Jobs(setting, prepared)
        self._turns = Turns(self._runs, self._n_flying)
        self._workforce = Workforce()
        self._machines = self._folder.machines()
        self._interrupt = Interrupt(self._ask_to_stop)
        self._display = Display(watcher, self._folder, self._runs)
        self._recording = recording

    def run(self) -> bool:
        """Go on until every run is over or somebody stops it; the ledger has everything then.

        Returns whether somebody asked to stop.
        """
        # A slice that was broken off in this process is charged where the session ends.
        with self._interrupt, suppress(Stopped), self._session():
            while self._launch() or self._inflight:
                self._settle_finished()
                self._display.show()
                if self._recording is not None:
                    self._recording.catch_up()
                if self._interrupt.grace_is_over:
                    break
            self._display.show(last=True)
        return self._interrupt.is_set

    def _launch(self) -> bool:
        """Give the free workers work; False if there is none to give."""
        launched = False
        while len(self._inflight) < self._pool.workers and not self._interrupt.is_set:
            machine = self._pool.next_machine if len(self._machines) > 1 else None
            run = self._turns.next(machine)
            if run is None:
                break
            own = self._inflight.of(run.name)
            expected_j = self._jobs.expected_j(run)
            experiment = self._setting.experiment
            why_over = run.why_over(experiment.allotment_j, *expected_j)
            if run.n_begun(job.trial for job in own) >= (experiment.trials or math.inf):
                why_over = why_over or (End.TRIALS, "")
            if why_over is not None and not own:
                self._end(run, *why_over)
                continue
            job = None if why_over else self._jobs.next_job(run, own)
            if job is None:
                self._wait(run)
                continue
            try:
                self._submit(job)
                launched = True
            except BrokenProcessPool:
                self._replace_workers()
        return launched

    def _n_flying(self, run: Run) -> int | None:
        """How many jobs a run has in flight; None if it has no room for another one."""
        own = self._inflight.of(run.name)
        return len(own) if self._jobs.has_room(run, own) else None

    def _wait(self, run: Run) -> None:
        self._jobs.wait(run)
        self._turns.touch([run.name])

    def _submit(self, *jobs: Job) -> None:
        """Give a worker jobs of one run, to be done as one stack where that can be."""
        if self._setting.exchange_url is not None:  # it may not see the ledger
            jobs = tuple(replace(job, history=job.history.travelling()) for job in jobs)
        for job in jobs:
            self._folder.put_sign(self._setting.ticket(job))
        self._workforce.engaged()
        submitted_s = time.perf_counter()
        future = self._pool.submit(execute, self._setting, *jobs)
        future.add_done_callback(lambda _: self._workforce.freed())
        self._inflight.add(future, Flight(jobs, submitted_s))
        self._turns.touch([jobs[0].run])

    def _land(self, future: Answer) -> Flight:
        flight = self._inflight.pop(future)
        self._turns.touch([flight.run])
        return flight

    def _settle_finished(self) -> None:
        broken = False
        for future in self._inflight.wait(POLL_S):
            try:
                outcomes = future.result()
                # Not before: what raises anything else is charged as lost when the loop ends.
                jobs, submitted_s = self._land(future)
                self._workforce.settled(outcomes, time.perf_counter() - submitted_s)
                self._note_machines(each.machine for each in outcomes if each.machine)
                for job, outcome in zip(jobs, outcomes, strict=True):
                    self._settle(self._runs[job.run], job, outcome)
            except BrokenProcessPool:
                broken = True
            except Exception as error:
                if future not in self._inflight or not self._pool.has_lost(error):
                    raise
                jobs = self._land(future).jobs
                heard = [self._give_up(job, error) for job in jobs]
                self._pool.note_loss(error, was_heard_of=any(heard))
        if broken and self._interrupt.is_set:
            self._charge_lost(STOPPED)
        elif broken:
            self._replace_workers()

    def _give_up(self, job: Job, error: Exception) -> bool:
        """An executor lost a job: charge it by what was heard of it; its work is done anew.

        Returns whether anything was heard of it.
        """
        self._folder.put_sign(self._setting.given_up(job))
        self._workforce.unbilled_j = None  # a worker's start is told with the result alone
        run, message = self._runs[job.run], f"its executor lost it ({describe_error(error)})"
        may_fail = not self._interrupt.is_set
        for event in lost_slices(
            self._folder, self._runs, message, may_fail=may_fail, nonce=job.nonce
        ):
            self._record(event)
        self._jobs.suspect([run])
        self._turns.touch(self._runs)
        return job.nonce in run.charged

    def _settle(self, run: Run, job: Job, outcome: Outcome) -> None:
        """Write what came back, and only then forget its sign of life.

        Signs of life are removed here and in `_charge_lost`, and nowhere else.
        """
        if outcome.slice_ is not None:
            self._settle_slice(run, job, outcome)
        elif not outcome.works:
            self._settle_idle_ask(run, job, outcome)
        else:
            jobs = self._jobs.train(job, run, outcome, self._inflight.of(run.name))
            if not self._interrupt.is_set:  # its sign of life becomes that of the training
                self._submit(*jobs)
                return
            for each in jobs:
                self._record(InterruptedEvent.asked(each, counts_search=self._counts_search))
        self._setting.sign_of_life(job).unlink(missing_ok=True)

    def _settle_slice(self, run: Run, job: Job, outcome: Outcome) -> None:
        result = outcome.slice_
        assert result is not None
        score = result.score
        is_best = score is not None and run.metric.improves(score, run.incumbent)
        if not is_best:  # its worker may have known an older incumbent
            outcome = replace(outcome, test_score=None)
        elif result.checkpoint is not None:  # first, so that no recorded incumbent is without
            self._folder.write_weights(
                run.name, outcome.trial, result.checkpoint, run.incumbent_trial
            )
        event = SliceEvent.of(outcome, counts_search=self._counts_search)
        if job.turn is not None and result.state is State.INTERRUPTED:
            event = replace(event, work=job.turn.work)
        self._record(event)
        if is_best and result.checkpoint is None:  # those of an earlier slice are of another score
            remove(self._folder.weights(run.name, outcome.trial))
        self._jobs.ended(run)
        self._turns.touch([run.name])
        self._drop_used_checkpoints(run, outcome.trial, result.state)

    def _settle_idle_ask(self, run: Run, job: Job, outcome: Outcome) -> None:
        """An ask gave no work: the run is over, unless slices in flight may change that."""
        energy_j = outcome.search.total_j if self._counts_search else 0.0
        self._record(SearchEvent(run=run.name, energy_j=energy_j, nonce=outcome.nonce))
        if job.turn is None or not job.turn.pending:
            reason = End.STRATEGY_ERROR if outcome.error else End.NO_WORK
            self._end(run, reason, outcome.error or outcome.why_done)
            return
        self._jobs.give_back(job, run, outcome)
        if self._inflight.of(run.name):
            self._wait(run)

    @property
    def _counts_search(self) -> bool:
        return self._prepared.counts_search

    def _drop_used_checkpoints(self, run: Run, trial: int, state: State) -> None:
        """Forget the states of a trial that no slice will start from."""
        n_slices = len(run.history.of(trial))
        if state is not State.INTERRUPTED and (n_slices > 1 or trial in run.untold):
            self._folder.drop_checkpoints(run.name, trial, n_slices + (state is not State.PAUSED))

    def _end(self, run: Run, reason: End, message: str) -> None:
        self._record(EndEvent(run=run.name, reason=reason, message=message))
        self._folder.drop_all_checkpoints(run.name)

    def _record(self, event: RunEvent) -> None:
        self._ledger.append(event)
        self._runs[event.run].apply(event)
        self._turns.touch([event.run])

    def _replace_workers(self) -> None:
        """A worker died, and its pool with it: charge what was in flight and go on anew."""
        self._charge_lost("its worker died (out of memory?)", may_fail=not self._interrupt.is_set)
        self._jobs.suspect([run for run in self._runs.values() if run.lost])
        self._turns.touch(self._runs)
        # A new worker shall not die of what it tries first, where nobody could be charged.
        self._setting = replace(self._setting, probe_risky=False)
        self._pool.replace()

    def _charge_lost(self, message: str, *, may_fail: bool = False) -> None:
        """Charge the slices that signs of life tell of, and only then forget the signs."""
        # Workers are ended first, so that their signs of life are the last ones.
        flying = self._inflight.futures
        died = self._pool.kill(flying, self._setting.stop_sign) if flying else {}
        self._inflight.clear()
        self._turns.touch(self._runs)
        for event in lost_slices(self._folder, self._runs, message, may_fail=may_fail, died=died):
            self._record(event)
        self._folder.clear_signs()

    def _note_machines(self, machines: Iterable[MachineFacts]) -> None:
        """Write down which machines have workers that had none before."""
        for machine in machines:
            if machine.name not in self._machines:
                self._machines.add(machine.name)
                self._ledger.append(MachineEvent(machine=machine))

    def _ask_to_stop(self) -> None:
        self._setting.stop_sign.touch()
        self._display.stopping()

    @contextmanager
    def _session(self) -> Iterator[None]:
        """Write when the driver begins and stops, and what was lost with the one before it."""
        self._folder.begin()
        own_here = self._setting.objective is not None  # it ran in the process that ended
        self._charge_lost("the comparison was killed", may_fail=own_here)
        workers, startup_j = self._pool.workers, self._prepared.startup_j
        self._ledger.append(StartEvent(workers=workers, startup_j=startup_j))
        self._note_machines(self._prepared.machines)
        started_s, started_cpu_s = time.perf_counter(), time.process_time()
        status, message = "complete", ""
        try:
            with heard_by(self._display.show_inside_slice):
                yield
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        except BaseException as error:
            status, message = "failed", describe_error(error)
            raise
        finally:
            self._charge_lost(STOPPED)
            self._folder.end()
            force = self._workforce
            self._ledger.append(
                SessionEvent(
                    status="interrupted" if self._interrupt.is_set else status,
                    wall_s=time.perf_counter() - started_s,
                    busy_s=force.busy_s,
                    asking_s=force.asking_s,
                    waiting_s=force.waiting_s,
                    unbilled_j=force.unbilled_j,
                    # With one worker the driver trains, too.
                    driver_cpu_s=time.process_time() - started_cpu_s if workers > 1 else None,
                    message=message,
                )
            )
