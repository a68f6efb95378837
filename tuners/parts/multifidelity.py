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
from collections.abc import Collection

from ...models.space import Space
from ..strategy import Task, Told, Work, ask_seed
from .history import TrialSoFar
from .proposals import Proposer, propose
from .rungs import ETA, Ladder, Standing, Step


class MultiFidelity(ABC):
    """Trains what `next_step` chooses, and begins what a proposer proposes."""

    def __init__(
        self, space: Space, seed: int, task: Task | None = None, *, proposer: Proposer = "random"
    ) -> None:
        longest = space.longest()
        self.ladder = Ladder(longest, in_joules=(task or Task()).fidelity == "joules")  # the rungs
        self._seed, self._space = seed, space.with_fixed("epochs", longest)
        self._proposer: Proposer = proposer
        self._trials: dict[int, TrialSoFar] = {}
        self._n_told = 0

    @abstractmethod
    def next_step(self, standing: Standing) -> Step:
        """The slice to train next: of a paused trial, or of a new one."""

    def ask(self, spent_j: float) -> Work:
        """Continue a paused trial to its next rung, or begin a new one."""
        step = self.next_step(Standing(self.ladder, self._trials))
        if step.trial is None:
            seed = ask_seed(self._seed, self._n_told)
            params = propose(self._proposer, self._space, self._trials, seed)
        else:
            params = self._trials[step.trial].params
        return Work(params, step.until, step.until_j, step.pause, step.trial)

    def tell(self, result: Told) -> None:
        """Learn the result of a slice."""
        self._n_told += 1
        new = TrialSoFar(result.trial, result.params)
        self._trials.setdefault(result.trial, new).add(result)


def promotion(standing: Standing, members: Collection[int], first: int = 0) -> Step | None:
    """The next promotion of successive halving among ``members``; None if none is due.

    Trials below the rung ``first``, begun before it was known where it lies, go there first.
    """
    if not standing.priced:
        return None
    for number in members:
        if standing.rung[number] < first and standing.waits(number):
            return standing.step(first, number)
    among = set(members)
    for rung in reversed(range(first, standing.ladder.top)):
        scores = standing.scores(rung)
        ranked = sorted(among & scores.keys(), key=lambda n: (-scores[n], n))
        for number in ranked[: len(ranked) // ETA]:  # Li et al. 2020, algorithm 2
            if standing.rung[number] == rung and standing.waits(number):
                return standing.step(rung + 1, number)
    return None
