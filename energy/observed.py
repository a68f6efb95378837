"""What is seen of a counter at every reading: when it moved, how long it stood, at what power."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .counter import Gaps
from .forksafe import Guard
from .reading import SHORT_WINDOW_PERIODS
from .sampler import LONGEST_WAIT_S, try_read
from .source import Source, SourceInfo

STANDSTILL_S = 1.0  # hardware whose counter stood for so long is not being measured
HICCUP_S = 0.1  # firmware may hold a counter back for so long
STALE_SHARE = 0.02  # of a window: a counter that stood for more of it makes a wrong number
POWER_PERIODS = 5  # update periods that a present power is taken over
POWER_S = 0.2  # the least time that it is taken over
WATCH_PERIOD_S = 0.05  # counters are looked at no more often
WATCH_SHARE = 0.005  # of the time, for looking at one counter


class Seen(NamedTuple):
    """When a counter began to show what it shows."""

    moved_s: float  # the present value was there by then
    before_s: float  # another value was there at this time


class Observed:
    """A source, read by one thread at a time, and what its readings told so far."""

    def __init__(self, source: Source, clock: Callable[[], float]) -> None:
        self.source, self.name = source, source.info.id
        self._clock = clock
        self._guard = Guard()
        self._value: float | None = None
        self._seen_s = 0.0  # when the present value was last seen
        self._moved_at_s = 0.0  # when the counter moved to it, by what is known
        self._stalls = Gaps()
        self._steps: deque[tuple[float, float]] = deque()
        self._span_s = max(POWER_PERIODS * source.info.update_period_s, POWER_S)
        self.asked_s = self.cost_s = 0.0  # when it was last read, and what that took
        self.seen = Seen(0.0, 0.0)

    def read(self) -> float | str:
        """Cumulative joules, or why there are none."""
        if not self.source.info.counts_search:  # counted operations are exact, and read each step
            return try_read(self.source, self.name)
        with self._guard:
            self.asked_s = asked_s = self._clock()
            value = try_read(self.source, self.name)
            done_s = self._clock()
            self.cost_s = done_s - asked_s
            if not isinstance(value, str):
                if value != self._value:
                    self._move(value, asked_s, done_s)
                self._seen_s = asked_s
            return value

    def stood_s(self, start_s: float, end_s: float) -> float:
        """The longest time beyond its period that it stood before it moved in a window."""
        return self._stalls.largest_s(start_s, end_s)

    @property
    def standing_s(self) -> float:
        """How long it has stood, by what was seen."""
        return max(self._seen_s - self.seen.moved_s, 0.0)

    @property
    def power_w(self) -> float:
        """Mean power over its latest moves; 0 if it is not known."""
        with self._guard:
            if len(self._steps) < 2:
                return 0.0
            (first_s, first_j), (last_s, last_j) = self._steps[0], self._steps[-1]
        return (last_j - first_j) / (last_s - first_s) if last_s > first_s else 0.0

    def pending_j(self, now: float) -> float:
        """Joules drawn since it last moved, by its power: they are not in its value yet."""
        stale_s = min(max(now - self._moved_at_s, 0.0), self.source.info.update_period_s)
        return self.power_w * stale_s if stale_s else 0.0

    def _move(self, value: float, asked_s: float, done_s: float) -> None:
        before_s = asked_s
        if self._value is not None:
            before_s, stood_s = self._seen_s, self.standing_s
            if stood_s > self.source.info.update_period_s:
                self._stalls.add(self._seen_s, stood_s)
            if value < self._value:
                self._steps.clear()
        # It moved at some time since the other value was seen, within its period.
        unsure_s = min(done_s - before_s, self.source.info.update_period_s)
        at_s = self._moved_at_s = done_s - unsure_s / 2
        steps = self._steps
        steps.append((at_s, value))
        while len(steps) > 2 and steps[1][0] <= at_s - self._span_s:
            steps.popleft()
        self._value, self.seen = value, Seen(done_s, before_s)


def alarm_s(info: SourceInfo) -> float:
    """How long a counter may stand without a word: five of its periods, or a hiccup."""
    period_s = info.update_period_s
    return max(SHORT_WINDOW_PERIODS * period_s, HICCUP_S) if period_s else STANDSTILL_S


def is_dead(info: SourceInfo, energy_j: float, duration_s: float, still_s: float) -> bool:
    """Whether a counter that stood for so long in a window makes its joules a wrong number.

    It is asked of counters that move as long as hardware draws (``SourceInfo.always_moves``).
    """
    period_s = SHORT_WINDOW_PERIODS * info.update_period_s
    if energy_j == 0:
        return still_s >= (period_s or STANDSTILL_S)
    return still_s >= alarm_s(info) and (
        still_s >= max(STANDSTILL_S, period_s) or still_s > STALE_SHARE * duration_s
    )


class Watch:
    """Looks at counters between the edges of windows, as long as one is open.

    Without it a counter that dies within a window shows joules at its end, as a live one does.
    """

    def __init__(self, observed: Iterable[Observed], clock: Callable[[], float]) -> None:
        self._watched = [each for each in observed if each.source.info.always_moves]
        self._clock = clock
        self._windows: weakref.WeakSet[object] = weakref.WeakSet()
        self.asleep = True  # until a window is opened
        self.wake: Callable[[], None] = lambda: None  # makes `look` be called soon

    def __bool__(self) -> bool:
        return bool(self._watched)

    def open(self, window: object) -> None:
        """Look at the counters until this window is closed or dropped."""
        if self._watched:
            self._windows.add(window)
            if self.asleep:
                self.asleep = False
                self.wake()

    def close(self, window: object) -> None:
        """Forget a window."""
        self._windows.discard(window)

    def look(self) -> float:
        """Look at each counter that was not read lately; returns when to do so again."""
        self.asleep = True  # first, so that a window opened now wakes us
        if not self._windows:
            return LONGEST_WAIT_S
        self.asleep = False
        return min([self._look_at(each) for each in self._watched])

    def _look_at(self, observed: Observed) -> float:
        wait_s = self._due_s(observed) - self._clock()
        if wait_s <= 0:
            observed.read()
            wait_s = self._due_s(observed) - self._clock()
        return max(wait_s, WATCH_PERIOD_S / 10)

    def _due_s(self, observed: Observed) -> float:
        period_s = max(observed.source.info.update_period_s / 4, WATCH_PERIOD_S)
        return observed.asked_s + max(period_s, observed.cost_s / WATCH_SHARE)
