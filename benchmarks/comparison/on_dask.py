"""The workers of a Dask cluster: how many there are, and on which machine the next job will run."""

from __future__ import annotations

import importlib
import logging
import platform
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import ExitStack, suppress
from typing import Any

from ...errors import ConfigurationError
from ...models.importing import describe_error, need_extra
from .executors import leave
from .shielding import shielding_children

ANSWER_S = 10.0
"""Seconds that a scheduler and its first worker have to answer."""
LOOK_S = 1.0
"""How often a scheduler is asked which workers it has."""
_SILENT = dict.fromkeys(("distributed", "distributed.client", "distributed.gc"), "critical")
_ENVIRONMENT = {
    "distributed.nanny.pre-spawn-environ": {
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1),
        "DASK_LOGGING": repr(_SILENT),
    }
}
"""Dask's own would also have malloc give memory back at once, which PyTorch then faults in anew."""


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


def open_dask(stack: ExitStack, address: str, workers: int) -> Dask:
    """The workers of a cluster that runs, or of one that is started here and ended with the stack.

    Args:
        stack: Ends what is begun here.
        address: Of the scheduler; an empty one starts a cluster on this machine.
        workers: How many to start.

    Raises:
        ConfigurationError: Dask is not installed, does not answer, or has no workers of use.
    """
    distributed = need_extra("distributed", "dask", "Dask")
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
