"""Score and joules as two objectives, with any of Optuna's multi-objective samplers.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 2})
    >>> strategy = MultiObjectiveStrategy(space, seed=0, sampler="nsga2")
    >>> params = strategy.ask(spent_j=0.0).params
    >>> strategy.tell(Told(params, State.COMPLETE, score=0.9, energy_j=12.0))
    >>> strategy.ask(spent_j=12.0).until
    2

When to use it: to learn what each further bit of score costs, that is, for the front between
good and frugal candidates. Part of the budget goes to candidates that are cheap and poor; if
only the best or the cheapest good one counts, a single objective is the shorter way.

Formula: the candidates of which no other has a better score for fewer joules:

    max (score(x), -log joules(x))

What it promises: a proposal is a function of the seed and of what was told, also for the genetic
samplers, which keep their generations in the study. Joules enter as their logarithm, so that twice
the energy weighs the same for small and for large networks. The joules of a trial include those of
its search, so a dear sampler sees them as a part of each candidate's cost.

Methods: NSGA-II (Deb et al., IEEE TEC 2002, doi:10.1109/4235.996017), multi-objective TPE (Ozaki et
al., JAIR 2022, doi:10.1613/jair.1.13188), expected hypervolume improvement (Daulton et al., NeurIPS
2020, arXiv:2006.05078) on a log scale (Ament et al., NeurIPS 2023, arXiv:2310.20708).
"""

from __future__ import annotations

import math

from optuna.samplers import BaseGASampler

from ...models.outcome import State
from ..strategy import Told
from .optuna_sampler import OptunaStrategy


class MultiObjectiveStrategy(OptunaStrategy):
    """Maximises the validation score and minimises log joules, on an in-memory study."""

    directions = ("maximize", "minimize")

    @staticmethod
    def values(result: Told) -> tuple[float, float] | None:
        """Score and log joules of a trial, or None if it failed or either is unknown."""
        score, energy_j = result.score, result.energy_j or 0.0
        if result.state is State.FAILED or score is None or energy_j <= 0:
            return None
        return score, math.log(energy_j)

    def tell(self, result: Told) -> None:
        """Learn a result; a trial that failed or lacks score or joules has none.

        Genetic samplers write into the study whenever a trial is sampled, so a told one is, too.
        """
        if self._asked is None:
            self._study.enqueue_trial(self._suggesting.params(result.params))
            self._asked = self._begin()
            if isinstance(self._study.sampler, BaseGASampler):
                _ = self._asked.relative_params
        super().tell(result)
