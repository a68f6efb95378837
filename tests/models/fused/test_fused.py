"""A stack of candidates: each ends as it does when it is trained by itself."""

from dataclasses import replace

import pytest
import torch

from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.models.checkpoint import load_checkpoint, save_state
from perjoule.models.data.splits import Split
from perjoule.models.fused import fusable_shape, pays, shaping, train_together
from perjoule.models.fused.paying import gain
from perjoule.models.network_training import NetworkTraining
from perjoule.models.objective import Objective, Slice
from perjoule.models.outcome import State, StopRule
from perjoule.models.phases import Assignment

CNN = {"conv_blocks": 2, "width": 5, "dense_units": 12}
MLP = {"size": 2_000, "depth": 4, "profile": "rectangle-residual"}
SMOOTH = {"optimizer": "adamw", "learning_rate": 3e-3, "weight_decay": 0.1, "label_smoothing": 0.1}
DIFFERENT = [
    {"optimizer": "sgd", "learning_rate": 0.02, "epochs": 2},
    {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.05, "epochs": 1},
    {"optimizer": "adam", "learning_rate": 2e-3, "beta1": 0.8, "schedule": "cosine", "epochs": 3},
    {**SMOOTH, "gradient_clip": 0.3, "schedule": "one-cycle", "epochs": 2},
]
PLENTY_J = 1e9


@pytest.fixture(scope="module")
def data(digits):
    def first(split, n):
        return Split(split.inputs[:n], split.labels[:n])

    return replace(digits, train=first(digits.train, 225), validation=first(digits.validation, 300))


@pytest.fixture
def training(data, float32):
    return NetworkTraining(data, float32)


@pytest.fixture
def meters():
    """One for each trial, that counts its operations alone."""
    opened = []

    def open_one():
        opened.append(EnergyMeter("model"))
        return opened[-1].__enter__()

    yield open_one
    for meter in opened:
        meter.__exit__(None, None, None)


class Given:
    """What one candidate is given."""

    def __init__(self, params, seed=0, until=None, pause=False, budget_j=PLENTY_J, state=None):
        self.params, self.seed, self.budget_j, self.state = params, seed, budget_j, state
        self.stop = StopRule(until or params.get("epochs", 4), pause=pause)

    def slice(self, meter):
        budget = EnergyBudget(self.budget_j, meter)
        return Slice(self.params, Assignment(self.stop, meter, budget), self.state)

    def alone(self, training, meter):
        return Objective(training, seed=self.seed).train_slice(*self.slice(meter))


def together(training, given, meters):
    left = []

    def train(trials, done):
        for trial, each in zip(trials, given, strict=True):
            trial.seed = each.seed
        train_together(training, trials, done)

    slices = [each.slice(meters()) for each in given]
    results = Objective(training).train_together(slices, train, lambda *_: left.append(1))
    assert len(left) == len(given)
    return results


def assert_same(fused, alone):
    for name in ("state", "message", "epochs", "n_parameters", "flops", "score"):
        assert getattr(fused, name) == getattr(alone, name), name
    assert fused.reading.total_j == pytest.approx(alone.reading.total_j, rel=1e-9)
    assert len(fused.curve) == len(alone.curve)
    for ours, theirs in zip(fused.curve, alone.curve, strict=True):
        assert (ours.epoch, ours.score) == (theirs.epoch, theirs.score)
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
        assert ours.energy_j == pytest.approx(theirs.energy_j, rel=1e-9)
    if alone.checkpoint is None:
        assert fused.checkpoint is None
        return
    states = [load_checkpoint(each.checkpoint) for each in (fused, alone)]
    torch.testing.assert_close(*states, rtol=1e-3, atol=1e-5)


def assert_all_same(training, given, meters):
    alone = [each.alone(training, meters()) for each in given]
    for fused, other in zip(together(training, given, meters), alone, strict=True):
        assert_same(fused, other)
    return alone


@pytest.mark.parametrize(
    ("architecture", "network", "seeds"),
    [
        ("cnn", CNN, (0, 0, 0, 0)),
        ("cnn", {**CNN, "dropout": 0.3}, (0, 1, 1, 2)),
        ("cnn", {**CNN, "conv_blocks": 4, "kernel_size": 5}, (0, 0, 0, 0)),
        ("mlp", MLP, (0, 0, 0, 0)),
        ("mlp", {**MLP, "dropout": 0.3, "profile": "rectangle"}, (0, 1, 2, 3)),
    ],
)
def test_candidates_that_differ_in_all_they_may_end_as_they_do_alone(
    data, float32, meters, architecture, network, seeds
):
    training = NetworkTraining(data, float32, architecture)
    candidates = [{**network, **each} for each in DIFFERENT]
    if network.get("dropout"):
        candidates[1]["dropout"] = 0.5
    if architecture == "cnn" and seeds[-1]:
        candidates[2]["augmentation"] = "flip+shift"
    assert len({fusable_shape(training, each) for each in candidates}) == 1
    given = [Given(each, seed) for each, seed in zip(candidates, seeds, strict=True)]
    assert_all_same(training, given, meters)


def test_bfloat16_learns_as_well(data, runtime, meters):
    training = NetworkTraining(data, runtime)
    given = [Given({**CNN, **DIFFERENT[i], "epochs": 3, "precision": "bf16"}) for i in (2, 3)]
    for fused, each in zip(together(training, given, meters), given, strict=True):
        alone = each.alone(training, meters())
        assert [p.loss for p in fused.curve] == pytest.approx(
            [p.loss for p in alone.curve], rel=0.02
        )


def test_joined_data_sets_have_losses_of_their_own_task(data, float32, meters):
    training = NetworkTraining(replace(data, tasks=(4, 6)), float32)
    assert_all_same(training, [Given({**CNN, **each}) for each in DIFFERENT[2:]], meters)


def test_feature_vectors_too(data, float32, meters):
    def flat(split):
        return Split(split.inputs.flatten(1), split.labels)

    vectors = replace(data, train=flat(data.train), validation=flat(data.validation))
    given = [Given({**MLP, **DIFFERENT[i]}, seed=i) for i in (0, 2)]
    assert_all_same(NetworkTraining(vectors, float32, "mlp"), given, meters)


def test_the_loss_of_one_is_not_finite_and_the_others_go_on(training, meters):
    wild = {**CNN, "optimizer": "sgd", "learning_rate": 1e30, "epochs": 2}
    given = [Given({**CNN, **DIFFERENT[0]}), Given(wild), Given({**CNN, **DIFFERENT[2]})]
    alone = assert_all_same(training, given, meters)
    assert [each.state for each in alone] == [State.COMPLETE, State.FAILED, State.COMPLETE]
    assert "loss nan in epoch 1" in alone[1].message


def test_a_checkpoint_that_does_not_fit_fails_its_trial_alone(training, meters):
    strange = save_state({"epoch": 1, "state": {"network": {}, "optimizer": {}}})
    given = [Given({**CNN, **DIFFERENT[0]}), Given({**CNN, **DIFFERENT[2]}, state=strange)]
    alone = assert_all_same(training, given, meters)
    assert [each.state for each in alone] == [State.COMPLETE, State.FAILED]


@pytest.mark.parametrize("share", [0.3, 0.62, 0.97])
def test_the_budget_of_one_ends_and_the_others_go_on(training, meters, share):
    candidates = [{**CNN, **each} for each in DIFFERENT[2:]]
    whole_j = Given(candidates[0]).alone(training, meters()).reading.total_j
    given = [Given(candidates[0], budget_j=share * whole_j), Given(candidates[1])]
    alone = assert_all_same(training, given, meters)
    assert [each.state for each in alone] == [State.TRUNCATED, State.COMPLETE]


def test_patience_ends_one(data, float32, meters):
    still = {**MLP, "optimizer": "sgd", "learning_rate": 0.0, "patience": 1, "epochs": 4}
    training = NetworkTraining(data, float32, "mlp")
    alone = assert_all_same(training, [Given(still), Given({**MLP, **DIFFERENT[2]})], meters)
    assert [each.epochs for each in alone] == [2, 3]


@pytest.mark.parametrize("fused_first", [True, False])
def test_a_trial_is_paused_in_a_stack_and_goes_on_alone_or_the_other_way(
    training, meters, fused_first
):
    candidates = [{**CNN, **each, "epochs": 3} for each in DIFFERENT]

    def run(given, fused):
        if fused:
            return together(training, given, meters)
        return [each.alone(training, meters()) for each in given]

    untils = [1, 2, 1, 2]  # so that they stand at different epochs when they go on together
    pauses = [Given(c, until=n, pause=True) for c, n in zip(candidates, untils, strict=True)]
    paused = run(pauses, fused_first)
    assert {each.state for each in paused} == {State.PAUSED}
    rests = [Given(c, state=p.checkpoint) for c, p in zip(candidates, paused, strict=True)]
    for candidate, pause, rest in zip(candidates, paused, run(rests, not fused_first), strict=True):
        whole = Given(candidate).alone(training, meters())
        scores = [point.score for point in (*pause.curve, *rest.curve)]
        assert scores == [point.score for point in whole.curve]
        states = [load_checkpoint(each.checkpoint) for each in (rest, whole)]
        torch.testing.assert_close(*states, rtol=1e-3, atol=1e-5)


def test_candidates_of_one_shape(data, training, float32):
    def shape(**params):
        return fusable_shape(training, {**CNN, **params})

    assert shape(learning_rate=0.1, optimizer="sgd", epochs=3, augmentation="flip") == shape()
    assert shape(dropout=0.2) == shape(dropout=0.4) != shape()
    others = [shape(width=6), shape(log2_batch_size=4), shape(precision="bf16"), shape()]
    assert len(set(others)) == 4
    shared = shaping(training, {**CNN, "dropout": 0.1, "epochs": 2, "log2_batch_size": 4})
    assert shared == sorted([*CNN, "log2_batch_size"])
    assert shape(freeze=True) is shape(learning_rate=-1) is None
    own = NetworkTraining(data, float32, lambda shape, n_classes: torch.nn.Flatten())
    assert fusable_shape(own, {}) is None


def test_whether_a_stack_pays_is_measured_once(training):
    assert gain(training, CNN, size=1) == gain(training, {**CNN, "freeze": True}, size=8) == 1.0
    found = gain(training, CNN, size=3)
    assert found > 0
    assert gain(training, {**CNN, "learning_rate": 0.1}, size=3) == found
    assert pays(training, CNN, size=3) == (found >= 1.1)
