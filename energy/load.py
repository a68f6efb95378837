"""How busy others keep the machine: CPU-seconds are worth less work then."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from .quantities import format_percent
from .sources.cpu.time import descendants_cpu_s

BUSY_SHARE = 0.2
"""Others that use more of the processor than this are worth a warning."""


class Busy(NamedTuple):
    """CPU-seconds at one moment."""

    at_s: float  # the clock
    machine_s: float  # of all processes, and what a hypervisor took away
    own_s: float  # of this process and its descendants


def busy() -> Busy:
    """CPU-seconds used up to now."""
    import psutil

    times = psutil.cpu_times()
    names = ("user", "nice", "system", "irq", "softirq", "steal")
    machine_s = sum(getattr(times, name, 0.0) for name in names)
    own_s = time.process_time() + descendants_cpu_s(os.getpid())
    return Busy(time.perf_counter(), machine_s, own_s)


def others_cores(before: Busy, now: Busy) -> float:
    """Cores that others kept busy on the mean between two moments."""
    busy_s = (now.machine_s - before.machine_s) - (now.own_s - before.own_s)
    return max(0.0, busy_s / (now.at_s - before.at_s))


def measure_load(seconds: float) -> float:
    """Cores that others keep busy on the mean over some seconds."""
    before = busy()
    time.sleep(seconds)
    return others_cores(before, busy())


def load_sentence(cores: float, n_cores: int | None = None) -> str:
    """What is told of others that keep so many of the machine's cores busy."""
    n_cores = n_cores or os.cpu_count() or 1
    share = min(cores / n_cores, 1.0)
    told = (
        f"others use {format_percent(share, 0)} of the processor ({cores:.1f} of {n_cores} cores)"
    )
    if share <= BUSY_SHARE:
        return told
    return f"{told}: CPU-seconds are worth less work then, so joules by them may be too high"
