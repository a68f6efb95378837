"""A stack of candidates on an NVIDIA GPU, where its steps are one CUDA graph."""

import math
from functools import partial

import pytest
import torch

from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.models.checkpoint import load_checkpoint
from perjoule.models.data import load
from perjoule.models.fused import train_together
from perjoule.models.network_training import NetworkTraining
from perjoule.models.objective import Objective, Slice
from perjoule.models.outcome import StopRule
from perjoule.models.phases import Assignment
from perjoule.models.runtime import Runtime

pytestmark = pytest.mark.gpu

DIFFERENT = [
    {"optimizer": "sgd", "learning_rate": 0.01, "epochs": 1},
    {"optimizer": "adam", "learning_rate": 2e-3, "schedule": "cosine", "epochs": 2},
    {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.1, "gradient_clip": 0.5},
]


@pytest.mark.parametrize("architecture", ["cnn", "mlp"])
def test_each_ends_as_it_does_alone(architecture: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU that torch can use")
    training = NetworkTraining(
        load("digits", device="cuda"), Runtime(torch.device("cuda")), architecture
    )
    candidates = [{"epochs": 3, **each} for each in DIFFERENT]
    objective = Objective(training, device="cuda")

    def slices(meter: EnergyMeter) -> list[Slice]:
        stops = [StopRule(each["epochs"], pause=True) for each in candidates]
        given = [Assignment(stop, meter, EnergyBudget(math.inf, meter)) for stop in stops]
        return [Slice(*pair) for pair in zip(candidates, given, strict=True)]

    with EnergyMeter("model") as meter:
        train = partial(train_together, training)
        fused = objective.train_together(slices(meter), train, lambda *_: None)
        alone = [objective.train_slice(*each) for each in slices(meter)]
    for ours, theirs in zip(fused, alone, strict=True):
        assert ours.message == theirs.message == ""
        assert ours.epochs == theirs.epochs
        assert ours.checkpoint is not None
        assert theirs.checkpoint is not None
        states = [load_checkpoint(each.checkpoint) for each in (ours, theirs)]
        torch.testing.assert_close(*states, rtol=2e-2, atol=2e-3)
