"""Twenty trials by scikit-optimize's extra trees, per joule of each trial."""

import optuna
import optunahub

import perjoule

SkoptSampler = optunahub.load_module("samplers/perjoule_skopt").SkoptSampler


def objective(trial: optuna.Trial) -> float:
    """A bowl, of which one half takes more work."""
    x = trial.suggest_float("x", -5, 5)
    sum(range(200_000 if x > 0 else 20_000))
    return (x - 1) ** 2


sampler = SkoptSampler("ET", acq_func="EIps", cost_attr="energy_j", n_startup_trials=5, seed=0)
study = optuna.create_study(sampler=sampler)
study.optimize(perjoule.metered(objective), n_trials=20)
print(study.best_trial.params, study.best_trial.user_attrs["energy_j"], "J")
