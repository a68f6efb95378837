"""Pandora's box Gittins index, with its stopping rule: ``pbgi``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Task, Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 1})
    >>> strategy = GittinsStrategy(space, seed=0, task=Task(budget_j=300.0), price_per_j=0.1)
    >>> n_trials = 0
    >>> while (work := strategy.ask(spent_j=0.0)) is not None:
    ...     strategy.tell(Told(work.params, State.COMPLETE, 0.9, 12.0, trial=n_trials))
    ...     n_trials += 1
    >>> n_trials  # no trial will bring a score of 1.2, the price of its 12 J
    10

When to use it: where joules have a price in accuracy, or in another metric, and what is not worth
it shall not be spent (Xie et al., NeurIPS 2024, arXiv 2406.20062; stopping rule: Xie et al. 2025,
arXiv 2507.12453).

Formula: the index g of a candidate x; the highest is taken, and the search ends when none is above
the best score:

    E[max(f(x) - g(x), 0)] = price joules(x),    price = worth of the budget / budget

What it promises: see `parts.energy_aware`. Where the task says what the budget is worth
(`Task.stop_early`) or a price is given, it stops when the best score so far is as good as every
index, after ten trials at the least; else it spends the budget.
"""

from __future__ import annotations

import numpy as np

from ...models.space import Space
from ..parts.encoding import Array
from ..parts.energy_aware import LEAST_BEFORE_STOP, Beliefs, EnergyAwareStrategy
from ..strategy import Task

BUDGET_WORTH = 0.01  # score that the whole budget is taken to be worth, where nobody says
_N_BISECTIONS = 50


class GittinsStrategy(EnergyAwareStrategy):
    """Ranks candidates by their Gittins index.

    ``price_per_j`` is what a joule must bring, the paper's lambda, in accuracy; of another metric
    as a share of its range, or of what the median candidate lacks (`parts.merits`). By default the
    whole budget is worth `Task.stop_early`, else `BUDGET_WORTH`. Without a budget joules are all
    but free.
    """

    cheapest_first = True

    def __init__(
        self, space: Space, seed: int, task: Task | None = None, *, price_per_j: float | None = None
    ) -> None:
        super().__init__(space, seed, task)
        worth = self._task.stop_early
        default = (BUDGET_WORTH if worth is None else worth) / self._task.budget_j
        self._price_per_j = default if price_per_j is None else price_per_j
        self._stops = worth is not None or price_per_j is not None

    def acquire(self, beliefs: Beliefs) -> Array | None:
        """The index of each candidate as a score; None to stop if the best so far is as good.

        The index is the score ``g`` whose ``E[max(score - g, 0)]`` is its joules' price.
        """
        index = -np.log(_reserve_error(beliefs, self._price_per_j))
        worth_it = index.max() > beliefs.best or beliefs.n_trials < LEAST_BEFORE_STOP
        return index if worth_it or not self._stops else None


def _reserve_error(beliefs: Beliefs, price_per_j: float) -> Array:
    """The error at which a put on a log-normal error is worth the price, by bisection.

    The put is that of Black and Scholes, 1973, doi:10.1086/260062.
    """
    from scipy.special import ndtr

    price = np.maximum(price_per_j * beliefs.joules, 1e-9)
    expected = np.exp(-beliefs.mean + beliefs.std**2 / 2)  # mean of the log-normal distribution
    low, high = price, price + expected  # a put is worth less than its strike, and by Jensen more
    for _ in range(_N_BISECTIONS):
        strike = (low + high) / 2
        z = (np.log(strike) + beliefs.mean) / beliefs.std
        put = strike * ndtr(z) - expected * ndtr(z - beliefs.std)  # Black and Scholes
        low, high = np.where(put > price, low, strike), np.where(put > price, strike, high)
    return high
