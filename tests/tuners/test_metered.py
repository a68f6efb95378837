from __future__ import annotations

import json

import optuna
import pytest
from optuna.trial import TrialState

from perjoule import EnergyBudget, EnergyMeter, metered
from perjoule.energy import Kind, Scope, SourceInfo
from perjoule.errors import SourceError

OPERATIONS_PER_J = 1e10  # of the model meter


class FailingSource:
    """A counter of 1 J per reading that can be unplugged."""

    info = SourceInfo("plug", "node", Kind.MEASURED, Scope.NODE, "a plug", max_power_w=1e12)

    def __init__(self):
        self.plugged, self.energy_j = True, 0.0

    def read(self):
        if not self.plugged:
            raise SourceError("plug: no answer; is it plugged in?")
        self.energy_j += 1.0
        return self.energy_j


@pytest.fixture
def meter():
    with EnergyMeter("model") as meter:
        yield meter


@pytest.fixture
def study():
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))


def test_a_study_stops_with_the_trial_that_spends_its_budget(meter, study):
    def objective(trial):
        meter.count_operations(0.3 * OPERATIONS_PER_J)
        return trial.suggest_float("x", 0, 1)

    budget = EnergyBudget("2 J", meter)
    study.optimize(metered(objective, meter), n_trials=50, callbacks=[budget.stop_study])
    assert budget.spent_j == pytest.approx(2.1)
    energies = [trial.user_attrs["energy_j"] for trial in study.trials]
    assert energies == pytest.approx([0.3] * 7)
    assert {trial.user_attrs["energy_kind"] for trial in study.trials} == {"modelled"}


def test_failed_and_pruned_trials_are_charged_too(meter, study):
    def objective(trial):
        meter.count_operations((trial.number + 1) * OPERATIONS_PER_J)
        if trial.number == 1:
            raise ArithmeticError("the loss is not finite")
        if trial.number == 2:
            raise optuna.TrialPruned
        return 0.0

    study.optimize(metered(objective, meter), n_trials=3, catch=ArithmeticError)
    assert [trial.state for trial in study.trials] == [
        TrialState.COMPLETE,
        TrialState.FAIL,
        TrialState.PRUNED,
    ]
    assert [t.user_attrs["energy_j"] for t in study.trials] == pytest.approx([1.0, 2.0, 3.0])


def test_the_full_reading_is_kept_as_plain_data(meter, study):
    study.optimize(metered(lambda trial: 0.0, meter), n_trials=1)
    reading = json.loads(json.dumps(study.trials[0].user_attrs["energy"]))
    assert [part["source"] for part in reading["components"]] == ["model"]
    assert reading["total_j"] == 0.0


def test_a_lost_source_gives_none_and_not_zero(study):
    source = FailingSource()

    def objective(trial):
        source.plugged = trial.number == 0
        return 0.0

    with EnergyMeter([source]) as meter:
        study.optimize(metered(objective, meter), n_trials=2)
    known, lost = study.trials
    assert known.user_attrs["energy_j"] > 0
    assert known.user_attrs["energy_kind"] == "measured"
    assert lost.user_attrs["energy_j"] is None
    assert lost.user_attrs["energy_kind"] == "unavailable"
    [part] = lost.user_attrs["energy"]["components"]
    assert "plugged in?" in part["warnings"][0]


def test_the_objective_is_still_itself(meter):
    def objective(trial):
        """Minimise something."""
        return 0.0

    wrapped = metered(objective, meter)
    assert (wrapped.__name__, wrapped.__doc__) == ("objective", "Minimise something.")


def test_without_a_meter_an_automatic_one_is_taken(study):
    study.optimize(metered(lambda trial: float(sum(range(10**6)))), n_trials=1)
    assert study.trials[0].user_attrs["energy_j"] >= 0
