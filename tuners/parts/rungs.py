"""Rungs: how far trials are trained before it is decided which of them go on.

A ladder turns what is known of a run into a standing: the rung and score of each trial. Rungs
are epochs, or joules of the trial: then cheap networks get more epochs than dear ones.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from statistics import median
from typing import NamedTuple

from ...models.outcome import State
from .history import TrialSoFar

ETA = 3  # ratio of one rung to the one below, as in the papers on successive halving
PRICED_TRIALS = 5  # first trials whose median epoch sets the joules of the rungs
_ROUNDING = 1e-9


class Step(NamedTuple):
    """The slice that a strategy wants next, as in `Work`; without a trial it begins a new one."""

    until: int
    until_j: float | None
    pause: bool
    trial: int | None = None


class Ladder:
    """The rungs of a run: r_k = R / eta^(K-k), rounded, from 1 epoch to all R.

    With an infinite eta there are two: one epoch, and all.

    In joules, rung k lies at the energy of r_k epochs, each at what one epoch of the median of the
    first trials took. Until that is known new trials get one epoch. A trial that has all R epochs
    has reached every rung, whatever its joules.
    """

    def __init__(self, longest: int, *, in_joules: bool = False, eta: float = ETA) -> None:
        self.longest, self.in_joules, self.eta = longest, in_joules, eta
        rungs, height = {1}, float(longest)
        while round(height) >= 1:
            rungs.add(round(height))
            height /= eta
        self.rungs = tuple(sorted(rungs))  # in epochs; if in joules, those of a median trial
        self.top = len(self.rungs) - 1  # index of the last rung


class Ranking:
    """Trials in the order of their scores, the best first, of equals the first begun."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[float, int]] = {}
        self._ordered: list[tuple[float, int]] = []

    def put(self, number: int, score: float | None) -> None:
        """Give a trial its place by its score; None takes it out."""
        if (old := self._keys.pop(number, None)) is not None:
            del self._ordered[bisect_left(self._ordered, old)]
        if score is not None:
            self._keys[number] = key = (-score, number)
            insort(self._ordered, key)

    def place(self, number: int) -> int:
        """How many are before a trial."""
        return bisect_left(self._ordered, self._keys[number])

    def __iter__(self) -> Iterator[int]:
        return (number for _, number in self._ordered)

    def __len__(self) -> int:
        return len(self._ordered)


class Standing:
    """Where the trials of a run, in the order they were begun, stand on its ladder.

    It is a function of the trials; after a slice of one of them, `take` brings it up to date.
    ``left_j`` are the joules that the run has left, infinite if it may spend any.
    """

    def __init__(
        self, ladder: Ladder, trials: Mapping[int, TrialSoFar], left_j: float = math.inf
    ) -> None:
        self.ladder, self.trials, self.left_j = ladder, trials, left_j
        self.wanted: Collection[int] | None = None
        """The trials that may be gone on with; None for all."""
        self._place_all()

    def take(self, trial: TrialSoFar) -> None:
        """Note what a slice of a trial gave."""
        if self._find_unit() == self._unit:
            self._place(trial)
        else:  # the rungs lie elsewhere now
            self._place_all()

    def _place_all(self) -> None:
        self._unit = self._find_unit()
        self.priced = self._unit is not None  # whether it is known where the rungs lie
        n_rungs = len(self.ladder.rungs)
        self.reached: list[dict[int, int]] = [{} for _ in range(n_rungs)]
        """For each rung, by trial, the first validated epoch at which it had reached it."""
        self.rung: dict[int, int] = {}  # highest that each trial reached, or -1
        self._ranks = [Ranking() for _ in range(n_rungs)]  # of all that reached a rung
        self._waiting = [Ranking() for _ in range(n_rungs)]  # of those that wait on it
        self.unplaced: dict[int, None] = {}  # those that wait below the first rung
        for trial in self.trials.values():
            self._place(trial)

    def _find_unit(self) -> float | None:
        """Of an epoch; None if not known yet."""
        if not self.ladder.in_joules:
            return 1.0
        priced = (trial.energies_j[1] for trial in self.trials.values() if 1 in trial.energies_j)
        first = list(islice(priced, PRICED_TRIALS))
        return median(first) if len(first) == PRICED_TRIALS else None

    def _place(self, trial: TrialSoFar) -> None:
        """Note the rungs that a trial has reached, and whether it waits there."""
        number, highest = trial.number, -1
        climbed = {} if self._unit is None else self._climb(trial, self._unit)
        for rung, (reached, ranks) in enumerate(zip(self.reached, self._ranks, strict=True)):
            reached.pop(number, None)
            if rung in climbed:
                reached[number], highest = climbed[rung], rung
            ranks.put(number, trial.scores[climbed[rung]] if rung in climbed else None)
            self._waiting[rung].put(number, None)
        self.rung[number] = highest
        self.unplaced.pop(number, None)
        if self._is_paused(trial):
            if highest < 0:
                self.unplaced[number] = None
            else:
                self._waiting[highest].put(number, trial.scores[climbed[highest]])

    def _climb(self, trial: TrialSoFar, unit: float) -> dict[int, int]:
        """The epochs at which a trial reached its rungs."""
        climbed, rung, rungs = {}, 0, self.ladder.rungs
        for epoch in sorted(trial.scores):
            spent = trial.energies_j.get(epoch, 0.0) if self.ladder.in_joules else epoch
            height = math.inf if epoch >= self.ladder.longest else spent * (1 + _ROUNDING)
            while rung < len(rungs) and height >= rungs[rung] * unit:
                climbed[rung] = epoch
                rung += 1
        return climbed

    def best_waiting(self, rung: int, among: int) -> int | None:
        """The best trial that waits on a rung, if it is among so many best ones that reached it."""
        for number in self._waiting[rung]:
            if self._ranks[rung].place(number) >= among:
                return None
            if self.waits(number):
                return number
        return None

    def scores(self, rung: int) -> dict[int, float]:
        """Validation scores at a rung, by trial, of all that reached it, failed or not."""
        return {n: self.trials[n].scores[epoch] for n, epoch in self.reached[rung].items()}

    def curve(self, rung: int, number: int) -> list[float]:
        """Scores of a trial, epoch by epoch, up to a rung that it has reached."""
        last, scores = self.reached[rung][number], self.trials[number].scores
        return [scores[epoch] for epoch in sorted(scores) if epoch <= last]

    def waits(self, number: int) -> bool:
        """Whether a trial that may be gone on with is paused with rungs above it."""
        if self.wanted is not None and number not in self.wanted:
            return False
        return self._is_paused(self.trials[number])

    def _is_paused(self, trial: TrialSoFar) -> bool:
        below_top = self.rung[trial.number] < self.ladder.top and trial.epochs < self.ladder.longest
        return trial.state is State.PAUSED and below_top

    def ranked(self, rung: int, members: Collection[int]) -> list[int]:
        """Those members that reached a rung, the best first, of equals the first begun."""
        scores = self.scores(rung)
        return sorted(scores.keys() & members, key=lambda number: (-scores[number], number))

    def price_j(self, rung: int, number: int) -> float | None:
        """Joules that a trial is expected to take to a rung; None if unknown.

        Its epochs are expected to take what they took so far, on average.
        """
        trial = self.trials[number]
        if self.ladder.in_joules and self._unit is not None and trial.energy_j is not None:
            return max(self.ladder.rungs[rung] * self._unit - trial.energy_j, 0.0)
        n_epochs = max(self.ladder.rungs[rung] - trial.epochs, 0)
        return None if trial.epoch_j is None else n_epochs * trial.epoch_j

    def step(self, rung: int, trial: int | None = None) -> Step:
        """The slice that takes a trial, or a new one, to a rung."""
        below_top, longest = rung < self.ladder.top, self.ladder.longest
        if not self.ladder.in_joules:
            return Step(self.ladder.rungs[rung], None, below_top, trial)
        if self._unit is None:
            return Step(1, None, longest > 1, trial)
        return Step(longest, self.ladder.rungs[rung] * self._unit, below_top, trial)
