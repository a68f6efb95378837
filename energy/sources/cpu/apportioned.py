"""A process' share of a counter that several trials drive at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ....errors import SourceError
from ...forksafe import Guard
from ...observed import Observed, alarm_s
from ...source import Kind, Scope, Source

SPLIT_PERIOD_S = 0.1  # ten of the kernel's 10 ms steps in counting CPU time
LOOK_PERIOD_S = (
    SPLIT_PERIOD_S  # the counter is read so often, since a share may stand while it moves
)


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

    def __init__(
        self,
        source: Source,
        own_cpu_s: Callable[[], float] = time.process_time,
        all_cpu_s: Callable[[], float] = machine_cpu_s,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._source, self._observed = source, Observed(source, clock)
        self.keep_alive_s = min(source.keep_alive_s, LOOK_PERIOD_S)
        self._own_cpu_s, self._all_cpu_s, self._clock = own_cpu_s, all_cpu_s, clock
        self._guard = Guard()
        self._next_s = 0.0
        self._last: tuple[float, float, float] | None = None
        self._energy_j = 0.0
        self._deaths, self._dead = 0, False
        self.info = replace(
            source.info,
            id=f"{source.info.id}:share",
            kind=Kind.APPORTIONED,
            share_of=source.info.kind,
            scope=Scope.PROCESS,
            detail=f"{source.info.detail}; split among workers by CPU-time share",
            update_period_s=max(source.info.update_period_s, SPLIT_PERIOD_S),
        )

    @property
    def resets(self) -> int:
        """How often the counter lost count, or stood as a dead one does."""
        return self._source.resets + self._deaths

    def read(self) -> float:
        """Joules of this process' shares up to the last split."""
        with self._guard:
            now = self._clock()
            if now >= self._next_s:
                self._split()
                self._next_s = now + SPLIT_PERIOD_S
            return self._energy_j

    def _split(self) -> None:
        own_s, all_s, total_j = self._own_cpu_s(), self._all_cpu_s(), self._observed.read()
        if isinstance(total_j, str):
            raise SourceError(total_j)
        self._see_life()
        if self._last is not None:
            last_own_s, last_all_s, last_j = self._last
            if all_s <= last_all_s:
                return  # the kernel has not counted since, so nothing can be split yet
            share = min((own_s - last_own_s) / (all_s - last_all_s), 1.0)
            self._energy_j += share * (total_j - last_j)
        self._last = (own_s, all_s, total_j)

    def _see_life(self) -> None:
        """Fail while the counter stands: a process that sleeps has no share, a package draws."""
        still_s, was_dead = self._observed.standing_s, self._dead
        self._dead = still_s >= alarm_s(self._source.info)
        self._deaths += self._dead and not was_dead
        if self._dead:
            raise SourceError(f"{self._source.info.id} stood still for {still_s:.3g} s")
