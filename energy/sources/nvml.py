"""Measured GPU energy: NVML's total-energy counter, or its power where the counter is missing."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

from ...errors import SourceError
from ..discovery import Discovery
from ..source import Kind, PowerSource, Scope, Source, SourceInfo

COUNTER_PERIOD_S = 0.1
"""The energy counter's usual step; 20 to 100 ms are reported."""
POWER_ERROR = 0.05
MAX_BOARD_POWER_W = 3_000.0


class NvmlCounterSource:
    """The total-energy counter of one GPU.

    Args:
        nvml: The NVML binding, ``pynvml``.
        handle: NVML's device handle.
        uuid: The GPU's UUID.
        name: The card's name.
    """

    def __init__(self, nvml: Any, handle: Any, uuid: str, name: str) -> None:
        self._nvml, self._handle = nvml, handle
        self._lock = threading.Lock()
        self._last_mj: int | None = None
        self.resets = 0
        self._info = SourceInfo(
            id=f"nvml:{uuid}",
            component="gpu",
            kind=Kind.MEASURED,
            scope=Scope.BOARD,
            detail=f"NVML energy counter of {name} ({uuid}), all processes on it included",
            update_period_s=COUNTER_PERIOD_S,
            max_power_w=MAX_BOARD_POWER_W,
        )

    @property
    def info(self) -> SourceInfo:
        """The source's identity."""
        return self._info

    def read(self) -> float:
        """Joules since the driver was loaded."""
        with self._lock:
            try:
                now_mj = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
            except self._nvml.NVMLError as error:
                raise SourceError(f"NVML energy: {error}") from error
            if self._last_mj is not None and now_mj < self._last_mj:
                self.resets += 1  # the driver was reloaded: windows across it have no energy
            self._last_mj = now_mj
            return now_mj / 1e3


class NvmlPowerSource:
    """The present board power of one GPU without an energy counter; integrated by the meter."""

    def __init__(self, nvml: Any, handle: Any, uuid: str, name: str) -> None:
        self._nvml, self._handle = nvml, handle
        self._info = SourceInfo(
            id=f"nvml-power:{uuid}",
            component="gpu",
            kind=Kind.INTEGRATED,
            scope=Scope.BOARD,
            detail=f"NVML power of {name} ({uuid}) integrated over time",
            update_period_s=COUNTER_PERIOD_S,
            gain_error=POWER_ERROR,
            max_power_w=MAX_BOARD_POWER_W,
        )

    @property
    def info(self) -> SourceInfo:
        """The source's identity."""
        return self._info

    def read_power_w(self) -> float:
        """Present board power in watts."""
        try:
            return self._nvml.nvmlDeviceGetPowerUsage(self._handle) / 1e3
        except self._nvml.NVMLError as error:
            raise SourceError(f"NVML power: {error}") from error


def discover(nvml: Any = None, gpus: Sequence[str] | None = None) -> Discovery:
    """Find the GPUs whose energy can be read, by asking each.

    Args:
        nvml: The NVML binding; None for ``pynvml``.
        gpus: UUIDs to take (a prefix is enough, ``GPU-`` may be missing, as torch gives them);
            None takes those that ``CUDA_VISIBLE_DEVICES`` lets this process see.

    Returns:
        One source per GPU, and the reason why any was left out.
    """
    if gpus is not None and not gpus:
        return Discovery(reason="no GPU is in use")
    if nvml is None:
        try:
            import pynvml as nvml
        except ImportError as error:
            return Discovery(reason=f"pynvml: {error}", mend="pip install nvidia-ml-py")
    try:
        nvml.nvmlInit()
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        return Discovery(
            reason=f"NVML: {error}",
            mend="Install NVIDIA's driver, or pass the GPU to the container",
        )
    wanted = list(gpus) if gpus is not None else _visible()
    sources: list[Source | PowerSource] = []
    problems: list[str] = []
    for index in range(count):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid = _text(nvml.nvmlDeviceGetUUID(handle))
            if wanted is not None and not any(_same(uuid, index, want) for want in wanted):
                continue
            sources.append(_probe(nvml, handle, uuid, _text(nvml.nvmlDeviceGetName(handle))))
        except (SourceError, nvml.NVMLError) as error:
            problems.append(f"GPU {index}: {error}")
    if not sources and not problems:
        problems.append(f"none of the {count} GPUs is in use by this process")
    return Discovery(
        sources, "; ".join(problems), "Use a driver that reports power" if problems else ""
    )


def _probe(nvml: Any, handle: Any, uuid: str, name: str) -> Source | PowerSource:
    """Take the counter if it answers with something, else the power, by calling them."""
    counter = NvmlCounterSource(nvml, handle, uuid, name)
    try:
        if counter.read() > 0:  # some virtual GPUs answer 0 for ever
            return counter
    except SourceError:
        pass
    power = NvmlPowerSource(nvml, handle, uuid, name)
    if power.read_power_w() <= 0:
        raise SourceError(f"{name} reports neither energy nor power")
    return power


def _visible() -> list[str] | None:
    """The entries of CUDA_VISIBLE_DEVICES, None if it is not set."""
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _same(uuid: str, index: int, wanted: str) -> bool:
    bare, bare_wanted = uuid.removeprefix("GPU-"), wanted.removeprefix("GPU-")
    return wanted == str(index) or (not wanted.isdigit() and bare.startswith(bare_wanted))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
