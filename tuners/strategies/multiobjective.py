"""Accuracy and joules as two objectives, with any of Optuna's multi-objective samplers.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 2})
    >>> strategy = MultiObjectiveStrategy(space, seed=0, sampler="nsga2")
    >>> params = strategy.ask(spent_j=0.0).params
    >>> strategy.tell(Told(params, State.COMPLETE, accuracy=0.9, energy_j=12.0))
    >>> strategy.ask(spent_j=12.0).until
    2

When to use it: to learn what each further point of accuracy costs, that is, for the front between
accurate and frugal candidates. Part of the budget goes to candidates that are cheap and poor; if
only the most accurate or the cheapest good one counts, a single objective is the shorter way.

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
from optuna.trial import Trial, TrialState

from ...models.outcome import State
from ...models.space import Space
from ..parts.samplers import SeededSampler, find_sampler
from ..parts.studies import silent_study
from ..strategy import Task, Told, Work, ask_seed


class MultiObjectiveStrategy:
    """Maximises validation accuracy and minimises log joules, on an in-memory study.

    Args:
        space: What may be chosen.
        seed: Seed of the run.
        task: Not used.
        sampler: A name in `parts.samplers.SAMPLERS`, or what makes the sampler from a seed, anew
            for each ask.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        task: Task | None = None,
        *,
        sampler: str | SeededSampler = "nsga2",
    ) -> None:
        self._space = space
        self._seed = seed
        self._sampler = find_sampler(sampler)
        self._study = silent_study(seed, directions=["maximize", "minimize"])
        self._asked: Trial | None = None
        self._n_told = 0

    def ask(self, spent_j: float) -> Work:
        """Propose a candidate, to be trained for its own number of epochs."""
        if self._asked is None:
            self._asked = self._begin()
        params = self._space.complete(self._asked.params)
        return Work(params, int(params["epochs"]))

    def tell(self, result: Told) -> None:
        """Learn a result; a trial that failed or lacks accuracy or joules has none."""
        if self._asked is None:
            self._asked = self._replay(result)
        values = objectives(result)
        state = TrialState.FAIL if values is None else TrialState.COMPLETE
        self._study.tell(self._asked, values, state)
        self._asked = None
        self._n_told += 1

    def _begin(self) -> Trial:
        self._study.sampler = self._sampler(ask_seed(self._seed, self._n_told))
        return self._study.ask(self._space.distributions)

    def _replay(self, result: Told) -> Trial:
        """Begin a trial of the record: its values are known, so no model is fitted.

        Genetic samplers write generations and parents into the study whenever a trial is sampled,
        so theirs is sampled all the same.
        """
        self._study.enqueue_trial({n: result.params[n] for n in self._space.distributions})
        trial = self._begin()
        if isinstance(self._study.sampler, BaseGASampler):
            _ = trial.relative_params
        return trial


def objectives(result: Told) -> tuple[float, float] | None:
    """Accuracy and log joules of a trial, or None if it failed or either is unknown."""
    accuracy, energy_j = result.accuracy, result.energy_j or 0.0
    if result.state is State.FAILED or accuracy is None or energy_j <= 0:
        return None
    return accuracy, math.log(energy_j)
