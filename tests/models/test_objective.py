"""A slice: what it costs, how it ends, and that it may be cut in two."""

import pytest
import torch

from perjoule.energy import EnergyBudget, EnergyMeter, Kind, Scope, Source, SourceInfo
from perjoule.errors import SourceError
from perjoule.models.checkpoint import load_checkpoint
from perjoule.models.foresight import Steps
from perjoule.models.network_training import NetworkTraining
from perjoule.models.objective import Objective
from perjoule.models.outcome import State, StepCost, StopRule
from perjoule.models.phases import Assignment

CANDIDATE = {"conv_blocks": 1, "width": 8, "kernel_size": 3, "dropout": 0.3, "dense_units": 16}
CANDIDATE |= {"optimizer": "adam", "learning_rate": 0.01, "weight_decay": 1e-4, "epochs": 4}
PLENTY_J = 1e9


@pytest.fixture
def meter():
    with EnergyMeter("model") as meter:
        yield meter


@pytest.fixture
def objective(digits, runtime):
    return Objective(NetworkTraining(digits, runtime))


@pytest.fixture
def whole(objective, meter):
    """A trial that nothing stops."""
    return train(objective, meter)


def train(objective, meter, until=4, checkpoint=None, budget_j=PLENTY_J, params=CANDIDATE, **more):
    assignment = Assignment(StopRule(until), meter, EnergyBudget(budget_j, meter), **more)
    return objective.train_slice(params, assignment, checkpoint)


class DyingSource(Source):
    """Works for a number of readings, then fails for ever."""

    info = SourceInfo("dying", "cpu", Kind.MEASURED, Scope.PROCESS, "dies")

    def __init__(self, readings: int) -> None:
        self._readings, self._taken = readings, 0

    def read(self) -> float:
        self._taken += 1
        if self._taken > self._readings:
            raise SourceError("the counter is gone")
        return 1e-6 * self._taken


def test_a_slice_learns_and_says_what_each_phase_cost(objective, meter):
    with meter.window() as window:
        result = train(objective, meter)
    assert result.state is State.COMPLETE
    assert result.epochs == len(result.curve) == 4
    assert result.score == result.curve[-1].score > 0.8
    phases_j = [result.setup.total_j, result.train.total_j, result.validate.total_j]
    assert all(phase_j > 0 for phase_j in phases_j)
    assert sum(phases_j) == pytest.approx(window.reading.total_j, rel=1e-12)
    energies_j = [point.energy_j for point in result.curve]
    assert energies_j == sorted(energies_j)
    assert energies_j[-1] == pytest.approx(result.reading.total_j, rel=1e-12)


def test_two_slices_are_the_trial_in_one_piece(objective, meter, whole):
    first = train(objective, meter, until=2)
    second = train(objective, meter, until=4, checkpoint=first.checkpoint)
    assert [p.score for p in (*first.curve, *second.curve)] == [p.score for p in whole.curve]
    ends = [load_checkpoint(result.checkpoint)["state"]["network"] for result in (whole, second)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.parametrize("share", [0.05, 0.3, 0.62, 0.95])
def test_a_budget_truncates_inside_the_trial_and_is_not_overdrawn(objective, meter, whole, share):
    budget_j = share * whole.reading.total_j
    result = train(objective, meter, budget_j=budget_j)
    assert result.state is State.TRUNCATED
    assert result.reading.total_j <= budget_j * (1 + 1e-9)
    assert result.score == (result.curve[-1].score if result.curve else None)


def test_an_epoch_that_cannot_be_validated_is_not_begun(objective, meter, whole):
    three_epochs_j = whole.curve[2].energy_j
    result = train(objective, meter, budget_j=three_epochs_j * 1.1)
    assert (result.state, result.epochs) == (State.TRUNCATED, 3)
    assert result.reading.total_j == pytest.approx(three_epochs_j)


def test_the_last_validated_weights_are_kept_only_above_the_mark(objective, meter, whole):
    assert objective.function.test_score(CANDIDATE, whole.checkpoint) > 0.8
    assert load_checkpoint(whole.checkpoint)["epoch"] == 4
    assert train(objective, meter, beat=1.0).checkpoint is None


def test_a_loss_that_is_not_finite_fails_the_trial_with_its_joules(objective, meter):
    wild = {**CANDIDATE, "optimizer": "sgd", "learning_rate": 1e30}
    result = train(objective, meter, params=wild)
    assert result.state is State.FAILED
    assert "loss" in result.message
    assert result.train.total_j > 0


class RaisesLater(torch.nn.Module):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.layer, self.error = torch.nn.Linear(64, 10), error

    def forward(self, images):
        if self.training and len(images) > 1:
            raise self.error
        return self.layer(images.flatten(1))


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such network\nwith a second line"), "ValueError: no such network"),
        (torch.OutOfMemoryError("needs 80 GiB"), "out of memory: needs 80 GiB"),
    ],
)
def test_errors_of_user_code_fail_the_trial_in_one_line(
    digits, runtime, meter, built, error, message
):
    def build(shape, n_classes, **_):
        if built:
            return RaisesLater(error)
        raise error

    result = train(Objective(NetworkTraining(digits, runtime, build)), meter)
    assert (result.state, result.message) == (State.FAILED, message)
    assert result.score is None
    assert result.reading.total_j is not None


def test_an_interruption_keeps_the_joules_but_is_no_result(objective, meter):
    asked = iter(range(10_000))
    result = train(objective, meter, interrupted=lambda: next(asked) > 30)
    assert result.state is State.INTERRUPTED
    assert result.epochs < 4
    assert result.train.total_j > 0


@pytest.mark.parametrize("readings", [0, 1, 5, 12])
def test_a_meter_that_dies_never_ends_the_training(objective, readings):
    with EnergyMeter([DyingSource(readings)]) as meter:
        result = train(objective, meter)
    assert result.state is State.COMPLETE
    assert result.score > 0.8
    assert result.reading.total_j is None
    assert result.reading.kind == "unavailable"
    assert any("the counter is gone" in warning for warning in result.reading.warnings)


@pytest.mark.parametrize(
    ("operations", "energy_j"),
    [(1e8, 50.0), (1e7, 10.0), (1e9, 100.0), (0.5e6, 2.0), (2e10, 400.0)],
)
def test_the_first_step_is_foreseen_between_the_nearest_ones_known(operations, energy_j):
    known = [StepCost(1e6, 2.0), StepCost(1e10, 200.0), StepCost(1e8, 50.0)]
    assert Steps(known).foresee(operations) == pytest.approx(energy_j)
    assert Steps().foresee(operations) == 0.0


def test_a_candidate_whose_first_step_would_overdraw_is_not_begun(digits, runtime, meter, whole):
    step = whole.train_step
    objective = Objective(NetworkTraining(digits, runtime), known_steps=(Steps([step]), Steps()))
    setup_j = train(objective, meter, budget_j=1e-12).setup.total_j
    result = train(objective, meter, budget_j=setup_j + 1.4 * step.energy_j)
    assert result.state is State.TRUNCATED
    assert result.reading.total_j == pytest.approx(setup_j)
