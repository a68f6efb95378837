"""Multi-fidelity search: many candidates for a little energy each, more for those that do well.

Strategies of this kind differ in which paused trial goes on (`MultiFidelity.next_step`). Every
candidate is meant for all R epochs of the space and may be stopped at any rung. Trials are paused
at their rung and continued there, never begun again. What is proposed depends on the space, the
seed and the results told alone.

One slice of a run is in flight at a time, so the asynchronous algorithms need no queue: each
decision looks at all results so far. A trial that failed or ran out of budget keeps its place in
the ranking of the rungs that it reached, and is never continued.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from ...models.space import Space
from ..strategy import Task, Told, Work, ask_seed, resembles
from .history import TrialSoFar
from .proposals import Proposer, propose
from .rungs import ETA, Ladder, Standing, Step


class MultiFidelity(ABC):
    """Trains what `next_step` chooses, and begins what a proposer proposes."""

    eta: float = ETA  # as in `Ladder`

    def __init__(
        self, space: Space, seed: int, task: Task | None = None, *, proposer: Proposer = "random"
    ) -> None:
        longest, task = space.longest(), task or Task()
        self.ladder = Ladder(longest, in_joules=task.fidelity == "joules", eta=self.eta)
        self._budget_j = task.budget_j
        self._seed, self._space = seed, space.with_fixed("epochs", longest)
        self._proposer: Proposer = proposer
        self._trials: dict[int, TrialSoFar] = {}
        self._standing = Standing(self.ladder, self._trials)
        self._n_told = 0

    @abstractmethod
    def next_step(self, standing: Standing) -> Step:
        """The slice to train next: of a paused trial, or of a new one."""

    def ask(self, spent_j: float) -> Work:
        """Continue a paused trial to its next rung, or begin a new one."""
        return self._work(self.standing(spent_j), {})

    def ask_like(self, spent_j: float, shared: Mapping[str, Any]) -> Work:
        """The same among the candidates that have these values."""
        standing = self.standing(spent_j)
        standing.wanted = {
            number for number, trial in self._trials.items() if resembles(trial.params, shared)
        }
        return self._work(standing, shared)

    def standing(self, spent_j: float = 0.0) -> Standing:
        """Where the trials stand once the run has spent so many joules."""
        self._standing.left_j, self._standing.wanted = self._budget_j - spent_j, None
        return self._standing

    def _work(self, standing: Standing, shared: Mapping[str, Any]) -> Work:
        step = self.next_step(standing)
        if step.trial is None:
            seed = ask_seed(self._seed, self._n_told)
            params = propose(self._proposer, self._space, self._trials, seed, shared)
        else:
            params = self._trials[step.trial].params
        return Work(params, step.until, step.until_j, step.pause, step.trial)

    def tell(self, result: Told) -> None:
        """Learn the result of a slice."""
        self._n_told += 1
        new = TrialSoFar(result.trial, result.params)
        trial = self._trials.setdefault(result.trial, new)
        trial.add(result)
        self._standing.take(trial)


def lift(standing: Standing, members: Collection[int], rung: int = 0) -> Step | None:
    """The slice that takes a waiting member below a rung to it; None if none waits there.

    Trials wait below the first rung if they were begun before it was known where it lies.
    """
    if standing.priced and not (rung == 0 and not standing.unplaced):
        for number in members:
            if standing.rung[number] < rung and standing.waits(number):
                return standing.step(rung, number)
    return None


def promotion(
    standing: Standing, members: Collection[int], first: int = 0, last: int | None = None
) -> Step | None:
    """The next promotion of asynchronous halving among ``members``; None if none is due.

    Their rungs are ``first`` to ``last``, which is the top if it is not given.
    """
    if not standing.priced:
        return None
    if step := lift(standing, members, first):
        return step
    everyone = members is standing.trials  # their ranking is at hand
    for rung in reversed(range(first, standing.ladder.top if last is None else last)):
        ranked = standing.reached[rung] if everyone else standing.ranked(rung, members)
        n_best = int(len(ranked) / standing.ladder.eta)  # Li et al. 2020, algorithm 2
        if everyone:
            number = standing.best_waiting(rung, n_best)
        else:
            best = islice(ranked, n_best)
            waiting = (n for n in best if standing.rung[n] == rung and standing.waits(n))
            number = next(waiting, None)
        if number is not None:
            return standing.step(rung + 1, number)
    return None
