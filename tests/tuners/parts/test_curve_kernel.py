"""The covariance of learning curves, and what is learnt of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.tuners.parts.curve_kernel import CurveKernel, Seen, _Fit

from .curves import N_RUNGS, drawn, standard

seeds = st.integers(0, 2**32 - 1)


def first_step(kernel):
    """Correlation of the first rung with the second, apart from what all candidates share."""
    return kernel.chain[0, 1] / np.sqrt(kernel.chain[0, 0] * kernel.chain[1, 1])


def moved(fit, seed, spreads):
    """Parameters so many deviations of their prior around it at most."""
    random = np.random.default_rng(seed)
    return fit.prior + spreads * fit.spread * random.uniform(-1, 1, len(fit.prior))


@given(seeds, st.integers(1, 5))
@settings(max_examples=15)
def test_the_gradient_of_the_posterior_is_that_of_finite_differences(seed, n_rungs):
    fit = _Fit(*drawn(12, 0.5, seed, n_rungs), n_rungs)
    logs, step = moved(fit, seed, 1.5), 1e-5
    around = [
        (fit(logs + step * axis)[0] - fit(logs - step * axis)[0]) / (2 * step)
        for axis in np.eye(len(logs))
    ]
    assert fit(logs)[1] == pytest.approx(np.array(around), rel=1e-4, abs=1e-4)


@given(seeds, st.integers(1, 5))
@settings(max_examples=25)
def test_covariances_are_positive_definite_whatever_the_parameters_are(seed, n_rungs):
    seen, targets = drawn(15, 0.5, seed, n_rungs)
    fit = _Fit(seen, targets, n_rungs)
    kernel = fit.kernel(moved(fit, seed, 4.0))
    covariance = kernel.between(seen, seen)
    assert (covariance == covariance.T).all()
    assert np.diag(covariance) == pytest.approx(kernel.variances(seen.rungs))
    rounding = 1e-12 * np.trace(covariance)
    assert np.linalg.eigvalsh(covariance).min() > -rounding
    np.linalg.cholesky(covariance + kernel.noise * np.eye(len(covariance)))


@pytest.mark.parametrize("seed", range(3))
def test_it_is_learnt_how_much_the_first_epoch_tells(seed):
    correlations = [
        first_step(CurveKernel.fit(*drawn(40, tells, seed), N_RUNGS)) for tells in (0.0, 0.6, 0.99)
    ]
    assert correlations == sorted(correlations)
    assert correlations[0] < 0.35
    assert correlations[2] > 0.75


def test_a_hyperparameter_that_does_nothing_gets_a_long_scale():
    seen, merits = drawn(40, 0.9)
    idle = np.random.default_rng(1).random(40)[seen.trials]
    kernel = CurveKernel.fit(
        seen._replace(features=np.column_stack([seen.features, idle])), merits, 4
    )
    assert kernel.lengths[2] > 2 * kernel.lengths[:2].max()


def test_what_no_hyperparameter_tells_is_a_trials_own():
    random = np.random.default_rng(0)
    trials = np.repeat(np.arange(30), 3)
    seen = Seen(random.random((30, 2))[trials], trials, np.tile(np.arange(3), 30))
    lucky = standard(random.normal(size=30)[trials] + 0.02 * random.normal(size=90))
    learnt = CurveKernel.fit(seen, lucky, 3)
    smooth = CurveKernel.fit(seen, standard(np.sin(4 * seen.features[:, 0])), 3)
    assert learnt.own / learnt.smooth > 10 * smooth.own / smooth.smooth


@pytest.mark.parametrize("n_features", [0, 2])
@pytest.mark.parametrize("n_rungs", [1, 3])
def test_one_score_or_equal_ones_are_learnt_too(n_features, n_rungs):
    for count in (1, 6):
        trials = np.arange(count)
        seen = Seen(np.ones((count, n_features)), trials, trials % n_rungs)
        kernel = CurveKernel.fit(seen, np.zeros(count), n_rungs)
        assert np.isfinite(kernel.chain).all()
        assert kernel.lengths.shape == (n_features,)
