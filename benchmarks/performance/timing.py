"""How long things take, and how far chance may have moved what was found."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import NamedTuple

RESAMPLES = 2_000


class Interval(NamedTuple):
    """A median and its 95 % bootstrap interval."""

    middle: float
    low: float
    high: float


def median_interval(values: Sequence[float]) -> Interval:
    """The median of some values with its 95 % bootstrap interval."""
    chance = random.Random(0)
    medians = [median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES)]
    cuts = quantiles(medians, n=40)
    return Interval(median(values), cuts[0], cuts[-1])


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a piece of work."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()  # the wall's clock innermost
    work()
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


def microseconds(work: Callable[[], object], rounds: int = 2_000) -> tuple[float, float]:
    """Median and 95th percentile of the time that one call takes."""
    times_us = [1e6 * timed(work)[0] for _ in range(rounds)]
    return median(times_us), quantiles(times_us, n=20)[-1]
