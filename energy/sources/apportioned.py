"""A process' share of a counter that several trials drive at once."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import psutil

from ...errors import SourceError
from ..source import Kind, Scope, Source, SourceInfo


class ApportionedSource:
    """A package counter's joules times this process' share of the machine's busy CPU time.

    Used where somebody insists on several workers in one measured domain: the sum over the workers
    is the counter's joules, but who caused which is a guess by CPU time.

    Args:
        source: A cumulative source in package scope.
    """

    wraps = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._last: tuple[float, float, float] | None = None
        self._energy_j = 0.0
        self._info = replace(
            source.info,
            id=f"{source.info.id}:share",
            kind=Kind.APPORTIONED,
            scope=Scope.PROCESS,
            detail=f"{source.info.detail}; split among workers by CPU-time share",
            # The kernel counts the machine's CPU time in steps of 10 ms.
            update_period_s=max(source.info.update_period_s, 0.01),
        )

    @property
    def info(self) -> SourceInfo:
        """The source's identity."""
        return self._info

    @property
    def resets(self) -> int:
        """How often the counter was found reset."""
        return getattr(self._source, "resets", 0)

    def read(self) -> float:
        """Joules of this process' shares so far."""
        with self._lock:
            own_s, busy_s = time.process_time(), _busy_s()
            total_j = self._source.read()
            if self._last is None:
                self._last = (own_s, busy_s, total_j)
            last_own_s, last_busy_s, last_j = self._last
            if busy_s > last_busy_s:  # between two ticks nothing can be split yet
                share = min((own_s - last_own_s) / (busy_s - last_busy_s), 1.0)
                self._energy_j += share * (total_j - last_j)
                self._last = (own_s, busy_s, total_j)
            return self._energy_j


def _busy_s() -> float:
    """CPU-seconds that all processes of the machine have used."""
    try:
        times = psutil.cpu_times()
    except (OSError, psutil.Error) as error:
        raise SourceError(f"CPU times of the machine: {error}") from error
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    # Guests are counted in user and nice already.
    guests_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return sum(times) - idle_s - guests_s
