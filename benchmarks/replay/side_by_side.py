"""A simulated run with several trials in flight: the rules of `simulation`, and a virtual clock.

Each slice in flight takes a time in proportion to its joules, as on workers of equal power, and is
told when it ends. Before that the strategy, built anew for each ask, is told guesses of it
(`tuners.pending`). A slice takes what it will spend out of the budget when it begins; where that
does not hold an ask and the cheapest epoch, the run waits for a slice in flight, and is over when
there is none. Asks that give no work are not charged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from ...tuners.pending import ask_beside
from ...tuners.registry import Builder
from ...tuners.strategy import Strategy, Told, Work, why_done
from ..comparison.events import End
from ..comparison.run import ASK_MARGIN
from .objective import Simulated
from .simulation import Run, Simulation, Terms, Training, fault, maker


@dataclass(frozen=True)
class _Flight:
    """A slice in flight, with what will have come of it."""

    ends_at: float  # joules of a worker since the run began, its virtual time
    number: int  # of the slice, in the order in which they began
    trial: Training
    work: Work
    told: Told
    energy_j: float  # of all of it
    search_j: float
    search_s: float

    def __lt__(self, other: _Flight) -> bool:
        return (self.ends_at, self.number) < (other.ends_at, other.number)


def play(
    build: Builder,
    objective: Simulated,
    terms: Terms,
    parallel_trials: int,
    *,
    shared: dict[Any, Any] | None = None,
) -> Simulation:
    """Let a strategy search an objective with up to so many trials in flight.

    The other arguments are as of `simulation.play`.
    """
    make = maker(build, objective, terms, shared=shared)
    try:
        run = SideBySide(make, objective, terms, parallel_trials)
    except Exception as error:  # noqa: BLE001 - of whatever library
        return Simulation(terms, [], *fault(error))
    return run.play()


class SideBySide(Run):
    """A run with up to ``parallel_trials`` slices in flight."""

    def __init__(
        self,
        build: Callable[[], Strategy],
        objective: Simulated,
        terms: Terms,
        parallel_trials: int,
    ) -> None:
        super().__init__(build(), objective, terms)
        self._build, self._most = build, parallel_trials
        self._history: list[Told] = []  # oriented
        self._flying: list[_Flight] = []
        self._now = 0.0
        self._n_begun = 0

    def play(self) -> Simulation:
        """Go on until the run is over and nothing is in flight."""
        while True:
            end = None
            while end is None and len(self._flying) < self._most:
                end = self._why_over() or self._begin_slice()
            if not self._flying:
                assert end is not None
                return Simulation(self._terms, self._slices, *end)
            self._land(heappop(self._flying))

    @property
    def _left_j(self) -> float:
        """Joules of the budget that are neither spent nor taken by slices in flight."""
        taken_j = sum(flight.energy_j for flight in self._flying)
        return self._terms.budget_j - self._spent_j - taken_j

    def _begin_slice(self) -> tuple[End, str] | None:
        """Ask and begin a slice; returns why not, which is only a wait if others are in flight."""
        if self._flying and self._left_j < ASK_MARGIN * self._ask_j + self._cheapest_j:
            return End.SPENT, ""
        started_s = time.process_time()
        pending = [(each.trial.number, each.work) for each in sorted(self._flying, key=_number)]
        try:
            strategy = self._build()
            work = ask_beside(strategy, self._history, pending, self._spent_j)
            search_s = time.process_time() - started_s
            if work is None:
                return End.NO_WORK, why_done(strategy)
            trial = self._begin(work)
        except Exception as error:  # noqa: BLE001 - of whatever library
            return fault(error)
        left_j = self._left_j
        self._ask_j = self._price_ask(self._n_begun, search_s)
        told, energy_j = self._train(trial, work, left_j - self._ask_j)
        costs = energy_j, self._ask_j, search_s
        heappush(
            self._flying, _Flight(self._now + energy_j, self._n_begun, trial, work, told, *costs)
        )
        self._n_begun += 1
        return None

    def _land(self, flight: _Flight) -> None:
        """A slice ends: its run and its strategy learn of it."""
        self._now = flight.ends_at
        self._keep(flight.trial, flight.told, flight.energy_j)
        self._history.append(flight.told.oriented(self._objective.metric))
        self._record(flight.told, flight.energy_j, flight.search_j, flight.search_s, flight.work)


def _number(flight: _Flight) -> int:
    return flight.number
