"""A synthetic comparison with everything that goes wrong in real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    summary: dict[str, Any]


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


def _interval(values):
    known = [v for v in values if v is not None and not np.isnan(v)]
    if not known:
        return None
    single = len(known) == 1
    return {
        "median": float(np.median(known)),
        "low": None if single else float(min(known)),
        "high": None if single else float(max(known)),
        "n": len(known),
    }


def _strategy_entry(strategy, runs, trials, target):
    own = trials[trials["strategy"] == strategy]
    found = [run["incumbent"]["accuracy"] for run in runs]
    search = own["energy_search_j"]
    hits = sum(accuracy >= target for accuracy in found)
    return {
        "strategy": strategy,
        "runs": len(runs),
        "trials": len(own),
        "accuracy": _interval(found),
        "test_accuracy": None if strategy == "grid" else _interval([a - 0.01 for a in found]),
        "energy_j": _interval([run["spent_j"] for run in runs]),
        "energy_to_target": {
            "hits": hits,
            "runs": len(runs),
            "ert_j": 12.3 / hits if hits else None,
        },
        "search_share": None
        if search.isna().all()
        else float(search.sum() / own["energy_j"].sum()),
        "energy_kind": "modelled",
        "accuracy_per_joule": None,
        "anytime": None,
        "hypervolume": None,
        "equal_energy": _interval([a - 0.002 for a in found]),
    }


def _summary(trials, target=0.96):
    runs = []
    for (run, strategy, seed), own in trials.groupby(["run", "strategy", "seed"], sort=False):
        best = own.loc[own["accuracy"].idxmax()]
        runs.append(
            {
                "run": run,
                "strategy": strategy,
                "seed": int(seed),
                "status": "complete",
                "reason": "the allotment is spent",
                "allotment_j": ALLOTMENT_J,
                "spent_j": float(own["energy_j"].sum()),
                "trials": len(own),
                "incumbent": {
                    "trial": int(best["trial"]),
                    "accuracy": float(best["accuracy"]),
                    "test_accuracy": None if strategy == "grid" else float(best["accuracy"]) - 0.01,
                    "energy_j": float(best["energy_j"]),
                    "found_at_j": 17.0,
                    "params": {
                        "learning_rate": float(best["p.learning_rate"]),
                        "batch_size": int(best["p.batch_size"]),
                        "optimizer": best["p.optimizer"],
                    },
                },
            }
        )
    return {
        "schema": 1,
        "name": "digits-five-ways",
        "status": "complete",
        "created": "2026-11-20T14:05:00+00:00",
        "versions": {"perjoule": "0.1.0", "torch": "2.13.0", "optuna": "5.0.0"},
        "machine": {"cpu": "Example 9000", "cores": 4, "gpu": None, "platform": "Linux x86_64"},
        "experiment": {
            "dataset": "digits",
            "strategies": list(STRATEGIES),
            "seeds": 5,
            "workers": 4,
            "device": "cpu",
        },
        "budget_j": ALLOTMENT_J * len(runs),
        "allotment_j": ALLOTMENT_J,
        "best_accuracy": float(trials["accuracy"].max()),
        "target_accuracy": target,
        "verdict": {
            "sentence": "hyperband found the most accurate networks for the same energy: 98.1 %, "
            "0.7 points ahead of random search.",
            "supported": False,
            "caveats": ["3 seeds: too few to conclude anything.", "Joules are <modelled>."],
        },
        "strategies": [
            _strategy_entry(s, [r for r in runs if r["strategy"] == s], trials, target)
            for s in STRATEGIES
        ],
        "runs": runs,
        "provenance": [
            {
                "component": "cpu",
                "kind": "modelled",
                "scope": "process",
                "source": "cpu_time",
                "update_period_s": 0.0,
                "gain_error": 0.43,
                "detail": "CPU-seconds x 4.0 W per core (CodeCarbon's table, Example 9000)",
                "warnings": ["The power per core is a generic figure."],
            },
            {
                "component": "gpu",
                "kind": "unavailable",
                "scope": "board",
                "source": "nvml",
                "update_period_s": None,
                "gain_error": None,
                "detail": "no driver is loaded",
                "warnings": [],
            },
        ],
        "carbon": None,
        "workers": {"count": 4, "wait_share": 0.0004, "wall_s": 38.2},
        "overhead": [{"what": "starting the workers", "energy_j": 31.0}],
    }


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
    return Comparison(trials, pd.DataFrame(curves, columns=columns), _summary(trials))
