"""The frugal strategy, on objectives whose joules and accuracies are known."""

import json
import math
from dataclasses import replace
from functools import cache
from itertools import accumulate

import numpy as np
import pytest

from perjoule.benchmarks.comparison.events import End
from perjoule.benchmarks.replay.simulation import Terms, maker, play, simulate, task_of
from perjoule.benchmarks.replay.synthetic import SURFACES
from perjoule.models.metric import ACCURACY, Metric
from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.parts.candidate_pool import N_CANDIDATES
from perjoule.tuners.pending import ask_batch
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategies.frugal import N_STARTUP, FrugalStrategy
from perjoule.tuners.strategy import Task, Told, restore

from ..toys import Recorder
from .made_up import SPACE, MadeUp, earlier, expected_j, loss, misleads, tells

SURFACE = SURFACES["frugal"]
BUDGET_J = 60.0
BOTH = ["frugal", "frugal-prior"]


@cache
def simulated(seed=0, budget_j=BUDGET_J, stop_early=None):
    terms = Terms(budget_j, seed, stop_early=stop_early)
    return play(RECIPES["frugal"].build, SURFACE, terms)


def run(**options):
    return simulated(**options).slices


@pytest.mark.thorough
@pytest.mark.parametrize("score", [misleads, tells])
def test_it_needs_half_the_joules_of_random_search_whatever_the_first_epoch_tells(score):
    assert expected_j("frugal", score, 5) <= expected_j("random", score, 30) / 2


@pytest.mark.thorough
def test_an_earlier_search_saves_joules_and_a_misleading_one_does_not_double_them():
    plain_j = expected_j("frugal", tells, 5)
    assert expected_j("frugal", tells, 5, earlier=(earlier(),)) < 0.75 * plain_j
    assert expected_j("frugal", tells, 5, earlier=(earlier(sign=-1.0),)) < 2 * plain_j


@pytest.mark.thorough
@pytest.mark.parametrize("halving", [0.0, 0.3, 0.7])
def test_successive_halving_gets_its_share_of_the_joules(halving):
    terms, objective = Terms(250.0), MadeUp(tells)
    strategy = FrugalStrategy(SPACE, 0, task_of(objective, 250.0), halving=halving)
    after = simulate(strategy, objective, terms).slices[N_STARTUP:]
    # What the model chose comes with a forecast.
    halved_j = sum(s.energy_j for s in after if s.predicted_score is None)
    assert halved_j / sum(s.energy_j for s in after) == pytest.approx(halving, abs=0.08)


def test_it_begins_with_an_epoch_of_cheap_candidates():
    first = run()[:N_STARTUP]
    assert [s.trial for s in first] == list(range(N_STARTUP))
    assert max(s.epochs for s in first) == 1
    dearest_j = SURFACE.curve(SURFACE.space.heaviest(), 0, 0)[1][0][0]
    assert max(s.energy_j for s in first) < dearest_j / 3


def test_it_pauses_and_goes_on():
    slices = run()
    trials = {s.trial for s in slices}
    assert len(slices) > 1.5 * len(trials)
    epochs = [s.epochs for s in slices if s.trial == slices[-1].trial]
    assert epochs == sorted(set(epochs))
    assert len({tuple(sorted(s.params.items())) for s in slices}) == len(trials)


@pytest.mark.thorough
def test_it_spends_its_budget_unless_it_is_asked_to_stop_early_and_then_says_why():
    assert run()[-1].spent_j > 0.9 * BUDGET_J
    early = simulated(stop_early=10.0)
    assert early.slices[-1].spent_j < 0.8 * BUDGET_J
    assert early.end is End.NO_WORK
    assert early.message.startswith("nothing promises what its joules are worth, and ")
    # What little is worth the whole budget never ends it.
    assert run(stop_early=1e-9)[-1].spent_j == run()[-1].spent_j


@pytest.mark.parametrize(
    ("metric", "score"), [(ACCURACY, tells), (Metric("loss", "minimize", 0, None), loss)]
)
def test_what_the_model_chose_comes_with_a_forecast_of_its_score(metric, score):
    slices = play(RECIPES["frugal"].build, MadeUp(score, metric), Terms(120.0)).slices
    forecast = [
        s for s in slices if s.predicted_score is not None and s.state is not State.TRUNCATED
    ]
    assert len(forecast) > 8
    assert all(
        s.predicted_score.low <= s.predicted_score.median <= s.predicted_score.high
        for s in forecast
    )
    # Scores are oriented there: those of a loss are negative.
    came = np.array([metric.oriented(s.score) for s in forecast])
    expected = np.array([s.predicted_score.median for s in forecast])
    assert np.median(np.abs(expected - came)) < 0.5 * came.std()


RATED = Space.parse(
    {
        "optimizer": ["sgd", "adam"],
        "learning_rate": {"low": 1e-5, "high": 1.0, "log": True},
        "width": {"low": 8, "high": 64, "log": True},
        "epochs": 8,
    }
)


def decades_away(params):
    """Of the learning rate from the published default."""
    return abs(math.log10(params["learning_rate"]) - {"sgd": -1.5, "adam": -3}[params["optimizer"]])


def test_with_a_prior_two_thirds_of_the_candidates_begin_near_published_defaults():
    away = {}
    for name in BOTH:
        strategy, away[name] = RECIPES[name].build(RATED, 0), []
        for number in range(60):
            params = strategy.ask(0.0).params
            away[name].append(decades_away(params))
            # No score, from which the share of the prior would be learnt.
            strategy.tell(Told(params, State.TRUNCATED, None, None, trial=number))
    near = {name: np.mean(np.array(found) < 1) for name, found in away.items()}
    # Of the prior 95 % are so near, of the uniform candidates 40 %.
    assert near["frugal"] < 0.55
    assert 0.65 < near["frugal-prior"] < 0.9
    assert max(away["frugal-prior"]) > 1.5


def test_there_are_further_candidates_when_the_first_ones_are_tried():
    strategy, begun = FrugalStrategy(RATED, 0), set()
    for number in range(2 * N_CANDIDATES):
        params = strategy.ask(0.0).params
        begun.add(tuple(params.values()))
        strategy.tell(Told(params, State.TRUNCATED, None, None, trial=number))
    assert len(begun) == 2 * N_CANDIDATES


def test_a_prior_that_claims_nothing_changes_nothing():
    one, other = (play(RECIPES[name].build, MadeUp(tells), Terms(40.0)).slices for name in BOTH)
    assert [s.params for s in one] == [s.params for s in other]


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("tables", [(), (earlier(),)], ids=["alone", "warm"])
def test_one_that_is_rebuilt_asks_for_the_same_to_the_last_bit(name, tables):
    terms, objective = Terms(100.0, 3, earlier=tables), MadeUp(misleads)
    make = maker(RECIPES[name].build, objective, terms)
    recorder = Recorder(make(), math.inf, None)
    simulate(recorder, objective, terms)
    spent_j = [0.0, *accumulate(told.energy_j for told in recorder.history)]
    assert len(recorder.works) > 24
    for count in (2, 9, len(recorder.works) // 2, len(recorder.works) - 1):
        rebuilt = restore(make(), recorder.history[:count])
        assert rebuilt.ask(spent_j[count]) == recorder.works[count]


@pytest.mark.parametrize("name", BOTH)
def test_batches_begin_no_candidate_twice(name):
    history, begun = [], []
    for _ in range(4):
        batch = ask_batch(RECIPES[name].build(RATED, 1), history, 6, 0.0)
        going_on = [work.trial for work in batch if work.trial is not None]
        assert len(set(going_on)) == len(going_on)
        for work in batch:
            if work.trial is None:
                begun.append(json.dumps(work.params, sort_keys=True))
            trial = len(begun) - 1 if work.trial is None else work.trial
            score = 1 / (1 + decades_away(work.params)) - 0.1 / work.until
            state = State.PAUSED if work.pause else State.COMPLETE
            curve = (CurvePoint(work.until, 1.0, score, 0.0),)
            told = Told(work.params, state, score, 1.0, trial=trial, epochs=work.until, curve=curve)
            history.append(told)
    assert len(set(begun)) == len(begun) < len(history)


@pytest.mark.thorough
def test_slices_grow_with_what_asking_costs():
    surface, budget_j = SURFACES["scaling"], 100.0

    def epochs_of_20(ask_j):
        strategy = FrugalStrategy(surface.space, 0, task_of(surface, budget_j))
        slices = simulate(strategy, surface, Terms(budget_j, search_j=ask_j, max_trials=20)).slices
        return sum(s.epochs for s in slices[6:20])

    assert epochs_of_20(ask_j=2.0) > epochs_of_20(ask_j=0.0)


@pytest.mark.parametrize("epochs", [1, {"low": 1, "high": 5}, [2, 6]])
def test_any_space_will_do(epochs):
    space = Space.parse({"width": [8, 16], "epochs": epochs})
    strategy, asked = FrugalStrategy(space, 0, Task(10.0)), []
    while (work := strategy.ask(0.0)) is not None:
        asked.append(work)
        assert len(asked) < 20
        trial = work.params["width"] if work.trial is None else work.trial
        state = State.PAUSED if work.pause else State.COMPLETE
        strategy.tell(Told(work.params, state, 0.5, 0.1, trial=trial, epochs=work.until))
    assert {work.params["width"] for work in asked} == {8, 16}
    assert max(work.until for work in asked) == space.longest()


def test_what_cannot_fit_the_budget_is_not_begun():
    slices = run(budget_j=3.0)
    assert slices[-1].spent_j <= 3.0
    assert sum(s.state is State.TRUNCATED for s in slices) <= 1
    strategy = FrugalStrategy(SURFACE.space, 0, task_of(SURFACE, 3.0))
    for s in (s for s in slices if s.epochs):
        curve = (CurvePoint(s.epochs, s.energy_j, 0.5, 0.0),)
        told = Told(s.params, State.PAUSED, 0.5, s.energy_j, trial=s.trial, epochs=s.epochs)
        strategy.tell(replace(told, curve=curve))
    assert strategy.ask(2.9999) is None
