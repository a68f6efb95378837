"""What a run has learnt of its learning curves, fitted now and then."""

from itertools import pairwise

import numpy as np
import pytest

from perjoule.models.metric import ACCURACY, Metric
from perjoule.models.outcome import CurvePoint, State
from perjoule.tuners.parts.curve_learner import CurveLearner
from perjoule.tuners.parts.history import TrialSoFar
from perjoule.tuners.strategy import Told

RUNGS = (1, 2, 4, 8)
POOL = np.random.default_rng(9).random((20, 2))


def told(n_trials, tells, metric=ACCURACY, seed=0):
    """Trials, of which every second goes on to the end: an early score tells of it, or does not."""
    random = np.random.default_rng(seed)
    for number in range(n_trials):
        features = random.random(2)
        quality = 0.5 + 0.2 * np.sin(4 * features[0]) + 0.1 * features[1]
        early = quality if tells else 0.2 + 0.5 * random.random()
        scores = [early] if number % 2 else [early, quality, quality + 0.02, quality + 0.03]
        if not metric.maximised:  # scores are oriented
            scores = [score - 1.0 for score in scores]
        curve = tuple(
            CurvePoint(epoch, 1.0, float(score), 0.0)
            for epoch, score in zip(RUNGS, scores, strict=False)
        )
        trial = TrialSoFar(number, {})
        trial.add(Told({}, State.PAUSED, None, 1.0, trial=number, epochs=1, curve=curve))
        yield trial, features


def learnt(slices, metric=ACCURACY):
    learner = CurveLearner(RUNGS, metric)
    for each in slices:
        learner.add(*each)
    return learner


@pytest.mark.parametrize(("tells", "first"), [(True, 0), (False, 1)])
def test_new_trials_are_first_looked_at_where_an_epoch_tells_something(tells, first):
    assert learnt(told(30, tells)).first_rung == first


def test_without_a_rung_between_there_is_nothing_to_choose():
    learner = CurveLearner((1, 3), ACCURACY)
    assert not learner.is_ready
    assert learner.first_rung == 0


def test_one_that_is_asked_only_at_the_end_believes_the_same_to_the_last_bit():
    asked, slices = CurveLearner(RUNGS, ACCURACY), list(told(45, tells=False))
    for each in slices:
        asked.add(*each)
        asked.model(POOL).watch()
    beliefs = [each.model(POOL).watch() for each in (asked, learnt(slices))]
    for one, other in zip(*beliefs, strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("metric", [ACCURACY, Metric("loss", "minimize", 0)], ids=str)
def test_forecasts_are_scores_in_order_around_what_came(metric):
    learner, slices = CurveLearner(RUNGS, metric), list(told(40, tells=True, metric=metric))
    for each in slices[:-2]:
        learner.add(*each)
    belief = learner.model(POOL).watch()
    found = [learner.forecast(*each) for each in zip(belief.mean, belief.std, strict=True)]
    assert all(one < other for each in found for one, other in pairwise(each))
    at_the_end = 0.53 + 0.2 * np.sin(4 * POOL[:, 0]) + 0.1 * POOL[:, 1]
    at_the_end -= 0.0 if metric.maximised else 1.0
    medians = np.array([each.median for each in found])
    assert np.abs(medians - at_the_end).mean() < 0.03
    inside = [e.low <= s <= e.high for e, s in zip(found, at_the_end, strict=True)]
    assert np.mean(inside) >= 0.7
