"""How the trials of studies train: perjoule's own training, on data that a process loads once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...models.data.splits import Data
    from ...models.networks.registry import Builder
    from ...models.trial import Trial


@lru_cache(maxsize=4)
def load_once(
    dataset: str, train_limit: int | None = None, split_seed: int = 0, device: str = "cpu"
) -> Data:
    """A data set, which stays loaded for the next trials of this process."""
    from ...models.data import load

    return load(dataset, device=device, split_seed=split_seed, train_limit=train_limit)


def train_network(
    trial: Trial, data: Data, architecture: str | Builder, params: Mapping[str, Any]
) -> None:
    """Train a network on data as a comparison would, for the epochs of the trial's part.

    Args:
        trial: It is asked, told and validated as by `models.network_training`.
        data: On the trial's device.
        architecture: A name, or a builder ``(shape, n_classes, **hyperparameters)``.
        params: Hyperparameters of the network and of its training.
    """
    from ...models.network_training import NetworkTraining
    from ...models.runtime import Runtime

    trial.params = params
    training = NetworkTraining(data, Runtime.detect(trial.device), architecture, trial.metric)
    training(trial)


def steps_of(data: Data, batch_size: int, epochs: int) -> int:
    """How often `train_network` asks whether to stop, for `design.Part.steps`."""
    from ...models.network_training import steps_of_epoch

    return epochs * steps_of_epoch(len(data.train), len(data.validation), batch_size)
