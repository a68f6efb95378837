"""The helper that workers are forked from, where the platform has one: what it loads they all have.

It has PyTorch, and of a comparison that several workers begin the data set as its files give it: a
folder of images is decoded once, and lies in memory once. What takes long in strategies' libraries
is what they do when first asked, which no fork takes along; nor may it compute with PyTorch, whose
threads would not be there after a fork. A helper lives as long as its driver, so a comparison after
the first finds PyTorch loaded, and its workers read their data themselves.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any

from ...energy import EnergyMeter
from ...models.data import registry
from .messages import Setting
from .shielding import shielding_children

VARIABLE = "PERJOULE_HELPER"
"""The environment variable that tells a helper what it shall load."""


LOOK_S = 0.5
"""Seconds between two looks at whether the driver is still there, while the helper loads."""
_loaded: dict[str, float | None] = {}  # joules, None if unavailable, by the folder it was for


def worker_context() -> BaseContext:
    """How workers are started: forked from a helper, else spawned."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.worker", f"{__package__}.preload"])
    return context


def start_helper(setting: Setting) -> None:
    """Let the helper begin to load while its driver goes on; nothing where there is none."""
    if sys.platform != "linux":
        return
    from multiprocessing.forkserver import ensure_running

    worker_context()
    experiment = setting.experiment
    if experiment.dataset is not None and not registry.names_code(experiment.dataset):
        wanted = {"comparison": setting.token, "dataset": experiment.dataset}
        os.environ[VARIABLE] = json.dumps({**wanted, "meter": experiment.meter})
    try:
        with shielding_children():
            ensure_running()
    finally:
        os.environ.pop(VARIABLE, None)


def load_what_is_wanted() -> None:
    """Be the helper: load what the driver asked for, or nothing that cannot be had or metered.

    Workers would fail to load it, too, and they can say why.
    """
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        return
    wanted: dict[str, Any] = json.loads(text)
    try:
        # No GPU, which no process may touch before it forks; and nothing is computed on one.
        with _ending_with_driver(), EnergyMeter(wanted["meter"], gpus=[], shared=True) as meter:
            if meter.sources:
                window = meter.window()
                registry.keep(wanted["dataset"])
                _loaded[wanted["comparison"]] = window.close().total_j
    except Exception:  # noqa: BLE001 - whatever it is, a worker meets it again
        registry.forget()


@contextmanager
def _ending_with_driver() -> Iterator[None]:
    """End this process if its driver ends in here; no thread is left behind."""
    driver, over = os.getppid(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            if os.getppid() != driver:
                os._exit(1)

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def loaded_j(setting: Setting) -> float | None:
    """Joules that the helper has loaded this comparison's data for; 0 if it has not.

    What it has loaded for another comparison is forgotten: its files may have changed.
    """
    if setting.token not in _loaded:
        registry.forget()
        return 0.0
    return _loaded[setting.token]
