"""The parts of training beside their references: PyTorch's schedules, scikit-learn's metrics."""

import warnings

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, OneCycleLR

from perjoule.errors import ConfigurationError, DataError
from perjoule.models.augmentation import AUGMENTATIONS, augmentation
from perjoule.models.data.splits import Split
from perjoule.models.metric import ACCURACY, METRICS, Metric
from perjoule.models.network_training import NetworkTraining
from perjoule.models.schedule import SCHEDULES, rate_factor
from perjoule.models.scoring import SCORES, score_of
from perjoule.models.training import build, evaluate, train_epoch


def never() -> bool:
    return False


def linear(shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), n_classes))


REFERENCES = {
    "cosine": lambda optimizer, n, _: CosineAnnealingLR(optimizer, n),
    "step": lambda optimizer, n, _: MultiStepLR(optimizer, [-(-n // 2), -(-3 * n // 4)]),
    "one-cycle": lambda optimizer, n, share: OneCycleLR(
        optimizer, 1.0, n, pct_start=share, cycle_momentum=False
    ),
}


@pytest.mark.parametrize("schedule", REFERENCES)
@pytest.mark.parametrize("n_steps", [2, 7, 100])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_schedules_are_those_of_pytorch(schedule, n_steps, share):
    if schedule != "one-cycle":
        share = 0.0  # PyTorch has no warm-up
    optimizer = SGD([nn.Parameter(torch.zeros(()))], 1.0)
    scheduler = REFERENCES[schedule](optimizer, n_steps, share)
    for step in range(n_steps):
        expected = optimizer.param_groups[0]["lr"]
        assert rate_factor(schedule, share, step, n_steps) == pytest.approx(expected, abs=1e-12)
        optimizer.step()
        if step + 1 < n_steps:
            scheduler.step()


@given(st.sampled_from(list(SCHEDULES)), st.floats(0, 0.99), st.integers(1, 300))
def test_a_rate_is_a_share_that_rises_in_the_warm_up_and_falls_after_it(schedule, share, n_steps):
    factors = [rate_factor(schedule, share, step, n_steps) for step in range(n_steps + 2)]
    assert all(0 <= factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert top < share * n_steps + 1
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert factors[-1] == factors[-3]


def test_each_step_of_a_training_has_its_rate_of_all_its_steps(digits, float32):
    params = {"schedule": "one-cycle", "learning_rate": 0.1, "epochs": 3, "batch_size": 500}
    built = build(params, linear, digits.shape, 10, float32, 0)
    rates = []

    def note():  # before a step, so the rate of the one before
        rates.append(built.optimizer.param_groups[0]["lr"])
        return False

    for epoch in range(2):  # a rung, below all epochs
        train_epoch(built, digits.train, 0, epoch, note)
    expected = [0.1 * rate_factor("one-cycle", 0.3, step, 9) for step in range(5)]
    assert rates == [0.1, *expected]


def images(n, height=8, width=12, channels=2):
    return 1 + torch.rand(n, height, width, channels)


def augmented(name, before):
    augment = augmentation(name)
    assert augment is not None
    return augment(before)


def test_a_flip_mirrors_about_half_of_the_images():
    before = images(200)
    after = augmented("flip", before)
    mirrored = [torch.equal(new, old.flip(1)) for old, new in zip(before, after, strict=True)]
    kept = [torch.equal(new, old) for old, new in zip(before, after, strict=True)]
    assert [a != b for a, b in zip(mirrored, kept, strict=True)] == [True] * 200
    assert 60 < sum(mirrored) < 140


def test_a_shift_moves_by_an_eighth_at_most_and_fills_with_zeros():
    before = images(200, 16, 24)
    padded = F.pad(before, (0, 0, 3, 3, 2, 2))
    places = [(row, column) for row in range(5) for column in range(7)]
    found = set()
    for index, new in enumerate(augmented("shift", before)):
        windows = [padded[index, row : row + 16, column : column + 24] for row, column in places]
        found |= {
            place for place, old in zip(places, windows, strict=True) if torch.equal(new, old)
        }
    assert len(found) > 30
    assert max(found) == (4, 6)


@pytest.mark.parametrize(("height", "width"), [(8, 12), (7, 9), (1, 5)])
def test_a_cutout_is_one_rectangle_of_half_of_each_side_cut_off_at_the_border(height, width):
    before = images(300, height, width)
    areas = set()
    for old, new in zip(before, augmented("cutout", before), strict=True):
        gone = (new == 0).all(2)
        rows, columns = gone.any(1), gone.any(0)
        assert torch.equal(gone, rows[:, None] & columns)
        assert torch.equal(new[~gone], old[~gone])
        areas.add((int(rows.sum()), int(columns.sum())))
    assert max(areas) == (max(1, height // 2), max(1, width // 2))
    assert min(areas) >= (1, 1)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmented_images_are_in_channels_last_and_the_data_stay_as_they_are(name, digits, float32):
    kept = digits.train.inputs.clone()

    class Spy(nn.Linear):
        def forward(self, input):
            assert input.is_contiguous(memory_format=torch.channels_last)
            return super().forward(input.flatten(1))

    built = build({"augmentation": name}, lambda *_: Spy(64, 10), digits.shape, 10, float32, 0)
    assert train_epoch(built, digits.train, 0, 0, never).finished
    assert torch.equal(digits.train.inputs, kept)


def test_features_are_trained_on_and_not_augmented(digits, float32):
    vectors = Split(digits.train.inputs.flatten(1), digits.train.labels)
    built = build({"learning_rate": 0.01}, linear, (64,), 10, float32, 0)
    for epoch in range(4):
        train_epoch(built, vectors, 0, epoch, never)
    assert evaluate(built.network, vectors, float32, never).score > 0.9
    with pytest.raises(ConfigurationError, match="augmentation = 'flip' is for images"):
        build({"augmentation": "flip"}, linear, (64,), 10, float32, 0)


def two_heads_loss(logits, labels, sizes, smoothing):
    """Each sample through the head of its own task."""
    losses, first = [], 0
    for size in sizes:
        rows = (labels >= first) & (labels < first + size)
        own = logits[rows, first : first + size], labels[rows] - first
        losses.append(F.cross_entropy(*own, label_smoothing=smoothing, reduction="sum"))
        first += size
    return sum(losses) / len(labels)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_tasks_are_heads_of_their_own(smoothing, digits, float32):
    sizes, split = (3, 7), Split(digits.train.inputs[:512], digits.train.labels[:512])
    params = {"label_smoothing": smoothing, "optimizer": "sgd", "momentum": 0.0}
    params |= {"learning_rate": 0.05, "batch_size": 512}
    built, plain = (build(params, linear, digits.shape, 10, float32, 0) for _ in range(2))
    result = train_epoch(built, split, 0, 0, never, tasks=sizes)
    loss = two_heads_loss(plain.network(split.inputs), split.labels, sizes, smoothing)
    loss.backward()
    plain.optimizer.step()
    assert result.loss == pytest.approx(loss.item(), rel=1e-5)
    for ours, theirs in zip(built.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)

    with torch.no_grad():
        logits = built.network(split.inputs)
        of_first = split.labels < 3
        guess = torch.where(of_first, logits[:, :3].argmax(1), 3 + logits[:, 3:].argmax(1))
        expected_loss = float(two_heads_loss(logits, split.labels, sizes, 0.0))
    scored = evaluate(built.network, split, float32, never, tasks=sizes)
    assert scored.score == int((guess == split.labels).sum()) / 512
    assert scored.loss == pytest.approx(expected_loss, rel=1e-5)
    aucs = [
        area(logits[rows][:, columns], split.labels[rows] - columns.start)
        for rows, columns in ((of_first, slice(0, 3)), (~of_first, slice(3, 10)))
    ]
    scored = evaluate(built.network, split, float32, never, METRICS["auc"], sizes)
    assert scored.score == pytest.approx((3 * aucs[0] + 7 * aucs[1]) / 10, abs=1e-9)


def area(logits, labels):
    probabilities = logits.double().softmax(1).numpy()
    if probabilities.shape[1] == 2:
        return reference.roc_auc_score(labels, probabilities[:, 1])
    return reference.roc_auc_score(labels, probabilities, multi_class="ovr")


SCIKIT_LEARN = {
    "accuracy": lambda logits, labels: reference.accuracy_score(labels, logits.argmax(1)),
    "balanced_accuracy": lambda logits, labels: reference.balanced_accuracy_score(
        labels, logits.argmax(1)
    ),
    "f1": lambda logits, labels: reference.f1_score(labels, logits.argmax(1), average="macro"),
    "auc": area,
    "loss": lambda logits, labels: reference.log_loss(
        labels, logits.double().softmax(1).numpy(), labels=range(logits.shape[1])
    ),
}


@pytest.mark.parametrize("name", SCORES)
@given(st.integers(2, 6), st.integers(2, 60), st.integers(0, 2**31), st.booleans())
def test_scores_are_those_of_scikit_learn(name, n_classes, n_samples, seed, rounded):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n_samples, n_classes, generator=generator)
    logits = logits.round() if rounded else logits  # with ties
    labels = torch.randint(n_classes, (n_samples,), generator=generator)
    if name == "auc":  # the reference wants all classes
        logits, labels = (
            torch.cat([logits, logits[:1].repeat(n_classes, 1)]),
            torch.cat([labels, torch.arange(n_classes)]),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class which was predicted is not there
        expected = SCIKIT_LEARN[name](logits, labels)
    tolerance = 1e-6 if name == "loss" else 1e-9  # float32, as it is trained
    assert score_of(METRICS[name])(logits, labels) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("name", SCORES)
def test_an_evaluation_gives_the_metric_of_the_experiment(name, digits, float32):
    built = build({}, "cnn", digits.shape, 10, float32, 0)
    train_epoch(built, digits.train, 0, 0, never)
    result = evaluate(built.network, digits.validation, float32, never, METRICS[name])
    with torch.no_grad():
        logits = built.network(digits.validation.inputs)
    expected = SCIKIT_LEARN[name](logits, digits.validation.labels)
    assert result.score == pytest.approx(expected, rel=1e-5)
    assert result.loss == pytest.approx(SCIKIT_LEARN["loss"](logits, digits.validation.labels))


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (METRICS["rmse"], "'rmse': the built-in training gives accuracy, balanced_accuracy, f1"),
        (Metric("kappa"), "'kappa'.*objective of your own"),
        (Metric("accuracy", "minimize"), "has it to maximize, not to minimize"),
    ],
)
def test_metrics_that_the_training_cannot_give_are_refused(metric, message, digits, float32):
    with pytest.raises(ConfigurationError, match=message):
        NetworkTraining(digits, float32, metric=metric)


def test_auc_of_one_class_is_refused_and_accuracy_is_not():
    logits, labels = torch.randn(5, 3), torch.zeros(5, dtype=torch.int64)
    with pytest.raises(DataError, match="auc needs samples of two classes"):
        score_of(METRICS["auc"])(logits, labels)
    assert 0 <= score_of(ACCURACY)(logits, labels) <= 1
