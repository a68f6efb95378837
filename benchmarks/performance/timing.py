"""How long things take, and how far chance may have moved what was found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median, quantiles
from typing import NamedTuple


class TimeInterval(NamedTuple):
    """A median and its 95 % bootstrap interval."""

    middle: float
    low: float
    high: float


def median_interval(values: Sequence[float]) -> TimeInterval:
    """The median of some values with its 95 % bootstrap interval."""
    from perjoule.benchmarks.statistics.inference import (
        interval,  # pandas, which no timed process needs
    )

    found = interval(values)
    return TimeInterval(found.median, found.low, found.high)


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> TimeInterval:
    """The median of the ratios of pairs that were measured in one turn, with its interval."""
    return median_interval([a / b for a, b in zip(above, below, strict=True)])


def take_turn(names: Iterable[str], turn: int) -> list[str]:
    """The order of a turn: each name comes first in one of so many turns, so that none gains."""
    listed = list(names)
    first = turn % len(listed)
    return [*listed[first:], *listed[:first]]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a piece of work."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()  # the wall's clock innermost
    work()
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


def microseconds(work: Callable[[], object], rounds: int = 2_000) -> tuple[float, float]:
    """Median and 95th percentile of the time that one call takes."""
    times_us = [1e6 * timed(work)[0] for _ in range(rounds)]
    return median(times_us), quantiles(times_us, n=20)[-1]
