"""What a comparison survives: workers that die, and drivers that were killed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ...errors import ConfigurationError, PerjouleError
from ...files.damage import damaged
from ...models.importing import describe_error
from ...models.outcome import State
from .engines import Elastic
from .events import End, EndEvent, InterruptedEvent, RunEvent, SearchEvent
from .exchange import AnyFile
from .executors import (
    NotWantedError,
    break_off_workers,
    ended_workers,
    kill_workers,
    leave,
    make_executor,
    prepare,
    refuse_no_guard,
    spawn_executor,
)
from .folder import Folder
from .heartbeat import SignOfLife
from .messages import Prepared, Setting, merge
from .run import Run

MOST_LOST_IN_A_ROW = 2
"""How often a candidate may take its worker down before it counts as failed."""
MOST_UNHEARD_IN_A_ROW = 3
"""Jobs in a row that an executor may lose before they began."""
ASKED_S = 2.0
"""Seconds to wait for workers that can only be asked to stop."""


class Pool:
    """The workers of a comparison; when one dies and takes the others along, there are new ones.

    They are those of any PEP 3148 executor; by default this process or a pool of spawned ones.
    """

    def __init__(
        self, workers: int, executor: Executor | None = None, *, apart: bool = False
    ) -> None:
        self._most = workers
        self._n_unheard = 0
        self._is_own = executor is None
        self._executor = executor or make_executor(workers, apart=apart)
        # Asked once, since the question reads the properties, which may ask a scheduler.
        self._elastic = executor if isinstance(executor, Elastic) else None

    @property
    def workers(self) -> int:
        """Jobs to be given at a time: as many as wanted, of those workers that there are now."""
        if self._elastic is None:
            return self._most
        return max(1, min(self._most, self._elastic.n_workers))  # the last may be replaced

    @property
    def next_machine(self) -> str | None:
        """The machine that the next job will run on; None if nobody knows."""
        return None if self._elastic is None else self._elastic.next_machine

    def prepare(self, setting: Setting) -> tuple[Prepared, Setting]:
        """Start the workers: returns what they found, and the setting that they can be used with.

        Raises:
            ConfigurationError: The workers die.
            PerjouleError: The data set, device, meter or space cannot be used.
        """
        try:
            return _with_what_is_alike(self._prepare_all(setting), setting)
        except BrokenProcessPool:  # what is tried first may have ended a worker
            self._codes()
            self.replace()
        setting = replace(setting, probe_risky=False)
        try:
            return _with_what_is_alike(self._prepare_all(setting), setting)
        except BrokenProcessPool as error:
            how = next(map(how_it_ended, self._codes()), "out of memory?")
            raise ConfigurationError(
                f"the workers die when they start ({how}): take fewer with --workers, or a smaller "
                "space; or what is trained ends its process"
            ) from error

    def _codes(self) -> list[int]:
        """End what is left of workers that died as they started: the exit codes of those.

        Raises:
            ConfigurationError: They began the script anew that is run.
        """
        codes = list(self.kill().values())
        refuse_no_guard(codes)
        return codes

    def _prepare_all(self, setting: Setting) -> Prepared:
        futures = [self.submit(prepare, setting) for _ in range(self.workers)]
        answers = [future.result() for future in futures]
        return merge(list({(each.machines[0].name, each.pid): each for each in answers}.values()))

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Give a worker something to do.

        Raises:
            BrokenProcessPool: A worker died, and the pool with it.
        """
        options: dict[str, Any] = {}
        if type(self._executor).__module__.partition(".")[0] == "distributed":
            options = {"pure": False, "retries": 0}  # metered work is done anew, and never silently
        return self._executor.submit(job, *arguments, **options)

    def has_lost(self, error: BaseException) -> bool:
        """Whether this error means that the executor lost the job, not that it cannot be done."""
        if isinstance(error, NotWantedError):
            return True
        return not self._is_own and not isinstance(error, PerjouleError)

    def note_loss(self, error: BaseException, *, was_heard_of: bool) -> None:
        """Note that a job was lost.

        Raises:
            ConfigurationError: So many were lost in a row of which nothing was ever heard that the
                executor is of no use.
        """
        self._n_unheard = 0 if was_heard_of else self._n_unheard + 1
        if self._n_unheard >= MOST_UNHEARD_IN_A_ROW:
            raise ConfigurationError(
                f"the executor lost {self._n_unheard} jobs in a row before they began, the last "
                f"by {describe_error(error)}: look at its workers, and whether they share the run "
                "folder"
            ) from error

    def kill(
        self, jobs: Collection[Future[Any]] = (), stop_sign: AnyFile | None = None
    ) -> dict[int, int]:
        """End the workers; those that have a job break it off.

        Those of another's executor are asked to stop by the sign, and waited for a little.

        Returns:
            The exit codes of those that had died, by their pids; of another's nothing is known.
        """
        if self._is_own:
            died = ended_workers(self._executor)
            if jobs:
                break_off_workers(self._executor, jobs)
            kill_workers(self._executor)
            return died
        if jobs and stop_sign is not None:
            with suppress(OSError):
                stop_sign.touch()
            wait(jobs, timeout=ASKED_S)
        return {}

    def replace(self) -> None:
        """Go on with new workers."""
        kill_workers(self._executor)
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor, self._is_own = spawn_executor(self._most), True
        self._elastic = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the workers back."""
        if self._is_own:
            self.kill()
            self._executor.shutdown(wait=False, cancel_futures=True)
        leave()


def _with_what_is_alike(prepared: Prepared, setting: Setting) -> tuple[Prepared, Setting]:
    return prepared, replace(setting, alike=prepared.alike)


def how_it_ended(code: int) -> str:
    """How a process ended, in words.

    >>> how_it_ended(3), how_it_ended(-11)
    ('exit code 3', 'killed by SIGSEGV')
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def lost_slices(
    folder: Folder,
    runs: Mapping[str, Run],
    message: str,
    *,
    may_fail: bool = False,
    nonce: str | None = None,
    died: Mapping[int, int] = MappingProxyType({}),
) -> Iterator[RunEvent]:
    """Charge slices that were lost, by their last signs of life; the message says how.

    The runs, by name, take each event before the next.

    Args:
        folder: Where the signs are.
        runs: The runs of the comparison.
        message: How they were lost.
        may_fail: Whether what was lost may have ended its process. A candidate that does so again
            and again has failed, and a strategy ends its run.
        nonce: Of the job that alone is charged; None for all.
        died: Exit codes of the workers that died by themselves, where they are known: the others
            are not to blame.
    """
    for sign in folder.signs_of_life():
        if nonce is not None and sign.nonce != nonce:
            continue
        run = runs.get(sign.run)
        if run is not None and sign.nonce in run.charged:
            yield from _spent_since(sign, run.charged[sign.nonce])
            continue
        if run is None or sign.number > _number_of_next(run, sign):
            raise damaged(
                str(folder.inflight),
                f"a trial of {sign.run!r} was in flight that does not follow what "
                f"{folder.ledger.name} says",
            )
        if sign.number < _number_of_next(run, sign):
            continue  # its slice is in the ledger
        is_known = sign.pid in died
        blamed = may_fail and (is_known or not died)
        lost = InterruptedEvent(
            run=sign.run,
            trial=sign.trial,
            params=sign.params,
            energy_j=sign.energy_j,
            message=_message(message, died, sign.pid),
            work=sign.work,
            nonce=sign.nonce,
            blamed=blamed,
        )
        if not blamed or run.times_lost(lost) + 1 < MOST_LOST_IN_A_ROW - (
            is_known and sign.params is None
        ):
            yield lost
        elif sign.params is not None:
            yield lost.as_slice(State.FAILED)
        else:
            yield SearchEvent(run=sign.run, energy_j=sign.energy_j, nonce=sign.nonce)
            why = f"while it was asked, {lost.message}"
            yield EndEvent(run=sign.run, reason=End.STRATEGY_ERROR, message=why)


def _message(message: str, died: Mapping[int, int], pid: int | None) -> str:
    if not died:
        return message
    if pid is not None and pid in died:
        return f"its worker died ({how_it_ended(died[pid])})"
    return "another worker died, and this one was ended with it"


def _spent_since(sign: SignOfLife, charged_j: float | None) -> Iterator[InterruptedEvent]:
    """What a job spent after it was given up and charged; nothing of one that came back."""
    if charged_j is None or sign.energy_j is None or sign.energy_j <= charged_j:
        return
    yield InterruptedEvent(
        run=sign.run,
        trial=sign.trial,
        params=sign.params,
        energy_j=sign.energy_j - charged_j,
        message="it went on after it was given up",
        blamed=False,
        nonce=sign.nonce,
    )


def _number_of_next(run: Run, sign: SignOfLife) -> int:
    """The number that a sign of life of something not yet recorded has."""
    return run.n_idle_asks if sign.params is None else run.n_slices(sign.trial)
