"""A stack of candidates on an NVIDIA GPU, where its steps are one CUDA graph."""

import pytest
import torch

from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.models.data import load
from perjoule.models.fused import train_together
from perjoule.models.metric import ACCURACY
from perjoule.models.network_training import NetworkTraining
from perjoule.models.outcome import StopRule
from perjoule.models.phases import Assignment, Phases
from perjoule.models.runtime import Runtime
from perjoule.models.trial import Trial

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

    def trials(meter: EnergyMeter) -> list[Trial]:
        given = [
            Assignment(StopRule(each["epochs"], pause=True), meter, EnergyBudget(1e9, meter))
            for each in candidates
        ]
        return [
            Trial(candidate, 0, "cuda", 0, ACCURACY, each, Phases(each, ((), ())))
            for candidate, each in zip(candidates, given, strict=True)
        ]

    with EnergyMeter("model") as meter:
        fused, alone = trials(meter), trials(meter)
        faults = []
        train_together(training, fused, lambda _, error: faults.append(error))
        assert faults == [None] * 3
        for each in alone:
            training(each)
        for ours, theirs in zip(fused, alone, strict=True):
            assert ours.kept is not None
            assert theirs.kept is not None
            assert ours.kept["epoch"] == theirs.kept["epoch"]
            torch.testing.assert_close(ours.kept, theirs.kept, rtol=2e-2, atol=2e-3)
