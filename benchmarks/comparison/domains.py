"""What is metered as a whole, and is one trial's at a time on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...energy.exclusive import exclusive
from ...energy.source import PowerSource, Scope, Source
from ...energy.sources.resolve import Machine, resolve
from .experiment import Experiment
from .messages import Setting

PATIENCE_S = 3600.0
"""Seconds that a worker waits for a package or board that another one's trial has."""
_found: dict[str, list[Source | PowerSource]] = {}  # of the last comparison in this process


def find_sources(experiment: Experiment) -> list[Source | PowerSource]:
    """The sources of an experiment's meter, as whoever trains for it will find them."""
    return resolve(experiment.meter, Machine(gpus=[] if experiment.device == "cpu" else None))


def _sources_of_worker(experiment: Experiment) -> list[Source | PowerSource]:
    """The sources that this worker's own meter will have: of its GPU, not of all that it sees."""
    from .instruments import detect_runtime, gpus_of

    return resolve(experiment.meter, Machine(gpus=gpus_of(detect_runtime(experiment).device)))


@contextmanager
def alone_here(setting: Setting) -> Iterator[None]:
    """Hold what a worker measures as a whole on its own machine, waiting for whoever has it.

    Not where the driver holds it for all of its workers; nor a package whose joules are split among
    them.

    Raises:
        MeterError: Somebody else holds it for longer than an hour, or it cannot be locked.
    """
    if not setting.is_foreign:
        yield
        return
    if setting.key not in _found:
        _found.clear()
        _found[setting.key] = _sources_of_worker(setting.experiment)
    whole = [
        source
        for source in _found[setting.key]
        if not (setting.shared and source.info.scope is Scope.PACKAGE)
    ]
    with exclusive(whole, patience_s=PATIENCE_S):
        yield
