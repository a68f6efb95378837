"""Multi-fidelity search: many candidates for a little energy each, more for those that do well.

When to use it: if a few epochs tell much of how good a network will be, and many candidates may be
tried. `SuccessiveHalving` spends the most on the first rung and is the cheapest; `Hyperband` hedges
against candidates that learn late by also beginning some at higher rungs; `MedianRule` stops what
is worse than the median and is the most careful.

Promises: every candidate is meant for all R epochs of the space and may be stopped at any rung.
Trials are paused at their rung and continued there, never begun again. What is proposed depends on
the space, the seed and the results told alone.
"""

from __future__ import annotations

from collections.abc import Callable

from ...models.space import Space
from ..parts.history import Trial
from ..parts.proposals import Proposer, RandomProposer
from ..parts.rungs import Ladder
from ..parts.schedules import Schedule
from ..strategy import Task, Told, Work
from .optuna_sampler import ask_seed


class MultiFidelity:
    """Trains what a schedule chooses, and begins what a proposer proposes.

    Args:
        seed: Seed of the run.
        schedule: Chooses the next slice.
        proposer: Proposes the candidates.
    """

    replays_tells = True

    def __init__(self, seed: int, schedule: Schedule, proposer: Proposer) -> None:
        self._seed = seed
        self._schedule, self._proposer = schedule, proposer
        self._trials: dict[int, Trial] = {}
        self._n_told = 0

    def ask(self, spent_j: float) -> Work:
        """Continue a paused trial to its next rung, or begin a new one."""
        step = self._schedule.next_step(self._trials)
        if step.trial is None:
            params = self._proposer.propose(self._trials, ask_seed(self._seed, self._n_told))
        else:
            params = self._trials[step.trial].params
        return Work(params, step.until, step.until_j, step.pause, step.trial)

    def tell(self, result: Told) -> None:
        """Learn the result of a slice."""
        self._n_told += 1
        new = Trial(result.trial, result.params)
        self._trials.setdefault(result.trial, new).add(result)


def multi_fidelity(
    space: Space,
    seed: int,
    task: Task,
    schedule: Callable[[Ladder], Schedule],
    proposer: Callable[[Space], Proposer] = RandomProposer,
) -> MultiFidelity:
    """A multi-fidelity strategy over the rungs that a task asks for.

    Args:
        space: What may be chosen; candidates have the most epochs that it knows.
        seed: Seed of the run.
        task: Says whether rungs are epochs or joules.
        schedule: Makes the schedule from the rungs, such as `Hyperband`.
        proposer: Makes the proposer from the space with the epochs fixed, such as `TPEProposer`.
    """
    longest = space.longest()
    ladder = Ladder(longest, in_joules=task.fidelity == "joules")
    full = space.with_fixed("epochs", longest)
    return MultiFidelity(seed, schedule(ladder), proposer(full))
