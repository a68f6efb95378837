"""Readings of a power or of an energy counter over time, integrated exactly."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, groupby, pairwise
from statistics import median, median_low

from ....errors import DataError
from ...source import Kind

_MOST_CLOSE, _LEAST_FAR = 0.25, 1 / 32  # of the steps; as 32 devices have them
GAP_PERIODS = 3.0  # readings further apart than this many times the usual have a gap between


def count_close(steps_s: Sequence[float]) -> int:
    """How many readings come right after the one before, as those of several devices do.

    They are within a tenth of the mean step, and groups of them of one size follow each other; 0 if
    not, as where a trace has a long gap.
    """
    most_s = sum(steps_s) / len(steps_s) / 10 if steps_s else 0.0
    close = [step_s <= most_s for step_s in steps_s]
    groups = [len(list(steps)) for is_close, steps in groupby(close) if is_close]
    n_close, n_far = sum(close), len(close) - sum(close)
    regular = len(groups) > 2 and groups.count(median_low(groups)) >= len(groups) / 2
    often = n_close > _MOST_CLOSE * len(close) and n_far >= _LEAST_FAR * len(close)
    return n_close if regular and often else 0


@dataclass(frozen=True)
class Trace:
    """Readings of a power, or of an energy counter, over time; a DataError if they are none."""

    times_s: tuple[float, ...]  # when each reading was taken, from 0 on, never falling; two or more
    power_w: tuple[float, ...] = ()  # at each, a line in between; empty for a counter
    counter_j: tuple[float, ...] = ()  # its state at each, never falling; empty for a power
    component: str = "node"  # ``"gpu"``, ``"cpu"``, ``"dram"`` or ``"node"``
    counter_kind: Kind = Kind.MEASURED  # how a counter's joules became known
    name: str = "trace"  # what was recorded, such as ``"trace.csv#power_w"``

    def __post_init__(self) -> None:
        n_readings = len(self.times_s)
        if n_readings < 2 or {len(self.power_w), len(self.counter_j)} != {0, n_readings}:
            raise DataError(
                f"{self.name}: {n_readings} times, {len(self.power_w)} powers and "
                f"{len(self.counter_j)} counter states: give two or more times with either"
            )
        if self.times_s[0] != 0 or any(b < a for a, b in pairwise(self.times_s)):
            raise DataError(f"{self.name}: times must start at 0 and never fall")
        if any(b < a for a, b in pairwise(self.counter_j)):
            raise DataError(f"{self.name}: the counter falls: cut the trace where it was reset")

    @property
    def kind(self) -> Kind:
        """How the joules became known."""
        return Kind.INTEGRATED if self.power_w else self.counter_kind

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the trace."""
        n_close = count_close([b - a for a, b in pairwise(self.times_s)])
        odd = f"{n_close} readings come right after the one before: are several devices in it?"
        return (odd,) if n_close else ()

    @property
    def duration_s(self) -> float:
        """Seconds from the first reading to the last."""
        return self.times_s[-1]

    @cached_property
    def period_s(self) -> float:
        """Median time between two readings."""
        return median(b - a for a, b in pairwise(self.times_s))

    @cached_property
    def step_s(self) -> float:
        """Median time between two moves of a counter, between two readings of a power."""
        if not self.counter_j:
            return self.period_s
        moved = pairwise(zip(self.times_s, self.counter_j, strict=True))
        moved_s = [0.0, *(at_s for (_, before_j), (at_s, now_j) in moved if now_j > before_j)]
        return median(b - a for a, b in pairwise(moved_s)) if len(moved_s) > 1 else self.period_s

    def energy_j(self, start_s: float = 0.0, end_s: float | None = None) -> float:
        """Joules between two moments, in seconds after the first reading, both interpolated."""
        end_s = self.duration_s if end_s is None else end_s
        self._check(start_s, end_s)
        return self._until_j(end_s) - self._until_j(start_s)

    def between(self, start_s: float, end_s: float) -> Trace:
        """The part whose readings lie within two moments, starting with the first of them."""
        self._check(start_s, end_s)
        inside = slice(bisect_left(self.times_s, start_s), bisect_right(self.times_s, end_s))
        kept_s = self.times_s[inside]
        times_s = tuple([at - kept_s[0] for at in kept_s])
        powers, counter = self.power_w[inside], self.counter_j[inside]
        return replace(self, times_s=times_s, power_w=powers, counter_j=counter)

    def largest_gap_s(self, start_s: float = 0.0, end_s: float = math.inf) -> float:
        """Longest time without a reading that touches the window, 0 if none stands out."""
        touching = (b - a for a, b in self._gaps if b >= start_s and a <= end_s)
        return max(touching, default=0.0)

    @cached_property
    def _gaps(self) -> list[tuple[float, float]]:
        least_s = GAP_PERIODS * self.period_s
        return [(a, b) for a, b in pairwise(self.times_s) if b - a > least_s]

    @cached_property
    def _cumulative_j(self) -> Sequence[float]:
        """Joules from the first reading to each."""
        if self.counter_j:
            return [energy_j - self.counter_j[0] for energy_j in self.counter_j]
        steps = zip(pairwise(self.times_s), pairwise(self.power_w), strict=True)
        pieces_j = ((b - a) * (p + q) / 2 for (a, b), (p, q) in steps)
        return list(accumulate(pieces_j, initial=0.0))

    def _until_j(self, at_s: float) -> float:
        index = min(bisect_right(self.times_s, at_s), len(self.times_s) - 1) - 1
        since_s = at_s - self.times_s[index]
        step_s = self.times_s[index + 1] - self.times_s[index]
        share = since_s / step_s if step_s else 1.0
        before_j, after_j = self._cumulative_j[index : index + 2]
        if self.counter_j:
            return before_j + share * (after_j - before_j)
        power_w, next_w = self.power_w[index : index + 2]
        return before_j + since_s * (power_w + share * (next_w - power_w) / 2)

    def _check(self, start_s: float, end_s: float) -> None:
        if not 0 <= start_s <= end_s <= self.duration_s:
            raise DataError(
                f"{self.name}: {start_s:g} to {end_s:g} s is not within the trace of "
                f"{self.duration_s:.6g} s"
            )
