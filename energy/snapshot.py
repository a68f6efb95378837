"""All sources of a meter at one moment, and what two of these moments say of a source."""

from __future__ import annotations

from typing import NamedTuple

from .observed import Seen, is_dead
from .reading import SHORT_WINDOW_PERIODS
from .source import SourceInfo

TIMER_S = 1e-3  # slack of clocks and counters in judging what power is possible


class Snapshot(NamedTuple):
    """All sources at one moment."""

    time_s: float  # when the reading began, on the meter's clock
    read_by_s: float  # when it was done
    values: tuple[float | str, ...]  # joules of each source, or the reason why there are none
    resets: tuple[int, ...]  # how often each source had lost count
    seen: tuple[Seen, ...]  # since when each source shows its value
    asleep_s: float  # how long the machine has been suspended since it was started


def doubt_of(
    info: SourceInfo, index: int, start: Snapshot, end: Snapshot, stood_s: float = 0.0
) -> str:
    """Why a source is not to be believed between two snapshots; empty if it is.

    ``stood_s`` is the longest time that its counter stood and then moved again.
    """
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
    if info.always_moves:
        still_s = max(stood_s, *(edge.time_s - edge.seen[index].moved_s for edge in (start, end)))
        still_s = still_s if energy_j else max(still_s, duration_s)
        if is_dead(info, energy_j, duration_s, still_s):
            return f"{info.id}: stood still for {still_s:.3g} s, as a dead counter does"
    return ""


def bound_of(
    info: SourceInfo, index: int, start: Snapshot, end: Snapshot, latest_w: float, lost_s: float
) -> float | None:
    """How far off the joules between two snapshots may be, in joules; None if not known.

    Mean power times what is not sure of the time: an update period, what reading took, how
    long the counter may have stood at the edges, and ``lost_s`` within, without a reading or
    standing. ``latest_w`` is its power by its latest moves.
    """
    period_s = info.update_period_s
    if not period_s:
        return 0.0
    edges_s = sum(edge.read_by_s - edge.time_s for edge in (start, end))
    stale_s = [_stale_s(info, index, edge) for edge in (start, end)]
    duration_s = end.time_s - start.time_s
    power_w = _mean_power_w(index, start, end, max(duration_s - stale_s[1], 0.0))
    if duration_s < SHORT_WINDOW_PERIODS * period_s:  # it may hold one step too few, or none
        power_w = max(power_w, latest_w)
    return power_w * (period_s + edges_s / 2 + lost_s + sum(stale_s)) if power_w else None


def _stale_s(info: SourceInfo, index: int, edge: Snapshot) -> float:
    """How long a counter that was seen standing may have stood at a snapshot; 0 if it was not."""
    seen = edge.seen[index]
    stands = info.always_moves and edge.time_s - seen.moved_s > info.update_period_s
    return edge.time_s - seen.before_s if stands else 0.0


def _mean_power_w(index: int, start: Snapshot, end: Snapshot, duration_s: float) -> float:
    """Mean power of a source between two snapshots; 0 if it is not known."""
    before, after = start.values[index], end.values[index]
    if isinstance(before, str) or isinstance(after, str) or duration_s <= 0:
        return 0.0
    return max(after - before, 0.0) / duration_s
