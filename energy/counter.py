"""Turning what hardware gives (wrapping registers, powers) into cumulative joules."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import SourceError
from .source import PowerSource, SourceInfo

GAP_PERIODS = 3.0
"""An integrated source reports a gap once no power was read for this many periods."""


class WrappingCounter:
    """A hardware register that counts up and starts again at zero after its range.

    A register that went backwards has wrapped or was reset (suspend, driver reload). It is taken
    for a wrap only if the power this implies is possible.

    Args:
        modulus: Number of values of the register: its greatest value plus one.
        joules_per_unit: Energy of one step.
        max_power_w: Power above which an advance is impossible.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        modulus: int,
        joules_per_unit: float,
        max_power_w: float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._modulus = modulus
        self._joules_per_unit = joules_per_unit
        self._max_power_w = max_power_w
        self._clock = clock
        self._last: tuple[int, float] | None = None
        self._units = 0
        self.resets = 0

    def advance(self, register: int) -> float:
        """Take a new register value and return the cumulative joules.

        Raises:
            SourceError: The register moved by an impossible amount; counting starts anew.
        """
        now = self._clock()
        last, self._last = self._last, (register, now)
        if last is None:
            return self._units * self._joules_per_unit
        step = (register - last[0]) % self._modulus
        allowed_j = self._max_power_w * (now - last[1] + 1.0)
        if step * self._joules_per_unit > allowed_j:
            self.resets += 1
            raise SourceError(
                f"counter moved from {last[0]} to {register}, which no wrap explains: "
                "it was reset (suspend or driver reload)"
            )
        self._units += step
        return self._units * self._joules_per_unit


class IntegratedSource:
    """A power-only source made cumulative by the trapezoid rule.

    ``read`` takes a power reading of its own, so that both edges of a window are in the sum.
    """

    def __init__(self, power: PowerSource, clock: Callable[[], float] = time.perf_counter) -> None:
        self._power = power
        self._clock = clock
        self._lock = threading.Lock()
        self._last: tuple[float, float] | None = None
        self._energy_j = 0.0
        self.resets = 0
        self.gaps: list[tuple[float, float]] = []

    @property
    def info(self) -> SourceInfo:
        """The identity of the power source."""
        return self._power.info

    def read(self) -> float:
        """Integrate up to now and return the cumulative joules."""
        with self._lock:
            power_w = self._power.read_power_w()
            now = self._clock()
            if not 0 <= power_w <= self.info.max_power_w:
                raise SourceError(f"{self.info.id} reads {power_w} W, which is impossible")
            if self._last is not None:
                then, last_w = self._last
                self._energy_j += (power_w + last_w) / 2 * (now - then)
                if now - then > GAP_PERIODS * self.info.update_period_s:
                    self.gaps.append((now, now - then))
            self._last = (now, power_w)
            return self._energy_j

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a power reading that touches the window, 0 if none stands out."""
        return max(
            (gap for at, gap in list(self.gaps) if at >= start_s and at - gap <= end_s), default=0.0
        )
