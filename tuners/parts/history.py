"""What a run knows so far, by trial: the record that strategies are functions of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...energy.quantities import total
from ...models.outcome import State
from ..strategy import Told


@dataclass
class TrialSoFar:
    """What is known of a trial: its slices put together."""

    number: int
    params: Mapping[str, Any]
    state: State = State.COMPLETE  # in which its last slice ended
    epochs: int = 0  # whole ones behind it
    energy_j: float | None = 0.0  # of all its slices, search included; None if any is unavailable
    scores: dict[int, float] = field(default_factory=dict)  # by validated epoch
    energies_j: dict[int, float] = field(default_factory=dict)  # so far, by epoch, as known
    pending: bool = False  # whether a slice of it is still being trained, as in `Told`

    @property
    def failed(self) -> bool:
        """Whether it ended in an error."""
        return self.state is State.FAILED

    @property
    def score(self) -> float | None:
        """Last validated score, None if there is none or the trial failed."""
        if self.failed or not self.scores:
            return None
        return self.scores[max(self.scores)]

    @property
    def epoch_j(self) -> float | None:
        """Mean joules of its epochs, all that it took besides among them; None if unknown."""
        return self.energy_j / self.epochs if self.energy_j is not None and self.epochs else None

    def add(self, told: Told) -> None:
        """Take what a slice gave."""
        before_j = self.energy_j
        self.state, self.pending = told.state, told.pending
        self.epochs = max(self.epochs, told.epochs)
        self.energy_j = total((self.energy_j, told.energy_j))
        for point in told.curve:
            self.scores[point.epoch] = point.score
            if before_j is not None and point.energy_j is not None:
                self.energies_j[point.epoch] = before_j + point.energy_j
        if told.score is not None and not told.curve:
            self.scores[max(told.epochs, 1)] = told.score


def trials_of(history: Iterable[Told]) -> dict[int, TrialSoFar]:
    """The trials of a history by number, in the order they were begun."""
    trials: dict[int, TrialSoFar] = {}
    for told in history:
        trials.setdefault(told.trial, TrialSoFar(told.trial, told.params)).add(told)
    return trials
