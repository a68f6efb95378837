"""A process' share of a counter that several trials drive at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ...forksafe import Guard
from ...source import Kind, Scope, Source
from ..rapl import KEEP_ALIVE_S

SPLIT_PERIOD_S = 0.1  # ten of the kernel's 10 ms steps in counting CPU time


def machine_cpu_s() -> float:
    """CPU-seconds that all processes of the machine have used."""
    import psutil

    times = psutil.cpu_times()
    # What a hypervisor gave to other machines was not used here.
    idle_s = times.idle + sum(getattr(times, name, 0.0) for name in ("iowait", "steal"))
    # Guests are counted in user and nice already.
    guests_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return sum(times) - idle_s - guests_s


class ApportionedSource(Source):
    """A package counter's joules times this process' share of all busy CPU time: a guess."""

    keep_alive_s = KEEP_ALIVE_S

    def __init__(
        self,
        source: Source,
        own_cpu_s: Callable[[], float] = time.process_time,
        all_cpu_s: Callable[[], float] = machine_cpu_s,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._source = source
        self._own_cpu_s, self._all_cpu_s, self._clock = own_cpu_s, all_cpu_s, clock
        self._guard = Guard()
        self._next_s = 0.0
        self._last: tuple[float, float, float] | None = None
        self._energy_j = 0.0
        self.info = replace(
            source.info,
            id=f"{source.info.id}:share",
            kind=Kind.APPORTIONED,
            scope=Scope.PROCESS,
            detail=f"{source.info.detail}; split among workers by CPU-time share",
            update_period_s=max(source.info.update_period_s, SPLIT_PERIOD_S),
        )

    @property
    def resets(self) -> int:
        """How often the counter lost count."""
        return self._source.resets

    def read(self) -> float:
        """Joules of this process' shares up to the last split."""
        with self._guard:
            now = self._clock()
            if now >= self._next_s:
                self._split()
                self._next_s = now + SPLIT_PERIOD_S
            return self._energy_j

    def _split(self) -> None:
        own_s, all_s, total_j = self._own_cpu_s(), self._all_cpu_s(), self._source.read()
        if self._last is not None:
            last_own_s, last_all_s, last_j = self._last
            if all_s <= last_all_s:
                return  # the kernel has not counted since, so nothing can be split yet
            share = min((own_s - last_own_s) / (all_s - last_all_s), 1.0)
            self._energy_j += share * (total_j - last_j)
        self._last = (own_s, all_s, total_j)
