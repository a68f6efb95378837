"""How a counter behaves on this machine: its step, its cost, and whether its power agrees."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from .counter import SAMPLE_PERIOD_S, IntegratedSource
from .sampler import try_read
from .source import PowerSource, Source

PAUSE_S = 1e-4
"""Between two looks at a counter: RAPL steps every millisecond."""
FEWEST_STEPS = 3


@dataclass(frozen=True)
class Observation:
    """What was seen of a counter over some seconds.

    Attributes:
        read_latency_s: Median time that a reading takes.
        tick_s: Median time between two steps of the counter; None if it moved too seldom to tell.
        counter_w: Mean power by the counter; None if it failed.
        integrated_w: Mean power by integrating the same hardware's power; None without such.
    """

    read_latency_s: float
    tick_s: float | None = None
    counter_w: float | None = None
    integrated_w: float | None = None


def observe(
    source: Source,
    power: PowerSource | None = None,
    duration_s: float = 3.0,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Observation:
    """Watch a counter, and its hardware's power beside it.

    Args:
        source: The counter.
        power: The present power of the same hardware, if it tells that too.
        duration_s: How long to watch.
        clock: Monotonic seconds.
        sleep: Waits for some seconds.
    """
    integrated = None if power is None else IntegratedSource(power, clock)
    powers: list[float | str] = []
    latencies_s: list[float] = []
    values: list[float] = []
    steps_s: list[float] = []
    start_s = now = next_power_s = clock()
    while now < start_s + duration_s or len(latencies_s) < FEWEST_STEPS:
        value = try_read(source, source.info.id)
        after = clock()
        latencies_s.append(after - now)
        if isinstance(value, float):
            if values and value != values[-1]:
                steps_s.append(after)
            values.append(value)
        if integrated is not None and after >= next_power_s:
            powers.append(try_read(integrated, source.info.id))
            next_power_s = after + SAMPLE_PERIOD_S
        sleep(PAUSE_S)
        now = clock()
    if integrated is not None:
        powers.append(try_read(integrated, source.info.id))
    ticks_s = [b - a for a, b in pairwise(steps_s)]
    known = [energy_j for energy_j in powers if isinstance(energy_j, float)]
    return Observation(
        read_latency_s=median(latencies_s),
        tick_s=median(ticks_s) if len(ticks_s) >= FEWEST_STEPS - 1 else None,
        counter_w=_mean_w(values, now - start_s, n_expected=len(latencies_s)),
        integrated_w=_mean_w(known, now - start_s, n_expected=len(powers)),
    )


def _mean_w(values: list[float], duration_s: float, n_expected: int) -> float | None:
    """Mean power between the first and the last value; None if any reading failed."""
    if len(values) < n_expected or len(values) < 2 or duration_s <= 0:
        return None
    return (values[-1] - values[0]) / duration_s
