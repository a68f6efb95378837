"""Measured GPU energy: NVML's total-energy counter, or its power where the counter is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ....errors import SourceError
from ...counter import PossibleSteps
from ...forksafe import Guard
from ...hardware import MOST_W, most_of_limits
from ...source import BaseSource, Discovery, Kind, PowerSource, Scope, Source, SourceInfo, Task
from .devices import Device, Gpu, find_named, find_visible, list_gpus
from .processes import Occupancy, Processes

COUNTER_PERIOD_S = 0.1  # the energy counter's usual step; 20 to 100 ms are reported
MEND = (
    "Use a driver that reports energy or power; on Jetson take --meter hwmon, its INA3221 rails; "
    "or --meter cpu_time for the CPU alone"
)
POWER_ERROR = 0.05
POWER_INSTANT = 186  # NVML_FI_DEV_POWER_INSTANT: now, where the plain call averages a second


class _GpuSource(BaseSource):
    """What counter and power share: a GPU that may be unused, or used by others too."""

    def __init__(self, device: Device, occupancy: Occupancy) -> None:
        self.device, self.occupancy = device, occupancy

    @property
    def in_use(self) -> bool:
        return self.occupancy.in_use

    @property
    def notes(self) -> tuple[str, ...]:
        return self.occupancy.notes(self.info.id)

    def tasks(self) -> list[Task]:
        return [self.occupancy.look]


class NvmlCounterSource(_GpuSource, Source):
    """The total-energy counter of one GPU."""

    def __init__(self, device: Device, occupancy: Occupancy, clock: Callable[[], float]) -> None:
        super().__init__(device, occupancy)
        self._clock = clock
        self._guard = Guard()
        gpu = device.gpu
        detail = f"NVML energy counter of {gpu.name} ({gpu.uuid}), all processes on it included"
        self.info = _info(f"nvml:{gpu.uuid}", device, Kind.MEASURED, detail)
        self._steps = PossibleSteps(self.info.max_power_w, COUNTER_PERIOD_S)

    @property
    def resets(self) -> int:
        """How often the counter moved as none can: a reloaded driver, or a jump."""
        return self._steps.losses

    def read(self) -> float:
        """Joules since the driver was loaded."""
        self.occupancy.glance()
        with self._guard:
            asked_s = self._clock()
            energy_j = self.device.ask("energy", _counter_mj) / 1e3
            self._steps.judge(energy_j, asked_s, self._clock())
            return energy_j


class NvmlPowerSource(_GpuSource, PowerSource):
    """The present board power of one GPU; integrated by the meter."""

    def __init__(self, device: Device, occupancy: Occupancy) -> None:
        super().__init__(device, occupancy)
        instant = _is_there(lambda: device.ask("power", _instant_mw))
        self._read_mw = _instant_mw if instant else _usage_mw
        gpu, what = device.gpu, "instant power" if instant else "power"
        detail = f"NVML {what} of {gpu.name} ({gpu.uuid}) integrated over time"
        self.info = _info(f"nvml-power:{gpu.uuid}", device, Kind.INTEGRATED, detail, POWER_ERROR)

    def read_power_w(self) -> float:
        """Present board power in watts."""
        self.occupancy.glance()
        return self.device.ask("power", self._read_mw) / 1e3


def discover(
    nvml: Any = None,
    gpus: Sequence[str] | None = None,
    *,
    processes: Processes | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Discovery:
    """Find the GPUs whose energy can be read, by asking each, and why any was left out.

    Names are UUIDs or their prefixes, with or without ``GPU-``, ids of MIG slices (billed as their
    whole board) or NVML's numbers. Without names, the GPUs are those of ``CUDA_VISIBLE_DEVICES``,
    billed once this process tree is seen on them or if that cannot be told.
    """
    if gpus is not None and not gpus:
        return Discovery(reason="no GPU is in use")
    if nvml is None:
        try:
            import pynvml as nvml
        except ImportError as error:
            return Discovery(reason=f"pynvml: {error}", mend="pip install nvidia-ml-py")
    try:
        nvml.nvmlInit()  # never shut down: others in this process may use NVML too
        present = list_gpus(nvml)
    except Exception as error:  # noqa: BLE001 - drivers fail in many ways, and none may end us
        mend = "Install NVIDIA's driver, or pass the GPU to the container"
        return Discovery(reason=f"NVML: {error}", mend=mend)
    find = find_visible if gpus is None else partial(find_named, names=gpus)
    chosen, problems = find(nvml, present)
    processes = processes or Processes()
    sources: list[Source | PowerSource] = []
    for gpu in chosen:
        try:
            sources.append(_probe(nvml, gpu, processes, gpus is not None, clock))
        except SourceError as error:
            problems.append(f"GPU {gpu.index}: {error}")
    if problems:
        return Discovery(sources, "; ".join(problems), MEND, incomplete=True)
    none = "" if sources else f"none of the {len(present)} GPUs is in use by this process"
    return Discovery(sources, none)


def power_of(source: Source | PowerSource) -> PowerSource | None:
    """The power of the GPU whose counter a source reads, to compare the two; None without one."""
    if not isinstance(source, NvmlCounterSource):
        return None
    power = NvmlPowerSource(source.device, source.occupancy)
    return power if _is_there(power.read_power_w) else None


def _probe(
    nvml: Any, gpu: Gpu, processes: Processes, given: bool, clock: Callable[[], float]
) -> Source | PowerSource:
    """Take the counter if it answers with something, else the power, by calling them."""
    if gpu.handle is None:
        raise SourceError(gpu.problem)
    device = Device(nvml, gpu)
    occupancy = Occupancy(device, processes, given=given, clock=clock)
    if _is_there(lambda: device.ask("energy", _counter_mj)):
        return NvmlCounterSource(device, occupancy, clock)
    power = NvmlPowerSource(device, occupancy)
    if power.read_power_w() <= 0:
        raise SourceError(f"{gpu.name} reports neither energy nor power")
    return power


def _is_there(read: Callable[[], float]) -> bool:
    """Whether a call gives something; some virtual GPUs answer 0 for ever."""
    try:
        return read() > 0
    except SourceError:
        return False


def _counter_mj(nvml: Any, handle: Any) -> int:
    return int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))


def _usage_mw(nvml: Any, handle: Any) -> int:
    return int(nvml.nvmlDeviceGetPowerUsage(handle))


def _instant_mw(nvml: Any, handle: Any) -> int:
    [field] = nvml.nvmlDeviceGetFieldValues(handle, [POWER_INSTANT])
    if field.nvmlReturn != 0:
        raise SourceError(f"error {field.nvmlReturn}")
    return int(field.value.uiVal)


def _max_power_w(device: Device) -> float:
    """What a board may draw: twice the highest limit that can be set on it, if that is told."""
    try:
        limit_w = device.ask("limits", _greatest_limit_mw) / 1e3
    except SourceError:
        limit_w = 0.0
    return most_of_limits([limit_w], "gpu") or MOST_W["gpu"]


def _greatest_limit_mw(nvml: Any, handle: Any) -> int:
    _least, greatest = nvml.nvmlDeviceGetPowerManagementLimitConstraints(handle)
    return int(greatest)


def _info(
    name: str, device: Device, kind: Kind, detail: str, gain_error: float | None = None
) -> SourceInfo:
    gpu = device.gpu
    sliced = (
        f"{name}: the joules of the whole GPU, of which this process has slice "
        f"{', '.join(gpu.slices)}: those of its other slices are in the reading"
    )
    return SourceInfo(
        id=name,
        component="gpu",
        kind=kind,
        scope=Scope.BOARD,
        detail=detail,
        update_period_s=COUNTER_PERIOD_S,
        gain_error=gain_error,
        max_power_w=_max_power_w(device),
        warnings=(sliced,) if gpu.slices else (),
    )
