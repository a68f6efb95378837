"""Predicting joules before training, where the truth is a known law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.space import Space
from perjoule.outcome import CurvePoint, State
from perjoule.tuners.energy_model import EnergyModel, epochs_of, prequential_error
from perjoule.tuners.strategy import Task, Told

SPACE = Space.parse(
    {
        "width": {"low": 8, "high": 64, "log": True},
        "log2_batch_size": {"low": 4, "high": 9},
        "epochs": {"low": 1, "high": 16, "log": True},
    }
)
N_SAMPLES = 1024


def cost_of(params):
    return 100.0 * params["width"] ** 2, 10.0 * params["width"] ** 2


def epoch_j(params):
    """Joules by operations and steps."""
    steps = N_SAMPLES / 2 ** params["log2_batch_size"]
    return 1e-8 * (3 * N_SAMPLES * cost_of(params)[0]) ** 0.8 * steps**0.3


def candidate(seed):
    rng = np.random.default_rng(seed)
    return SPACE.complete(
        {
            "width": int(rng.integers(8, 65)),
            "log2_batch_size": int(rng.integers(4, 10)),
            "epochs": int(rng.integers(1, 17)),
        }
    )


def told(params, trial, overhead_j=0.0, state=State.COMPLETE):
    epochs = params["epochs"]
    points = curve(1, epochs, epoch_j(params))
    return Told(
        params,
        state,
        0.5,
        epochs * epoch_j(params) + overhead_j,
        trial=trial,
        epochs=epochs,
        curve=points,
    )


def curve(first, last, one_j):
    """A point per epoch of a slice."""
    return tuple(
        CurvePoint(epoch, (epoch - first + 1) * one_j, 0.5, 0.0) for epoch in range(first, last + 1)
    )


@pytest.mark.parametrize("task", [Task(cost_of=cost_of, n_samples=N_SAMPLES), Task()])
def test_a_law_is_learnt_from_a_few_trials(task):
    history = [told(candidate(n), n) for n in range(20)]
    model = EnergyModel(SPACE, task).fit(history)
    others = [candidate(100 + n) for n in range(50)]
    truth = np.array([params["epochs"] * epoch_j(params) for params in others])
    errors = np.abs(model.predict(others) / truth - 1)
    assert np.median(errors) < 0.2
    assert model.error is not None
    assert model.error < 0.3


@settings(max_examples=15, deadline=None)
@given(st.permutations(list(range(8))), st.floats(1e-3, 1e3))
def test_order_does_not_matter_and_units_carry_over(order, unit):
    task = Task(cost_of=cost_of, n_samples=N_SAMPLES)
    history = [told(candidate(n), n) for n in range(8)]
    known = EnergyModel(SPACE, task).fit(history).predict([candidate(99)])
    shuffled = EnergyModel(SPACE, task).fit([history[n] for n in order]).predict([candidate(99)])
    np.testing.assert_allclose(shuffled, known, rtol=1e-6)
    scaled = [
        Told(
            each.params,
            each.state,
            0.5,
            each.energy_j * unit,
            trial=each.trial,
            epochs=each.epochs,
            curve=curve(1, each.epochs, each.energy_j * unit / each.epochs),
        )
        for each in history
    ]
    np.testing.assert_allclose(
        EnergyModel(SPACE, task).fit(scaled).predict([candidate(99)]), known * unit, rtol=1e-6
    )


def test_what_a_trial_costs_besides_its_epochs_is_added():
    history = [told(candidate(n), n, overhead_j=2.0) for n in range(6)]
    model = EnergyModel(SPACE, Task()).fit(history)
    assert model.overhead_j == pytest.approx(2.0)
    one = candidate(50)
    assert model.predict([one])[0] == pytest.approx(
        one["epochs"] * model.predict_epoch([one])[0] + 2.0
    )


def test_slices_of_a_trial_are_one_trial_and_lost_epochs_teach_nothing():
    params = candidate(1)
    slices = [
        Told(params, State.PAUSED, 0.5, 1.0, trial=0, epochs=1, curve=curve(1, 1, 1.0)),
        Told(params, State.COMPLETE, 0.6, 2.0, trial=0, epochs=3, curve=curve(2, 3, 1.0)),
        Told(params, State.TRUNCATED, None, 9.0, trial=1, epochs=0),
        Told(params, State.FAILED, None, None, trial=2, epochs=0),
    ]
    [epochs] = epochs_of(slices)
    assert epochs.count == 3
    assert epochs.energy_j == pytest.approx(3.0)


def test_only_what_fits_is_affordable_and_the_cheapest_by_a_margin():
    model = EnergyModel(SPACE, Task())
    joules = np.array([1.0, 5.0, 20.0])
    assert model.affordable(joules, 0.1).all()  # nothing is known yet
    model.fit([told(candidate(n), n) for n in range(4)])
    assert list(model.affordable(joules, 6.0)) == [True, True, False]
    assert list(model.affordable(joules, 0.8)) == [True, False, False]
    assert not model.affordable(joules, 0.5).any()


def test_the_error_of_forecasts_falls_as_trials_come_in():
    task = Task(cost_of=cost_of, n_samples=N_SAMPLES)
    history = [told(candidate(n), n) for n in range(30)]
    early, late = (prequential_error(SPACE, task, history[:n]) for n in (4, 30))
    assert early is not None
    assert late is not None
    assert late < early
    assert prequential_error(SPACE, task, history[:1]) is None


def test_networks_that_cannot_be_built_are_left_out():
    def picky(params):
        if params["width"] > 40:
            raise ValueError("too wide")
        return cost_of(params)

    model = EnergyModel(SPACE, Task(cost_of=picky, n_samples=N_SAMPLES))
    model.fit([told(candidate(n), n) for n in range(10)])
    assert np.isfinite(model.predict([SPACE.heaviest()])).all()


def test_what_depends_on_the_space_alone_is_learnt_once_for_all_runs():
    calls = []

    def counted(params):
        calls.append(params)
        return cost_of(params)

    task = Task(cost_of=counted, n_samples=N_SAMPLES)
    EnergyModel(SPACE, task)
    n_calls = len(calls)
    EnergyModel(SPACE, task).predict([candidate(0)])
    assert len(calls) == n_calls > 0
