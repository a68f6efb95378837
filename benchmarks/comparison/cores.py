"""A core of its own for each worker, where there are as many workers as cores.

Two that train digits' CNN on two cores take 0.92 of the time then (0.90 to 0.94 in six pairs,
beside other load), and 0.93 of the CPU time: whoever is moved finds cold caches. Fewer workers than
cores are left to the system, since two comparisons at once would choose the same ones; so is a
user's own code, which may start processes, and a GPU's training, whose driver has its own threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.queues import SimpleQueue

from ...energy.sources.cpu.cores import usable_cores

_own: list[int] = []  # the core that was dealt to this process


def deal_cores(workers: int, context: BaseContext) -> SimpleQueue[int] | None:
    """A core for each worker to take; None where none has one of its own."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) != workers:
        return None
    dealt = context.SimpleQueue()
    for core in cores:
        dealt.put(core)
    return dealt


def take_core(dealt: SimpleQueue[int] | None) -> None:
    """Be a worker that takes its core; it is bound to it once it trains."""
    usable_cores()  # counted before it is
    _own[:] = [] if dealt is None else [dealt.get()]


@contextmanager
def on_own_core() -> Iterator[bool]:
    """Run on this worker's own core, if it has one; gives whether that is so."""
    if not _own:
        yield False
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _own)
    try:
        yield True
    finally:
        os.sched_setaffinity(0, before)
