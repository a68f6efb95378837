"""Successive halving whose top rung rises only while rankings change: ``pasha``.

    >>> from perjoule.models.outcome import CurvePoint, State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 27})
    >>> def until(scores):  # of which the first is after one epoch, the second after three
    ...     strategy, number = PashaStrategy(space, seed=0), 0
    ...     for first, third in scores:
    ...         for epochs, score in ((1, first), (3, third)):
    ...             params = strategy.ask(spent_j=0.0).params
    ...             curve = (CurvePoint(epochs, 1.0, score, loss=0.1),)
    ...             strategy.tell(Told(params, State.PAUSED, score, 1.0, trial=number,
    ...                                epochs=epochs, curve=curve))
    ...         number += 1
    ...     return strategy.highest
    >>> until([(0.5, 0.7), (0.6, 0.8)]), until([(0.5, 0.8), (0.6, 0.7)])
    (3, 9)

When to use it: as ``asha``, if long trainings are dear and short ones rank candidates as long ones
do: then it spends on many candidates what ``asha`` spends on long trainings (Bohdal et al., ICLR
2023, arXiv 2207.06940).

Formula: above the highest rung so far another one opens if, for any place of its ranking, a is in
that place there, b was in it one rung below, and their scores s below differ by more than noise:

    |s(a) - s(b)| > epsilon

What it promises: it promotes as ``asha`` does, at first to the second rung only. When those that
have reached the highest rung so far are ranked otherwise there than on the rung below, the next
rung is opened. Two candidates count as equal if their scores on the lower rung differ by no more
than epsilon, the noise of scores (`noise`).

Most candidates are so trained for a few epochs only, and the paper trains the winner anew at the
end, after 256 candidates. Here it is gone on with: of every `SCREENED` candidates the best is
trained to the end; and when the joules left are just enough for the best, it is finished, and after
it the next best that fits. See `parts.finishing`, and `parts.multifidelity` for all else.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np

from ...models.space import Space
from ..parts.finishing import finishing
from ..parts.multifidelity import MultiFidelity, promotion
from ..parts.proposals import Proposer
from ..parts.rungs import Standing, Step
from ..strategy import Task, Told

SCREENED = 256  # candidates of a search of the paper, of which one is trained to the end
NOISE_PERCENTILE = 90  # N of Bohdal et al. 2023, section 4.2


class PashaStrategy(MultiFidelity):
    """Progressive ASHA (Bohdal et al., ICLR 2023, algorithm 1)."""

    def __init__(
        self, space: Space, seed: int, task: Task | None = None, *, proposer: Proposer = "random"
    ) -> None:
        super().__init__(space, seed, task, proposer=proposer)
        self._last = min(1, self.ladder.top)  # the highest rung to which it promotes so far

    @property
    def highest(self) -> int:
        """Epochs of the highest rung to which it promotes so far."""
        return self.ladder.rungs[self._last]

    def next_step(self, standing: Standing) -> Step:
        """The slice to train next."""
        due = finishing(standing, SCREENED, 1) or promotion(
            standing, standing.trials, last=self._last
        )
        return due or standing.step(0)

    def tell(self, result: Told) -> None:
        """Learn the result of a slice, and whether the next rung is needed."""
        super().tell(result)
        if result.score is None or self._last == self.ladder.top:
            return
        standing = self.standing()
        if standing.rung[result.trial] >= self._last and reordered(standing, self._last):
            self._last += 1


def reordered(standing: Standing, rung: int) -> bool:
    """Whether the trials at a rung were ranked otherwise at the rung below it.

    The ranking is soft: whoever is in a place of the rung must have differed at the rung below by
    at most epsilon from who was in that place there (Bohdal et al. 2023, section 4.1).
    """
    reached = standing.reached[rung]
    now, before = standing.ranked(rung, reached), standing.ranked(rung - 1, reached)
    if now == before:
        return False
    scores, epsilon = standing.scores(rung - 1), noise(standing, rung)
    apart = (abs(scores[a] - scores[b]) for a, b in zip(now, before, strict=True))
    return any(each > epsilon for each in apart)


def noise(standing: Standing, rung: int) -> float:
    """Epsilon: by how much scores differ that overtake each other for no reason.

    Pairs of trials at the rung whose order changed and changed back by their last common epoch are
    said to be equal. Epsilon is the 90th percentile of the differences of their scores at that
    epoch, and 0 if there is no such pair (Bohdal et al. 2023, section 4.2).
    """
    curves = [
        {epoch: score for epoch, score in standing.trials[number].scores.items() if epoch <= last}
        for number, last in standing.reached[rung].items()
    ]
    apart = []
    for one, other in combinations(curves, 2):
        ahead = [one[epoch] - other[epoch] for epoch in sorted(one.keys() & other.keys())]
        signs = [each > 0 for each in ahead if each]
        if sum(a is not b for a, b in pairwise(signs)) >= 2:
            apart.append(abs(ahead[-1]))
    return float(np.percentile(apart, NOISE_PERCENTILE)) if apart else 0.0
