"""What a comparison survives: workers that die, and drivers that were killed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from ...errors import ConfigurationError
from ...models.outcome import State
from .events import InterruptedEvent, SliceEvent
from .executors import (
    break_off_workers,
    kill_workers,
    leave,
    make_executor,
    prepare,
    spawn_executor,
)
from .folder import Folder
from .heartbeat import SignOfLife
from .messages import Prepared, Setting, merge
from .run import Run

MOST_LOST_IN_A_ROW = 2
"""So often may a candidate take its worker down before it counts as failed."""


class Pool:
    """The workers of a comparison; when one dies and takes the others along, there are new ones.

    They are those of any PEP 3148 executor; by default this process or a pool of spawned ones.
    """

    def __init__(self, workers: int, executor: Executor | None = None) -> None:
        self.workers = workers
        self._is_own = executor is None
        self._executor = executor or make_executor(workers)

    def prepare(self, setting: Setting) -> tuple[Prepared, Setting]:
        """Start the workers: returns what they found, and the setting that they can be used with.

        Raises:
            ConfigurationError: The workers die.
            PerjouleError: The data set, device, meter or space cannot be used.
        """
        try:
            return self._prepare_all(setting), setting
        except BrokenProcessPool:  # the heaviest candidate may have taken a worker's memory
            self.replace()
        setting = replace(setting, probe_heaviest=False)
        try:
            return self._prepare_all(setting), setting
        except BrokenProcessPool as error:
            raise ConfigurationError(
                "the workers die when they start (out of memory?): take fewer with --workers, "
                "or a smaller space"
            ) from error

    def _prepare_all(self, setting: Setting) -> Prepared:
        futures = [self.submit(prepare, setting) for _ in range(self.workers)]
        answers = {each.pid: each for each in (future.result() for future in futures)}
        return merge(list(answers.values()))

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Give a worker something to do.

        Raises:
            BrokenProcessPool: A worker died, and the pool with it.
        """
        return self._executor.submit(job, *arguments)

    def kill(self, jobs: Collection[Future[Any]] = ()) -> None:
        """End the workers, unless the executor is another's; those that have a job break it off."""
        if self._is_own:
            if jobs:
                break_off_workers(self._executor, jobs)
            kill_workers(self._executor)

    def replace(self) -> None:
        """Go on with new workers."""
        kill_workers(self._executor)
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor, self._is_own = spawn_executor(self.workers), True

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the workers back."""
        if self._is_own:
            self.kill()
            self._executor.shutdown(wait=False, cancel_futures=True)
        leave()


def lost_slices(
    folder: Folder, runs: Mapping[str, Run], message: str, *, may_fail: bool = False
) -> Iterator[InterruptedEvent | SliceEvent]:
    """Charge slices that were lost, by their last signs of life; the message says how.

    The runs, by name, take each event before the next. With ``may_fail`` a candidate that takes its
    worker down again and again has failed.
    """
    for sign in folder.signs_of_life():
        run = runs.get(sign.run)
        if run is None or sign.number != _number_of_next(run, sign):
            continue  # its slice is in the ledger
        lost = InterruptedEvent(
            run=sign.run,
            trial=sign.trial,
            params=sign.params,
            energy_j=sign.energy_j,
            message=message,
            work=sign.work,
        )
        is_failure = may_fail and run.times_lost(lost) + 1 >= MOST_LOST_IN_A_ROW
        yield lost.as_slice(State.FAILED) if is_failure else lost


def _number_of_next(run: Run, sign: SignOfLife) -> int:
    """The number that a sign of life of something not yet recorded has."""
    return run.n_idle_asks if sign.params is None else run.recorded.get(sign.trial, 0)
