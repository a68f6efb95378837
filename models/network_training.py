"""perjoule's own training of networks on a data set: a user of the seam of `trial`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .checkpoint import load_checkpoint
from .data.splits import Data
from .metric import ACCURACY, Metric
from .networks.registry import Builder, resolve_architecture
from .operations import count_parameters, forward_operations, training_operations
from .runtime import Runtime
from .training import EVALUATION_BATCH, TrainingSettings, build, evaluate, train_epoch
from .trial import Trial, TrialFailed

SETUP_OPERATIONS_PER_PARAMETER = 10  # of the deterministic meter, to draw and place a weight


@dataclass(frozen=True, eq=False)
class NetworkTraining:
    """A training function: builds a candidate's network and trains it on one data set."""

    data: Data  # resident on the runtime's device
    runtime: Runtime
    architecture: str | Builder = "cnn"  # for `resolve_architecture`
    metric: Metric = ACCURACY

    def __post_init__(self) -> None:
        resolve_architecture(self.architecture)  # a wrong one is an error at once

    def __call__(self, trial: Trial) -> None:
        """Train the candidate of a trial epoch by epoch, and validate it after each."""
        network, optimizer, settings = self.build(trial.params, trial.seed)
        self._announce(trial, network, settings.batch_size)
        if (state := trial.restore()) is not None:
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
        generator = torch.Generator()
        for epoch in trial.epochs():
            # Seeded by epoch, so that a trial in slices is the trial in one piece.
            generator.manual_seed(trial.seed * 100_003 + epoch)
            train = self.data.train
            result = train_epoch(
                network, optimizer, train, settings, self.runtime, generator, trial.should_stop
            )
            if not result.finished:
                return
            if not math.isfinite(result.loss):
                raise TrialFailed(f"loss {result.loss} in epoch {epoch + 1}")
            trial.phase("validate")
            found = evaluate(network, self.data.validation, self.runtime, trial.should_stop)
            if found is None:
                return
            trial.report(**{self.metric.name: found.accuracy, "loss": found.loss})
            trial.save({"network": network.state_dict(), "optimizer": optimizer.state_dict()})

    def test_score(self, candidate: Mapping[str, Any], checkpoint: bytes) -> float:
        """The metric on the test split, of a checkpoint's network; for the report only."""
        network, _, _ = self.build(candidate, seed=0)
        network.load_state_dict(load_checkpoint(checkpoint)["state"]["network"])
        result = evaluate(network, self.data.test, self.runtime, lambda: False)
        assert result is not None
        return result.accuracy

    def build(
        self, candidate: Mapping[str, Any], seed: int
    ) -> tuple[torch.nn.Module, Any, TrainingSettings]:
        """Build a candidate's network, optimiser and training settings."""
        images = (self.data.shape, self.data.n_classes)
        return build(candidate, self.architecture, *images, self.runtime, seed)

    def _announce(self, trial: Trial, network: torch.nn.Module, batch_size: int) -> None:
        """Tell parameters and operations, charge the setup, and let steps be foreseen."""
        data, n_parameters = self.data, count_parameters(network)
        flops = forward_operations(network, data.shape)
        trial.describe(n_parameters=n_parameters, flops=flops)
        trial.count_operations(SETUP_OPERATIONS_PER_PARAMETER * n_parameters)
        trial.announce_steps(
            train=training_operations(network, data.shape, min(batch_size, len(data.train)), 1),
            validate=flops * min(EVALUATION_BATCH, len(data.validation)),
        )
