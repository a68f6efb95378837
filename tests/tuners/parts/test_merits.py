"""Merits: what models of scores learn, of any metric."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perjoule.models.metric import ACCURACY, Metric
from perjoule.tuners.parts.merits import ERROR_FLOOR, MOST_ERROR, Merits

METRICS = {
    "bounded": Metric("kappa", "maximize", -1, 1),
    "loss": Metric("loss", "minimize", 0, None),
    "r2": Metric("r2", "maximize", None, 1),
    "unbounded": Metric("reward", "maximize"),
    "nothing to reach": Metric("return", "maximize", 0, None),
}
some_scores = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


@given(st.floats(0, 1), st.lists(st.floats(0, 1)))
def test_of_accuracy_it_is_the_logarithm_of_the_error_whatever_was_seen(score, seen):
    assert Merits.of(ACCURACY, seen)(score) == -math.log(max(1 - score, 0.0) + ERROR_FLOOR)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@given(seen=some_scores)
def test_a_better_score_has_no_less_merit_and_every_one_is_finite(metric, seen):
    seen = [metric.oriented(abs(each) if metric.low == 0 else each) for each in seen]
    seen = [each for each in seen if metric.allows(metric.oriented(each))]
    assume(seen)
    merit = Merits.of(metric, seen)
    merits = [merit(score) for score in sorted(seen)]
    assert all(one <= other for one, other in pairwise(merits))
    assert all(map(math.isfinite, merits))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("metric", [Metric("loss", "minimize", 0), Metric("reward")], ids=str)
def test_merits_do_not_depend_on_the_unit_of_a_metric(metric, unit):
    scores = [metric.oriented(each) for each in (0.9, 0.5, 0.3, 0.2, 0.1)]
    plain = Merits.of(metric, scores)
    scaled = Merits.of(metric, [unit * each for each in scores])
    assert [scaled(unit * each) for each in scores] == pytest.approx([plain(s) for s in scores])


def test_one_diverged_training_does_not_drown_the_others():
    scores = [-0.1, -0.2, -0.3, -0.4, -1e300]
    merit = Merits.of(Metric("loss", "minimize", 0), scores)
    merits = [merit(score) for score in scores]
    assert merits[3] - merits[4] < 2 * (merits[0] - merits[3])


def test_what_is_unknown_of_the_best_recedes_as_scores_rise():
    reward = Metric("reward")
    before, after = Merits.of(reward, [0, 1, 2]), Merits.of(reward, [0, 1, 2, 5, 5, 9])
    assert (before.best, after.best) == (3.0, 14.5)
    assert before.unknown == after.unknown == Merits().unknown == -math.log(1 + ERROR_FLOOR)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True))
def test_the_score_of_a_merit_is_the_score(metric, seen):
    seen = [metric.oriented(each) for each in seen]
    merit = Merits.of(metric, seen)
    known = [each for each in seen if merit.best - each < MOST_ERROR * merit.scale]
    assert [merit.score_of(merit(s)) for s in known] == pytest.approx(known, abs=1e-9)
    assert merit.score_of(math.inf) == merit.score_of(100.0) == merit.best
    assert merit.score_of(-100.0) == merit.best - MOST_ERROR * merit.scale
