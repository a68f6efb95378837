"""Strategies that weigh accuracy against joules, and the process they believe in."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.simulation import simulate, task_of
from perjoule.benchmarks.synthetic import SURFACES
from perjoule.outcome import State
from perjoule.tuners.energy_aware import (
    Beliefs,
    cooled_ei,
    cooled_strategy,
    ei_per_joule,
    gittins,
    gittins_strategy,
    score,
)
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.surrogate import GaussianProcess, log_ei

SURFACE = SURFACES["frugal"]
BUDGET_J = 40.0


def run(name, seed, budget_j=BUDGET_J):
    strategy = RECIPES[name].build(SURFACE.space, seed, task_of(SURFACE, budget_j))
    return simulate(strategy, SURFACE, budget_j, seed=seed, name=name)


def joules_to(slices, target):
    return next((s.spent_j for s in slices if s.accuracy >= target), math.inf)


def test_cost_cooling_needs_fewer_joules_than_random_search():
    target = 0.96 * SURFACE.best_accuracy
    ours, random = (
        median(joules_to(run(name, seed), target) for seed in range(5))
        for name in ("gp-cooled", "random")
    )
    assert ours < random


def test_the_gittins_index_stops_when_nothing_is_worth_its_joules():
    task = task_of(SURFACE, BUDGET_J)
    dear, cheap = (
        simulate(gittins_strategy(SURFACE.space, 0, task, price), SURFACE, BUDGET_J)[-1].spent_j
        for price in (1.0, 1e-6)
    )
    assert dear < cheap / 2


@pytest.mark.parametrize("name", ["gp-eipj", "gp-cooled", "pbgi"])
def test_nothing_is_begun_that_is_known_not_to_fit(name):
    slices = run(name, 0, budget_j=10.0)
    assert slices[-1].spent_j <= 10.0
    assert sum(s.state is State.TRUNCATED for s in slices) <= 2


def test_no_candidate_is_proposed_twice():
    seen = [tuple(sorted(s.params.items())) for s in run("gp-cooled", 1)]
    assert len(seen) == len(set(seen))


def beliefs(mean, joules, spent_share=0.0, std=0.5):
    mean, joules = np.array(mean), np.array(joules)
    return Beliefs(mean, np.full(len(mean), std), joules, 1.0, spent_share, 20)


def test_of_equal_promises_the_cheapest_is_taken():
    equal = beliefs([1.0, 1.0], [1.0, 10.0])
    for acquire in (ei_per_joule, cooled_ei, gittins(1e-4)):
        assert acquire(equal).argmax() == 0


def test_joules_count_less_as_the_budget_goes():
    early, late = (beliefs([1.5, 0.9], [10.0, 1.0], share) for share in (0.0, 1.0))
    assert cooled_ei(early).argmax() == 1
    assert cooled_ei(late).argmax() == 0
    np.testing.assert_allclose(cooled_ei(early), ei_per_joule(early))


def test_the_index_is_where_hope_is_just_worth_its_price():
    price, joules, mean, std = 1e-3, 2.0, 1.0, 0.5
    index = gittins(price)(beliefs([mean], [joules], std=std))
    strike = math.exp(-float(index[0]))
    draws = np.exp(-np.random.default_rng(0).normal(mean, std, 400_000))
    assert np.maximum(strike - draws, 0).mean() == pytest.approx(price * joules, rel=0.1)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_better_accuracy_scores_higher(one, other):
    if one < other - 1e-9:
        assert score(one) < score(other)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 30), st.integers(1, 5))
def test_a_process_passes_near_what_it_learnt(seed, count, dimensions):
    rng = np.random.default_rng(seed)
    points = rng.random((count, dimensions))
    targets = np.sin(3 * points[:, 0]) + points.sum(axis=1)
    process = GaussianProcess.fit(points, targets)
    mean, std = process.predict(points)
    assert np.abs(mean - targets).mean() <= targets.std() / 2 + 1e-9
    assert (std > 0).all()
    far = process.predict(points + 100.0)[1]
    assert (far >= std - 1e-9).all()


def test_a_process_after_more_observations_is_surer():
    rng = np.random.default_rng(0)
    points = rng.random((20, 2))
    targets = points.sum(axis=1)
    early = GaussianProcess.fit(points[:5], targets[:5])
    late = early.learnt(points, targets)
    new = rng.random((50, 2))
    error = [np.abs(p.predict(new)[0] - new.sum(axis=1)).mean() for p in (early, late)]
    assert error[1] < error[0]


@given(st.floats(-50, 5), st.floats(0.01, 3))
def test_improvement_is_what_sampling_says_and_never_minus_infinity(mean, std):
    value = float(log_ei(np.array([mean]), np.array([std]), 0.0)[0])
    assert math.isfinite(value)
    if mean > -2 * std:
        draws = np.random.default_rng(0).normal(mean, std, 100_000)
        assert math.exp(value) == pytest.approx(np.maximum(draws, 0).mean(), rel=0.1)


def test_equal_results_are_no_division_by_zero():
    process = GaussianProcess.fit(np.random.default_rng(0).random((6, 3)), np.full(6, 0.7))
    mean, std = process.predict(np.zeros((1, 3)))
    assert mean[0] == pytest.approx(0.7)
    assert np.isfinite(std).all()


def test_a_single_epoch_space_is_searched_too():
    space = SURFACE.space.with_fixed("epochs", 1)
    strategy = cooled_strategy(space, 0, task_of(SURFACE, BUDGET_J))
    assert {strategy.ask(0.0).until for _ in range(2)} == {1}
