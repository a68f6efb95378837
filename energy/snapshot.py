"""All sources of a meter at one moment, and what two of these moments say of a source."""

from __future__ import annotations

from typing import NamedTuple

from .reading import SHORT_WINDOW_PERIODS
from .source import Kind, SourceInfo

STANDSTILL_S = 1.0  # measured hardware that drew nothing for so long is not being measured
TIMER_S = 1e-3  # slack of clocks and counters in judging what power is possible


class Snapshot(NamedTuple):
    """All sources at one moment."""

    time_s: float  # when the reading began, on the meter's clock
    read_by_s: float  # when it was done
    values: tuple[float | str, ...]  # joules of each source, or the reason why there are none
    resets: tuple[int, ...]  # how often each source had lost count
    moved_s: tuple[float, ...]  # when each value was first seen
    asleep_s: float  # how long the machine has been suspended since it was started


def doubt_of(info: SourceInfo, index: int, start: Snapshot, end: Snapshot) -> str:
    """Why a source is not to be believed between two snapshots; empty if it is."""
    before, after = start.values[index], end.values[index]
    if isinstance(before, str):
        return before
    if isinstance(after, str):
        return after
    if start.resets[index] != end.resets[index]:
        return f"{info.id}: lost count within the window (it was reset, or not read for long)"
    energy_j, duration_s = after - before, end.time_s - start.time_s
    # A step of the counter may hold the energy of one update period before the window.
    longest_s = end.read_by_s - start.time_s + info.update_period_s + TIMER_S
    if not 0 <= energy_j <= info.max_power_w * longest_s:
        return f"{info.id}: {energy_j:.6g} J in {duration_s:.3g} s is impossible"
    if energy_j == 0 and info.kind in (Kind.MEASURED, Kind.INTEGRATED):
        still_s = end.time_s - end.moved_s[index]
        if still_s >= max(STANDSTILL_S, SHORT_WINDOW_PERIODS * info.update_period_s):
            return f"{info.id}: stood still for {still_s:.3g} s, as a dead counter does"
    return ""


def mean_power_w(index: int, start: Snapshot, end: Snapshot) -> float:
    """Mean power of a source between two snapshots; 0 if it is not known."""
    before, after, duration_s = start.values[index], end.values[index], end.time_s - start.time_s
    if isinstance(before, str) or isinstance(after, str) or duration_s <= 0:
        return 0.0
    return max(after - before, 0.0) / duration_s
