"""Whether a stack is worth it: that depends on the shape and on the machine, so it is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import torch

from ...energy import EnergyBudget, EnergyMeter
from ..network_training import NetworkTraining
from ..objective import Objective, Slice
from ..operations import network_cost
from ..outcome import StopRule
from ..phases import Assignment
from ..settings import split_hyperparameters
from .shapes import fusable_shape
from .together import train_together

_LEAST_GAIN = 1.1  # times as fast; below, what is not measured may outweigh it
_LONGEST_STEP_S = 0.01  # of one network: its launches are then little beside its arithmetic
_ALIKE = 4.0  # so many times the operations of a step gain about the same
_WARM_UP, _STEPS = 2, 5  # how often is asked whether to go on, before and while it is timed
_gains: dict[Hashable, float] = {}


def pays(training: NetworkTraining, params: Mapping[str, Any], size: int) -> bool:
    """Whether so many candidates train faster as one stack than one after the other, here.

    Some of these questions take some steps of both; see `gain`.
    """
    return gain(training, params, size) >= _LEAST_GAIN


def gain(training: NetworkTraining, params: Mapping[str, Any], size: int) -> float:
    """How many times faster a step of a stack is than the steps of its members by themselves.

    Measured by a few steps of both on this machine, CPU time on a CPU; kept for the process, for
    all of an architecture whose steps have as many operations within a factor of four, and for
    sizes up to the next power of two: a search draws ever new shapes, and measuring each would take
    more than stacks save. It is 1 where nothing can be gained: of a candidate that cannot be
    stacked, of a single one, and of networks so large that launching kernels does not count.

    Args:
        training: Of the candidates.
        params: Of one of them; the others are taken to be like it.
        size: How many there are.
    """
    if fusable_shape(training, params) is None or size < 2:
        return 1.0
    size = 1 << (size.bit_length() - 1)
    data, runtime = training.data, training.runtime
    settings, _ = split_hyperparameters(params, training.architecture)
    place = data.shape, data.n_classes, str(runtime.device), torch.get_num_threads()
    forward, _ = network_cost(params, training.architecture, data.shape, data.n_classes)
    operations = round(math.log(max(forward * settings.batch_size, 1), _ALIKE))
    key = training.architecture, operations, settings.precision, size, place
    if key not in _gains:
        _gains[key] = _measure(training, params, size)
    return _gains[key]


def _measure(training: NetworkTraining, params: Mapping[str, Any], size: int) -> float:
    objective = Objective(training, training.metric, str(training.runtime.device))
    alone_s = _step_s(training, lambda given: objective.train_slice(params, given[0]))
    if alone_s is None or alone_s > _LONGEST_STEP_S:
        return 1.0
    function = partial(train_together, training)
    together_s = _step_s(
        training,
        lambda given: objective.train_together(
            [Slice(params, each) for each in given], function, lambda *_: None
        ),
        size,
    )
    return 1.0 if together_s is None else size * alone_s / together_s


def _step_s(
    training: NetworkTraining, train: Callable[[list[Assignment]], object], size: int = 1
) -> float | None:
    """Seconds from step to step, as the first of some slices is asked whether to go on.

    None if it cannot be trained for so many steps, or they take too long.
    """
    gpu = training.runtime.device.type == "cuda"
    asked_s: list[float] = []

    def note_time() -> bool:
        if gpu:
            torch.cuda.synchronize(training.runtime.device)
        asked_s.append(time.perf_counter() if gpu else time.process_time())
        return enough()

    def enough() -> bool:
        return len(asked_s) > steps or (bool(asked_s) and asked_s[-1] - asked_s[0] > longest_s)

    steps = _WARM_UP + _STEPS
    longest_s = steps * size * _LONGEST_STEP_S
    with EnergyMeter("model") as meter:
        budget = EnergyBudget(math.inf, meter)
        asks = [note_time, *[enough] * (size - 1)]
        train([Assignment(StopRule(_STEPS), meter, budget, interrupted=each) for each in asks])
    return (asked_s[-1] - asked_s[_WARM_UP]) / _STEPS if len(asked_s) > steps else None
