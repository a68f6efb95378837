"""Measured CPU and DRAM energy: RAPL counters through Linux' perf events.

Where powercap's files are for root alone, the PMU ``power`` may still be open: to all with
``perf_event_paranoid`` at 0 or below, or to a program with the capability CAP_PERFMON. The kernel
counts in 64 bits and looks after the wraps (``arch/x86/events/rapl.c``). The registers are those of
powercap, so the sources have the same ids and both at once are refused.
"""

from __future__ import annotations

import errno
import os
import re
import struct
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import SourceError
from ..counter import PossibleSteps
from ..forksafe import Guard
from ..source import Discovery, Kind, PowerSource, Scope, Source, SourceInfo
from .cpu.power import processor
from .rapl import MEND_VIRTUAL, UNTOLD_W, UPDATE_PERIOD_S

ROOT = Path("/")
PMU = "sys/bus/event_source/devices/power"
EVENTS = {"cpu": "energy-pkg", "dram": "energy-ram"}  # cores, gpu and psys lie within, or around
NAMES = {"cpu": "package", "dram": "dram"}
ONE_A_PACKAGE = ("AuthenticAMD", "HygonGenuine")  # whose dies show the counter of their package
_ATTR = struct.Struct("=IIQ48x")  # perf_event_attr of 64 bytes: type, size, config; the rest is 0
_SYSCALL, _MACHINE = 298, "x86_64"  # perf_event_open
_CLOSE_ON_EXEC = 8


class Kernel:
    """Opens and reads perf events of all processes on a CPU (``perf_event_open(2)``)."""

    def open(self, kind: int, config: int, cpu: int) -> int:
        """Start an event, and return its file.

        Raises:
            OSError: The kernel refuses.
        """
        import ctypes  # where there is no such event it is not needed, and takes its time

        if os.uname().machine != _MACHINE:
            raise OSError(errno.ENOSYS, f"not known how to ask on {os.uname().machine}")
        attr = _ATTR.pack(kind, _ATTR.size, config)
        ask = ctypes.CDLL(None, use_errno=True).syscall
        arguments = (ctypes.c_long(each) for each in (-1, cpu, -1, _CLOSE_ON_EXEC))
        file = ask(ctypes.c_long(_SYSCALL), attr, *arguments)
        if file < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return file

    def read(self, file: int) -> int:
        """The event's count since it was opened."""
        count = os.read(file, 8)
        if len(count) != 8:
            raise OSError(errno.EIO, "the event has stopped")
        return int.from_bytes(count, sys.byteorder)

    def close(self, file: int) -> None:
        """Let go of an event."""
        os.close(file)


class PerfSource(Source):
    """The RAPL counter of a package, or of its DRAM, as a perf event; a forked child shares it."""

    def __init__(
        self,
        event: _Event,
        cpu: int,
        name: str,
        kernel: Any = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._kernel, self._clock = kernel or Kernel(), clock
        self._joules_per_unit = event.joules_per_unit
        try:
            self._file = self._kernel.open(event.kind, event.config, cpu)
        except OSError as error:
            raise SourceError(f"perf event {event.name}: {error.strerror or error}") from error
        self._end = weakref.finalize(self, self._kernel.close, self._file)
        self._guard = Guard()
        self.info = SourceInfo(
            id=f"rapl:{name}",
            component=event.component,
            kind=Kind.MEASURED,
            scope=Scope.PACKAGE,
            detail=f"RAPL counter of {name} as a perf event, all processes on it included",
            update_period_s=UPDATE_PERIOD_S,
            max_power_w=UNTOLD_W[event.component],
        )
        self._steps = PossibleSteps(self.info.max_power_w, UPDATE_PERIOD_S)
        self.read()

    @property
    def resets(self) -> int:
        """How often the counter moved as none can."""
        return self._steps.losses

    def read(self) -> float:
        """Joules since the source was made."""
        with self._guard:
            asked_s = self._clock()
            try:
                energy_j = self._kernel.read(self._file) * self._joules_per_unit
            except OSError as error:
                raise SourceError(f"perf event: {error.strerror or error}") from error
            self._steps.judge(energy_j, asked_s, self._clock())
            return energy_j

    def close(self) -> None:
        """End the event; readings fail from then on."""
        with self._guard:
            self._end()
            self._file = -1


def discover(
    root: Path = ROOT, kernel: Any = None, clock: Callable[[], float] = time.perf_counter
) -> Discovery:
    """Find the packages and their DRAM that perf events of the file system ``root`` tell of.

    Some of the packages would be a wrong number: if one cannot be read none is taken.

    Args:
        root: Where ``sys`` and ``proc`` are.
        kernel: What opens, reads and closes events; None for `Kernel`.
        clock: Monotonic seconds.
    """
    pmu = root / PMU
    if not (pmu / "events" / EVENTS["cpu"]).exists():
        mend = MEND_VIRTUAL if processor().virtual else "Load its module: `sudo modprobe rapl`"
        return Discovery(reason=f"no RAPL event in {pmu}", mend=mend)
    try:
        names = dict(_name_packages(root))
        cpus = _open_event(pmu, "cpu", names, kernel, clock)
    except SourceError as error:
        return Discovery(reason=str(error), mend=_mend(error, root))
    if not (pmu / "events" / EVENTS["dram"]).exists():
        return Discovery(cpus)
    try:
        return Discovery(cpus + _open_event(pmu, "dram", names, kernel, clock))
    except SourceError as error:
        return Discovery(cpus, str(error), _mend(error, root), incomplete=True)


class _Event(NamedTuple):
    """What to ask the kernel for."""

    name: str
    component: str
    kind: int  # number of the PMU
    config: int  # of the event within it
    joules_per_unit: float


def _open_event(
    pmu: Path, component: str, names: dict[int, str], kernel: Any, clock: Callable[[], float]
) -> list[Source | PowerSource]:
    event = _read_event(pmu, component)
    return [
        PerfSource(event, cpu, f"{NAMES[component]}-{name}", kernel, clock)
        for cpu, name in names.items()
    ]


def _read_event(pmu: Path, component: str) -> _Event:
    name = EVENTS[component]
    file = pmu / "events" / name
    unit = _read(file.with_name(f"{name}.unit"))
    if unit != "Joules":
        raise SourceError(f"{file}.unit says {unit!r}, not Joules")
    try:
        kind, scale = int(_read(pmu / "type")), float(_read(file.with_name(f"{name}.scale")))
        config = int(_read(file).removeprefix("event="), 16)
    except ValueError as error:
        raise SourceError(f"{file}: {error}") from error
    if not 0 < scale < 1:
        raise SourceError(f"{file}.scale is {scale:g}, which is impossible")
    return _Event(name, component, kind, config, scale)


def _name_packages(root: Path) -> Iterator[tuple[int, str]]:
    """The CPUs to ask, one of each package or die, and the names of what they answer for."""
    mask = _read(root / PMU / "cpumask")
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", mask):
        raise SourceError(f"{root / PMU / 'cpumask'} names no CPUs: {mask!r}")
    ranges = [part.partition("-") for part in mask.split(",")]
    cpus = [cpu for a, _, b in ranges for cpu in range(int(a), int(b or a) + 1)]
    where = {cpu: _read(_topology(root, cpu) / "physical_package_id") for cpu in cpus}
    once = any(vendor in _read(root / "proc/cpuinfo") for vendor in ONE_A_PACKAGE)
    seen: set[str] = set()
    for cpu, package in where.items():
        if once and package in seen:
            continue
        seen.add(package)
        of_dies = not once and list(where.values()).count(package) > 1
        die = f"-die-{_read(_topology(root, cpu) / 'die_id')}" if of_dies else ""
        yield cpu, f"{package}{die}"


def _topology(root: Path, cpu: int) -> Path:
    return root / f"sys/devices/system/cpu/cpu{cpu}/topology"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error


def _mend(error: SourceError, root: Path) -> str:
    if not isinstance(error.__cause__, PermissionError):
        return "Take --meter rapl, which reads the same counters as files"
    try:
        level = f", now {_read(root / 'proc/sys/kernel/perf_event_paranoid')}"
    except SourceError:
        level = ""
    return (
        f"Open perf events: `sudo sysctl kernel.perf_event_paranoid=0`{level}, or for this Python "
        f"alone `sudo setcap cap_perfmon=ep {os.path.realpath(sys.executable)}`; in a container "
        "`--cap-add PERFMON`, and a seccomp profile that lets perf_event_open pass"
    )
