"""The Gaussian process over learning curves that takes one score after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.tuners.parts.curve_kernel import CurveKernel, Seen
from perjoule.tuners.parts.curve_model import CurveModel

from .curves import N_RUNGS, drawn

seeds = st.integers(0, 2**32 - 1)


def some_kernel(seed, noise=1e-2):
    """A kernel whose rungs correlate by a chain, as those that are learnt."""
    random = np.random.default_rng(seed)
    falls, scales = (np.cumsum(random.random(N_RUNGS)) for _ in range(2))
    chain = np.exp(scales[:, None] + scales - np.abs(falls[:, None] - falls))
    steps = np.arange(N_RUNGS)
    mean = 1.0 + np.minimum(steps[:, None], steps) / 3
    return CurveKernel(random.uniform(0.2, 2.0, 2), 1.0, 0.1, noise, chain, mean)


def points(seed, count=7):
    """Points of new trials, and of some that were seen."""
    random = np.random.default_rng([seed, 1])
    trials = random.integers(-3, 4, count)
    features = np.where(trials[:, None] >= 0, 0.5, random.random((count, 2)))
    return Seen(features, trials, random.integers(0, N_RUNGS, count))


def at_once(kernel, seen, merits, asked):
    """Mean and deviation by the textbook, all at once: Rasmussen and Williams (2.25), (2.26)."""
    covariance = kernel.between(seen, seen) + kernel.noise * np.eye(len(merits))
    known = kernel.between(seen, asked)
    mean = merits.mean() + known.T @ np.linalg.solve(covariance, merits - merits.mean())
    variance = np.diag(kernel.between(asked, asked) - known.T @ np.linalg.solve(covariance, known))
    return mean, merits.std() * np.sqrt(variance)


@given(seeds, st.lists(st.integers(1, 9), min_size=1, max_size=5))
@settings(max_examples=20)
def test_scores_that_are_appended_tell_what_they_tell_at_once(seed, sizes):
    kernel, asked = some_kernel(seed), points(seed)
    seen, merits = drawn(25, 0.5, seed)
    model, end = CurveModel(kernel, asked), 0
    for size in sizes:
        model.append(seen.at(np.arange(end, end + size)))
        end += size
        model.learn(merits[:end] + 3.0)
        watched, predicted = model.watch(), model.predict(asked)
        assert len(model) == end
        for one, other in zip(watched, predicted, strict=True):
            assert one == pytest.approx(other, rel=1e-8, abs=1e-8)
    mean, std = at_once(kernel, seen.at(np.arange(end)), merits[:end] + 3.0, asked)
    predicted = model.predict(asked)
    assert predicted.mean == pytest.approx(mean, rel=1e-8, abs=1e-8)
    if end > 1:  # a single merit has no spread to be told in
        assert predicted.std == pytest.approx(model.doubt * std, rel=1e-8, abs=1e-8)


@given(seeds, st.floats(-10, 10), st.floats(0.1, 10))
@settings(max_examples=15)
def test_other_merits_of_the_same_scores_change_means_but_no_covariance(seed, shift, factor):
    seen, merits = drawn(10, 0.5, seed)
    model = CurveModel(some_kernel(seed), points(seed))
    model.append(seen)
    model.learn(merits)
    before, doubt = model.watch(), model.doubt
    model.learn(shift + factor * merits)
    assert model.doubt == pytest.approx(doubt)
    assert model.watch().mean == pytest.approx(shift + factor * before.mean, rel=1e-6, abs=1e-6)
    assert model.watch().std == pytest.approx(factor * before.std)
    model.learn(np.random.default_rng(seed).permutation(merits))
    assert model.watch().std / model.doubt == pytest.approx(before.std / doubt)


def test_a_model_whose_forecasts_miss_doubts_itself():
    kernel = CurveKernel(np.full(2, 5.0), 1.0, 1e-3, 1e-3, np.ones((1, 1)), np.ones((1, 1)))
    random = np.random.default_rng(0)
    features = random.random((30, 2))
    seen = Seen(features, np.arange(30), np.zeros(30, int))

    def doubt(merits):
        model = CurveModel(kernel)
        model.append(seen)
        model.learn(merits)
        return model, model.doubt

    surprised, much = doubt(random.choice([-1.0, 1.0], 30))
    _, none = doubt(features @ [1.0, 2.0])
    assert none < 1.2
    assert much > 2.0
    at = surprised.predict(seen).std
    assert at == pytest.approx(much * at_once(kernel, seen, np.tile([-1.0, 1.0], 15), seen)[1], 0.2)


def test_a_score_narrows_what_is_believed_of_its_candidate_at_later_rungs():
    kernel = some_kernel(0)
    asked = Seen(np.full((N_RUNGS, 2), 0.5), np.zeros(N_RUNGS, int), np.arange(N_RUNGS))
    model, stds = CurveModel(kernel), []
    for rung in range(N_RUNGS):
        model.append(asked.at(np.array([rung])))
        model.learn(np.linspace(-1, 1, rung + 1))
        stds.append(float(model.predict(asked).std[-1]) / model.doubt / (model.noise_std or 1.0))
    assert stds == sorted(stds, reverse=True)
