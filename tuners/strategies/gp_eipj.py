"""Expected improvement per joule: ``gp-eipj``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Task, Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 1})
    >>> strategy, spent_j = PerJouleStrategy(space, seed=0, task=Task(budget_j=300.0)), 0.0
    >>> for number in range(5):
    ...     params = strategy.ask(spent_j).params
    ...     width = params["width"]
    ...     told = Told(params, State.COMPLETE, 1 - 1 / width, width, trial=number, epochs=1)
    ...     strategy.tell(told)
    ...     spent_j += width
    >>> strategy.ask(spent_j).predicted_j < 300.0 - spent_j
    True

When to use it: as the baseline of energy-aware search, for it is the plain idea (Snoek, Larochelle
and Adams, NeurIPS 2012, section 3.2). It may go on buying what is cheap where only dear candidates
teach anything (Astudillo et al., NeurIPS 2021).

Formula: the candidate x of which the most is made:

    EI(x) / joules(x),    EI(x) = E[max(f(x) - f*, 0)]

What it promises: see `parts.energy_aware`.
"""

from __future__ import annotations

import numpy as np

from ..parts.encoding import Array
from ..parts.energy_aware import Beliefs, EnergyAwareStrategy
from ..parts.surrogate import log_ei


class PerJouleStrategy(EnergyAwareStrategy):
    """Ranks candidates by the logarithm of their expected improvement per joule."""

    def acquire(self, beliefs: Beliefs) -> Array:
        """The logarithm of EI(x) / joules(x)."""
        gain = log_ei(beliefs.mean, beliefs.std, beliefs.best)
        return gain - np.log(beliefs.joules)  # Snoek et al. 2012, section 3.2: EI per second
