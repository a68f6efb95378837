"""Where jobs run: in this process, or in a pool of fresh ones.

What is sent to workers are the functions here, which load PyTorch only where they run.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import replace
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...energy.quantities import total
from ...errors import ConfigurationError
from ...models.importing import describe_error
from .cores import deal_cores, take_core
from .domains import alone_here
from .exchange import AnyFile, claim
from .helper import worker_context
from .machines import this_machine
from .messages import Job, Outcome, Prepared, Setting, process_here
from .shielding import BREAK_OFF, LAST_WORDS_S, shield_worker, shielding_children

if TYPE_CHECKING:
    from .worker import Session


BROKEN_S = 0.2
"""Seconds that a pool has to put its processes away after one of them died."""
NO_GUARD = 79
"""The exit code of a worker that would run its parent's script again."""
CUT_OFF = 74
"""Exit code of a worker whose connections a user's code has closed: that of input/output errors."""


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


def make_executor(workers: int, *, apart: bool = False) -> Executor:
    """One worker is this process, unless it shall be apart; more are a pool of fresh ones."""
    return InlineExecutor() if workers == 1 and not apart else spawn_executor(workers)


def spawn_executor(workers: int) -> ProcessPoolExecutor:
    """Fresh processes, which inherit no threads of this one.

    On Linux they are forked from a helper that has loaded PyTorch once: the first takes 2 s as a
    spawned one does, those that take the place of one that died 0.02 s.
    """
    context = worker_context()
    chosen = multiprocessing.get_start_method(allow_none=True)
    given = ({**os.environ}, chosen, deal_cores(workers, context))
    start = {"initializer": _begin_worker, "initargs": given}
    with shielding_children():
        return _Workers(workers, mp_context=context, **start)


def end_if_a_script_is_run_again() -> None:
    """End a worker that runs its parent's script once more, as a script without a guard makes it.

    Python imports the main module into each new process. It could only fail there.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(NO_GUARD)  # what is raised here would end as exit code 1


def refuse_no_guard(codes: Iterable[int]) -> None:
    """Say what a script lacks whose workers ended so.

    Raises:
        ConfigurationError: They began the script anew that is run.
    """
    if NO_GUARD in codes:
        raise ConfigurationError(
            "workers import the script that is run, and it would begin again in each: call "
            'perjoule below `if __name__ == "__main__":` in it, or take workers=1 and name no '
            "module:function"
        )


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
_last: dict[AnyFile, tuple[Outcome, ...]] = {}  # of the last jobs done here, by the first's ticket


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
    with alone_here(setting):
        prepared = _session_of(setting)[0].prepared
    return replace(prepared, machines=(this_machine(prepared.sources, prepared.runtime),))


def execute(setting: Setting, *jobs: Job) -> tuple[Outcome, ...]:
    """Do jobs of one run, once. Faults of candidates or strategy are in the outcomes, never raised.

    Several jobs train; they do it as one stack where that can be.

    Raises:
        NotWantedError: They were begun before, wherever that was, or given up.
        PerjouleError: A worker that joined cannot be used with the others.
    """
    with alone_here(setting):
        return _execute_here(setting, *jobs)


def _execute_here(setting: Setting, *jobs: Job) -> tuple[Outcome, ...]:
    ticket = setting.ticket(jobs[0])
    try:
        for job in jobs:
            claim(setting.ticket(job))
    except FileNotFoundError:
        if ticket in _last:
            return _last[ticket]
        raise NotWantedError("it was begun before, and its executor sent it again") from None
    _last.clear()
    session, started = _session_of(setting)
    here = this_machine(session.prepared.sources, session.prepared.runtime) if started else None
    if here is not None and setting.alike is not None:
        setting.alike.check(session.prepared.alike, here.name)
    outcomes = [
        replace(outcome, nonce=job.nonce, worker=process_here(), machine=here)
        for job, outcome in zip(jobs, session.execute(*jobs), strict=True)
    ]
    if not _is_connected():
        os._exit(CUT_OFF)
    if started:
        unbilled_j = total([outcomes[0].unbilled_j, session.prepared.startup_j])
        outcomes[0] = replace(outcomes[0], unbilled_j=unbilled_j)
    _last[ticket] = tuple(outcomes)
    return _last[ticket]


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


def ended_workers(executor: Executor) -> dict[int, int]:
    """The exit codes of those of a pool's processes that have ended by themselves, by their pids.

    When one dies the pool sends SIGTERM to the others, which they answer by ending later.
    """
    manager = getattr(executor, "_executor_manager_thread", None)
    if manager is not None and getattr(executor, "_broken", False):
        manager.join(timeout=BROKEN_S)  # only one may ask a process how it ended
    processes = list((getattr(executor, "_processes", None) or {}).values())
    codes = {process.pid: process.exitcode for process in processes}
    return {pid: code for pid, code in codes.items() if code not in (None, -signal.SIGTERM)}


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


def _begin_worker(
    environment: dict[str, str], start_method: str | None, cores: SimpleQueue[int] | None
) -> None:
    """Prepare a fresh process; it has the environment of the helper that it was forked from.

    Processes that a user's code starts in it, such as those that load data, start as they would in
    the parent: ``start_method`` is what was chosen there, None the platform's own. Else each set of
    them would have a helper of its own, and load PyTorch anew.
    """
    os.environ.clear()
    os.environ.update(environment)
    multiprocessing.set_start_method(start_method, force=True)
    shield_worker()
    take_core(cores)
    with contextlib.suppress(OSError):  # where memory runs out, Linux ends a worker, not its driver
        Path("/proc/self/oom_score_adj").write_text("1000")
    threading.excepthook = _say_thread_error
    sys.unraisablehook = _say_unraisable
    parent = multiprocessing.parent_process()
    if parent is not None:
        _die_with(parent.sentinel)
        if hasattr(os, "register_at_fork"):  # what a user's code forks shall end, too
            os.register_at_fork(after_in_child=partial(_die_with, parent.sentinel))


def _say_thread_error(given: threading.ExceptHookArgs) -> None:
    """Say in one line what a thread of a user's code raised."""
    if given.exc_value is not None:
        _say("a thread", given.exc_value)


def _say_unraisable(given: sys.UnraisableHookArgs) -> None:
    if given.exc_value is not None:
        _say("what is cleaned up", given.exc_value)


def _say(where: str, error: BaseException) -> None:
    with contextlib.suppress(Exception):  # the code may have closed it
        print(f"perjoule: in {where} of a worker: {describe_error(error)}", file=sys.stderr)


def _is_connected() -> bool:
    """Whether a worker can still tell its driver anything."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return True
    try:
        os.fstat(parent.sentinel)
    except OSError:
        return False
    return True


def _die_with(sentinel: int) -> None:
    """End this process when its driver has ended; else it would wait for jobs for ever."""

    def end() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
