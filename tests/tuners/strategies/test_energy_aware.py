import math
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.metric import ACCURACY
from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.parts.energy_aware import (
    LEAST_BEFORE_STOP,
    STARTUP_TRIALS,
    Beliefs,
    observations,
)
from perjoule.tuners.parts.history import trials_of
from perjoule.tuners.parts.merits import ERROR_FLOOR, Merits
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategies.gp_cooled import CooledStrategy
from perjoule.tuners.strategies.gp_eipj import PerJouleStrategy
from perjoule.tuners.strategies.pbgi import GittinsStrategy
from perjoule.tuners.strategy import Task, Told, restore

from ..toys import simulate

# Widths of 8 to 64 and 1 to 4 epochs: the dearest candidate costs 32 times the cheapest.
SPACE = Space.parse(
    {
        "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
        "width": {"low": 8, "high": 64, "log": True},
        "optimizer": ["sgd", "adam", "adamw"],
        "epochs": {"low": 1, "high": 4},
    }
)
BEST_RATE = {"sgd": 3e-2, "adam": 3e-3, "adamw": 3e-3}
BEST_ACCURACY = 0.97
BUDGET_J = 60.0
FREE_GITTINS = partial(GittinsStrategy, price_per_j=0.0)
"""Has no reason to stop."""
merit = Merits.of(ACCURACY, ())
every_strategy = pytest.mark.parametrize("build", [PerJouleStrategy, CooledStrategy, FREE_GITTINS])


def score(params, epoch):
    """At its best with 24 units, four epochs and Adam at 3e-3: not where it is dearest."""
    miss = math.log10(params["learning_rate"] / BEST_RATE[params["optimizer"]])
    too_wide = math.log2(params["width"] / 24)
    error = 0.03 * math.exp(0.8 * miss**2 + 0.15 * too_wide**2)
    error *= {"sgd": 1.5, "adam": 1.0, "adamw": 1.1}[params["optimizer"]] * 1.3 ** (4 - epoch)
    return max(1 - error, 0.1)


def epoch_j(params):
    return params["width"] / 16


TASK = Task(BUDGET_J, cost_of=lambda p: (1000.0 * p["width"], 10.0 * p["width"]), n_samples=1000)


def worth(strategy, beliefs, **options):
    """How an acquisition function ranks candidates."""
    return np.asarray(strategy(SPACE, 0, TASK, **options).acquire(beliefs))


def believed(**changes):
    rng = np.random.default_rng(0)
    mean, std, joules = rng.normal(2, 1, 50), rng.uniform(0.1, 1, 50), rng.uniform(1, 30, 50)
    return Beliefs(mean, std, joules, 3.0, 0.0, LEAST_BEFORE_STOP)._replace(**changes)


@pytest.mark.thorough
def test_cooling_finds_the_optimum_with_fewer_joules_than_random_search():
    def needed_j(build, seed, budget_j):
        spent_j = 0.0
        run = simulate(build(SPACE, seed, TASK), score, epoch_j, budget_j=budget_j)
        for told in run.history:
            spent_j += told.energy_j
            if told.score is not None and told.score >= 0.99 * BEST_ACCURACY:
                return spent_j
        return math.inf

    random_j = median(needed_j(RECIPES["random"].build, seed, 5 * BUDGET_J) for seed in range(5))
    cooled_j = median(needed_j(CooledStrategy, seed, BUDGET_J) for seed in range(5))
    assert cooled_j < 0.7 * random_j < math.inf


@every_strategy
def test_candidates_are_trained_in_full_once_each_and_their_costs_predicted(build):
    run = simulate(build(SPACE, 1, TASK), score, epoch_j, n_trials=10)
    for work in run.works:
        assert (work.until, work.pause, work.trial) == (work.params["epochs"], False, None)
    digits = (work.params.values() for work in run.works)
    once = {tuple(round(x, 9) if isinstance(x, float) else x for x in each) for each in digits}
    assert len(once) == 10
    assert run.works[0].predicted_j is None
    late = zip(run.works[5:], run.history[5:], strict=True)
    assert median(abs(work.predicted_j / told.energy_j - 1) for work, told in late) < 0.15


def test_startup_begins_with_what_is_cheap_where_it_should():
    def startup_j(build, seed):
        run = simulate(build(SPACE, seed, TASK), score, epoch_j, n_trials=STARTUP_TRIALS)
        return [round(told.energy_j, 6) for told in run.history]

    cheap_first, as_they_come = (
        [startup_j(build, seed) for seed in range(3)]
        for build in (CooledStrategy, PerJouleStrategy)
    )
    assert all(joules[0] < 1.2 * min(joules) for joules in cheap_first)  # nothing is measured yet
    assert [sorted(joules) for joules in cheap_first] == [sorted(joules) for joules in as_they_come]
    assert any(joules[0] > 2 * min(joules) for joules in as_they_come)


@every_strategy
@pytest.mark.parametrize("n_trials", [1, 8], ids=["startup", "later"])
def test_what_does_not_fit_is_not_proposed(build, n_trials):
    history = simulate(build(SPACE, 2, TASK), score, epoch_j, n_trials=n_trials).history
    strategy = restore(build(SPACE, 2, TASK), history)
    for left_j in (8.0, 4.0, 2.0, 0.9):
        work = strategy.ask(BUDGET_J - left_j)
        assert work.until * epoch_j(work.params) < (1.2 if n_trials > 1 else 2.0) * left_j
    assert strategy.ask(BUDGET_J - 0.2) is None  # the cheapest costs 0.5 J
    assert strategy.ask(BUDGET_J + 1.0) is None


@pytest.mark.thorough
@every_strategy
def test_what_fails_is_avoided_however_good_it_might_have_been(build):
    def or_fails(params, epoch):
        return math.nan if params["optimizer"] == "adam" else score(params, epoch)

    strategy = build(SPACE, 3, replace(TASK, budget_j=300.0))
    history = simulate(strategy, or_fails, epoch_j, n_trials=16).history
    assert 1 <= sum(told.state is State.FAILED for told in history) <= 3  # of 5 by chance


def test_a_failed_trial_scores_as_the_worst_and_an_unknown_one_not_at_all():
    params, encoding = {**SPACE.heaviest(), "epochs": 4}, Encoding(SPACE)
    told = [
        Told(params, State.COMPLETE, 0.9, 1.0, trial=0, epochs=4),
        Told(params, State.FAILED, None, 1.0, trial=1),
        Told(params, State.TRUNCATED, None, 1.0, trial=2),
        Told(params, State.TRUNCATED, 0.7, 1.0, trial=3, epochs=2),
    ]
    points, merits = observations(encoding, list(trials_of(told).values()), ACCURACY)
    assert merits.tolist() == [merit(0.9), merit(0.7), merit(0.7)]
    # What was truncated teaches of the epochs that it had.
    reached = [{**params, "epochs": epochs} for epochs in (4, 4, 2)]
    assert (points == [encoding.features(each) for each in reached]).all()
    _, alone = observations(encoding, list(trials_of(told[1:2]).values()), ACCURACY)
    assert alone.tolist() == [merit(0.0)]


@pytest.mark.thorough
def test_the_gittins_index_ends_a_search_that_is_not_worth_its_joules():
    def run(budget_j=300.0, n_trials=60, worth=None, **price):
        strategy = GittinsStrategy(
            SPACE, 0, replace(TASK, budget_j=budget_j, stop_early=worth), **price
        )
        return simulate(strategy, score, epoch_j, budget_j=budget_j, n_trials=n_trials)

    usual, dear = run(worth=0.01), run(price_per_j=0.01)
    assert sum(told.energy_j for told in run().history) > 0.95 * 300.0
    assert len(usual.works) < 60
    spent_j, dear_j = (sum(told.energy_j for told in each.history) for each in (usual, dear))
    assert dear_j < spent_j < 0.8 * 300.0
    assert max(told.score for told in usual.history) > 0.99 * BEST_ACCURACY
    assert len(dear.works) == LEAST_BEFORE_STOP
    assert len(run(budget_j=math.inf, n_trials=20).works) == 20


@given(st.floats(-1, 6), st.floats(0.05, 2), st.floats(0.1, 100), st.floats(1e-6, 1e-3))
@settings(max_examples=30)
def test_at_its_index_a_candidate_is_worth_just_its_price(mean, std, joules, price_per_j):
    one = Beliefs(*np.array([[mean], [std], [joules]]), -math.inf, 0.0, LEAST_BEFORE_STOP)
    index = worth(GittinsStrategy, one, price_per_j=price_per_j)[0]
    z = np.linspace(-12, 12, 200_001)
    error = np.exp(-(mean + std * z))
    gain = np.maximum(math.exp(-index) - error, 0) * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    assert np.trapezoid(gain, z) == pytest.approx(price_per_j * joules, rel=1e-3)


def test_cooling_goes_from_improvement_per_joule_to_improvement():
    start, end = believed(spent_share=0.0), believed(spent_share=1.0)
    cooled, plain = partial(worth, CooledStrategy), partial(worth, PerJouleStrategy)
    assert (cooled(start) == plain(start)).all()
    assert cooled(end) == pytest.approx(plain(end._replace(joules=np.ones(50))))
    assert cooled(end._replace(spent_share=1.2)) == pytest.approx(cooled(end))
    assert start.joules[cooled(start).argmax()] < end.joules[cooled(end).argmax()]


@given(st.floats(0, 1), st.floats(0, 1))
def test_scores_rise_with_accuracy_and_are_finite(one, other):
    assert math.isfinite(merit(one))
    assert (merit(one) > merit(other)) == (1 - one + ERROR_FLOOR < 1 - other + ERROR_FLOOR)
