"""Asynchronous successive halving: the best third at each rung goes on: ``asha``, ``asha-tpe``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 9})
    >>> strategy = HalvingStrategy(space, seed=0)
    >>> for number, score in enumerate([0.5, 0.8, 0.6]):
    ...     params = strategy.ask(spent_j=0.0).params
    ...     told = Told(params, State.PAUSED, score, energy_j=1.0, trial=number, epochs=1)
    ...     strategy.tell(told)
    >>> work = strategy.ask(spent_j=3.0)  # the best of three goes on to the second rung
    >>> work.trial, work.until, work.pause
    (1, 3, True)

When to use it: if a few epochs tell much of how good a network will be, and many candidates may be
tried. It spends the most on the first rung and is the cheapest of the multi-fidelity strategies (Li
et al., MLSys 2020).

Formula: rung k of K; of n candidates that reached it, those of the best ranks go on:

    r_k = R / eta^(K - k) epochs,    rank(x) <= floor(n / eta),    eta = 3

What it promises: see `parts.multifidelity`.
"""

from __future__ import annotations

from ..parts.multifidelity import MultiFidelity, promotion
from ..parts.rungs import Standing, Step


class HalvingStrategy(MultiFidelity):
    """Asynchronous successive halving (Li et al., MLSys 2020, algorithm 2), top rung first."""

    def next_step(self, standing: Standing) -> Step:
        """The slice to train next."""
        return promotion(standing, standing.trials) or standing.step(0)
