"""What a worker trains: a user's own function, or networks on a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...models.importing import describe_error
from ...models.metric import Metric
from ...models.network_training import NetworkTraining
from ...models.own_training import OwnTraining
from ...models.runtime import Runtime
from .instruments import load_data
from .messages import Setting
from .signals import Stopped


def make_training(
    setting: Setting, runtime: Runtime, metric: Metric
) -> NetworkTraining | OwnTraining:
    """What trains the candidates: a user's own function, or networks on a data set."""
    experiment = setting.experiment
    if experiment.objective is not None:
        names = frozenset(experiment.space or ())
        return OwnTraining.of(setting.objective or experiment.objective, names)
    assert experiment.architecture is not None
    data = load_data(experiment, runtime.device)
    return NetworkTraining(data, runtime, experiment.architecture, metric)


def score_on_test(
    training: NetworkTraining, params: Mapping[str, Any], weights: bytes
) -> tuple[float | None, str]:
    """The score on the test split; None and why, where a user's network fails there."""
    try:
        return training.test_score(params, weights), ""
    except Stopped:
        raise
    except BaseException as error:  # noqa: BLE001 - a user's network may raise anything
        return None, f"it could not be scored on test data: {describe_error(error)}"


def describe_data(training: NetworkTraining | OwnTraining) -> dict[str, Any]:
    """What `experiment.yaml` says of the data set: nothing of a user's own."""
    if isinstance(training, OwnTraining):
        return {}
    data = training.data
    return {
        "shape": list(data.shape),
        "normalisation": {name: list(each) for name, each in vars(data.normalisation).items()},
        "class_names": list(data.class_names),
        "tasks": list(data.tasks),
        **{name: getattr(data, name) for name in ("n_classes", "source", "fingerprint")},
        **{name: len(getattr(data, name)) for name in ("train", "validation", "test")},
    }
