"""Whether a stack is worth it: that depends on the shape and on the machine, so it is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch

from ...energy import EnergyBudget, EnergyMeter
from ..network_training import NetworkTraining
from ..outcome import StopRule
from ..phases import Assignment, Phases
from ..trial import Trial
from .shapes import fusable_shape
from .together import train_together

_LEAST_GAIN = 1.1  # times as fast; below, what is not measured may outweigh it
_LONGEST_STEP_S = 0.01  # of one network: its launches are then little beside its arithmetic
_WARM_UP, _STEPS = 2, 5  # how often is asked whether to go on, before and while it is timed
_gains: dict[Hashable, float] = {}


def pays(training: NetworkTraining, params: Mapping[str, Any], size: int) -> bool:
    """Whether so many candidates train faster as one stack than one after the other, here.

    The first question about a shape and a size takes some steps of both; see `gain`.
    """
    return gain(training, params, size) >= _LEAST_GAIN


def gain(training: NetworkTraining, params: Mapping[str, Any], size: int) -> float:
    """How many times faster a step of a stack is than the steps of its members by themselves.

    Measured by a few steps of both on this machine, CPU time on a CPU; kept for the process. It is
    1 where nothing can be gained: of a candidate that cannot be stacked, of a single one, and of
    networks so large that launching kernels does not count.

    Args:
        training: Of the candidates.
        params: Of one of them; the others are taken to be like it.
        size: How many there are.
    """
    shape = fusable_shape(training, params)
    if shape is None or size < 2:
        return 1.0
    data, device = training.data, training.runtime.device
    place = data.shape, data.n_classes, str(device), torch.get_num_threads()
    if (shape, size, place) not in _gains:
        _gains[shape, size, place] = _measure(training, params, size)
    return _gains[shape, size, place]


def _measure(training: NetworkTraining, params: Mapping[str, Any], size: int) -> float:
    alone_s = _step_s(training, params, lambda trials: training(trials[0]), 1)
    if alone_s > _LONGEST_STEP_S:
        return 1.0
    together_s = _step_s(
        training, params, lambda trials: train_together(training, trials, _raise), size
    )
    return size * alone_s / together_s


def _step_s(
    training: NetworkTraining,
    params: Mapping[str, Any],
    train: Callable[[list[Trial]], object],
    size: int,
) -> float:
    """Seconds from step to step, as the first of some trials is asked whether to go on."""
    gpu = training.runtime.device.type == "cuda"
    asked_s: list[float] = []

    def note_time() -> bool:
        if gpu:
            torch.cuda.synchronize(training.runtime.device)
        asked_s.append(time.perf_counter() if gpu else time.process_time())
        return enough()

    def enough() -> bool:
        return len(asked_s) > _WARM_UP + _STEPS

    with EnergyMeter("model") as meter:
        budget = EnergyBudget(math.inf, meter)
        asks = [note_time, *[enough] * (size - 1)]
        given = [Assignment(StopRule(_STEPS), meter, budget, interrupted=each) for each in asks]
        train([_trial(training, params, each) for each in given])
    return (asked_s[-1] - asked_s[_WARM_UP]) / _STEPS


def _trial(training: NetworkTraining, params: Mapping[str, Any], given: Assignment) -> Trial:
    device = str(training.runtime.device)
    return Trial(params, 0, device, 0, training.metric, given, Phases(given, ((), ())))


def _raise(trial: Trial, error: Exception | None) -> None:
    """Take no note of a trial that was only timed, unless it failed."""
    if error is not None:
        raise error
