"""Halving that judges a rung once all have reached it: ``successive-halving``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 9})
    >>> strategy = SuccessiveHalvingStrategy(space, seed=0)
    >>> for number in range(9):  # nine candidates get one epoch each
    ...     work = strategy.ask(spent_j=0.0)
    ...     told = Told(work.params, State.PAUSED, number / 10, 1.0, trial=number, epochs=1)
    ...     strategy.tell(told)
    >>> work = strategy.ask(spent_j=9.0)  # the best three go on to three epochs
    >>> work.trial, work.until, work.pause
    (8, 3, True)

When to use it: as the plain form of what ``asha`` and ``hyperband`` do. ``asha`` promotes as soon
as a candidate is in the best third so far, and so promotes some that later ones beat; this one
waits for all of a bracket, and so promotes none in error, but is later with its first result.

Formula: candidates and epochs at rung k of a bracket, each rung about as dear as the others:

    n_k = eta^(K - k),    r_k = R / eta^(K - k) epochs,    eta = 3

What it promises: a bracket begins with eta^K candidates for K rungs above the first; the best
1/eta of each rung go on, and one is trained to the end. So each rung of a bracket takes about as
many joules as a whole training. New brackets begin while the budget lasts; the last one is cut
short where it ends. With several trials in flight no bracket is waited for: the next one begins.
All else is as in `parts.multifidelity`.
"""

from __future__ import annotations

from ...models.space import Space
from ..parts.multifidelity import MultiFidelity, lift
from ..parts.proposals import Proposer
from ..parts.rungs import ETA, Standing, Step
from ..strategy import Task


class SuccessiveHalvingStrategy(MultiFidelity):
    """Successive halving (Jamieson and Talwalkar, AISTATS 2016, figure 3) in brackets."""

    def __init__(
        self, space: Space, seed: int, task: Task | None = None, *, proposer: Proposer = "random"
    ) -> None:
        super().__init__(space, seed, task, proposer=proposer)
        self.size = ETA**self.ladder.top  # candidates of a bracket, of which one gets to the top

    def next_step(self, standing: Standing) -> Step:
        """The slice to train next."""
        numbers = sorted(standing.trials)
        for start in range(0, len(numbers), self.size):
            if step := self._halving(standing, numbers[start : start + self.size]):
                return step
        return standing.step(0)

    def _halving(self, standing: Standing, bracket: list[int]) -> Step | None:
        """The next slice of a bracket; None if it is over, or waits for some of its trials."""
        members = bracket
        for rung in range(standing.ladder.top + 1):
            if step := lift(standing, members, rung):
                return step
            if len(bracket) < self.size or any(standing.trials[n].pending for n in members):
                return None
            members = standing.ranked(rung, members)[: self.size // ETA ** (rung + 1)]
        return None
