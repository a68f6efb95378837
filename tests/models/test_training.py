import json
import math
from itertools import count
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models.data.splits import Split
from perjoule.models.networks.cnn import DEFAULT_SPACE
from perjoule.models.networks.registry import Builder
from perjoule.models.runtime import Runtime
from perjoule.models.space import Space
from perjoule.models.training import (
    TrainingSettings,
    build,
    evaluate,
    split_hyperparameters,
    train_epoch,
)


def never() -> bool:
    return False


def part(split, n_samples):
    return Split(split.inputs[:n_samples], split.labels[:n_samples])


def begin(runtime, params=None, seed=0, architecture: str | Builder = "cnn", shape=(1, 8, 8)):
    """A candidate, and what trains it for its next epoch."""
    built = build(params or {}, architecture, shape, 10, runtime, seed)
    epochs = count()

    def epoch(split, should_stop=never):
        return train_epoch(built, split, seed, next(epochs), should_stop)

    return built, epoch


def train(params, split, runtime, **options):
    """Train for the epochs that the hyperparameters say; the network and its steps."""
    built, epoch = begin(runtime, params, shape=split.inputs.shape[1:], **options)
    results = [epoch(split) for _ in range(built.settings.epochs)]
    assert all(result.finished for result in results)
    return built.network, sum(result.steps for result in results)


def same_weights(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    return list(ours) == list(theirs) and all(torch.equal(ours[key], theirs[key]) for key in ours)


PAIRS: dict[str, tuple[Any, Any]] = {
    "conv_blocks": (2, 3),
    "width": (8, 9),
    "kernel_size": (3, 5),
    "dropout": (0.1, 0.4),
    "dense_units": (16, 17),
    "optimizer": ("sgd", "adam"),
    "learning_rate": (0.01, 0.02),
    "weight_decay": (1e-6, 1e-2),
    "log2_batch_size": (5, 6),
    "epochs": (1, 2),
}
MIDDLE = {name: value for name, (value, _) in PAIRS.items()}


@pytest.mark.parametrize("name", DEFAULT_SPACE)
def test_no_hyperparameter_of_the_default_space_is_dead(name, digits, float32):
    space, split = Space.parse(DEFAULT_SPACE), part(digits.train, 128)
    params = space.complete(MIDDLE)
    changed = space.complete({**MIDDLE, name: PAIRS[name][1]})
    plain, plain_steps = train(params, split, float32)
    other, other_steps = train(changed, split, float32)
    assert not same_weights(plain, other)
    assert (plain_steps != other_steps) == (name in {"log2_batch_size", "epochs"})


@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
def test_a_seed_decides_everything(autocast, digits):
    runtime = Runtime(torch.device("cpu"), autocast)
    split = part(digits.train, 256)
    params = {"dropout": 0.5, "epochs": 2}
    first, _ = train(params, split, runtime)
    torch.manual_seed(99)  # the global state must not matter, and is left alone
    before = torch.get_rng_state()
    second, _ = train(params, split, runtime)
    assert torch.equal(torch.get_rng_state(), before)
    other, _ = train(params, split, runtime, seed=1)
    assert same_weights(first, second)
    assert not same_weights(first, other)


def test_evaluation_equals_a_plain_loop(digits, float32):
    network, _ = train({"epochs": 1, "dropout": 0.5}, part(digits.train, 256), float32)
    n_right, losses = 0, []
    network.eval()
    with torch.no_grad():
        for image, label in zip(digits.validation.inputs, digits.validation.labels, strict=True):
            logits = network(image.unsqueeze(0))
            n_right += int(logits.argmax() == label)
            losses.append(F.cross_entropy(logits, label.unsqueeze(0)).item())
    network.train()
    result = evaluate(network, digits.validation, float32, never)
    assert result is not None
    assert result[0] == n_right / len(digits.validation)
    assert result[1] == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_training_goes_on_after_an_evaluation(digits, float32):
    (network, *_), epoch = begin(float32)
    evaluate(network, digits.validation, float32, never)
    result = epoch(part(digits.train, 128))
    norms = [each for each in network.modules() if isinstance(each, nn.BatchNorm2d)]
    assert [norm.num_batches_tracked for norm in norms] == [result.steps] * 2


def test_the_loss_of_an_epoch_is_the_mean_over_samples(digits, float32):
    split = part(digits.train, 40)  # batches of 32 and 8
    (network, *_), epoch = begin(float32, {"log2_batch_size": 5, "learning_rate": 1e-30}, seed=3)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(300_009))
    with torch.no_grad():
        total = sum(
            F.cross_entropy(network(split.inputs[rows]), split.labels[rows], reduction="sum").item()
            for rows in order.split(32)
        )
    result = epoch(split)
    assert result.loss == pytest.approx(total / 40, rel=1e-5)
    assert result.steps == 2


def test_every_sample_is_seen_once_an_epoch_in_channels_last(float32):
    seen = []

    class Spy(nn.Sequential):
        def forward(self, input):
            assert input.is_contiguous(memory_format=torch.channels_last)
            seen.append(input.detach().clone())
            return super().forward(input)

    def spy(shape, n_classes):
        return Spy(nn.Flatten(), nn.Linear(math.prod(shape), n_classes))

    images = torch.randn(100, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    split = Split(images, torch.randint(10, (100,)))
    train({"epochs": 1, "log2_batch_size": 5}, split, float32, architecture=spy)
    assert [len(images) for images in seen] == [32, 32, 32, 4]
    rows = torch.cat(seen).flatten(1).tolist()
    assert rows != split.inputs.flatten(1).tolist()
    assert sorted(rows) == sorted(split.inputs.flatten(1).tolist())


@pytest.mark.parametrize(("n_samples", "steps"), [(64, 2), (65, 2), (66, 3), (31, 1)])
def test_a_last_batch_of_one_is_left_out(n_samples, steps, digits, float32):
    # Three blocks leave one pixel, of which batch-norm can take no deviation in a batch of one.
    params = {"conv_blocks": 3, "log2_batch_size": 5, "epochs": 1}
    _, taken = train(params, part(digits.train, n_samples), float32)
    assert taken == steps


def test_training_and_evaluation_stop_before_the_step_they_are_told_to(digits, float32):
    (network, *_), epoch = begin(float32)
    answers = iter([False, False, True])
    result = epoch(digits.train, lambda: next(answers))
    assert (result.steps, result.finished) == (2, False)
    assert math.isfinite(result.loss)

    before = {name: each.clone() for name, each in network.state_dict().items()}
    result = epoch(digits.train, lambda: True)
    assert (result.steps, result.finished) == (0, False)
    assert math.isnan(result.loss)
    assert all(torch.equal(before[name], each) for name, each in network.state_dict().items())

    answers = iter([False, True])
    assert evaluate(network, digits.validation, float32, lambda: next(answers)) is None


def greedy(shape, n_classes, *, epochs=3):
    return nn.Linear(1, 1)


def needy(shape, n_classes, depth):
    return nn.Linear(1, 1)


def open_ended(shape, n_classes, **hyperparameters):
    return nn.Linear(1, 1)


def test_hyperparameters_are_shared_out():
    settings, network = split_hyperparameters({"epochs": 2, "width": 8, "optimizer": "sgd"}, "cnn")
    assert settings == TrainingSettings(optimizer="sgd", epochs=2)
    assert network == {"width": 8}
    assert settings.batch_size == 64
    for builder, params in ((needy, {"depth": 2}), (open_ended, {"widht": 8})):
        assert split_hyperparameters(params, builder)[1] == params


@pytest.mark.parametrize(
    ("params", "builder", "error", "message"),
    [
        ({"widht": 8}, "cnn", UnknownNameError, "did you mean 'width'"),
        ({"optimizer": "adam_w"}, "cnn", UnknownNameError, "did you mean 'adamw'"),
        ({"epochs": 2}, greedy, ConfigurationError, "'epochs'.*rename"),
        ({"epochs": 2}, needy, ConfigurationError, "'depth'.*add it"),
        ({"learning_rate": -1.0}, "cnn", ConfigurationError, "learning_rate = -1.0 must be"),
        ({"learning_rate": "fast"}, "cnn", ConfigurationError, "learning_rate = 'fast' must be"),
        ({"learning_rate": math.nan}, "cnn", ConfigurationError, "learning_rate = nan must be"),
        ({"weight_decay": -1e-3}, "cnn", ConfigurationError, "weight_decay = -0.001 must be"),
        ({"log2_batch_size": 0}, "cnn", ConfigurationError, "log2_batch_size = 0 must be"),
        ({"epochs": 0}, "cnn", ConfigurationError, "epochs = 0 must be"),
        ({"epochs": 2.5}, "cnn", ConfigurationError, "epochs = 2.5 must be a whole number"),
    ],
)
def test_hyperparameters_that_do_not_fit_are_refused(params, builder, error, message):
    with pytest.raises(error, match=message):
        split_hyperparameters(params, builder)


def test_the_runtime_describes_itself_in_plain_values():
    runtime = Runtime.detect("cpu")
    described = runtime.describe()
    assert json.loads(json.dumps(described)) == described
    assert all(type(value) in (str, int, bool) for value in described.values())
    assert described["device"] == "cpu"
    assert described["threads"] == 1
    assert Runtime(torch.device("cpu")).describe()["autocast"] == "float32"


@pytest.mark.parametrize("device", ["cpu:x", "warp", "cuda:99"])
def test_devices_that_cannot_be_used_are_named(device):
    with pytest.raises(ConfigurationError, match=device):
        Runtime.detect(device)
