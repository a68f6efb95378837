"""perjoule's own training of networks on a data set: a user of the seam of `trial`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .checkpoint import load_checkpoint
from .data.splits import Data, Split
from .early_stopping import stop_early
from .foresight import training_operations
from .metric import ACCURACY, Metric
from .networks.building import code_of
from .networks.registry import Builder, resolve_architecture
from .operations import count_parameters, forward_operations
from .runtime import Runtime
from .scoring import score_of
from .settings import split_hyperparameters
from .training import EVALUATION_BATCH, Built, Evaluation, build, evaluate, train_epoch
from .trial import Trial, TrialFailed

SETUP_OPERATIONS_PER_PARAMETER = 10  # of the deterministic meter, to draw and place a weight


def steps_of_epoch(n_train: int, n_validation: int, batch_size: int) -> int:
    """How often an epoch asks whether to stop: before each batch, of validation too."""
    return math.ceil(n_train / batch_size) + math.ceil(n_validation / EVALUATION_BATCH)


@dataclass(frozen=True, eq=False)
class NetworkTraining:
    """A training function: builds a candidate's network and trains it on one data set."""

    data: Data  # resident on the runtime's device
    runtime: Runtime
    architecture: str | Builder = "cnn"  # for `resolve_architecture`
    metric: Metric = ACCURACY

    def __post_init__(self) -> None:
        resolve_architecture(self.architecture)  # a wrong one is an error at once
        score_of(self.metric)

    def __call__(self, trial: Trial) -> None:
        """Train the candidate of a trial epoch by epoch, and validate it after each."""
        with code_of(self.architecture):
            self._train(trial)

    def _train(self, trial: Trial) -> None:
        built = self.build(trial.params, trial.seed)
        network, optimizer, settings, runtime = built
        self.announce(trial, network, settings.batch_size)
        scores: list[float] = []  # of all epochs of the trial
        if (state := trial.restore()) is not None:
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            scores = list(state.get("scores", ()))
        data, should_stop = self.data, trial.should_stop
        for epoch in trial.epochs():
            result = train_epoch(built, data.train, trial.seed, epoch, should_stop, data.tasks)
            if not result.finished:
                return
            if not math.isfinite(result.loss):
                raise TrialFailed(f"loss {result.loss} in epoch {epoch + 1}")
            trial.phase("validate")
            found = self._evaluate(network, data.validation, runtime, should_stop)
            if found is None:
                return
            scores.append(found.score)
            trial.report(**{"loss": found.loss, self.metric.name: found.score})
            states = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            trial.save({**states, "scores": scores})
            if stop_early(scores, settings.patience, self.metric):
                return

    def steps(self, candidate: Mapping[str, Any]) -> int:
        """How often training a candidate asks whether to stop: once a batch, of validation too."""
        settings, _ = split_hyperparameters(candidate, self.architecture)
        n_train, n_validation = len(self.data.train), len(self.data.validation)
        return settings.epochs * steps_of_epoch(n_train, n_validation, settings.batch_size)

    def test_score(self, candidate: Mapping[str, Any], checkpoint: bytes) -> float:
        """The metric on the test split, of a checkpoint's network; for the report only."""
        with code_of(self.architecture):
            network, _, _, runtime = self.build(candidate, seed=0)
            network.load_state_dict(load_checkpoint(checkpoint)["state"]["network"])
            result = self._evaluate(network, self.data.test, runtime, lambda: False)
        assert result is not None
        return result.score

    def build(self, candidate: Mapping[str, Any], seed: int) -> Built:
        """Build a candidate's network, optimiser and training settings."""
        images = (self.data.shape, self.data.n_classes)
        return build(candidate, self.architecture, *images, self.runtime, seed)

    def _evaluate(
        self,
        network: torch.nn.Module,
        split: Split,
        runtime: Runtime,
        should_stop: Callable[[], bool],
    ) -> Evaluation | None:
        return evaluate(network, split, runtime, should_stop, self.metric, self.data.tasks)

    def announce(self, trial: Trial, network: torch.nn.Module, batch_size: int) -> None:
        """Tell parameters and operations, charge the setup, and let steps be foreseen."""
        data, n_parameters = self.data, count_parameters(network)
        flops = forward_operations(network, data.shape)
        trial.describe(n_parameters=n_parameters, flops=flops)
        trial.count_operations(SETUP_OPERATIONS_PER_PARAMETER * n_parameters)
        trial.announce_steps(
            train=training_operations(flops, n_parameters, min(batch_size, len(data.train)), 1),
            validate=flops * min(EVALUATION_BATCH, len(data.validation)),
        )
