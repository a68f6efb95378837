"""What a process that trains for an experiment works with: a device, a meter, the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

from ...energy import EnergyMeter
from ...errors import ConfigurationError
from ...models.data import load
from ...models.data.splits import Data
from ...models.runtime import Runtime
from .experiment import Experiment


def detect_runtime(experiment: Experiment) -> Runtime:
    """Where and how precisely the experiment's candidates are trained here.

    Raises:
        ConfigurationError: The device cannot be used, or nothing can meter it.
    """
    runtime = Runtime.detect(experiment.device)
    if runtime.device.type not in ("cpu", "cuda") and experiment.meter != "model":
        raise ConfigurationError(
            f"device {experiment.device!r}: nothing here can meter its energy; take cpu or cuda"
        )
    return runtime


def open_meter(experiment: Experiment, device: torch.device, *, shared: bool) -> EnergyMeter:
    """The experiment's meter, for what is done on a device."""
    return EnergyMeter(
        experiment.meter,
        synchronize=partial(torch.cuda.synchronize, device) if device.type == "cuda" else None,
        gpus=gpus_of(device),
        shared=shared,
    )


def gpus_of(device: torch.device) -> list[str]:
    """The UUIDs of the GPUs that training on a device uses, whatever its place among the visible.

    dask-cuda shows each worker all GPUs, its own first.
    """
    on_gpu = device.type == "cuda"
    return [str(torch.cuda.get_device_properties(device).uuid)] if on_gpu else []


def load_data(experiment: Experiment, device: torch.device) -> Data:
    """The experiment's data on a device."""
    assert experiment.dataset is not None
    return load(
        experiment.dataset,
        device=str(device),
        split_seed=experiment.split_seed,
        train_limit=experiment.train_limit,
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for PyTorch: threads on shared cores stall each other, and one is the fastest."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
