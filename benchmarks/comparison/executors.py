"""Where jobs run: in this process, or in a pool of fresh ones.

What is sent to workers are the functions here, which load PyTorch only where they run.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import platform
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...energy.quantities import total
from .messages import Job, Outcome, Prepared, Setting
from .shielding import BREAK_OFF, LAST_WORDS_S, shield_worker, shielding_children

if TYPE_CHECKING:
    from .worker import Session


class InlineExecutor(Executor):
    """Runs each job at once in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the job and return its finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future carries it
            future.set_exception(error)
        return future


def make_executor(workers: int) -> Executor:
    """One worker is this process; more are a pool of spawned ones."""
    return InlineExecutor() if workers == 1 else spawn_executor(workers)


def spawn_executor(workers: int) -> ProcessPoolExecutor:
    """Fresh processes, which inherit no threads."""
    context = multiprocessing.get_context("spawn")
    with shielding_children():
        return _Workers(workers, mp_context=context, initializer=_begin_worker)


class _Workers(ProcessPoolExecutor):
    """A pool whose processes leave the signals to the driver from their first moment on."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a process something to do, which may start it."""
        with shielding_children():
            return super().submit(fn, *args, **kwargs)


class NotWantedError(Exception):
    """A job was begun before, or given up: an executor that runs it again gets no result.

    What was spent on it is in its sign of life, from which the driver charges it.
    """


_sessions: dict[str, Session] = {}
_last: dict[Path, Outcome] = {}  # of the last job that was done here, by its ticket


def _session_of(setting: Setting) -> tuple[Session, bool]:
    """This process' session of a comparison, and whether it had to be started."""
    from .worker import Session

    if setting.key in _sessions:
        return _sessions[setting.key], False
    leave()  # one comparison at a time; the last one's data may go
    _sessions[setting.key] = Session(setting)
    return _sessions[setting.key], True


def prepare(setting: Setting) -> Prepared:
    """Start this worker for a comparison: load, warm up, rehearse; say what was found.

    Raises:
        PerjouleError: The data set, device, meter or space cannot be used.
    """
    return _session_of(setting)[0].prepared


def execute(setting: Setting, job: Job) -> Outcome:
    """Do a job, once. Faults of the candidate or strategy are in the outcome, never raised.

    Raises:
        NotWantedError: The job was begun before, wherever that was, or given up.
    """
    ticket = setting.ticket(job)
    try:
        ticket.unlink()
    except FileNotFoundError:
        if ticket in _last:
            return _last[ticket]
        raise NotWantedError("it was begun before, and its executor sent it again") from None
    _last.clear()
    session, started = _session_of(setting)
    worker = f"{platform.node()}:{os.getpid()}"
    outcome = replace(session.execute(job), nonce=job.nonce, worker=worker)
    if started:
        unbilled_j = total([outcome.unbilled_j, session.prepared.startup_j])
        outcome = replace(outcome, unbilled_j=unbilled_j)
    _last[ticket] = outcome
    return outcome


def leave() -> None:
    """Give back what jobs that ran in this process took, if any did."""
    for session in _sessions.values():
        session.close()
    _sessions.clear()
    _last.clear()


def break_off_workers(executor: Executor, jobs: Collection[Future[Any]]) -> None:
    """Stop what a pool's processes do, so that they can still say what they have spent."""
    if not isinstance(executor, ProcessPoolExecutor) or BREAK_OFF is None:
        return
    for process in list((getattr(executor, "_processes", None) or {}).values()):
        with contextlib.suppress(OSError):
            os.kill(process.pid, BREAK_OFF)
    wait_for(jobs, timeout=LAST_WORDS_S)


def kill_workers(executor: Executor) -> None:
    """End a pool's processes at once; other executors keep theirs."""
    if not isinstance(executor, ProcessPoolExecutor):
        return
    # Python 3.14 has a public call for this.
    processes = list((getattr(executor, "_processes", None) or {}).values())
    for process in processes:
        process.kill()
    for process in processes:
        process.join(timeout=5)


def _begin_worker() -> None:
    shield_worker()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    """End this worker when its driver was killed; else it would wait for jobs for ever."""
    wait([sentinel])
    os._exit(1)
