"""Engines by name: Dask and executorlib, which give workers on this machine or on many.

The rest of a comparison knows PEP 3148 executors alone. One of Dask also knows how many workers it
has now and on which machine the next job will run, so that those that join late are used and all
strategies share the machines alike.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from ...errors import ConfigurationError, UnknownNameError
from ...models.importing import need_extra
from .on_dask import open_dask
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
RESTARTS = 1_000
"""How often executorlib may start a worker anew that died; what it did then is ours to judge."""


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
            yield open_dask(stack, argument, workers)
        else:
            yield _executorlib(stack, argument, workers)


def is_on_this_machine(named: Executor | str | None) -> bool:
    """Whether an engine's workers use this machine's processors, as far as is known.

    >>> is_on_this_machine("dask"), is_on_this_machine("dask:tcp://10.0.0.1:8786")
    (True, False)
    """
    return not isinstance(named, str) or ":" not in named


def _executorlib(stack: ExitStack, backend: str, workers: int) -> Executor:
    library = need_extra("executorlib", "slurm", "executorlib")
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


def _need_command(command: str, backend: str, where: str) -> None:
    if shutil.which(command) is None:
        raise ConfigurationError(
            f"--executor executorlib:{backend}: there is no command {command} here: run this "
            f"{where}"
        )
