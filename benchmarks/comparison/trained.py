"""What a worker trains: a user's own function, or networks on a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...models.data.splits import Data
from ...models.importing import describe_error
from ...models.metric import Metric
from ...models.network_training import NetworkTraining
from ...models.networks.mlp_energy import training_energy
from ...models.networks.mlp_energy_stored import StoredEnergyModel
from ...models.operations import network_cost
from ...models.own_training import OwnTraining
from ...models.runtime import Runtime
from ...tuners.strategy import Task
from .earlier import read_earlier
from .folder import WARM_START
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


def describe_task(
    setting: Setting,
    training: NetworkTraining | OwnTraining,
    runtime: Runtime,
    metric: Metric,
) -> Task:
    """What strategies may know of what is trained."""
    experiment, facts = setting.experiment, setting.warm_start
    task = Task(
        experiment.allotment_j,
        experiment.fidelity,
        metric=metric,
        stop_early=experiment.stop_early,
        earlier=read_earlier(setting.folder / WARM_START, facts, setting.earlier) if facts else (),
    )
    if isinstance(training, OwnTraining):
        return task
    data = training.data
    given = training.architecture, data.shape, data.n_classes
    return replace(
        task,
        cost_of=lambda params: network_cost(params, *given),
        n_samples=len(data.train),
        energy_of=_energy_of(setting.energy_model, data, runtime),
    )


def _energy_of(
    stored: Mapping[str, Any] | None, data: Data, runtime: Runtime
) -> Callable[[Mapping[str, Any]], float | None] | None:
    """Foretells the joules of a candidate, where a model was stored for what trains here.

    It was fitted to float32: with another precision joules differ, and their order is a guide.
    """
    if stored is None or runtime.device.type != "cpu":
        return None
    model = StoredEnergyModel.from_dict(stored).model
    return training_energy(model, data.shape, data.n_classes, len(data.train))
