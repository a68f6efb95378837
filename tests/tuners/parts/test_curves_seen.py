"""Scores of a run as observations at rungs."""

import numpy as np

from perjoule.models.metric import ACCURACY, Metric
from perjoule.models.outcome import CurvePoint, State
from perjoule.tuners.parts.curves_seen import CurvesSeen
from perjoule.tuners.parts.history import TrialSoFar
from perjoule.tuners.parts.merits import Merits
from perjoule.tuners.strategy import Told

RUNGS = (1, 2, 4, 8)


def tell(curves, trials, number, scores, state=State.PAUSED, *, pending=False):
    """A slice of a trial with these scores by epoch."""
    curve = tuple(CurvePoint(epoch, 1.0, score, 0.0) for epoch, score in scores.items())
    last = None if state is State.FAILED else next(reversed(scores.values()), None)
    epochs = max(scores, default=0)
    told = Told({}, state, last, 1.0, None, None, number, epochs, curve, pending)
    trial = trials.setdefault(number, TrialSoFar(number, {}))
    trial.add(told)
    curves.add(trial, np.array([float(number)]))


def told(*slices, metric=ACCURACY):
    curves, trials = CurvesSeen(RUNGS, metric), {}
    for each in slices:
        number, scores, *state = each
        tell(curves, trials, number, scores, *state)
    return curves


def places(curves):
    """Trial and rung of each observation."""
    seen = curves.seen(np.arange(len(curves)))
    return list(zip(seen.trials.tolist(), seen.rungs.tolist(), strict=True))


def test_a_score_counts_at_the_last_rung_below_its_epoch_and_the_first_one_there_does():
    curves = told(
        (0, {1: 0.1, 2: 0.2, 3: 0.3}), (1, {3: 0.4, 6: 0.5, 7: 0.9}), (0, {4: 0.6, 8: 0.8})
    )
    assert places(curves) == [(0, 0), (0, 1), (1, 1), (1, 2), (0, 2), (0, 3)]
    merit = Merits()
    assert curves.merits().tolist() == [merit(s) for s in (0.1, 0.2, 0.4, 0.5, 0.6, 0.8)]
    assert curves.seen(np.array([2])).features.tolist() == [[1.0]]


def test_validated_every_fifth_epoch_is_seen_at_the_rungs_passed():
    curves = told((0, {5: 0.5}), (0, {10: 0.6, 15: 0.7}))
    assert places(curves) == [(0, 2), (0, 3)]


def test_a_failure_merits_as_the_worst_that_was_seen_where_it_failed():
    curves = told((0, {1: 0.4}), (1, {}, State.FAILED), (2, {1: 0.7, 2: 0.8, 3: 0.8}, State.FAILED))
    assert places(curves) == [(0, 0), (1, 0), (2, 0), (2, 1), (2, 1)]
    merits = curves.merits()
    assert merits[1] == merits[4] == merits[0] == merits.min()
    alone = told((0, {}, State.FAILED))
    assert alone.merits().tolist() == [Merits().unknown]


def test_a_slice_in_flight_is_seen_when_it_ends():
    curves, trials = CurvesSeen(RUNGS, ACCURACY), {}
    tell(curves, trials, 0, {1: 0.4})
    tell(curves, trials, 0, {}, State.TRUNCATED, pending=True)
    tell(curves, trials, 1, {}, State.TRUNCATED, pending=True)
    assert places(curves) == [(0, 0)]
    tell(curves, trials, 1, {1: 0.3, 2: 0.5})
    assert places(curves) == [(0, 0), (1, 0), (1, 1)]


def test_a_score_that_diverged_does_not_drown_the_others():
    loss = Metric("loss", "minimize", 0)
    slices = [(number, {1: score}) for number, score in enumerate([-0.5, -0.4, -0.3, -0.2, -1e6])]
    merits = told(*slices, metric=loss).merits()
    assert merits[4] == merits.min()
    assert np.ptp(merits) < 4 * np.ptp(merits[:4])


def test_what_earlier_scores_merited_then_can_be_asked_for():
    loss = Metric("loss", "minimize", 0)
    slices = [(number, {1: score}) for number, score in enumerate([-0.5, -0.4, -0.3, -0.1])]
    curves, before = told(*slices, metric=loss), told(*slices[:3], metric=loss)
    assert curves.merits(3).tolist() == before.merits().tolist() != curves.merits()[:3].tolist()
