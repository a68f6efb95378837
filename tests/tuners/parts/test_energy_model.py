import math
from dataclasses import replace
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.errors import ConfigurationError
from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.parts.energy_model import COST_POINTS, EnergyModel, Epochs, epochs_of
from perjoule.tuners.parts.surrogate import sobol
from perjoule.tuners.strategy import Task, Told

SPACE = Space.parse(
    {
        "width": {"low": 8, "high": 64, "log": True},
        "layer": ["dense", "conv"],
        "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
        "log2_batch_size": {"low": 4, "high": 9},
        "epochs": {"low": 1, "high": 8},
    }
)
N_SAMPLES = 1024
SEARCH_J = 0.5


def cost_of(params):
    parameters = 10.0 * params["width"] ** 2
    return parameters * (30.0 if params["layer"] == "conv" else 2.0), parameters


def epoch_j(params):
    operations, parameters = cost_of(params)
    steps = N_SAMPLES / 2 ** params["log2_batch_size"]
    return 1e-7 * (3 * operations * N_SAMPLES) ** 0.8 * steps**0.3 * parameters**0.1


def candidates(count, seed=5):
    encoding = Encoding(SPACE)
    return [encoding.decode(point) for point in sobol(encoding, seed, count)]


def told(trial, params, state=State.COMPLETE, *, before=0, until=None, noise=1.0):
    until, each_j = until or params["epochs"], noise * epoch_j(params)
    epochs = range(before + 1, until + 1)
    curve = tuple(CurvePoint(epoch, (epoch - before) * each_j, 0.5, 1.0) for epoch in epochs)
    energy_j = (until - before) * each_j + SEARCH_J
    return Told(params, state, 0.5, energy_j, trial=trial, epochs=until, curve=curve)


def history_of(count, noise=0.0):
    rng = np.random.default_rng(0)
    noises = np.exp(noise * rng.normal(size=count))
    return [told(n, params, noise=noises[n]) for n, params in enumerate(candidates(count))]


def off(model):
    others = candidates(50, seed=9)
    predicted = model.predict_epoch(others)
    return median(abs(p / epoch_j(params) - 1) for p, params in zip(predicted, others, strict=True))


TASK = Task(100.0, cost_of=cost_of, n_samples=N_SAMPLES)
BLIND = Task(100.0, n_samples=N_SAMPLES)


def test_a_power_law_is_found_from_a_few_trials():
    assert off(EnergyModel(SPACE, TASK).fit(history_of(5))) < 0.2
    assert off(EnergyModel(SPACE, TASK).fit(history_of(40))) < 0.08


def test_without_costs_of_networks_the_hyperparameters_tell():
    assert off(EnergyModel(SPACE, BLIND).fit(history_of(40))) < 0.15
    assert off(EnergyModel(SPACE, BLIND).fit(history_of(3))) > 0.3


def test_before_the_first_trial_ratios_are_by_work_and_everything_fits():
    model = EnergyModel(SPACE, TASK)
    cheap, dear = model.predict([SPACE.cheapest(), SPACE.heaviest()])
    assert dear > 10 * cheap > 0
    assert model.n_trials == 0
    assert model.affordable(np.array([1.0, 1e9]), 0.0).all()
    assert EnergyModel(SPACE, BLIND).predict_epoch(candidates(3)) == pytest.approx(np.ones(3))
    assert len(model.predict([])) == 0


def test_a_candidate_costs_its_epochs_and_the_search():
    model = EnergyModel(SPACE, TASK).fit(history_of(8))
    assert model.overhead_j == pytest.approx(SEARCH_J)
    some = candidates(4, seed=9)
    expected = [params["epochs"] for params in some] * model.predict_epoch(some) + SEARCH_J
    assert model.predict(some) == pytest.approx(expected)


@given(st.permutations(range(8)), st.floats(1e-3, 1e3), st.sampled_from([TASK, BLIND]))
@settings(max_examples=10)
def test_order_and_earlier_fits_do_not_matter_and_units_carry_over(order, unit, task):
    history, others = history_of(8, noise=0.2), candidates(5, seed=9)
    moved = []
    for each in (history[n] for n in order):
        curve = tuple(point._replace(energy_j=unit * point.energy_j) for point in each.curve)
        moved.append(replace(each, energy_j=unit * each.energy_j, curve=curve))
    model = EnergyModel(SPACE, task)
    known = model.fit(history).predict(others)
    assert model.fit(moved).predict(others) == pytest.approx(unit * known, rel=1e-6)


def test_slices_of_a_trial_are_one_observation_and_searching_is_none():
    one, other = candidates(2)
    history = [
        told(0, one, State.PAUSED, until=1),
        told(1, other, State.TRUNCATED, until=3),
        told(0, one, before=1, until=4),
    ]
    expected = [(one, 4, 4 * epoch_j(one)), (other, 3, 3 * epoch_j(other))]
    assert [tuple(each) for each in epochs_of(history)] == [
        (params, n, pytest.approx(joules)) for params, n, joules in expected
    ]


def test_without_a_curve_whole_slices_count_with_all_their_joules():
    params = candidates(1)[0]
    slices = [
        (State.PAUSED, 2.0, 0, 1),
        (State.COMPLETE, 6.0, 0, 3),
        (State.TRUNCATED, 5.0, 1, 1),
        (State.FAILED, 5.0, 2, 0),
        *(
            (State.COMPLETE, unknown_j, 3 + n, 3)
            for n, unknown_j in enumerate([None, 0.0, math.nan])
        ),
    ]
    assert epochs_of(
        Told(params, state, 0.5, energy_j, trial=trial, epochs=epochs)
        for state, energy_j, trial, epochs in slices
    ) == [Epochs(params, 3, 8.0)]


def test_networks_are_built_a_few_times_only_and_may_be_impossible():
    asked = []

    def fussy(params):
        asked.append(params)
        if params["layer"] == "conv" and params["width"] > 50:
            raise ConfigurationError("too wide")
        return cost_of(params)

    def none(params):
        raise ConfigurationError("no network")

    task = Task(100.0, cost_of=fussy, n_samples=N_SAMPLES)
    assert off(EnergyModel(SPACE, task).fit(history_of(30))) < 0.15
    EnergyModel(SPACE, task).fit(history_of(40))  # of another run
    assert len(asked) == COST_POINTS
    without = Task(100.0, cost_of=none, n_samples=N_SAMPLES)
    blind = (off(EnergyModel(SPACE, task).fit(history_of(9))) for task in (without, BLIND))
    assert len(set(blind)) == 1


def test_what_does_not_fit_is_known_and_the_cheapest_gets_the_benefit_of_the_doubt():
    model = EnergyModel(SPACE, TASK).fit(history_of(1))
    joules = np.array([4.0, 2.0, 8.0])
    assert model.affordable(joules, 5.0).tolist() == [True, True, False]
    assert model.affordable(joules, 1.5).tolist() == [False, True, False]
    assert model.affordable(joules, 1.3).tolist() == [False, False, False]
    assert model.affordable(np.zeros(0), 1.0).tolist() == []


@pytest.mark.parametrize("task", [TASK, BLIND])
def test_a_space_without_a_choice_has_one_price(task):
    params = SPACE.cheapest()
    model = EnergyModel(Space.parse(params), task).fit([told(0, params)])
    assert model.predict_epoch([params]) == pytest.approx([epoch_j(params)])
