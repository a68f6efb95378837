"""Cost cooling: joules count fully at first and no longer when the budget ends: ``gp-cooled``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Task, Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 1})
    >>> strategy = CooledStrategy(space, seed=0, task=Task(budget_j=300.0))
    >>> params = strategy.ask(spent_j=0.0).params
    >>> strategy.tell(Told(params, State.COMPLETE, score=0.9, energy_j=12.0, epochs=1))
    >>> strategy.ask(spent_j=12.0).until
    1
    >>> strategy.ask(spent_j=299.9) is None  # nothing fits any more
    True

When to use it: where you want the best score for a given budget (Lee et al. 2020, arXiv
2003.10870).

Formula: the candidate x of which the most is made:

    EI(x) / joules(x)^a,    a = (budget - spent) / budget,    EI(x) = E[max(f(x) - f*, 0)]

What it promises: see `parts.energy_aware`.
"""

from __future__ import annotations

import numpy as np

from ..parts.encoding import Array
from ..parts.energy_aware import Beliefs, EnergyAwareStrategy
from ..parts.surrogate import log_ei


class CooledStrategy(EnergyAwareStrategy):
    """Ranks candidates by expected improvement over joules to the power of the share left."""

    cheapest_first = True

    def acquire(self, beliefs: Beliefs) -> Array:
        """The logarithm of EI-cool (Lee et al. 2020), startup trials counted as spending, too."""
        alpha = max(1 - beliefs.spent_share, 0.0)  # (budget - spent) / budget
        gain = log_ei(beliefs.mean, beliefs.std, beliefs.best)
        return gain - alpha * np.log(beliefs.joules)  # EI-cool: EI(x) / joules(x)^alpha
