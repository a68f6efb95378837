import math

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.attainment import attainment_surface
from perjoule.benchmarks.statistics.runs import pareto_front

from ..samples import NAN, quick, run_of, tables, trial_lists


def runs_of(*runs):
    return pd.concat([run_of(*trials, run=f"a-{i}") for i, trials in enumerate(runs)])


def corners(surface, level):
    own = surface[surface["level"] == level]
    return list(zip(own["energy_j"], own["score"], strict=True))


def test_by_hand():
    trials = runs_of([(1.0, 0.5), (2.0, 0.9)], [(3.0, 0.8), (1.5, 0.6)], [(2.0, 0.7)])
    trials = trials.sort_values("trial", kind="stable")  # rows of runs may alternate
    surface = attainment_surface(trials, (0.25, 0.5, 1.0))
    assert list(surface.columns) == ["level", "energy_j", "score"]
    # One run of three, two of three, and all: shares are rounded up to whole runs.
    assert corners(surface, 0.25) == [(1.0, 0.5), (1.5, 0.6), (2.0, 0.9)]
    assert corners(surface, 0.5) == [(1.5, 0.5), (2.0, 0.7), (3.0, 0.8)]
    assert corners(surface, 1.0) == [(2.0, 0.6), (3.0, 0.7)]


def test_a_run_that_attained_nothing_counts_as_a_run():
    runs = [[(1.0, 0.5)], [(2.0, 0.5)], [(NAN, 0.9), (1.0, NAN), (1.0, 0.9, "failed")]]
    assert corners(attainment_surface(runs_of(*runs)), 0.5) == [(2.0, 0.5)]
    assert corners(attainment_surface(runs_of(*runs)), 0.75) == []
    assert corners(attainment_surface(runs_of(*runs[:2])), 0.75) == [(2.0, 0.5)]


def test_without_trials_there_is_no_surface():
    surface = attainment_surface(run_of((1.0, 0.5)).iloc[:0])
    assert surface.empty
    assert surface["energy_j"].dtype == float


def test_levels_come_back_as_they_were_asked_for():
    surface = attainment_surface(run_of((1.0, 0.5)), (0.29, 0.57))
    assert surface["level"].tolist() == [0.29, 0.57]


@quick
@given(trial_lists)
def test_of_one_run_it_is_the_front(drawn):
    trials = run_of(*drawn)
    counted = trials[trials["state"].isin(["complete", "truncated"])]
    front = counted[pareto_front(counted["energy_j"], counted["score"])]
    expected = sorted(set(zip(front["energy_j"], front["score"], strict=True)))
    assert corners(attainment_surface(trials), 0.5) == expected


@quick
@given(tables, st.sampled_from([0.2, 0.5, 0.75, 1.0]))
def test_so_many_runs_attained_each_corner(trials, level):
    surface = attainment_surface(trials, (level,))
    assert (np.diff(surface["energy_j"]) > 0).all()
    assert (np.diff(surface["score"]) > 0).all()
    counted = trials[trials["state"].isin(["complete", "truncated"])]
    needed = math.ceil(level * trials["run"].nunique())
    for corner in surface.itertuples():
        good = counted["score"] >= corner.score
        assert counted[good & (counted["energy_j"] <= corner.energy_j)]["run"].nunique() >= needed
        cheaper = counted[good & (counted["energy_j"] < corner.energy_j)]
        assert cheaper["run"].nunique() < needed


@quick
@given(tables)
def test_a_higher_share_attains_no_more(trials):
    surface = attainment_surface(trials, (0.25, 0.75))
    few, many = (surface[surface["level"] == level] for level in (0.25, 0.75))
    for corner in many.itertuples():
        below = few[few["energy_j"] <= corner.energy_j]
        assert below["score"].max() >= corner.score
