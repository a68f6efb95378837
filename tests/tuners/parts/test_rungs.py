"""Where trials stand on their rungs, brought up to date slice by slice."""

import random

import pytest

from perjoule.models.outcome import CurvePoint, State
from perjoule.tuners.parts.history import TrialSoFar
from perjoule.tuners.parts.multifidelity import promotion
from perjoule.tuners.parts.rungs import Ladder, Standing
from perjoule.tuners.strategy import Told

ENDS = [State.PAUSED] * 6 + [State.FAILED, State.TRUNCATED, State.COMPLETE]


@pytest.mark.parametrize("in_joules", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_standing_that_follows_the_trials_is_that_of_all_of_them(seed, in_joules):
    draw, trials = random.Random(seed), {}
    ladder = Ladder(27, in_joules=in_joules)
    standing = Standing(ladder, trials)
    for _ in range(150):
        number = draw.randrange(40)
        trial = trials.setdefault(number, TrialSoFar(number, {}))
        epochs = range(trial.epochs + 1, trial.epochs + 1 + draw.choice([0, 1, 2, 6, 18]))
        curve = [CurvePoint(n, n * draw.uniform(0.5, 2), draw.choice([0.1, 0.5, 0.9]), 0.0)
                 for n in epochs]  # fmt: skip
        trial.add(Told({}, draw.choice(ENDS), None, 1.0 * len(curve), trial=number,
                       epochs=epochs.stop - 1, curve=tuple(curve)))  # fmt: skip
        standing.take(trial)
        anew = Standing(ladder, trials)
        wanted = set(draw.sample(range(40), 20)) if draw.random() < 0.3 else None
        standing.wanted = anew.wanted = wanted
        assert standing.reached == anew.reached
        assert standing.rung == anew.rung
        # A list of all is ranked anew, the trials themselves are ranked already.
        assert promotion(standing, trials) == promotion(anew, list(trials))
