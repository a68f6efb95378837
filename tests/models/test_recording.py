import math
from typing import Any

import pytest
import torch
from torch import nn

from perjoule.models import recording
from perjoule.models.data.splits import Split
from perjoule.models.networks.registry import Builder
from perjoule.models.optimisers import Step, make_optimizer
from perjoule.models.runtime import Runtime
from perjoule.models.settings import TrainingSettings
from perjoule.models.training import build, train_epoch

CPU = torch.device("cpu")


def images(n_samples=150, side=8):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(n_samples, side, side, 1, generator=generator).permute(0, 3, 1, 2)
    return Split(inputs, torch.randint(10, (n_samples,), generator=generator))


def begin(params, architecture: str | Builder = "cnn", runtime=None):
    return build({"batch_size": 64, **params}, architecture, (1, 8, 8), 10, runtime, seed=0)


def train(built, epochs=2, split=None, begin_at=0, **options):
    return [
        train_epoch(built, split or images(), 0, epoch, lambda: False, **options)
        for epoch in range(begin_at, begin_at + epochs)
    ]


def tensors_of(built):
    state = built.optimizer.state_dict()["state"]
    return {
        **built.network.state_dict(),
        **{f"{number}.{name}": each[name] for number, each in state.items() for name in each},
    }


def same(one, other):
    ours, theirs = tensors_of(one), tensors_of(other)
    return list(ours) == list(theirs) and all(torch.equal(ours[key], theirs[key]) for key in ours)


def tied(shape, n_classes):
    layer = nn.Linear(math.prod(shape), math.prod(shape))
    return nn.Sequential(
        nn.Flatten(), layer, nn.ReLU(), layer, nn.Linear(math.prod(shape), n_classes)
    )


CASES: dict[str, tuple[dict[str, Any], str | Builder]] = {
    "dropout, clipped": ({"dropout": 0.4, "gradient_clip": 0.5}, "cnn"),
    "bfloat16": ({"precision": "bf16", "schedule": "cosine"}, "cnn"),
    "augmented, smoothed": ({"augmentation": "shift", "label_smoothing": 0.1}, "cnn"),
    "momentum": ({"optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-3}, "cnn"),
    "plain": ({"optimizer": "sgd"}, "cnn"),
    "decoupled": ({"optimizer": "adamw", "weight_decay": 0.1, "learning_rate": 0.01}, "cnn"),
    "frozen": ({"freeze": True}, "cnn"),
    "residual": ({"profile": "rectangle-residual", "depth": 4, "dropout": 0.2}, "mlp"),
    "tied": ({}, tied),
}


@pytest.mark.parametrize("case", CASES)
def test_a_recorded_training_is_the_training_bit_for_bit(case, monkeypatch):
    params, architecture = CASES[case]
    recorded = begin(params, architecture, Runtime(CPU))
    losses = [each.loss for each in train(recorded)]
    assert recorded.network in recording._RECORDINGS
    monkeypatch.setattr(recording, "is_certain", lambda network: False)
    plain = begin(params, architecture, Runtime(CPU))
    assert [each.loss for each in train(plain)] == losses
    assert same(recorded, plain)


def test_tasks_and_modes_that_change_are_recorded_anew(monkeypatch):
    def trained():
        built = begin({}, "cnn", Runtime(CPU))
        losses = train(built, 1, tasks=(4, 6))
        assert (built.network in recording._RECORDINGS) == recording.is_certain(built.network)
        losses += train(built, 1, begin_at=1)
        built.network[0].requires_grad_(False)
        losses += train(built, 1, begin_at=2)
        built.network[-1].weight = nn.Parameter(torch.ones(10, 64))  # not the optimiser's
        losses += train(built, 1, begin_at=3)
        return built, [each.loss for each in losses]

    recorded, losses = trained()
    monkeypatch.setattr(recording, "is_certain", lambda network: False)
    plain, others = trained()
    assert losses == others
    assert same(recorded, plain)


def test_code_of_others_runs_at_each_step():
    ran, hooked = [], []

    class Own(nn.Sequential):
        def forward(self, input):
            ran.append(len(input))
            return super().forward(input) * len(ran)  # what a recording would take for a constant

    for kind in (Own, nn.Sequential):
        built = begin({}, lambda s, n, k=kind: k(nn.Flatten(), nn.Linear(64, n)), Runtime(CPU))
        if kind is nn.Sequential:
            built.network[1].register_forward_hook(lambda *_: hooked.append(1))
        train(built)
    assert ran == [64, 64, 22] * 2
    assert len(hooked) == 6


@pytest.mark.parametrize(
    "loss", [lambda x, y: x[y > 4].sum(), lambda x, y: x.sum() * (1 if y.sum().item() > 9 else 2)]
)
def test_what_depends_on_values_is_not_recorded(loss):
    network = nn.Sequential(nn.Linear(3, 2))
    passes = recording.Passes(network, lambda inputs, labels: loss(network(inputs), labels), None)
    for first in (0, 5):
        inputs, labels = torch.randn(10, 3), torch.arange(first, first + 10)
        given = passes(inputs, labels)
        assert torch.equal(given, loss(network(inputs), labels))
    assert network not in recording._RECORDINGS


def test_a_step_too_large_to_be_held_is_not_recorded(monkeypatch):
    monkeypatch.setattr(recording, "LARGEST_RECORDED", 10_000)
    built = begin({}, "cnn", Runtime(CPU))
    train(built)
    assert built.network not in recording._RECORDINGS


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_a_step_is_that_of_the_optimiser_and_leaves_its_state(name):
    momentum = 0.9 if name == "sgd" else None
    settings = TrainingSettings(optimizer=name, momentum=momentum, weight_decay=0.01)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    optimizers = [
        make_optimizer([*each.parameters()], settings, Runtime(CPU)) for each in (ours, theirs)
    ]
    for _ in range(2):  # the second time from a checkpoint of the other
        step = Step(optimizers[0])
        for _ in range(4):
            optimizers[0].param_groups[0]["lr"] = optimizers[1].param_groups[0]["lr"] = 0.1
            for network in (ours, theirs):
                network.zero_grad()
                network(torch.ones(2, 5)).square().sum().backward()
            step()
            optimizers[1].step()
        states = [each.state_dict() for each in optimizers]
        assert states[0]["state"].keys() == states[1]["state"].keys()
        optimizers[0].load_state_dict(states[1])
        optimizers[1].load_state_dict(states[0])
        assert all(map(torch.equal, ours.parameters(), theirs.parameters()))


def test_a_parameter_without_a_gradient_is_left_alone():
    used, unused = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    step = Step(make_optimizer([used, unused], TrainingSettings(), Runtime(CPU)))
    for _ in range(3):
        used.grad = torch.ones(3)
        step()
    assert torch.equal(unused, torch.ones(3))
    assert (used < 1).all()


def test_a_small_network_is_trained_in_float32_unless_it_asks():
    runtime = Runtime(CPU, torch.bfloat16)
    assert begin({}, "cnn", runtime).runtime.autocast is None
    assert begin({"width": 128}, "cnn", runtime).runtime.autocast is torch.bfloat16
    assert begin({"precision": "bf16"}, "cnn", runtime).runtime.autocast is torch.bfloat16
