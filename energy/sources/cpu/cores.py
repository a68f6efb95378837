"""Cores that this process may use."""

from __future__ import annotations

import os
from functools import cache


@cache
def usable_cores() -> int:
    """Count the cores that this process may use, which may be fewer than the machine has.

    They are counted once: a worker that is bound to one of them later still had them all.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
