"""How busy the workers of a comparison are, and what they used beside the runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...energy.quantities import total
from ..tables.facts import Fact
from .drift import Drift, drift_of
from .events import Event, SessionEvent, StartEvent
from .messages import Outcome


@dataclass
class Workforce:
    """Worker-seconds and joules of one driver's session, as `SessionEvent` tells them."""

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

    def settled(self, outcomes: Sequence[Outcome], since_submit_s: float) -> None:
        """The jobs of one worker came back; what they took beyond their work was on the way."""
        busy_s = sum(outcome.busy_s for outcome in outcomes)
        self.busy_s += busy_s
        self.asking_s += sum(outcome.ask_s for outcome in outcomes)
        self.waiting_s += max(0.0, since_submit_s - busy_s)
        self.unbilled_j = total([self.unbilled_j, *(outcome.unbilled_j for outcome in outcomes)])


@dataclass(frozen=True)
class Overhead(Fact):
    """Joules that are charged to no run; None if unknown."""

    what: str
    energy_j: float | None


@dataclass(frozen=True)
class WorkersReport(Fact):
    """How busy the workers were over all sessions; None is what no session tells."""

    workers: int | None  # trials at a time, of the last session
    wall_s: float | None  # seconds of all sessions
    wait_share: float | None  # share of their time that workers waited for a job
    asking_share: float | None  # share of their time that workers asked and told strategies
    overhead: tuple[Overhead, ...]  # what was charged to no run
    driver_cpu_s: float | None  # CPU-seconds of the driver
    drift: Drift | None = None  # whether the machine stayed the same; None where it is not known


def report_work(events: Iterable[Event]) -> WorkersReport:
    """Add up the sessions of a ledger; of one that was killed only the start is known."""
    events = list(events)
    starts = [event for event in events if isinstance(event, StartEvent)]
    sessions = [event for event in events if isinstance(event, SessionEvent)]
    busy_s, waiting_s, asking_s = (
        sum(getattr(session, name) for session in sessions)
        for name in ("busy_s", "waiting_s", "asking_s")
    )
    engaged_s = busy_s + waiting_s
    was_killed = len(starts) > len(sessions)
    scoring_j = total(session.unbilled_j for session in sessions)
    return WorkersReport(
        workers=starts[-1].workers if starts else None,
        wall_s=total(session.wall_s for session in sessions) if sessions else None,
        wait_share=waiting_s / engaged_s if engaged_s else None,
        asking_share=asking_s / engaged_s if engaged_s else None,
        overhead=(
            Overhead(
                "starting and warming up the workers",
                total(start.startup_j for start in starts) if starts else None,
            ),
            Overhead(
                "scoring incumbents on the test split",
                scoring_j if sessions and not was_killed else None,
            ),
        ),
        driver_cpu_s=total(session.driver_cpu_s for session in sessions) if sessions else None,
        drift=drift_of(events),
    )
