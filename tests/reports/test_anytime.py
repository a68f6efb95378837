import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.runs import pareto_front
from perjoule.reports.figures.anytime import anytime_curve, keep_steps
from perjoule.reports.thinning import thin_trials


def trials_of(*runs):
    """Trials of a strategy, each run a list of (energy_j, accuracy)."""
    rows = [
        {"run": f"a-{i}", "strategy": "a", "state": "complete", "energy_j": e, "score": a}
        for i, run in enumerate(runs)
        for e, a in run
    ]
    return pd.DataFrame(rows, columns=["run", "strategy", "state", "energy_j", "score"])


def random_trials(n, strategies=2, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "run": [f"{i % strategies}-{i % (3 * strategies)}" for i in range(n)],
            "strategy": [str(i % strategies) for i in range(n)],
            "state": "complete",
            "energy_j": rng.lognormal(0, 1, n),
            "score": rng.uniform(0, 1, n),
        }
    )


energies = st.one_of(st.just(np.nan), st.integers(1, 20).map(float))
scores = st.one_of(st.just(np.nan), st.integers(0, 10).map(lambda tenths: tenths / 10))
runs = st.lists(
    st.lists(st.tuples(energies, scores), min_size=1, max_size=6), min_size=1, max_size=6
)


@pytest.mark.thorough
@given(runs)
def test_each_level_is_what_a_loop_over_the_runs_finds(runs):
    for row in anytime_curve(trials_of(*runs)).to_dict("records"):
        levels = []
        for run in runs:
            energy_j, score = np.cumsum([e for e, _ in run]), np.array([a for _, a in run])
            if np.isnan(energy_j[-1]) and not (energy_j >= row["energy_j"]).any():
                continue  # nobody knows what this run had by then
            reached = score[(energy_j <= row["energy_j"]) & ~np.isnan(score)]
            levels.append(reached.max(initial=-np.inf))
        ordered = sorted(levels)
        last = len(ordered) - 1
        assert row["runs"] == len(ordered)
        assert row["median"] == pytest.approx(np.median(ordered))
        low, high = ordered[int(np.floor(last / 4))], ordered[int(np.ceil(3 * last / 4))]
        assert row["low"] == low or (np.isnan(row["low"]) and low == -np.inf)
        assert row["high"] == high or (np.isnan(row["high"]) and high == -np.inf)


@settings(max_examples=40)
@given(st.integers(2, 400), st.integers(2, 50))
def test_a_thinned_curve_says_nothing_that_the_whole_one_does_not(n, most):
    trials = random_trials(n, strategies=1)
    whole, few = anytime_curve(trials, n), anytime_curve(trials, most)
    assert len(few) <= most + 1
    merged = few.merge(whole, on="energy_j", how="left", suffixes=("", "_whole"))
    assert (merged["median"] == merged["median_whole"]).all()
    assert few["energy_j"].iloc[-1] == whole["energy_j"].iloc[-1]


def test_a_hundred_thousand_trials_in_many_runs_fit():
    n_runs, n_trials = 2_400, 42
    trials = random_trials(n_runs * n_trials, strategies=1)
    trials["run"] = np.repeat(np.arange(n_runs), n_trials).astype(str)
    curve = anytime_curve(trials)
    assert len(curve) <= 401
    assert (curve["runs"] == n_runs).all()
    assert curve["median"].is_monotonic_increasing


def test_no_trial_attains_nothing():
    assert anytime_curve(trials_of()).empty
    assert anytime_curve(trials_of([(np.nan, 0.5)])).empty


def test_steps_keep_the_corners_and_the_end():
    curve = pd.DataFrame({"x": range(6), "y": [np.nan, np.nan, 1.0, 1.0, 2.0, 2.0]})
    assert list(keep_steps(curve, "y")["x"]) == [0, 2, 4, 5]
    assert keep_steps(curve[:0], "y").empty


@given(st.integers(0, 300), st.integers(1, 4), st.integers(0, 300))
def test_thinning_keeps_every_front(n, strategies, most):
    trials = random_trials(n, strategies)
    kept = thin_trials(trials, most).trials
    front = 0
    for name, own in trials.groupby("strategy"):
        best = own[pareto_front(own["energy_j"], own["score"])]
        front += len(best)
        assert set(best.index) <= set(kept.index), name
    assert len(kept) <= max(most, front)
    assert kept.index.is_monotonic_increasing
    assert kept.equals(thin_trials(trials, most).trials), "the sample is seeded"


def test_thinning_leaves_each_strategy_its_share():
    kept = thin_trials(random_trials(9_000, 3), 900).trials
    assert kept["strategy"].value_counts().min() > 250


def test_a_failed_trial_is_on_no_front():
    trials = random_trials(100, 1).assign(state="failed")
    assert len(thin_trials(trials, 10).trials) == 10
