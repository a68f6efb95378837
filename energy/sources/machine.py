"""A machine's sources by family; each module is loaded when it is asked: a meter starts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..source import Discovery


@dataclass(frozen=True)
class Machine:
    """Where sources are looked for."""

    gpus: Sequence[str] | None = None  # UUIDs of those in use; None for all visible
    rapl_root: Path | None = None  # the powercap tree; None for the system's
    hwmon_root: Path | None = None  # the hwmon tree; None for the system's
    nvml_binding: Any = None  # the NVML binding; None for ``pynvml``
    perf_root: Path | None = None  # where ``sys`` and ``proc`` tell of perf events; None for /
    perf_kernel: Any = None  # what opens perf events; None for the kernel
    pm_root: Path | None = None  # Cray's pm_counters; None for the system's
    smi_binding: Any = None  # AMD's binding; None for ``amdsmi``


THIS_MACHINE = Machine()


def find_packages(machine: Machine) -> Discovery:
    """RAPL through powercap's files, or through perf events where these cannot be read."""
    files = find_rapl(machine)
    events = files if files.sources else find_perf(machine)
    if events.sources:
        return events
    mends = dict.fromkeys((files.mend, events.mend))
    return Discovery(reason=f"{files.reason}; {events.reason}", mend=". Or: ".join(mends))


def find_rapl(machine: Machine) -> Discovery:
    """RAPL through powercap's files."""
    from . import rapl

    return rapl.discover(machine.rapl_root or rapl.ROOT)


def find_perf(machine: Machine) -> Discovery:
    """RAPL through perf events."""
    from . import perf

    return perf.discover(machine.perf_root or perf.ROOT, machine.perf_kernel)


def find_cray(machine: Machine, counter: str = "") -> Discovery:
    """Counters of a Cray node, or the one that is named."""
    from . import pm_counters

    return pm_counters.discover(machine.pm_root or pm_counters.ROOT, counter)


def find_nvidia(machine: Machine, *, modules: bool = False) -> Discovery:
    """NVIDIA GPUs, or the modules that they form with their CPUs."""
    from .nvml import source as nvml

    domain = nvml.MODULE if modules else nvml.BOARD
    return nvml.discover(machine.nvml_binding, machine.gpus, domain=domain)


def find_amd(machine: Machine, card: str = "") -> Discovery:
    """Counters of AMD cards, or the one of a number or address."""
    from . import amdsmi

    return amdsmi.discover(machine.smi_binding, card)


def find_sensors(machine: Machine, channel: str = "") -> Discovery:
    """Channels of hwmon, or the one that is named."""
    from .hwmon import source as hwmon

    return hwmon.discover(machine.hwmon_root or hwmon.ROOT, channel or None)
