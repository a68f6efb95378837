"""Which candidates may be trained as one stack."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from ...errors import PerjouleError
from ..network_training import NetworkTraining
from ..settings import split_hyperparameters
from ..space import BATCH_SIZE, LOG2_BATCH_SIZE

_DROPOUT = "dropout"
_SHAPING = (BATCH_SIZE, LOG2_BATCH_SIZE, "precision", "freeze")
_STACKABLE = ("cnn", "mlp")  # architectures whose layers `Stack` knows
_DEVICES = ("cpu", "cuda")


def fusable_shape(training: NetworkTraining, params: Mapping[str, Any]) -> Hashable | None:
    """What candidates must share to be trained as one stack; None of one that cannot be.

    That is the network, the batch size, the precision, and whether there is dropout. Rates, decay,
    the optimiser, schedules, epochs, patience, the share that is dropped and augmentation may
    differ.

    None have networks other than `cnn` and `mlp`, a frozen trunk, hyperparameters that cannot be
    used (training them alone says why); and on a GPU, whose random numbers depend on the kernel
    that draws them, augmentation and dropout.
    """
    device = training.runtime.device.type
    if training.architecture not in _STACKABLE or device not in _DEVICES:
        return None
    try:
        settings, network = split_hyperparameters(params, training.architecture)
        runtime = training.runtime.at(settings.precision)
    except PerjouleError:
        return None
    drops = bool(network.pop(_DROPOUT, 0))
    random = drops or settings.augmentation != "none"
    if settings.freeze or (random and device != "cpu"):
        return None
    layers = tuple(sorted(network.items()))
    precision = settings.precision == "auto", str(runtime.autocast)  # auto depends on the network
    return training.architecture, layers, drops, settings.batch_size, *precision


def shaping(training: NetworkTraining, params: Mapping[str, Any]) -> list[str]:
    """The hyperparameters that a candidate shares with all of its `fusable_shape`."""
    _, network = split_hyperparameters(params, training.architecture)
    return sorted(params.keys() & {*network, *_SHAPING} - {_DROPOUT})
