import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from perjoule.benchmarks.statistics.fidelity import fidelity
from perjoule.benchmarks.tables.table import Table

from ..samples import quick


def curved(scores, states=None, joules=1.0):
    """A table of one run: the scores of each trial by epoch, each of which takes some joules."""
    trials = pd.DataFrame(
        {
            "run": "a-0",
            "strategy": "a",
            "trial": range(len(scores)),
            "state": states or "complete",
            "score": [own[-1] for own in scores],
        }
    )
    curves = pd.DataFrame(
        [
            {
                "run": "a-0",
                "trial": trial,
                "epoch": at + 1,
                "energy_j": joules * (at + 1),
                "score": s,
            }
            for trial, own in enumerate(scores)
            for at, s in enumerate(own)
        ]
    )
    return Table(trials, curves=curves)


RISING = [[0.1 + 0.05 * trial, 0.9 - 0.05 * trial, 0.5 + 0.01 * trial] for trial in range(12)]


def test_ranks_joules_and_regret_of_each_epoch():
    first, second = fidelity(curved(RISING)).epochs
    assert (first.rho, first.tau, first.regret) == (pytest.approx(1), pytest.approx(1), 0)
    # Twelve trials stop after one of three epochs, and the one chosen goes on to its end.
    assert first.spent == pytest.approx((12 + 2) / 36)
    assert (second.rho, second.tau) == (pytest.approx(-1), pytest.approx(-1))
    assert second.regret == pytest.approx(0.11)
    assert second.spent == pytest.approx((24 + 1) / 36)
    assert (first.low, first.high) == (pytest.approx(1), pytest.approx(1))


def test_the_agreeing_epoch_is_the_first_from_which_all_agree():
    rng = np.random.default_rng(0)
    final = rng.random(200)
    noise = rng.normal(0, 1, 200)
    scores = np.column_stack([final + share * noise for share in (0.02, 0.9, 0.05, 0.01, 0)])
    found = fidelity(curved(scores.tolist()))
    assert found.agreeing.epoch == 3
    assert found.told is found.agreeing


def test_only_trials_of_one_length_that_went_to_their_end_are_compared():
    scores = [*RISING, *[[0.9]] * 3, *[[0.8, 0.9]] * 4]
    states = [*["complete"] * 12, *["pruned"] * 3, *["complete"] * 4]
    found = fidelity(curved(scores, states))
    assert (found.length, found.trials, found.others, found.stopped) == (3, 12, 4, 3)


def test_too_few_trials_and_no_joules():
    found = fidelity(curved(RISING[:9]))
    assert not found.epochs
    assert found.reason == "9 trials were trained to their end at epoch 3, 10 are needed"
    assert fidelity(curved([[0.5]] * 20)) is None
    unknown = fidelity(curved(RISING, joules=math.nan))
    assert {each.spent for each in unknown.epochs} == {None}
    assert unknown.epochs[0].rho == pytest.approx(1)


@quick
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2), min_size=10, max_size=40))
def test_ties_are_ranked_as_scipy_does(pairs):
    scores = [[a / 10, b / 10] for a, b in pairs]
    (found,) = fidelity(curved(scores)).epochs
    early, final = np.transpose(scores)
    if min(len(set(early)), len(set(final))) == 1:
        assert found.rho is None
        return
    assert found.rho == pytest.approx(spearmanr(early, final).statistic, abs=1e-9)
    assert found.tau == pytest.approx(kendalltau(early, final).statistic, abs=1e-9)
    assert -1 <= found.low <= found.high <= 1
