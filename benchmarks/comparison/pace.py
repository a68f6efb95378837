"""How long something still takes, by how it went of late."""

from __future__ import annotations

from collections import deque
from itertools import combinations
from statistics import median

LEAST_S = 3.0
"""Seconds that must have been seen before anything is said."""
LEAST_SAMPLES = 4
SPAN_S = 60.0
"""Seconds that are looked back on."""
EVERY_S = 2.0
"""How far apart samples are."""


class Pace:
    """The rate of something that only grows, such as joules or trials: the median of its slopes.

    The slopes between all samples of the last minute (Theil, 1950; Sen, 1968) are little moved by a
    stall or a leap.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()
        self._now: tuple[float, float] | None = None

    def take(self, now_s: float, amount: float | None) -> None:
        """Take the amount up to now, which is never before the last time; unknown ones are none."""
        if amount is None:
            self._samples.clear()
            self._now = None
            return
        now_s = now_s if self._now is None else max(now_s, self._now[0])
        self._now = (now_s, amount)
        if not self._samples or now_s - self._samples[-1][0] >= EVERY_S:
            self._samples.append(self._now)
        while now_s - self._samples[0][0] > SPAN_S and len(self._samples) > LEAST_SAMPLES:
            self._samples.popleft()

    @property
    def rate(self) -> float | None:
        """Amount per second; None before it is known, or where nothing grows."""
        if self._now is None:
            return None
        points = [*self._samples]
        if points[-1] != self._now:
            points.append(self._now)
        if len(points) < LEAST_SAMPLES or points[-1][0] - points[0][0] < LEAST_S:
            return None
        slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t > s]
        rate = median(slopes)
        return rate if rate > 0 else None

    def left_s(self, amount: float | None) -> float | None:
        """Seconds that an amount still takes; None before that is known."""
        rate = self.rate
        return None if rate is None or amount is None else amount / rate
