"""Recorded power and energy as a source: ``recorded:FILE[#COLUMN][@DEVICE]``."""

from __future__ import annotations

import time
from collections.abc import Callable

from ....errors import SourceError
from ...counter import PossibleSteps
from ...hardware import MOST_W, SOCKET_W, SOCKETS, SUPPLY_W
from ...source import SCOPES, Source, SourceInfo
from .trace import Trace

# All processors of a machine may be in one column, and all that a wattmeter is before.
COLUMN_W = {**MOST_W, "cpu": SOCKETS * SOCKET_W, "node": SUPPLY_W}


class RecordedSource(Source):
    """A trace that plays in real time from its first reading on."""

    def __init__(self, trace: Trace, clock: Callable[[], float] = time.perf_counter) -> None:
        self._trace, self._clock = trace, clock
        self._started_s: float | None = None
        self._steps = PossibleSteps(COLUMN_W[trace.component], trace.step_s)
        name, what = f"recorded:{trace.name}", "counter" if trace.counter_j else "power"
        self.info = SourceInfo(
            id=name,
            component=trace.component,
            kind=trace.kind,
            scope=SCOPES[trace.component],
            detail=f"recorded {what} of {trace.duration_s:.6g} s in {trace.name}",
            update_period_s=trace.step_s,
            max_power_w=COLUMN_W[trace.component],
            warnings=tuple(
                f"{name}: {warning}"
                for warning in ("recorded, not of this machine now", *trace.warnings)
            ),
        )

    def read(self) -> float:
        """Joules that the trace had used by now; fails once it is over."""
        now = self._clock()
        if self._started_s is None:
            self._started_s = now
        if now - self._started_s > self._trace.duration_s:
            raise SourceError(f"the trace ended after {self._trace.duration_s:.6g} s")
        energy_j = self._trace.energy_j(0.0, now - self._started_s)
        self._steps.judge(energy_j, now, now)
        return energy_j

    @property
    def resets(self) -> int:
        """How often the trace leapt as no hardware does."""
        return self._steps.losses

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a recorded reading that touches the window, 0 if none stands out."""
        origin_s = start_s if self._started_s is None else self._started_s
        return self._trace.largest_gap_s(start_s - origin_s, end_s - origin_s)
