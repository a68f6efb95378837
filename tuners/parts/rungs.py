"""Rungs: how far trials are trained before it is decided which of them go on.

A ladder turns what is known of a run into a standing: which rung each trial has reached, with what
accuracy, and which slice takes a trial to a rung. Its rungs are epochs, or joules of the trial:
then cheap networks get more epochs than dear ones for the same energy. The strategy decides which
trial goes on, a proposer what is begun (see `proposals.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from ...models.outcome import State
from .history import TrialSoFar

ETA = 3
"""Ratio of one rung to the one below, as in the papers on successive halving."""
PRICED_TRIALS = 5
"""First trials whose median epoch sets the joules of the rungs."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Step:
    """The slice that a strategy wants next.

    Attributes:
        until: Epochs of the trial at which the slice ends.
        until_j: Joules of the trial at which it ends, if that comes first; None if there are none.
        pause: Whether there are rungs above.
        trial: The paused trial to continue; None begins a new one.
    """

    until: int
    until_j: float | None
    pause: bool
    trial: int | None = None


class Ladder:
    """The rungs of a run: r_k = R / eta^(K-k), rounded, from 1 epoch to all R.

    In joules, rung k lies at the energy of r_k epochs, each at what one epoch of the median of the
    first trials took. Until that is known new trials get one epoch. A trial that has all R epochs
    has reached every rung, whatever its joules.

    Args:
        longest: R, the most epochs that a trial may have.
        in_joules: Whether rungs are joules of the trial rather than epochs.
        eta: Ratio of one rung to the one below, above 1.
    """

    def __init__(self, longest: int, *, in_joules: bool = False, eta: float = ETA) -> None:
        self.longest, self.in_joules, self.eta = longest, in_joules, eta
        rungs, height = {1}, float(longest)
        while round(height) >= 1:
            rungs.add(round(height))
            height /= eta
        self.rungs = tuple(sorted(rungs))
        """Epochs of each rung, in joules those that the median of the first trials gets."""
        self.top = len(self.rungs) - 1
        """Index of the last rung."""

    def standing(self, trials: Mapping[int, TrialSoFar]) -> Standing:
        """Where the trials of a run stand."""
        return Standing(self, trials)

    def epoch_j(self, trials: Mapping[int, TrialSoFar]) -> float | None:
        """Joules of the first epoch of the median of the first trials; None if not known yet."""
        priced = [trial.energies_j[1] for trial in trials.values() if 1 in trial.energies_j]
        return median(priced[:PRICED_TRIALS]) if len(priced) >= PRICED_TRIALS else None


class Standing:
    """Where the trials of a run stand on its ladder.

    Args:
        ladder: The rungs.
        trials: What the run knows, by number, in the order the trials were begun.
    """

    def __init__(self, ladder: Ladder, trials: Mapping[int, TrialSoFar]) -> None:
        self.ladder, self.trials = ladder, trials
        self._unit = ladder.epoch_j(trials) if ladder.in_joules else 1.0
        self.priced = self._unit is not None
        """Whether it is known where the rungs lie; until then no trial has reached one."""
        self.reached: list[dict[int, int]] = [{} for _ in ladder.rungs]
        """For each rung, by trial, the first validated epoch at which it had reached it."""
        self._rung = dict.fromkeys(trials, -1)
        for trial in trials.values():
            self._climb(trial)

    def _climb(self, trial: TrialSoFar) -> None:
        """Note the rungs that a trial has reached."""
        if self._unit is None:
            return
        rung, rungs = 0, self.ladder.rungs
        for epoch in sorted(trial.accuracies):
            spent = trial.energies_j.get(epoch, 0.0) if self.ladder.in_joules else epoch
            height = math.inf if epoch >= self.ladder.longest else spent * (1 + _ROUNDING)
            while rung < len(rungs) and height >= rungs[rung] * self._unit:
                self.reached[rung][trial.number] = epoch
                self._rung[trial.number] = rung
                rung += 1

    def rung(self, number: int) -> int:
        """Index of the highest rung that a trial has reached, -1 if none."""
        return self._rung[number]

    def scores(self, rung: int) -> dict[int, float]:
        """Validation accuracies at a rung, by trial, of all that have reached it.

        Those that failed or ran out of budget later on are among them.
        """
        return {n: self.trials[n].accuracies[epoch] for n, epoch in self.reached[rung].items()}

    def curve(self, rung: int, number: int) -> list[float]:
        """Accuracies of a trial, epoch by epoch, up to a rung that it has reached."""
        last, accuracies = self.reached[rung][number], self.trials[number].accuracies
        return [accuracies[epoch] for epoch in sorted(accuracies) if epoch <= last]

    def waits(self, number: int) -> bool:
        """Whether a trial is paused with rungs above it."""
        trial = self.trials[number]
        return (
            trial.state is State.PAUSED
            and self._rung[number] < self.ladder.top
            and trial.epochs < self.ladder.longest
        )

    def step(self, rung: int, trial: int | None = None) -> Step:
        """The slice that takes a trial, or a new one, to a rung."""
        below_top, longest = rung < self.ladder.top, self.ladder.longest
        if not self.ladder.in_joules:
            return Step(self.ladder.rungs[rung], None, below_top, trial)
        if self._unit is None:
            return Step(1, None, longest > 1, trial)
        return Step(longest, self.ladder.rungs[rung] * self._unit, below_top, trial)
