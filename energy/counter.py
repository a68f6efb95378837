"""Turning what hardware gives (wrapping registers, powers) into cumulative joules."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from ..errors import SourceError
from .forksafe import Guard
from .source import PowerSource, Source, Task

SAMPLE_PERIOD_S = 0.1  # how often power-only sources are read
GAP_PERIODS = 3.0  # an integrated source reports a gap once no power was read for this many periods
_LOST_AFTER_REFUSED = 2  # readings in a row that no register shows
JITTER_S = 0.05  # counters may move this late: a step then holds more energy


class PossibleSteps:
    """Judges the steps of a counter by the power that they imply, and counts impossible ones.

    ``slack_s`` is how long before a reading began its step may have begun.
    """

    def __init__(self, max_power_w: float, slack_s: float) -> None:
        self._max_power_w, self._slack_s = max_power_w, slack_s + JITTER_S
        self._last: tuple[float, float] | None = None
        self.losses = 0

    def judge(self, energy_j: float, asked_s: float, done_s: float) -> None:
        """Take a reading that began and was done at these times."""
        last, self._last = self._last, (energy_j, asked_s)
        if last is not None:
            most_j = self._max_power_w * (done_s - last[1] + self._slack_s)
            self.losses += not 0 <= energy_j - last[0] <= most_j  # also one that is no number


class WrappingCounter:
    """A register that counts up and wraps to 0 at its modulus, the greatest value plus one.

    A register that went backwards has wrapped or was reset (suspend, driver reload): it is taken
    for a wrap only if the power this implies is possible. A value that no register of this modulus
    can show is refused, and nothing is learnt from it; the count is lost after two in a row, as
    the register may have moved by any amount meanwhile.
    """

    def __init__(
        self,
        read_register: Callable[[], int],
        modulus: int,
        joules_per_unit: float,
        max_power_w: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._read_register = read_register
        self._modulus = modulus
        self._joules_per_unit = joules_per_unit
        self._max_power_w = max_power_w
        self._clock = clock
        self._guard = Guard()
        self._last: tuple[int, float] | None = None
        self._units = 0
        self._refused = 0  # readings in a row that no register shows
        self.resets = 0

    def read(self) -> float:
        """Cumulative joules; an impossible advance is a SourceError and counts as a reset."""
        with self._guard:  # around the register too, or an older value could come in later
            asked_s = self._clock()
            register = self._read_register()
            if not 0 <= register < self._modulus:
                self._refused += 1
                self.resets += self._refused == _LOST_AFTER_REFUSED
                raise SourceError(f"counter shows {register}, beyond 0 to {self._modulus - 1}")
            last, self._last = self._last, (register, asked_s)
            if self._refused >= _LOST_AFTER_REFUSED:
                last = None
            self._refused = 0
            if last is not None:
                # It moved between the start of the last reading and the end of this one.
                self._advance(last[0], register, self._clock() - last[1])
            return self._units * self._joules_per_unit

    def _advance(self, last: int, register: int, within_s: float) -> None:
        if self._max_power_w * within_s >= self._modulus * self._joules_per_unit:
            self.resets += 1
            raise SourceError(f"not read for {within_s:.0f} s, so it may have wrapped unseen")
        step = (register - last) % self._modulus
        if step * self._joules_per_unit > self._max_power_w * (within_s + JITTER_S):
            self.resets += 1
            raise SourceError(
                f"counter moved from {last} to {register}, which no wrap explains: "
                "it was reset (suspend or driver reload)"
            )
        self._units += step


class Gaps:
    """Times without a power reading, of which only the largest that a window may touch are kept."""

    def __init__(self) -> None:
        self._gaps: list[tuple[float, float]] = []

    def add(self, end_s: float, gap_s: float) -> None:
        """Note a gap that ends now."""
        # Windows end now or later, so one that touches an earlier gap touches this one too: smaller
        # ones may go, and the list stays short however long the job.
        while self._gaps and self._gaps[-1][1] <= gap_s:
            self._gaps.pop()
        self._gaps.append((end_s, gap_s))

    def largest_s(self, start_s: float, end_s: float) -> float:
        """The largest gap that touches a window; 0 without any."""
        touching = (gap for at, gap in self._gaps if at >= start_s and at - gap <= end_s)
        return max(touching, default=0.0)


class IntegratedSource(Source):
    """A power made cumulative by the trapezoid rule; ``read`` takes a power reading of its own."""

    def __init__(self, power: PowerSource, clock: Callable[[], float] = time.perf_counter) -> None:
        self.info = power.info
        self._power = power
        self._clock = clock
        self._guard = Guard()
        self._last: tuple[float, float, float] | None = None
        self._gaps = Gaps()

    def read(self) -> float:
        """Integrate up to now; after a reading that failed, the next good one bridges the gap."""
        with self._guard:
            power_w = self._power.read_power_w()
            now = self._clock()
            # Hardware that is on draws something: 0 W is what a dead sensor says.
            if not 0 < power_w <= self.info.max_power_w:
                raise SourceError(f"reads {power_w} W, which is impossible")
            energy_j = 0.0
            if self._last is not None:
                then, last_w, energy_j = self._last
                energy_j += (power_w + last_w) / 2 * (now - then)
                if now - then > GAP_PERIODS * self.info.update_period_s:
                    self._gaps.add(now, now - then)
            self._last = (now, power_w, energy_j)  # at once: a fork may fall between two steps
            return energy_j

    def tasks(self) -> list[Task]:
        """Take readings between the edges of windows, beside the power source's own tasks."""
        return [self._sample, *self._power.tasks()]

    @property
    def resets(self) -> int:
        """How often the power source lost count of itself, as after a driver's reload."""
        return self._power.resets

    @property
    def in_use(self) -> bool:
        """Whether this process may use the hardware."""
        return self._power.in_use

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings of the moment of the power source."""
        return self._power.notes

    def close(self) -> None:
        """Close the power source."""
        self._power.close()

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a power reading that touches the window, 0 if none stands out."""
        with self._guard:
            return self._gaps.largest_s(start_s, end_s)

    def _sample(self) -> float:
        with contextlib.suppress(Exception):  # the next reading will show it
            self.read()
        return SAMPLE_PERIOD_S
