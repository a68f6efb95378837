"""What is told of a run while it goes: its trials by state, its search, its climb, its failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ...models.outcome import RESULTS, State
from .events import InterruptedEvent, SliceEvent


class Climb(NamedTuple):
    """A new best score of a run, and the joules that the run had spent by then."""

    spent_j: float | None  # None if unknown
    score: float  # oriented: greater is better


@dataclass
class Account:
    """Figures of one run that grow with its events, so that a look at them costs nothing."""

    states: dict[int, State] = field(default_factory=dict)  # of each trial, by its last slice
    scores: dict[int, float] = field(default_factory=dict)  # oriented, of trials with a result
    climbs: list[Climb] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)  # trials that failed, by their message
    # Joules of search, and of the same slices in all: of those of which both are known.
    searched_j: float = 0.0
    searched_of_j: float = 0.0

    def take(
        self, event: SliceEvent | InterruptedEvent, score: float | None, spent_j: float | None
    ) -> None:
        """Take a slice.

        Args:
            event: What the ledger says of it.
            score: Its oriented score.
            spent_j: Joules that the run has spent, the slice included.
        """
        state = State.INTERRUPTED if isinstance(event, InterruptedEvent) else event.state
        self.states[event.trial] = state
        if isinstance(event, InterruptedEvent):
            return
        if event.search_j is not None and event.energy_j is not None:
            self.searched_j += event.search_j
            self.searched_of_j += event.energy_j
        if state is State.FAILED:
            self.failures[event.message.strip()] += 1
        if state in RESULTS and score is not None:
            self.scores[event.trial] = score
            if not self.climbs or score > self.climbs[-1].score:
                self.climbs.append(Climb(spent_j, score))

    def reached(self, target: float) -> Climb | None:
        """The first score at or above a target; None if there is none yet."""
        return next((climb for climb in self.climbs if climb.score >= target), None)
