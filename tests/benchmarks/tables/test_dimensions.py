"""Which columns of a table are hyperparameters, and which name a trial or were measured of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.errors import DataError

N = 60
RNG = np.random.default_rng(0)
ENERGY_J, SCORE = RNG.uniform(400, 900, N), RNG.uniform(0.6, 0.95, N)
TRIALS = {
    "strategy": ["random", "tpe"] * (N // 2),
    "seed": np.repeat(np.arange(5), N // 5),
    "energy_j": ENERGY_J,
    "score": SCORE,
}
CHOSEN = {
    "lr": 10 ** RNG.uniform(-4, -1, N),
    "batch": RNG.choice([16, 32, 64], N),
    "units": RNG.permutation(np.arange(10, 10 + 7 * N, 7)),  # another in every row, all the same
    "loss": RNG.choice(["hinge", "log"], N),
    "loss_weight": RNG.uniform(0, 1, N),
    "max_time": RNG.uniform(0, 1, N),
    "time_steps": RNG.integers(5, 50, N),
    "kernel_w": RNG.choice([3, 5], N),
    "precision": RNG.choice([16, 32], N),
    "power": RNG.uniform(0.5, 2, N),
    "cost": 10 ** RNG.uniform(-2, 2, N),  # of a support vector machine
    "optimizer_id": RNG.integers(0, 3, N),
    "score_function": RNG.choice(["chi2", "f"], N),
    "hidden": [str(tuple(each)) for each in RNG.choice([32, 64], (N, 2))],
    "clip": RNG.choice([1.0, np.inf], N),
}
MEASURED = {
    "f1_macro": RNG.uniform(0.5, 0.9, N),
    "valLoss": -np.log(SCORE),
    "train_time_s": ENERGY_J / 50,
    "wall_time": np.round(ENERGY_J / 100),
    "gCO2eq": ENERGY_J / 9,
    "gpu_kwh": ENERGY_J / 4e6,
    "avg_power_w": RNG.uniform(80, 120, N),
    "peak_memory_mb": RNG.uniform(100, 900, N),
    "grams": ENERGY_J * 1.7e-4 * RNG.normal(1, 0.002, N),
    "m2": SCORE * 1.3 - 0.3 + RNG.normal(0, 0.001, N),
}
NAMES = {
    "run_id": [f"r{i:x}" for i in range(N)],
    "uid": [f"u{i // 6}" for i in range(N)],
    "timestamp": pd.date_range("2026-05-04", periods=N, freq="min").astype(str),
    "start": 1.7e9 + np.arange(N) * 60.0,
    "row": np.arange(N),
    "job": np.arange(N) * 3 + 1000,
    "random_state": RNG.integers(0, 2**31, N),
    "hostname": RNG.choice(["a", "b"], N),
}


def dimensions(**columns):
    return load_table(pd.DataFrame({**TRIALS, **columns})).dimensions


def test_results_and_names_of_trials_are_left_out_with_the_reason():
    found = dimensions(**CHOSEN, **MEASURED, **NAMES)
    assert found.searched == tuple(CHOSEN)
    assert found.left_out.keys() == {**MEASURED, **NAMES}.keys()
    said = found.describe_left_out()
    assert "f1_macro, valLoss (measured: a score, by its name)" in said
    assert "grams (goes with energy_j, rank correlation" in said
    assert said.endswith("--params names those that are.")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["energy_j", "score"]))
def test_a_hyperparameter_that_decides_an_amount_is_kept(seed, amount):
    """Whatever the function is: joules may follow a size, and a score a rate."""
    rng = np.random.default_rng(seed)
    size, rate = rng.uniform(1, 3, N), rng.uniform(0.1, 0.9, N)
    decided = size ** rng.uniform(1.2, 3) if amount == "energy_j" else 0.4 + 0.5 * rate
    found = dimensions(size=size, rate=rate, **{amount: decided})
    assert found.searched == ("size", "rate")


def test_the_only_one_that_varies_is_kept():
    assert dimensions(grams=ENERGY_J / 9, fixed=1.0).searched == ("grams", "fixed")


def test_the_user_names_them():
    table = pd.DataFrame({**TRIALS, **CHOSEN, **MEASURED})
    read = load_table(table, params="lr,p.m2")
    assert read.dimensions.searched == ("lr", "m2")
    assert read.dimensions.left_out["batch"] == "not among --params"
    assert load_table(read).dimensions.searched == ("lr", "m2")  # and the table keeps it
    for name, words in (("lrr", "no such column among lr, "), ("energy_j", "--map p.energy_j=")):
        with pytest.raises(DataError, match=words):
            load_table(table, params=name)


def test_a_table_that_says_its_space_is_taken_at_its_word(tmp_path):
    path = tmp_path / "t.parquet"
    described = load_table(pd.DataFrame({**TRIALS, **CHOSEN, "f1": SCORE}))
    spaced = type(described)(described.trials, description={"space": {"f1": {"low": 0, "high": 1}}})
    spaced.write(path)
    assert load_table(path).dimensions.searched == ("f1",)
    with pytest.raises(DataError, match=r"says itself which space was searched \(f1\): leave"):
        load_table(path, params="lr")
