"""The training environments that this machine offers: threads, precisions and power caps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....energy.sources.cpu.power import processor
from ....energy.sources.rapl import ROOT


@dataclass(frozen=True)
class Environment:
    """Where and how networks are trained; its name tells it from those of other machines."""

    name: str
    threads: int | None  # of PyTorch on the CPU; None leaves them on a GPU
    precision: str  # of the matrix products, one of `models.settings.PRECISIONS`


def environments_here(device: str | None, threads: Sequence[int]) -> tuple[Environment, ...]:
    """The environments of a device of this machine.

    Args:
        device: As in `models.runtime.Runtime.detect`.
        threads: Numbers of threads of a CPU; those above its cores are left out.

    Returns:
        Of a CPU each number of threads in float32, then one thread in bfloat16 where the CPU
        multiplies so; of a GPU both precisions.

    Raises:
        ConfigurationError: The device cannot be used.
    """
    from ....models.runtime import Runtime

    runtime = Runtime.detect(device)
    place, cap_w = runtime.describe()["device_name"], None
    if runtime.device.type == "cuda":
        counts: list[int | None] = [None]
        cap_w = gpu_cap_w(_uuid(runtime.device.index or 0))
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        counts = [count for count in dict.fromkeys(threads) if count <= (cores or 1)]
        if runtime.device.type == "cpu":
            place, cap_w = processor().model, cpu_cap_w()
    kinds = [(count, "float32") for count in counts]
    if runtime.autocast is not None:
        kinds.append((counts[0], "bf16"))
    return tuple(
        Environment(name_of(place, count, precision, cap_w), count, precision)
        for count, precision in kinds
    )


def name_of(place: str, threads: int | None, precision: str, cap_w: float | None) -> str:
    """What an environment is called.

    >>> name_of("AMD EPYC", 2, "float32", None), name_of("H100", None, "bf16", 500.0)
    ('AMD EPYC, 2 threads', 'H100, bf16, capped at 500 W')
    """
    parts = [place]
    if threads is not None:
        parts.append(f"{threads} thread{'s' * (threads > 1)}")
    if precision != "float32":
        parts.append(precision)
    if cap_w is not None:
        parts.append(f"capped at {cap_w:g} W")
    return ", ".join(parts)


def cpu_cap_w(root: Path | None = None) -> float | None:
    """The long-term limit of the first package's power by RAPL; None where it cannot be read."""
    zone = (root or ROOT) / "intel-rapl:0"
    try:
        return int((zone / "constraint_0_power_limit_uw").read_text()) / 1e6
    except (OSError, ValueError):
        return None


def gpu_cap_w(uuid: str, nvml: Any = None) -> float | None:
    """The limit of a GPU's power that is enforced, by NVML; None where it cannot be read.

    Args:
        uuid: As NVML writes it, ``GPU-…``.
        nvml: The binding; None for ``pynvml``.
    """
    try:
        if nvml is None:
            import pynvml as nvml
        nvml.nvmlInit()
        return nvml.nvmlDeviceGetEnforcedPowerLimit(nvml.nvmlDeviceGetHandleByUUID(uuid)) / 1e3
    except Exception:  # noqa: BLE001 - drivers fail in many ways: the cap is unknown then
        return None


def _uuid(index: int) -> str:
    import torch

    return f"GPU-{torch.cuda.get_device_properties(index).uuid}"


@contextmanager
def threads_of_torch(count: int | None) -> Iterator[None]:
    """Let PyTorch compute on so many threads, and put back what it had; None leaves them."""
    import torch

    before = torch.get_num_threads()
    try:
        if count is not None:
            torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)
