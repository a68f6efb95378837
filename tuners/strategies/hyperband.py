"""Hyperband: halving in brackets that begin at different rungs: ``hyperband``, ``hyperband-tpe``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 9})
    >>> strategy, first_rungs = HyperbandStrategy(space, seed=0), []
    >>> for number in range(17):
    ...     work = strategy.ask(spent_j=0.0)
    ...     first_rungs.append(work.until)
    ...     strategy.tell(Told(work.params, State.FAILED, None, energy_j=1.0, trial=number))
    >>> sorted(first_rungs)
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 9, 9, 9]

When to use it: as ``asha``, where early results may mislead: it hedges against candidates that
learn late by also beginning some at higher rungs. With Parzen estimators as proposer it is close to
BOHB (Falkner et al., ICML 2018).

Formula: the first rung of the bracket s = 0 … K, and how many candidates it begins with; then as
``asha``:

    r = R / eta^s epochs,    n_s = ceil((K + 1) / (s + 1) eta^s),    eta = 3

What it promises: see `parts.multifidelity`; and that brackets spend about the same.
"""

from __future__ import annotations

import math
from functools import cached_property
from itertools import cycle

from ..parts.multifidelity import MultiFidelity, promotion
from ..parts.rungs import ETA, Standing, Step


class HyperbandStrategy(MultiFidelity):
    """Asynchronous Hyperband (Li et al., JMLR 2018, algorithm 1; Li et al., MLSys 2020).

    Each bracket begins its trials at another rung; new trials are dealt in proportion to the sizes
    of Hyperband, with which each bracket spends about the same.
    """

    @cached_property
    def deal(self) -> tuple[int, ...]:
        """First rung of each new trial, over and over."""
        n_brackets = len(self.ladder.rungs)
        halvings = [self.ladder.top - first for first in range(n_brackets)]
        # Li et al. 2018, algorithm 1: n = ceil((s_max + 1) / (s + 1) * eta^s)
        sizes = [math.ceil(n_brackets / (s + 1) * ETA**s) for s in halvings]
        deal = sorted(((i + 1) / n, first) for first, n in enumerate(sizes) for i in range(n))
        return tuple(first for _, first in deal)

    def next_step(self, standing: Standing) -> Step:
        """The slice to train next."""
        first_rungs, brackets = cycle(self.deal), [[] for _ in self.ladder.rungs]
        for number, first in zip(sorted(standing.trials), first_rungs, strict=False):
            brackets[first].append(number)
        for first, members in enumerate(brackets):
            if step := promotion(standing, members, first):
                return step
        return standing.step(self.deal[len(standing.trials) % len(self.deal)])
