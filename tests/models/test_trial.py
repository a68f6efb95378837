"""The seam to a training function: epochs, reports, states, budgets and how it ends."""

import math
import re
import sys

import numpy as np
import pytest
import torch

from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.models.metric import METRICS, Metric
from perjoule.models.objective import Objective
from perjoule.models.outcome import State, StopRule
from perjoule.models.phases import Assignment

STEPS = 200  # of an epoch
STEP_OPERATIONS = 1e8  # 0.01 J of the meter `model`
EPOCH_J = STEPS * STEP_OPERATIONS * 1e-10
TAIL_OPERATIONS = 10 * STEP_OPERATIONS  # of validating


@pytest.fixture
def meter():
    with EnergyMeter("model") as meter:
        yield meter


def slice_of(function, meter, until=4, checkpoint=None, budget_j=1e9, metric="accuracy", **more):
    stop = StopRule(until, pause=more.pop("pause", False), energy_j=more.pop("energy_j", None))
    assignment = Assignment(stop, meter, EnergyBudget(budget_j, meter), **more)
    objective = Objective(function, Metric.parse(metric))
    return objective.train_slice({"x": 1}, assignment, checkpoint)


def training(*, asks=True, saves=True, tail=0.0):
    """A training whose state is a tensor, and whose accuracy is a function of the state."""

    def train(trial):
        state = {"learnt": torch.zeros(1, dtype=torch.float64)}
        if saves and (saved := trial.restore()) is not None:
            state = saved
        for _ in trial.epochs():
            for _ in range(STEPS):
                if asks and trial.should_stop():
                    break
                trial.count_operations(STEP_OPERATIONS)
                state["learnt"] += 1 / (10 * STEPS)
            trial.count_operations(tail)
            trial.report(accuracy=float(state["learnt"]), loss=1.0, twice=2 * state["learnt"])
            if saves:
                trial.save(state)

    return train


def test_epochs_are_reported_with_joules_loss_and_whatever_else(meter):
    result = slice_of(training(), meter)
    assert (result.state, result.epochs) == (State.COMPLETE, 4)
    assert [point.epoch for point in result.curve] == [1, 2, 3, 4]
    assert [point.score for point in result.curve] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [p.figures["twice"] for p in result.curve] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    energies_j = [point.energy_j for point in result.curve]
    assert energies_j == pytest.approx([EPOCH_J * n for n in (1, 2, 3, 4)])
    assert result.reading.total_j == pytest.approx(4 * EPOCH_J)
    assert result.train.total_j == pytest.approx(4 * EPOCH_J)


@pytest.mark.parametrize("saves", [True, False])
def test_a_paused_trial_goes_on_with_its_state_or_begins_again_and_pays_for_it(meter, saves):
    function = training(saves=saves)
    first = slice_of(function, meter, until=2, pause=True)
    assert (first.state, first.epochs) == (State.PAUSED, 2)
    assert (first.checkpoint is not None) == saves
    second = slice_of(function, meter, until=4, checkpoint=first.checkpoint, done=2)
    assert (second.state, second.epochs) == (State.COMPLETE, 4)
    curve = [(p.epoch, round(p.score, 6)) for p in (*first.curve, *second.curve)]
    assert curve == [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)]
    trained = 2 if saves else 4
    assert second.reading.total_j == pytest.approx(trained * EPOCH_J)


@pytest.mark.parametrize("budget_epochs", [0.3, 1.02, 2.5, 3.999])
@pytest.mark.parametrize("tail", [0.0, TAIL_OPERATIONS])
def test_with_should_stop_the_budget_holds_inside_an_epoch(meter, budget_epochs, tail):
    budget_j = budget_epochs * (EPOCH_J + tail * 1e-10)
    result = slice_of(training(tail=tail), meter, budget_j=budget_j)
    assert result.state is State.TRUNCATED
    assert result.epochs == len(result.curve) <= budget_epochs
    # Of the very first validation nobody knows yet what it takes.
    known = 0.0 if result.curve else tail * 1e-10
    assert result.reading.total_j <= budget_j * (1 + 1e-9) + known


@pytest.mark.parametrize(("tails", "epochs"), [(1.5, 1), (1.95, 1), (2.2, 2)])
def test_a_validation_that_asks_nothing_is_left_for_in_the_budget(meter, tails, epochs):
    def train(trial):
        for epoch in trial.epochs():
            for _ in range(STEPS):
                if trial.should_stop():
                    return
                trial.count_operations((1 + 0.2 * epoch) * STEP_OPERATIONS)  # dearer than foreseen
            trial.phase("validate")
            trial.count_operations(TAIL_OPERATIONS)
            trial.report(accuracy=0.5)

    budget_j = 2.2 * EPOCH_J + tails * TAIL_OPERATIONS * 1e-10
    result = slice_of(train, meter, budget_j=budget_j)
    assert (result.state, result.epochs) == (State.TRUNCATED, epochs)
    assert result.reading.total_j <= budget_j * (1 + 1e-9)


@pytest.mark.parametrize("budget_epochs", [0.3, 1.5, 2.5])
def test_without_it_at_most_one_epoch_is_overdrawn(meter, budget_epochs):
    result = slice_of(training(asks=False), meter, budget_j=budget_epochs * EPOCH_J)
    assert result.state is State.TRUNCATED
    assert result.epochs == max(1, int(budget_epochs))
    assert result.reading.total_j <= budget_epochs * EPOCH_J + EPOCH_J


def test_a_rung_of_joules_ends_the_slice_with_its_epoch(meter):
    result = slice_of(training(), meter, pause=True, energy_j=1.5 * EPOCH_J)
    assert (result.state, result.epochs) == (State.PAUSED, 2)


def test_a_loop_of_somebody_else_ends_when_it_is_told(meter):
    def framework(trial):
        for _ in range(100):
            for _ in range(STEPS):
                if trial.should_stop():
                    return
                trial.count_operations(STEP_OPERATIONS)
            trial.report(accuracy=0.5)

    whole = slice_of(framework, meter, until=3)
    assert (whole.state, whole.epochs, len(whole.curve)) == (State.COMPLETE, 3, 3)
    cut = slice_of(framework, meter, until=3, budget_j=1.5 * EPOCH_J)
    assert (cut.state, cut.epochs) == (State.TRUNCATED, 1)
    assert cut.reading.total_j <= 1.5 * EPOCH_J


def test_a_report_after_the_loop_is_of_its_last_epoch(meter):
    def at_the_end(trial):
        for _ in trial.epochs():
            trial.count_operations(STEP_OPERATIONS)
        trial.report(accuracy=0.5)
        trial.save({"x": 1})

    result = slice_of(at_the_end, meter, until=3, pause=True)
    assert (result.state, result.epochs, result.score) == (State.PAUSED, 3, 0.5)
    assert [point.epoch for point in result.curve] == [3]
    assert result.weights is not None


def test_reports_beyond_the_epochs_asked_for_are_no_secret(meter):
    def too_many(trial):
        for _ in range(3):
            trial.report(accuracy=0.5)

    result = slice_of(too_many, meter, until=1)
    assert result.state is State.FAILED
    assert "more reports than the 1 epochs that were asked for" in result.message


def test_a_state_saved_before_its_report_is_of_the_same_epoch(meter):
    def saves_first(trial):
        for epoch in trial.epochs():
            trial.save({"epoch": epoch + 1})
            trial.report(accuracy=0.5)

    result = slice_of(saves_first, meter, until=3, beat=0.1)
    assert (result.checkpoint_epoch, result.weights is not None) == (3, True)


def test_a_function_that_stops_early_by_itself_is_complete(meter):
    def early(trial):
        for epoch in trial.epochs():
            trial.report(accuracy=0.5)
            if epoch == 1:
                break

    result = slice_of(early, meter, pause=True)
    assert (result.state, result.epochs) == (State.COMPLETE, 2)


def test_a_function_that_returns_a_number_is_one_step(meter):
    result = slice_of(lambda trial: np.float32(0.25), meter)
    assert (result.state, result.epochs, result.score) == (State.COMPLETE, 1, 0.25)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda trial: None, r"it gave no accuracy: call trial\.report\(accuracy=…\)"),
        (lambda trial: "good", "accuracy = 'good' is no number"),
        (lambda trial: 93.1, "accuracy 93.1 in epoch 1 lies outside 0 to 1: is it in percent"),
        (lambda trial: math.nan, "accuracy nan in epoch 1"),
        (lambda trial: trial.report(f1=0.5), "got f1, but not accuracy, which is the metric"),
        (lambda trial: trial.report(accuracy=0.5, loss=[1]), "loss = '\\[1\\]' is no number"),
        (lambda trial: trial.test(2), "accuracy 2 on test data lies outside"),
        (
            lambda trial: (trial.report(accuracy=0.5), trial.save({"a": [np.ones(1)]})),
            r"trial.save: state\['a'\]\[0\] is of type ndarray",
        ),
        (lambda trial: trial.phase("rest"), "take one of setup, train, validate"),
        (lambda trial: [*trial.epochs(), *trial.epochs()], "looped over twice"),
        (lambda trial: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda trial: sys.exit(3), "SystemExit: 3"),
        (lambda trial: (_ for _ in ()).throw(MemoryError("80 GiB")), "out of memory: 80 GiB"),
    ],
)
def test_what_goes_wrong_fails_the_trial_in_one_line(meter, function, message):
    def train(trial):
        trial.count_operations(STEP_OPERATIONS)
        made = function(trial)
        return [*made] if hasattr(made, "throw") else made

    result = slice_of(train, meter)
    assert result.state is State.FAILED
    assert re.search(message, result.message), result.message
    assert "\n" not in result.message
    assert result.reading.total_j == pytest.approx(0.01)


def test_an_error_after_a_stop_is_no_failure(meter):
    def leaves_badly(trial):
        for _ in trial.epochs():
            while not trial.should_stop():
                trial.count_operations(STEP_OPERATIONS)
            raise UnboundLocalError("loss")

    result = slice_of(leaves_badly, meter, budget_j=1.0)
    assert (result.state, result.message) == (State.TRUNCATED, "UnboundLocalError: loss")


def test_an_interruption_keeps_the_joules_but_is_no_result(meter):
    asked = iter(range(1000))
    result = slice_of(training(), meter, interrupted=lambda: next(asked) > 300)
    assert result.state is State.INTERRUPTED
    assert result.epochs == 1
    assert EPOCH_J < (result.reading.total_j or 0.0) < 2 * EPOCH_J


@pytest.mark.parametrize(
    ("metric", "reported", "beat", "kept"),
    [
        ("accuracy", [0.2, 0.4], 0.3, True),
        ("accuracy", [0.2, 0.4], 0.4, False),
        ("rmse", [0.5, 0.2], 0.3, True),
        ("rmse", [0.2, 0.5], 0.3, False),  # the last one counts, as it does for the trial
    ],
)
def test_a_state_is_kept_where_the_score_is_better_in_the_metric_s_direction(
    meter, metric, reported, beat, kept
):
    def train(trial):
        for epoch in trial.epochs():
            trial.report(**{metric: reported[epoch]})
            trial.save({"epoch": epoch})

    result = slice_of(train, meter, until=2, metric=metric, beat=beat)
    assert (result.checkpoint is not None) == kept
    assert result.score == reported[-1]


def test_a_test_score_is_told_and_phases_share_the_joules_out(meter):
    def train(trial):
        trial.count_operations(1e9)
        for _ in trial.epochs():
            trial.count_operations(2e9)
            trial.phase("validate")
            trial.count_operations(4e9)
            trial.report(rmse=3.0)
        trial.test(3.5)

    result = slice_of(train, meter, until=2, metric=METRICS["rmse"])
    assert (result.score, result.test_score) == (3.0, 3.5)
    phases = (result.setup, result.train, result.validate)
    assert [phase.total_j for phase in phases] == pytest.approx([0.1, 0.4, 0.8])


def test_weights_are_only_of_the_network_that_was_scored_last(meter):
    def saves_once(trial):
        for epoch in trial.epochs():
            trial.report(accuracy=0.5)
            if epoch == 0:
                trial.save({"epoch": epoch})

    result = slice_of(saves_once, meter, until=3, pause=True)
    assert (result.checkpoint_epoch, result.weights) == (1, None)
    assert slice_of(saves_once, meter, until=1).weights is not None
