"""One epoch for all, the rest for the best: ``one-epoch``.

    >>> from perjoule.models.outcome import CurvePoint, State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Task, Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 9})
    >>> strategy, spent_j = OneEpochStrategy(space, seed=0, task=Task(budget_j=30.0)), 0.0
    >>> for number, score in enumerate([0.5, 0.8, 0.6, 0.7, 0.4]):
    ...     work = strategy.ask(spent_j)
    ...     curve = (CurvePoint(epoch=1, energy_j=1.0, score=score, loss=0.1),)
    ...     strategy.tell(Told(work.params, State.PAUSED, score, 1.0, trial=number, epochs=1,
    ...                        curve=curve))
    ...     spent_j += 1.0
    >>> work = strategy.ask(spent_j)  # the 25 J left hold the rest of three trials, 8 J each
    >>> work.trial, work.until
    (None, 1)
    >>> work = strategy.ask(spent_j + 1.0)  # and now no other candidate besides
    >>> work.trial, work.until
    (1, 9)

When to use it: as the plainest search that stops candidates early. Where the first epoch ranks
candidates well, elaborate searches hardly do better for their joules (Egele et al. 2023, arXiv
2307.15422); where it does not, this one is lost.

Formula: with R epochs in all, so that first epochs take about what the rest does:

    of every 3 (R - 1) candidates after one epoch, the best 3 are trained for R - 1 more

What it promises: candidates are independent draws, each trained for one epoch. Of every 3 (R - 1)
the best three are trained to the end, all R epochs; then further ones are drawn. So first epochs
take about as many joules as last ones, the split that successive halving makes between its rungs.
If the budget holds less, drawing ends earlier: when what is left is just enough to finish the best
three, each epoch at what its own epochs took so far. Joules that are left after that finish the
next best. See `parts.finishing`, and `parts.multifidelity` for all else. Rungs in joules give each
candidate at first the joules of a median candidate's epoch.

The authors fix the number of candidates. With 200 for each three this search needs 2.6 to 6.2 times
the joules to 99 % of the best accuracy on the recorded tables (4 to 16 epochs, 8 seeds, replayed
2026-11-27).
"""

from __future__ import annotations

import math

from ..parts.finishing import finishing
from ..parts.multifidelity import MultiFidelity
from ..parts.rungs import Standing, Step

FINISHED = 3  # candidates of each round


class OneEpochStrategy(MultiFidelity):
    """The baseline of Egele et al. 2023: two rungs, one epoch and all of them."""

    eta = math.inf

    def next_step(self, standing: Standing) -> Step:
        """The slice to train next."""
        drawn = FINISHED * max(self.ladder.longest - 1, 1)
        return finishing(standing, drawn, FINISHED) or standing.step(0)
