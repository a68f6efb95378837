"""The samplers that strategies are made of, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler

from ...models.space import Space
from .quiet import quietly
from .skopt_sampler import AcquisitionFunction, BaseEstimator, SkoptSampler

STARTUP_TRIALS = 5  # random ones; half of the libraries' figure, as budgets end runs early

SeededSampler = Callable[[int], BaseSampler]  # makes a sampler from a seed


def _skopt(
    model: BaseEstimator, acq_func: AcquisitionFunction = "EI"
) -> Callable[[int, Space], BaseSampler]:
    options = {"cost_attr": "energy_j", "n_startup_trials": STARTUP_TRIALS}
    return lambda seed, _: SkoptSampler(model, acq_func=acq_func, seed=seed, **options)


def tpe(seed: int, space: Space, n_startup_trials: int = STARTUP_TRIALS) -> TPESampler:
    """Parzen estimators; those of a conditional space learn each group of hyperparameters apart."""
    options: dict[str, Any] = {"seed": seed, "n_startup_trials": n_startup_trials}
    if not space.conditions:
        return TPESampler(**options)
    with quietly():  # groups are experimental
        return TPESampler(**options, multivariate=True, group=True)


SAMPLERS: dict[str, Callable[[int, Space], BaseSampler]] = {
    "random": lambda seed, _: RandomSampler(seed),
    "tpe": tpe,
    "gp": lambda seed, _: GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS),
    # Small, for an energy budget often ends before the third generation of the usual fifty.
    "nsga2": lambda seed, _: NSGAIISampler(population_size=8, seed=seed),
    "skopt-gp": _skopt("GP"),
    "skopt-forest": _skopt("ET"),
    "skopt-gbrt": _skopt("GBRT"),
    "skopt-eipj": _skopt("ET", "EIps"),
}
