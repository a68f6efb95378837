"""How busy the workers of a comparison are, and what they used beside the runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ...energy.quantities import total
from .messages import Outcome


@dataclass
class Workforce:
    """Worker-seconds and joules of one driver's session.

    Attributes:
        busy_s: Spent on jobs.
        asking_s: Of these, on asking and telling strategies.
        waiting_s: Spent without a job although there was one to give, or on its way.
        unbilled_j: Joules charged to no run; None once some of them were unavailable.
    """

    busy_s: float = 0.0
    asking_s: float = 0.0
    waiting_s: float = 0.0
    unbilled_j: float | None = 0.0
    _free_since: list[float] = field(default_factory=list)

    def freed(self) -> None:
        """A worker has become free."""
        self._free_since.append(time.perf_counter())

    def engaged(self) -> None:
        """A free worker got a job."""
        if self._free_since:
            self.waiting_s += time.perf_counter() - self._free_since.pop(0)

    def settled(self, outcome: Outcome, since_submit_s: float) -> None:
        """A job came back; what it took beyond its own work was spent on the way."""
        self.busy_s += outcome.busy_s
        self.asking_s += outcome.ask_s
        self.waiting_s += max(0.0, since_submit_s - outcome.busy_s)
        self.unbilled_j = total([self.unbilled_j, outcome.unbilled_j])
