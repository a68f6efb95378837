"""Every hyperparameter of training reaches the trained network, and a wrong one is one line."""

import doctest
import math
from dataclasses import fields, replace
from itertools import combinations

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.errors import ConfigurationError, PerjouleError
from perjoule.models import settings as settings_module
from perjoule.models.augmentation import AUGMENTATIONS
from perjoule.models.checkpoint import load_checkpoint
from perjoule.models.data.splits import Split
from perjoule.models.early_stopping import stop_early
from perjoule.models.metric import ACCURACY, METRICS
from perjoule.models.network_training import NetworkTraining
from perjoule.models.objective import Objective
from perjoule.models.operations import count_parameters
from perjoule.models.outcome import State, StopRule
from perjoule.models.phases import Assignment
from perjoule.models.runtime import Runtime
from perjoule.models.schedule import SCHEDULES
from perjoule.models.settings import (
    HYPERPARAMETERS,
    OPTIMIZERS,
    PRECISIONS,
    TrainingSettings,
    check_space,
    split_hyperparameters,
)
from perjoule.models.space import Space, batch_size_of
from perjoule.models.training import build, train_epoch

SGD, ADAM = {"optimizer": "sgd"}, {"optimizer": "adam"}
BASE = {"width": 8, "dense_units": 16, "epochs": 2, "learning_rate": 0.01, "weight_decay": 1e-3}

# Values of each hyperparameter, beside which others, no two of which may give the same network.
VALUES = [
    ("optimizer", tuple(OPTIMIZERS), {}),
    ("learning_rate", (0.01, 0.02), {}),
    ("momentum", (0.0, 0.5, None), SGD),
    *((name, (value, None), {"optimizer": optimizer})
      for name, value in (("beta1", 0.5), ("beta2", 0.9), ("epsilon", 1e-3))
      for optimizer in ("adam", "adamw")),
    *(("weight_decay", (0.0, 0.1), {"optimizer": optimizer}) for optimizer in OPTIMIZERS),
    ("schedule", tuple(SCHEDULES), {"warmup_share": 0.25}),
    *(("warmup_share", (0.01, 0.4, None), {"schedule": schedule}) for schedule in SCHEDULES),
    ("label_smoothing", (0.0, 0.1), {}),
    ("gradient_clip", (0.1, 0.2, None), SGD),
    ("augmentation", (*AUGMENTATIONS, "flip+shift"), {}),
    ("batch_size", (32, 48), {}),
    ("log2_batch_size", (5, 6), {}),
    ("precision", PRECISIONS[1:], {}),
    ("patience", (1, 0), {"learning_rate": 1e-30, "epochs": 4}),
    ("epochs", (2, 3), {}),
    ("freeze", (True, False), {}),
]  # fmt: skip


def never() -> bool:
    return False


def train(params, data, runtime, until=None, checkpoint=None, metric=ACCURACY, **options):
    """Train a candidate as a search does, until an epoch; the slice that came of it."""
    training = NetworkTraining(data, runtime, metric=metric, **options)
    stop = StopRule(until or params["epochs"], pause=until is not None)
    with EnergyMeter("model") as meter:
        assignment = Assignment(stop, meter, EnergyBudget(1e9, meter))
        result = Objective(training, metric, seed=3).train_slice(params, assignment, checkpoint)
    assert result.state is (State.PAUSED if stop.pause else State.COMPLETE), result.message
    return result


@pytest.fixture(scope="module")
def few(digits):
    """Digits, cut to so few that a training takes no time."""
    parts = {"train": (digits.train, 128), "validation": (digits.validation, 64)}
    cut = {name: Split(each.inputs[:n], each.labels[:n]) for name, (each, n) in parts.items()}
    return replace(digits, **cut)


def weights(result):
    return load_checkpoint(result.checkpoint)["state"]["network"]


def same(one, other):
    ours, theirs = weights(one), weights(other)
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_every_hyperparameter_is_among_those_tested():
    assert {name for name, _, _ in VALUES} == set(HYPERPARAMETERS)
    assert len(HYPERPARAMETERS) == len(fields(TrainingSettings)) + 1


@pytest.mark.parametrize(
    ("name", "values", "beside"), VALUES, ids=["-".join(map(str, each)) for each in VALUES]
)
def test_no_hyperparameter_is_dead(name, values, beside, few, float32):
    ends = [train({**BASE, **beside, name: value}, few, float32) for value in values]
    for ours, theirs in combinations(ends, 2):
        assert not same(ours, theirs)
        assert (ours.epochs != theirs.epochs) == (name in {"epochs", "patience"})


def tiny(shape, n_classes, *, depth=1, **_):
    assert depth == 1
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), n_classes))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_inactive_hyperparameter_is_as_if_not_given(optimizer, few, float32):
    params = {"optimizer": optimizer, "epochs": 2}
    inactive = dict.fromkeys(("depth", *HYPERPARAMETERS))
    told = {**OPTIMIZERS[optimizer], "warmup_share": 0.0, "log2_batch_size": 6}
    plain, *others = (
        train({**beside, **params}, few, float32, architecture=tiny)
        for beside in ({}, inactive, told)
    )
    assert [same(plain, each) for each in others] == [True, True]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_trial_in_slices_is_the_trial_in_one_piece(schedule, digits, runtime):
    params = {**BASE, "epochs": 4, "schedule": schedule, "warmup_share": 0.3, "dropout": 0.3}
    params |= {"augmentation": "flip+shift+cutout", "gradient_clip": 1.0, "label_smoothing": 0.1}
    params |= {"batch_size": 100, "precision": "bf16", "optimizer": "adamw", "beta1": 0.8}
    given = (params, digits, runtime)
    whole, part = (train(*given, until, metric=METRICS["f1"]) for until in (4, 1))
    for until in (3, 4):
        part = train(*given, until, part.checkpoint, METRICS["f1"])
    assert part.score == whole.score
    assert same(part, whole)


def test_patience_counts_the_epochs_before_a_pause(few, float32):
    params = {**BASE, "patience": 3, "learning_rate": 1e-30, "epochs": 6}
    stale = {**BASE, "epochs": 6, "learning_rate": 1e-30}
    paused = train(params, few, float32, 3)
    training = NetworkTraining(few, float32)
    with EnergyMeter("model") as meter:
        assignment = Assignment(StopRule(6), meter, EnergyBudget(1e9, meter))
        ended = Objective(training, seed=3).train_slice(params, assignment, paused.checkpoint)
    whole = train(params, few, float32)
    assert (ended.state, ended.epochs) == (State.COMPLETE, whole.epochs)
    assert whole.epochs < train(stale, few, float32).epochs == 6


ANYTHING = st.one_of(
    st.floats(),
    st.integers(-100, 100),
    st.text(max_size=8),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["flip+", "flip,shift", "1e-3", "SGD", "cosine ", "fp16", -0.0, 1.0, 2.0]),
)


@given(st.sampled_from(HYPERPARAMETERS), ANYTHING)
@example("learning_rate", float("inf"))
@example("freeze", 1)
@example("epochs", True)
@example("batch_size", 1)
@example("momentum", 1.0)
@example("epsilon", 0.0)
def test_a_value_is_kept_as_it_is_or_refused_in_one_line_that_names_it(name, value):
    having = next((each for each, own in OPTIMIZERS.items() if name in own), "adam")
    try:
        settings = TrainingSettings.of({"optimizer": having, name: value})
    except PerjouleError as error:
        assert name in str(error)
        assert len(str(error).splitlines()) == 1
    else:
        kept = settings.batch_size if name == "log2_batch_size" else getattr(settings, name)
        assert kept == (2**value if name == "log2_batch_size" else value)
        assert not isinstance(value, bool) or name == "freeze"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"batch_size": 50, "log2_batch_size": 5}, "are both given: drop one"),
        ({"optimizer": "adamw", "momentum": 0.5}, "adamw has no momentum.*{optimizer: sgd}"),
        ({"optimizer": "sgd", "beta2": 0.9}, r"no beta2.*when: {optimizer: \[adam, adamw\]}"),
        ({"augmentation": "flop"}, "did you mean 'flip'"),
        ({"schedule": "onecycle"}, "did you mean 'one-cycle'"),
        ({"widht": None}, "did you mean 'width'"),
    ],
)
def test_hyperparameters_that_exclude_each_other_or_do_not_exist(params, message):
    with pytest.raises(PerjouleError, match=message):
        split_hyperparameters(params, "cnn")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"momentum": {"low": 0.1, "high": 0.9}}, "adamw? has no momentum"),
        ({"momentum": {"low": 0.1, "high": 1.5, "when": {"optimizer": "sgd"}}}, "momentum = 1.5"),
        ({"augmentation": ["none", "flop", "flip"]}, "augmentation 'flop'"),
        ({"batch_size": {"low": 1, "high": 64}}, "batch_size = 1 must be"),
        ({"momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": "sgd"}}}, None),
    ],
)
def test_a_space_is_checked_at_every_choice_before_anything_is_spent(entries, message):
    space = Space.parse({"optimizer": ["sgd", "adam", "adamw"], **entries})
    if message is None:
        check_space(space, "cnn")
    else:
        with pytest.raises(PerjouleError, match=message):
            check_space(space, "cnn")


def test_either_batch_size_counts_for_whoever_predicts_steps():
    for params in ({"batch_size": 50, "log2_batch_size": None}, {"log2_batch_size": 3}, {}):
        assert batch_size_of(params) == TrainingSettings.of(params).batch_size


def test_freezing_trains_the_head_alone_with_the_trunk_as_it_was(digits, float32):
    params = {**BASE, "dropout": 0.2, "freeze": True}
    built = build(params, "cnn", digits.shape, 10, float32, 0)
    before = {name: each.clone() for name, each in built.network.state_dict().items()}
    train_epoch(built, digits.train, 0, 0, never)
    after = built.network.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    *_, head = built.network.named_children()
    assert changed == {f"{head[0]}.weight", f"{head[0]}.bias"}
    assert count_parameters(built.network) == 16 * 10 + 10
    assert any(each.training for each in built.network.modules() if isinstance(each, nn.Dropout))
    with pytest.raises(ConfigurationError, match="`head`"):
        build({"freeze": True}, lambda *_: nn.Flatten(), digits.shape, 10, float32, 0)


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("float32", None)])
def test_the_precision_of_a_candidate_is_that_of_training_and_of_evaluation(precision, dtype, few):
    seen = []

    class Spy(nn.Linear):
        def forward(self, input):
            logits = super().forward(input.flatten(1))
            if len(input) > 1:  # one alone is for counting operations
                seen.append(logits.dtype)
            return logits

    for autocast in (None, torch.bfloat16):
        runtime = Runtime(torch.device("cpu"), autocast)
        params = {"precision": precision, "epochs": 1}
        result = train(params, few, runtime, architecture=lambda *_: Spy(64, 10))
        training = NetworkTraining(few, runtime, lambda *_: Spy(64, 10))
        training.test_score(params, result.checkpoint)
    assert set(seen) == {dtype or torch.float32}


@pytest.mark.parametrize(
    ("scores", "patience", "metric", "stops"),
    [
        ([0.1, 0.5, 0.5], 1, "accuracy", True),
        ([0.1, 0.5, 0.6], 1, "accuracy", False),
        ([0.1, 0.5, 0.4, 0.5], 2, "accuracy", True),
        ([0.1, 0.5, 0.4], 2, "accuracy", False),
        ([0.9, 0.5, 0.4], 2, "accuracy", True),
        ([0.9, 0.5, 0.4], 2, "loss", False),
        ([0.5, float("nan"), float("nan")], 2, "loss", True),
        ([float("nan"), 0.5], 1, "loss", False),
        ([0.9, 0.1, 0.1, 0.1], 0, "accuracy", False),
        ([0.9], 1, "accuracy", False),
        ([], 1, "accuracy", False),
    ],
)
def test_patience_ends_what_has_not_become_better(scores, patience, metric, stops):
    assert stop_early(scores, patience, METRICS[metric]) is stops


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(settings_module).attempted >= 2
    assert doctest.testmod(settings_module).failed == 0
