"""NePS' optimisers, under its own ask and tell."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import IntDistribution

from perjoule.models.space import Space
from perjoule.tuners.parts.priors import Prior as PublishedPrior
from perjoule.tuners.strategy import Task, Told, Work

from .axes import Number, axes_of, completed, error_of
from .trials import Rung, Rungs

CONFIDENCES = {"high": 0.25, "medium": 0.5, "low": 0.75}
"""Deviations over the range that NePS' words stand for (`PRIOR_CONFIDENCE_MAPPING`)."""
Prior = Mapping[str, tuple[Any, float]]
"""By hyperparameter the centre, and the deviation as a share of the range (of its logarithms)."""
N_POINTS = 4_096
"""Points by which a published prior is described."""


class NepsPeer:
    """NePS' Bayesian optimisation over the full space, epochs included."""

    replays_tells = False

    def __init__(
        self, algorithm: str, options: Mapping[str, Any], space: Space, seed: int, task: Task
    ) -> None:
        import neps  # type: ignore[import-not-found]

        _seed(seed)
        self._budget_info = neps.BudgetInfo
        self._space, self._task = space, task
        domains = _domains(space, rungs=False, prior={})
        self._optimizer = neps.AskAndTell(getattr(neps.algorithms, algorithm)(domains, **options))
        self._random = neps.AskAndTell(neps.algorithms.random_search(domains, ignore_fidelity=True))
        self._trial: Any = None
        self._own = True

    def ask(self, spent_j: float) -> Work:
        """Ask the optimiser; it knows of the budget what `neps.run` tells it."""
        info = self._budget_info(worker_cost_to_spend=self._task.budget_j, used_cost_budget=spent_j)
        self._own = True
        try:
            self._trial = self._optimizer.ask(budget_info=info)
        except RuntimeError:
            self._own = False
            self._trial = self._random.ask()
        params = completed(self._space, self._trial.config)
        return Work(params, int(params["epochs"] or 1))

    def tell(self, result: Told) -> None:
        """Tell the error and the joules."""
        report = _report(result)
        if self._own:
            self._optimizer.tell(self._trial, report)
        else:
            free = 1 + max(int(known) for known in self._optimizer.trials)
            self._optimizer.tell_custom(
                config_id=str(free), config=self._trial.config, result=report
            )


def make_rungs(
    algorithm: str, space: Space, seed: int, task: Task, prior: Prior | None = None
) -> Rungs:
    """One of NePS' optimisers whose fidelity is epochs; PriorBand is told a prior where given."""
    import neps  # type: ignore[import-not-found]

    _seed(seed)
    domains = _domains(space, rungs=True, prior=prior or {})
    optimizer = neps.AskAndTell(getattr(neps.algorithms, algorithm)(domains))

    def suggest() -> Rung:
        trial = optimizer.ask()
        candidate, _, _ = trial.id.partition("_rung_")
        return Rung(trial, trial.config, trial.config["epochs"], candidate)

    def report(trial: Any, result: Told) -> None:
        optimizer.tell(trial, _report(result))

    return Rungs(space, suggest, report)


def make_published(algorithm: str, space: Space, seed: int, task: Task) -> Rungs:
    """The same with published defaults of optimisers as its prior."""
    return make_rungs(algorithm, space, seed, task, published_prior(space))


def published_prior(space: Space) -> Prior:
    """Published defaults (see `perjoule.tuners.parts.priors`) as NePS can be told them.

    A prior of NePS knows no other hyperparameter. Where the default depends on the optimiser, the
    centre is the median over all optimisers, and half of what lies between the quantiles 0.16 and
    0.84 is the deviation, as it is of a normal distribution.
    """
    prior = PublishedPrior.of(space.with_fixed("epochs", space.longest()))
    encoding = prior.encoding
    points = prior.points(np.random.default_rng(0).random((N_POINTS, encoding.n_dimensions)))
    low, centre, high = np.quantile(points, [0.16, 0.5, 0.84], axis=0)
    values = encoding.decode(centre)
    claimed = {name for own in prior.claims.values() for name in own}
    return {
        name: (values[name], float(high[place] - low[place]) / 2)
        for place, name in enumerate(encoding.axes)
        if name in claimed and values[name] is not None
    }


def _seed(seed: int) -> None:
    """NePS draws from the global generators."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _domains(space: Space, *, rungs: bool, prior: Prior) -> Any:
    """The space as NePS has it; the nearest of its three words stands for a deviation."""
    import neps  # type: ignore[import-not-found]

    def known(name: str) -> dict[str, Any]:
        if name not in prior:
            return {}
        centre, spread = prior[name]
        word = min(CONFIDENCES, key=lambda each: abs(CONFIDENCES[each] - spread))
        return {"prior": centre, "prior_confidence": word}

    def number(name: str, axis: Number) -> Any:
        kind = neps.HPOInteger if isinstance(axis, IntDistribution) else neps.HPOFloat
        if rungs and name == "epochs":
            return kind(axis.low, axis.high, log=axis.log, is_fidelity=True)
        return kind(axis.low, axis.high, log=axis.log, **known(name))

    def choice(name: str, choices: list[Any]) -> Any:
        return neps.HPOCategorical(choices, **known(name))

    return neps.SearchSpace(axes_of(space, choice, number))


def _report(result: Told) -> dict[str, float]:
    return {"objective_to_minimize": error_of(result), "cost": result.energy_j or 0.0}
