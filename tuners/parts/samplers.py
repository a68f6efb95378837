"""The samplers that strategies are made of, by name."""

from __future__ import annotations

from collections.abc import Callable

from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler

from .skopt_sampler import AcquisitionFunction, BaseEstimator, SkoptSampler

STARTUP_TRIALS = 5  # random ones; half of the libraries' figure, as budgets end runs early

SeededSampler = Callable[[int], BaseSampler]  # makes a sampler from a seed


def _skopt(model: BaseEstimator, acq_func: AcquisitionFunction = "EI") -> SeededSampler:
    options = {"cost_attr": "energy_j", "n_startup_trials": STARTUP_TRIALS}
    return lambda seed: SkoptSampler(model, acq_func=acq_func, seed=seed, **options)


SAMPLERS: dict[str, SeededSampler] = {
    "random": RandomSampler,
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS),
    "gp": lambda seed: GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS),
    # Small, for an energy budget often ends before the third generation of the usual fifty.
    "nsga2": lambda seed: NSGAIISampler(population_size=8, seed=seed),
    "skopt-gp": _skopt("GP"),
    "skopt-forest": _skopt("ET"),
    "skopt-gbrt": _skopt("GBRT"),
    "skopt-eipj": _skopt("ET", "EIps"),
}
