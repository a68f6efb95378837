"""Measured GPU energy: NVML's total-energy counter, or its power where the counter is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ....errors import SourceError
from ...counter import PossibleSteps
from ...forksafe import Guard
from ...hardware import most_of_limits
from ...source import BaseSource, Discovery, Kind, PowerSource, Source, SourceInfo, Task
from .devices import Device, find_named, find_visible, list_gpus
from .fields import (
    BOARD,
    ENERGIES,
    MODULE,
    POWER_AVERAGE,
    POWER_INSTANT,
    SCOPED_ENERGY,
    Domain,
    read_field,
)
from .processes import Occupancy, Processes

COUNTER_PERIOD_S = 0.1  # the energy counter's usual step; 20 to 100 ms are reported
MEND = (
    "Use a driver that reports energy or power; on Jetson take --meter hwmon, its INA3221 rails; "
    "or --meter cpu_time for the CPU alone"
)
POWER_ERROR = 0.05
Ask = Callable[[Any, Any], int]  # a question to the binding about a handle


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
    """The total-energy counter of one GPU, or of its module."""

    def __init__(
        self,
        device: Device,
        occupancy: Occupancy,
        clock: Callable[[], float],
        read_mj: Ask,
        domain: Domain = BOARD,
    ) -> None:
        super().__init__(device, occupancy)
        self._clock, self._read_mj = clock, read_mj
        self._guard = Guard()
        gpu = device.gpu
        detail = f"NVML energy counter of {gpu.name} ({gpu.uuid}){domain.detail}"
        name, everyone = f"{domain.name}:{gpu.uuid}", ", all processes on it included"
        self.info = _info(name, device, domain, Kind.MEASURED, detail + everyone)
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
            energy_j = self.device.ask("energy", self._read_mj) / 1e3
            self._steps.judge(energy_j, asked_s, self._clock())
            return energy_j


class NvmlPowerSource(_GpuSource, PowerSource):
    """The present power of one GPU, or of its module; integrated by the meter."""

    def __init__(self, device: Device, occupancy: Occupancy, domain: Domain = BOARD) -> None:
        super().__init__(device, occupancy)
        instant_mw = partial(read_field, field=POWER_INSTANT, domain=domain)
        instant = _is_there(lambda: device.ask("power", instant_mw))
        self._read_mw = instant_mw if instant else _averages_mw(domain)
        gpu, what = device.gpu, "instant power" if instant else "power"
        detail = f"NVML {what} of {gpu.name} ({gpu.uuid}){domain.detail}, integrated over time"
        name = f"{domain.name}-power:{gpu.uuid}"
        self.info = _info(name, device, domain, Kind.INTEGRATED, detail, POWER_ERROR)

    def read_power_w(self) -> float:
        """Present power in watts."""
        self.occupancy.glance()
        return self.device.ask("power", self._read_mw) / 1e3


def discover(
    nvml: Any = None,
    gpus: Sequence[str] | None = None,
    *,
    domain: Domain = BOARD,
    processes: Processes | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Discovery:
    """Find the GPUs whose energy can be read, by asking each, and why any was left out.

    Names are UUIDs or their prefixes, with or without ``GPU-``, ids of MIG slices (billed as their
    whole board) or NVML's numbers. Without names, the GPUs are those of ``CUDA_VISIBLE_DEVICES``,
    billed once this process tree is seen on them or if that cannot be told. The domain ``MODULE``
    gives their modules instead, CPU included, where NVML knows these.
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
            if gpu.handle is None:
                raise SourceError(gpu.problem)
            device = Device(nvml, gpu)
            occupancy = Occupancy(device, processes, given=gpus is not None, clock=clock)
            probe = _probe if domain is BOARD else _probe_module
            sources.append(probe(device, occupancy, clock))
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
    device: Device, occupancy: Occupancy, clock: Callable[[], float]
) -> NvmlCounterSource | NvmlPowerSource:
    """Take the counter if it answers with something, else the power, by calling them."""
    for read_mj in (_counter_mj, *(partial(read_field, field=field) for field in ENERGIES)):
        if _is_there(partial(device.ask, "energy", read_mj)):
            return NvmlCounterSource(device, occupancy, clock, read_mj)
    power = NvmlPowerSource(device, occupancy)
    if power.read_power_w() <= 0:
        raise SourceError(f"{device.gpu.name} reports neither energy nor power")
    return power


def _probe_module(
    device: Device, occupancy: Occupancy, clock: Callable[[], float]
) -> NvmlCounterSource | NvmlPowerSource:
    """The same of the module: one that shows no more than its GPU is the GPU by another name."""
    board = _probe(device, occupancy, clock)
    read_mj = partial(read_field, field=SCOPED_ENERGY, domain=MODULE)
    if isinstance(board, NvmlCounterSource) and _is_there(partial(device.ask, "energy", read_mj)):
        counter = NvmlCounterSource(device, occupancy, clock, read_mj, MODULE)
        if counter.read() > board.read():  # the board's later, lest the same counter seem to be two
            return counter
    power, board_power = (NvmlPowerSource(device, occupancy, each) for each in (MODULE, BOARD))
    if power.read_power_w() <= board_power.read_power_w():
        raise SourceError(f"{device.gpu.name} tells no power of a module")
    return power


def _is_there(read: Callable[[], float]) -> bool:
    """Whether a call gives something; some virtual GPUs answer 0 for ever."""
    try:
        return read() > 0
    except SourceError:
        return False


def _counter_mj(nvml: Any, handle: Any) -> int:
    return int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))


def _averages_mw(domain: Domain) -> Ask:
    if domain is BOARD:
        return lambda nvml, handle: int(nvml.nvmlDeviceGetPowerUsage(handle))
    return partial(read_field, field=POWER_AVERAGE, domain=domain)


def _max_power_w(device: Device, domain: Domain) -> float:
    """What may be drawn: by a board twice the highest limit that can be set, if that is told."""
    if domain is not BOARD:
        return domain.max_power_w
    try:
        limit_w = device.ask("limits", _greatest_limit_mw) / 1e3
    except SourceError:
        limit_w = 0.0
    return most_of_limits([limit_w], "gpu") or domain.max_power_w


def _greatest_limit_mw(nvml: Any, handle: Any) -> int:
    _least, greatest = nvml.nvmlDeviceGetPowerManagementLimitConstraints(handle)
    return int(greatest)


def _info(
    name: str,
    device: Device,
    domain: Domain,
    kind: Kind,
    detail: str,
    gain_error: float | None = None,
) -> SourceInfo:
    gpu = device.gpu
    sliced = (
        f"{name}: the joules of the whole GPU, of which this process has slice "
        f"{', '.join(gpu.slices)}: those of its other slices are in the reading"
    )
    return SourceInfo(
        id=name,
        component=domain.component,
        kind=kind,
        scope=domain.scope,
        detail=detail,
        update_period_s=COUNTER_PERIOD_S,
        gain_error=gain_error,
        max_power_w=_max_power_w(device, domain),
        warnings=(sliced,) if gpu.slices else (),
    )
