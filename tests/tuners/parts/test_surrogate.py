import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.parts.surrogate import GaussianProcess, log_ei, neighbours, sobol

ENCODING = Encoding(Space.parse({"x": {"low": 0.0, "high": 1.0}, "kind": ["a", "b", "c"]}))


def wave(points):
    return np.sin(5 * points[:, 0]) + points[:, 1] ** 2


def drawn(count, n_dimensions=3, seed=0):
    return np.random.default_rng(seed).random((count, n_dimensions))


def test_a_smooth_function_is_learnt_and_its_irrelevant_dimension_found():
    points, others = drawn(60), drawn(200, seed=1)
    model = GaussianProcess.fit(points, wave(points))
    mean, std = model.predict(others)
    assert np.abs(mean - wave(others)).max() < 0.1
    assert np.mean(np.abs(mean - wave(others)) < 3 * std) > 0.9
    assert model.lengths[2] > 3 * model.lengths[0]


def test_the_posterior_is_that_of_scikit_learn_with_the_same_kernel():
    points, others = drawn(25), drawn(40, seed=1)
    targets = 3 + 10 * wave(points)
    model = GaussianProcess.fit(points, targets)
    kernel = ConstantKernel(model.scale) * Matern(model.lengths, nu=2.5)
    peer = GaussianProcessRegressor(kernel, alpha=model.noise, optimizer=None, normalize_y=True)
    expected = peer.fit(points, targets).predict(others, return_std=True)
    assert np.array(model.predict(others)) == pytest.approx(np.array(expected), rel=1e-6)


def test_a_process_goes_on_learning_with_the_same_kernel():
    points, others = drawn(20), drawn(50, seed=1)
    early = GaussianProcess.fit(points[:8], wave(points[:8]))
    late = early.learnt(points, wave(points))
    assert (late.lengths == early.lengths).all()
    assert (late.scale, late.noise) == (early.scale, early.noise)
    error = [np.abs(each.predict(others)[0] - wave(others)).mean() for each in (early, late)]
    assert error[1] < error[0]


def test_noise_is_told_from_signal():
    points, noise = drawn(80), np.random.default_rng(2).normal(0, 1, 80)
    assert GaussianProcess.fit(points, wave(points) + noise).noise > 0.2
    assert GaussianProcess.fit(points, wave(points)).noise < 0.01


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
@settings(max_examples=12)
def test_predictions_follow_the_unit_of_the_targets(shift, factor):
    points, others = drawn(12), drawn(5, seed=1)
    mean, std = GaussianProcess.fit(points, wave(points)).predict(others)
    moved = GaussianProcess.fit(points, shift + factor * wave(points)).predict(others)
    # The fit stops where the last digits of the targets lead it.
    assert moved[0] == pytest.approx(shift + factor * mean, abs=1e-2 * factor)
    assert moved[1] == pytest.approx(factor * std, rel=2e-2)


@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("n_dimensions", [0, 4])
def test_equal_targets_are_predicted_everywhere(count, n_dimensions):
    model = GaussianProcess.fit(drawn(count, n_dimensions), np.full(count, 0.1))
    mean, std = model.predict(drawn(7, n_dimensions, seed=1))
    assert mean == pytest.approx(np.full(7, 0.1))
    assert (std > 0).all()


@given(st.floats(-20, 20), st.floats(0.1, 10), st.floats(-20, 20))
@settings(max_examples=50)
def test_log_expected_improvement_is_that_by_integration(mean, std, best):
    if (mean - best) / std < -6:  # the integral is lost in rounding there
        best = mean + 6 * std
    improvement, _ = quad(
        lambda z: max(mean + std * z - best, 0.0) * norm.pdf(z), (best - mean) / std, 30, limit=200
    )
    found = log_ei(np.array([mean]), np.array([std]), best)[0]
    # Beyond what the integral reaches, all of the distribution improves.
    expected = max(improvement, mean - best)
    assert found == pytest.approx(math.log(expected), abs=1e-4)


def test_log_expected_improvement_is_finite_and_rising_however_small_it_is():
    z = -np.geomspace(1e8, 1e-3, 4000)
    values = log_ei(z, np.ones_like(z), 0.0)
    assert np.isfinite(values).all()
    assert (np.diff(values) > 0).all()
    # pdf(z) / z^2 (1 - 3 / z^2 + ...) by parts
    tail = z < -100
    asymptote = norm.logpdf(z[tail]) - 2 * np.log(-z[tail])
    assert values[tail] == pytest.approx(asymptote, rel=1e-6)


def test_sobol_points_are_seeded_and_even():
    points = sobol(ENCODING, 3, 100)
    assert points.shape == (100, 2)
    assert (points == sobol(ENCODING, 3, 100)).all()
    assert (points != sobol(ENCODING, 4, 100)).any()
    assert np.histogram(points[:64, 0], 64, (0, 1))[0].max() == 1
    assert sobol(Encoding(Space.parse({"x": 1})), 0, 9).shape == (1, 0)


def test_neighbours_stay_near_but_reach_other_choices():
    origin = np.array([[0.5, 0.5]])
    points = neighbours(origin, 0, 500)
    assert points.shape == (500, 2)
    assert (points == neighbours(origin, 0, 500)).all()
    assert ((points >= 0) & (points <= 1)).all()
    assert np.median(np.abs(points[:, 0] - 0.5)) < 0.15
    assert {ENCODING.decode(point)["kind"] for point in points} == {"a", "b", "c"}
