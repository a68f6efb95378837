"""Engines by name: Dask and executorlib, which give workers on this machine or on many.

The rest of a comparison knows PEP 3148 executors alone. One of Dask also knows how many workers it
has now and on which machine the next job will run, so that those that join late are used and all
strategies share the machines alike.
"""

from __future__ import annotations

import importlib
import logging
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from ...errors import ConfigurationError, UnknownNameError
from ...models.importing import describe_error
from .executors import leave
from .shielding import LAST_WORDS_S, shielding_children

LOCAL = "local"
"""The pool of processes that is taken where no engine is named."""
DASK = "dask"
ENGINES = (
    LOCAL,
    DASK,
    "executorlib",
    "executorlib:slurm-job",
    "executorlib:slurm-cluster",
    "executorlib:flux-job",
    "executorlib:flux-cluster",
)
ANSWER_S = 10.0
"""Seconds that a scheduler and its first worker have to answer."""
LOOK_S = 1.0
"""How often a scheduler is asked which workers it has."""
RESTARTS = 1_000
"""How often executorlib may start a worker anew that died; what it did then is ours to judge."""


_SILENT = dict.fromkeys(("distributed", "distributed.client", "distributed.gc"), "critical")
_ENVIRONMENT = {
    "distributed.nanny.pre-spawn-environ": {
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1),
        "DASK_LOGGING": repr(_SILENT),
    }
}
"""Dask's own would also have malloc give memory back at once, which PyTorch then faults in anew."""


@runtime_checkable
class Elastic(Protocol):
    """An executor whose workers come and go, each on a machine that is known."""

    @property
    def n_workers(self) -> int:
        """Workers that there are now."""
        ...

    @property
    def next_machine(self) -> str | None:
        """The machine of the worker that the next job will be given to; None if that is open."""
        ...


@contextmanager
def engine(named: Executor | str | None, workers: int) -> Iterator[Executor | None]:
    """The executor that is named, which is closed again; None for processes of perjoule's own.

    Args:
        named: One of `ENGINES`; ``dask:ADDRESS`` for the scheduler of a cluster that runs; or an
            executor, which is left open.
        workers: How many to start, where they are started here.

    Raises:
        UnknownNameError: There is no such engine.
        ConfigurationError: It is not installed, does not answer or cannot be used here.
    """
    if not isinstance(named, str):
        yield named
        return
    name, _, argument = named.partition(":")
    if named == "dask:":
        raise ConfigurationError(
            "--scheduler: no address is given: give tcp://HOST:8786, as `dask scheduler` prints "
            "it, or leave it out"
        )
    if named not in ENGINES and not (name == DASK and argument):
        raise UnknownNameError("executor", named, ENGINES)
    if named == LOCAL:
        yield None
        return
    with ExitStack() as stack:
        if name == DASK:
            yield _dask(stack, argument, workers)
        else:
            yield _executorlib(stack, argument, workers)


def is_on_this_machine(named: Executor | str | None) -> bool:
    """Whether an engine's workers use this machine's processors, as far as is known.

    >>> is_on_this_machine("dask"), is_on_this_machine("dask:tcp://10.0.0.1:8786")
    (True, False)
    """
    return not isinstance(named, str) or ":" not in named


class Dask(Executor):
    """The workers of a Dask cluster, each of which is given one job at a time.

    Work is never taken to be pure or tried again by Dask itself; where its scheduler does so all
    the same, since a worker died, tickets forbid it (`executors.execute`).
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._machines: dict[str, str] = {}  # of the workers, by their addresses; the idle first
        self._busy: dict[str, Future[Any]] = {}
        self._look_s = 0.0

    @property
    def n_workers(self) -> int:
        """Processes that there are now; those that do several tasks at a time are left out."""
        self._look()
        return len(self._machines)

    @property
    def next_machine(self) -> str | None:
        """The name of the machine of the worker that the next job will be given to."""
        self._look()
        address = self._free()
        return None if address is None else self._machines[address]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a free worker something to do; if none is free, the first that will be.

        Raises:
            ConfigurationError: The scheduler is gone.
        """
        self._look()
        options: dict[str, Any] = {"pure": False, "retries": 0}
        address = self._free()
        if address is not None:  # another one may have it if this one is gone
            options |= {"workers": [address], "allow_other_workers": True}
            self._machines[address] = self._machines.pop(address)  # the last that is chosen again
        future = self._client.get_executor(**options).submit(fn, *args, **kwargs)
        if address is not None:
            self._busy[address] = future
            future.add_done_callback(lambda _: self._busy.pop(address, None))
        return future

    def _free(self) -> str | None:
        return next((each for each in self._machines if each not in self._busy), None)

    def _look(self) -> None:
        """Learn which workers there are, unless that was done a moment ago.

        Raises:
            ConfigurationError: The scheduler is gone.
        """
        if self._client.status not in ("running", "connecting"):
            raise _gone()
        if time.monotonic() < self._look_s:
            return
        self._look_s = time.monotonic() + LOOK_S
        with suppress(OSError, TimeoutError):  # it may answer again
            told = self._client.scheduler_info(n_workers=-1).get("workers")
            if told is None:  # it was given up just now
                raise _gone()
            there = [address for address, worker in told.items() if worker["nthreads"] == 1]
            new = [address for address in there if address not in self._machines]
            known = self._client.run(platform.node, workers=new, on_error="ignore") if new else {}
            machines = self._machines | known
            self._machines = {each: name for each, name in machines.items() if each in there}


def _gone() -> ConfigurationError:
    return ConfigurationError(
        "the Dask scheduler is gone; nothing is lost: start one, and go on with `perjoule compare "
        "--resume --out FOLDER`, which charges what was in flight"
    )


def _silence() -> None:
    """Let Dask say nothing: what it loses is told by us."""
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _dask(stack: ExitStack, address: str, workers: int) -> Dask:
    distributed = _need("distributed", "dask", "Dask")
    _silence()
    if not address:
        with shielding_children(), importlib.import_module("dask").config.set(_ENVIRONMENT):
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,
            )
        stack.enter_context(cluster)
        return Dask(stack.enter_context(distributed.Client(cluster)))
    try:
        client = stack.enter_context(distributed.Client(address, timeout=ANSWER_S))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"--scheduler {address}: no Dask scheduler answers ({describe_error(error)}): start "
            "one with `dask scheduler`, and give the address that it prints"
        ) from error
    try:
        client.wait_for_workers(1, timeout=ANSWER_S)
    except TimeoutError as error:
        raise ConfigurationError(
            f"--scheduler {address}: it has no workers: start some with `dask worker {address} "
            "--nthreads 1`, on machines that see the run folder"
        ) from error
    dask = Dask(client)
    if not dask.n_workers:
        raise ConfigurationError(
            f"--scheduler {address}: its workers do several tasks at a time in one process, whose "
            "joules could not be told apart: start them with `--nthreads 1`, and more of them with "
            "`--nworkers`"
        )
    stack.callback(_leave_workers, client)
    return dask


def _leave_workers(client: Any) -> None:
    """Let workers that go on living give back what the comparison's jobs took."""
    with suppress(Exception):  # those that are gone have given it back
        client.run(leave, on_error="ignore")


def _executorlib(stack: ExitStack, backend: str, workers: int) -> Executor:
    library = _need("executorlib", "slurm", "executorlib")
    make, options = _BACKENDS[backend](library)
    with shielding_children():  # its threads start workers, now and when one has died
        try:
            executor = make(max_workers=workers, block_allocation=True, **options)
        except ImportError as error:
            raise ConfigurationError(
                f"--executor executorlib:{backend}: {error.name or error} is missing: "
                f"{_MISSING.get(backend, 'install it')}"
            ) from error
    stack.callback(_end_executorlib, executor)
    return executor


Made = tuple[Callable[..., Executor], Mapping[str, Any]]
_MISSING = {
    "slurm-cluster": "pip install pysqa",
    "flux-cluster": "pip install pysqa",
    "flux-job": "start this inside a Flux instance whose Python bindings are installed",
}


def _of_a_job() -> dict[str, Any]:
    return {"disable_dependencies": True, "restart_limit": RESTARTS}


def _on_this_machine(library: ModuleType) -> Made:
    return library.SingleNodeExecutor, {**_of_a_job(), "hostname_localhost": True}


def _in_slurm_job(library: ModuleType) -> Made:
    _need_command("srun", "slurm-job", "inside a job of Slurm: `salloc` or `sbatch` gives one")
    return library.SlurmJobExecutor, _of_a_job()


def _as_slurm_jobs(library: ModuleType) -> Made:
    _need_command("sbatch", "slurm-cluster", "where jobs are submitted to Slurm")
    return library.SlurmClusterExecutor, {"disable_dependencies": True}


def _in_flux_job(library: ModuleType) -> Made:
    _need_command("flux", "flux-job", "inside a Flux instance: `flux start` gives one")
    return library.FluxJobExecutor, _of_a_job()


def _as_flux_jobs(library: ModuleType) -> Made:
    _need_command("flux", "flux-cluster", "where jobs are submitted to Flux")
    return library.FluxClusterExecutor, {"disable_dependencies": True}


_BACKENDS: dict[str, Callable[[ModuleType], Made]] = {
    "": _on_this_machine,
    "slurm-job": _in_slurm_job,
    "slurm-cluster": _as_slurm_jobs,
    "flux-job": _in_flux_job,
    "flux-cluster": _as_flux_jobs,
}


def _end_executorlib(executor: Executor) -> None:
    """End its workers, also those whose job does not end; it would wait for these."""
    ending = Thread(target=executor.shutdown, kwargs={"cancel_futures": True}, daemon=True)
    ending.start()
    ending.join(LAST_WORDS_S)
    while ending.is_alive():
        for process in _children_of_executorlib():
            process.kill()
        ending.join(LAST_WORDS_S)


def _children_of_executorlib() -> list[Any]:
    import psutil

    found = []
    for process in psutil.Process(os.getpid()).children():
        with suppress(psutil.Error):
            if any("executorlib" in part for part in process.cmdline()):
                found.append(process)
    return found


def _need(module: str, extra: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"{name} is not installed: pip install 'perjoule[{extra}]'"
        ) from error


def _need_command(command: str, backend: str, where: str) -> None:
    if shutil.which(command) is None:
        raise ConfigurationError(
            f"--executor executorlib:{backend}: there is no command {command} here: run this "
            f"{where}"
        )
