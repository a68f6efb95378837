"""A synthetic comparison with everything that goes wrong in real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

HOSTILE = "tpe </script><b onclick=alert(1)>"
STRATEGIES = ("random", HOSTILE, "grid", "hyperband", "energy-aware")
SEARCH_J = {
    "random": np.nan,
    HOSTILE: 0.02,
    "grid": np.nan,
    "hyperband": 0.004,
    "energy-aware": 0.03,
}
ALLOTMENT_J = 30.0


@dataclass(frozen=True)
class Comparison:
    trials: pd.DataFrame
    curves: pd.DataFrame


def _run(rng, strategy, seed):
    rows, curves, spent_j, skill = [], [], 0.0, STRATEGIES.index(strategy)
    while spent_j < ALLOTMENT_J and len(rows) < 24:
        train_j = float(rng.lognormal(0.2, 0.7)) * (0.6 if strategy == "hyperband" else 1.0)
        learned = min(len(rows) / 12, 1.0) * 0.15 * (skill % 4)
        accuracy = float(1 - 10 ** -(rng.uniform(0.3, 1.4) + learned + 0.12 * np.log(train_j)))
        state = str(rng.choice(["complete", "pruned", "failed"], p=[0.85, 0.1, 0.05]))
        parts = {
            "energy_train_j": train_j,
            "energy_validate_j": 0.08 * train_j,
            "energy_setup_j": 0.05,
            "energy_search_j": SEARCH_J[strategy],
        }
        energy_j = float(np.nansum(list(parts.values())))
        if spent_j + energy_j > ALLOTMENT_J:
            state, energy_j = "truncated", ALLOTMENT_J - spent_j
        spent_j += energy_j
        trial, epochs = len(rows), int(rng.integers(3, 20))
        rows.append(
            {
                "run": f"{strategy}-{seed}",
                "strategy": strategy,
                "seed": seed,
                "trial": trial,
                "state": state,
                "accuracy": np.nan if state == "failed" else accuracy,
                "test_accuracy": np.nan,
                "energy_j": np.nan if trial == 7 and seed == 1 else energy_j,
                **parts,
                "energy_kind": "modelled",
                "duration_s": energy_j / 4,
                "epochs": epochs,
                "started_at": float(trial),
                "p.learning_rate": float(10 ** rng.uniform(-4, -1)),
                "p.batch_size": int(2 ** rng.integers(4, 9)),
                "p.optimizer": str(rng.choice(["adam", "sgd"])),
                "p.dropout": np.nan if strategy == "grid" else float(rng.uniform(0, 0.5)),
            }
        )
        for epoch in range(1, epochs + 1):
            reached = accuracy * (1 - 0.8 * np.exp(-epoch / 2)) + rng.normal(0, 0.004)
            share = epoch / epochs
            curves.append(
                (f"{strategy}-{seed}", trial, epoch, share * train_j, reached, 1 - reached)
            )
    return rows, curves


@pytest.fixture(scope="session")
def comparison():
    """Five strategies, four seeds each, one of them named by an enemy."""
    return make_comparison()


def make_comparison(seeds=4):
    rng = np.random.default_rng(7)
    rows, curves = [], []
    for strategy in STRATEGIES:
        for seed in range(seeds):
            run_rows, run_curves = _run(rng, strategy, seed)
            rows += run_rows
            curves += run_curves
    trials = pd.DataFrame(rows)
    columns = ["run", "trial", "epoch", "energy_j", "accuracy", "loss"]
    return Comparison(trials, pd.DataFrame(curves, columns=columns))
