"""Small trial tables, made by hand and by hypothesis."""

import math

import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

NAN = math.nan
# No deadline: the first example of a test imports SciPy, and shared machines stall.
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run_of(*trials, run="a-0", strategy="a"):
    """One run from (energy_j, accuracy) or (energy_j, accuracy, state) per trial."""
    rows = [(*trial, "complete")[:3] for trial in trials]
    table = pd.DataFrame(rows, columns=["energy_j", "score", "state"])
    return table.assign(run=run, strategy=strategy, seed=0, trial=range(len(rows)))


def table_of(**strategies):
    """A table of one-trial runs of 10 J: their accuracies, by strategy."""
    return pd.concat(
        [
            run_of((10.0, score), run=f"{name}-{seed}", strategy=name)
            for name, scores in strategies.items()
            for seed, score in enumerate(scores)
        ],
        ignore_index=True,
    )


MIXED = run_of(
    (2.0, 0.5),
    (3.0, NAN, "failed"),
    (1.0, 0.4),
    (4.0, 0.99, "failed"),
    (5.0, 0.7, "truncated"),
    (1.0, 0.98, "interrupted"),
)
BROKEN_METER = run_of((2.0, 0.5), (NAN, 0.9), (3.0, 0.95), run="a-1")

scores = st.one_of(st.just(NAN), st.integers(0, 20).map(lambda n: n / 20))
trial_lists = st.lists(
    st.tuples(
        st.integers(1, 50).map(float),
        scores,
        st.sampled_from(["complete", "truncated", "interrupted", "failed"]),
    ),
    min_size=1,
    max_size=8,
)
tables = st.lists(trial_lists, min_size=1, max_size=6).map(
    lambda runs: pd.concat(
        [
            run_of(*trials, run=f"r{i}", strategy="even" if i % 2 == 0 else "odd")
            for i, trials in enumerate(runs)
        ]
    )
)
values = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=9)
