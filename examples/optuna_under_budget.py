"""End an Optuna study when its joules are spent, and read what each trial took.

Shows: an existing study and objective, unchanged, with `metered` and `EnergyBudget`; the joules as
user attributes of its trials; what all of them took, and what the search itself did.
Takes about 3 s on one core; a real study gets as many joules as you can afford (see below).

    python optuna_under_budget.py
"""

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

import perjoule

BUDGET = "3 J"  # "100 kJ" is what a processor of 100 W draws in 17 minutes
IMAGES, LABELS = load_digits(return_X_y=True)
FEW = slice(0, 500)  # of the images; slice(None) takes all


def objective(trial: optuna.Trial) -> float:
    """An objective as it would be without perjoule."""
    model = SVC().set_params(
        C=trial.suggest_float("C", 0.01, 100, log=True),
        gamma=trial.suggest_float("gamma", 1e-4, 1, log=True),
    )
    return cross_val_score(model, IMAGES[FEW] / 16, LABELS[FEW], cv=3).mean()


def main() -> None:
    """Optimise within the budget, and tell what it took."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=5)
    )
    metered = perjoule.metered(objective)
    budget = perjoule.EnergyBudget(BUDGET)
    study.optimize(metered, callbacks=[budget.stop_study])

    for trial in study.trials:
        energy_j, kind = trial.user_attrs["energy_j"], trial.user_attrs["energy_kind"]
        told = "unavailable" if energy_j is None else f"{energy_j:.2f} J"
        print(f"trial {trial.number}: accuracy {trial.value:.3f}, {told} ({kind})")
    print(f"best: trial {study.best_trial.number}, {study.best_params}")
    print(f"all objectives: {metered.total}")
    print(f"with the search itself: {budget}")


if __name__ == "__main__":
    main()
