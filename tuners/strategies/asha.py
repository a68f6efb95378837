"""Which paused trial goes on, or whether a new one is begun, decided from the record alone.

Since one slice of a run is in flight at a time, the asynchronous algorithms need no queue: each
decision looks at all results so far. A trial that failed or ran out of budget keeps its place in
the ranking of the rungs that it reached, and is never continued.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Collection, Mapping
from statistics import median
from typing import Protocol

from .history import Trial
from .rungs import Ladder, Standing, Step

STARTUP_TRIALS = 5
"""Trials at a rung before the median rule stops one there."""


class Schedule(Protocol):
    """Decides what is trained next."""

    def next_step(self, trials: Mapping[int, Trial]) -> Step:
        """The slice to train next: of a paused trial, or of a new one.

        Args:
            trials: What the run knows, by number.
        """
        ...


class SuccessiveHalving:
    """Asynchronous successive halving (Li et al., MLSys 2020, algorithm 2).

    Promotes the best trial among the top 1/eta of a rung that is not promoted yet, looking from the
    highest rung down; if there is none a new trial is begun.

    Args:
        ladder: The rungs.
    """

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder

    def next_step(self, trials: Mapping[int, Trial]) -> Step:
        """The slice to train next."""
        standing = self._ladder.standing(trials)
        return promotion(standing, trials) or standing.step(0)


class Hyperband:
    """Asynchronous Hyperband (Li et al., JMLR 2018, algorithm 1; Li et al., MLSys 2020).

    A hedge against early results that mislead: brackets of asynchronous successive halving, of
    which each begins its trials at another rung, the last one at all epochs. New trials are dealt
    to the brackets in proportion to the sizes of Hyperband, with which each bracket spends about
    the same; a full deal is one Hyperband.

    Args:
        ladder: The rungs.
    """

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        n_brackets = len(ladder.rungs)
        # n = ceil(n_brackets / (s + 1) * eta^s) trials where s halvings lie ahead.
        halvings = [ladder.top - first for first in range(n_brackets)]
        sizes = [math.ceil(n_brackets / (s + 1) * ladder.eta**s) for s in halvings]
        deal = sorted(((i + 1) / n, first) for first, n in enumerate(sizes) for i in range(n))
        self.deal = tuple(first for _, first in deal)
        """First rung of each new trial, over and over."""

    def next_step(self, trials: Mapping[int, Trial]) -> Step:
        """The slice to train next."""
        standing = self._ladder.standing(trials)
        brackets: list[list[int]] = [[] for _ in self._ladder.rungs]
        for place, number in enumerate(sorted(trials)):
            brackets[self._first_rung(place)].append(number)
        for first, members in enumerate(brackets):
            step = promotion(standing, members, first)
            if step is not None:
                return step
        return standing.step(self._first_rung(len(trials)))

    def _first_rung(self, place: int) -> int:
        return self.deal[place % len(self.deal)]


class MedianRule:
    """The median stopping rule (Golovin et al., KDD 2017) at each rung.

    A trial goes on unless its best accuracy so far is below the median of the mean accuracies that
    the trials begun before it had up to the same rung. Stopping is leaving it paused.

    Args:
        ladder: The rungs.
        startup_trials: Trials before it that must have reached a rung for it to be stopped there.
    """

    def __init__(self, ladder: Ladder, startup_trials: int = STARTUP_TRIALS) -> None:
        self._ladder = ladder
        self._startup_trials = startup_trials

    def next_step(self, trials: Mapping[int, Trial]) -> Step:
        """The slice to train next."""
        standing = self._ladder.standing(trials)
        earlier: list[list[float]] = [[] for _ in self._ladder.rungs]
        for number in sorted(trials):
            rung = standing.rung(number)
            if standing.priced and standing.waits(number):
                known = earlier[rung] if rung >= 0 else []
                enough = len(known) >= self._startup_trials
                if not enough or max(standing.curve(rung, number)) >= median(known):
                    return standing.step(rung + 1, number)
            for each in range(rung + 1):
                accuracies = standing.curve(each, number)
                insort(earlier[each], sum(accuracies) / len(accuracies))
        return standing.step(0)


def promotion(standing: Standing, members: Collection[int], first: int = 0) -> Step | None:
    """The next promotion of successive halving among some trials.

    Trials that have not come to the first rung yet go there before any is promoted: so do those
    that were begun before it was known where it lies.

    Args:
        standing: Where the trials of the run stand.
        members: Numbers of the trials that compete.
        first: Index of the rung at which they begin.

    Returns:
        The slice that promotes a trial; None if none is due.
    """
    if not standing.priced:
        return None
    for number in members:
        if standing.rung(number) < first and standing.waits(number):
            return standing.step(first, number)
    ladder, among = standing.ladder, set(members)
    for rung in reversed(range(first, ladder.top)):
        scores = standing.scores(rung)
        ranked = sorted(among & scores.keys(), key=lambda n: (-scores[n], n))
        for number in ranked[: int(len(ranked) / ladder.eta)]:
            if standing.rung(number) == rung and standing.waits(number):
                return standing.step(rung + 1, number)
    return None
