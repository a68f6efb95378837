"""Measured CPU and DRAM energy: Intel and AMD RAPL counters through Linux' powercap tree."""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from ...errors import SourceError
from ..counter import WrappingCounter
from ..hardware import MOST_W, SOCKET_W, most_of_limits
from ..source import Discovery, Kind, Scope, Source, SourceInfo

# Containers hide the usual powercap tree, so it may be mounted elsewhere.
ROOT = Path(os.environ.get("PERJOULE_POWERCAP", "/sys/class/powercap"))
# What a domain may draw where its limits are not told.
UNTOLD_W = {"cpu": SOCKET_W + 50.0, "dram": 300.0}
UPDATE_PERIOD_S = 1e-3
KEEP_ALIVE_S = 30.0
MIRROR_TOLERANCE_UJ = 1_000_000  # what a counter may differ by when read through another die
MEND = (
    "Give read permission: `sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj` until the "
    'next boot, or for good a udev rule: SUBSYSTEM=="powercap", ACTION=="add", '
    'RUN+="/bin/chmod a+r /sys%p/energy_uj"'
)
MEND_DEAD = "Have the firmware count it, if its settings know of DRAM RAPL, or take a wattmeter"
MEND_MISSING = "Load the driver: `sudo modprobe intel_rapl_msr`"
MEND_VIRTUAL = (
    "Virtual machines get no RAPL: meter the host, or take a wattmeter (--meter shelly:HOST)"
)
MEND_CONTAINER = (
    "Mount the host's: `docker run -v /sys/class/powercap/intel-rapl:/powercap:ro "
    "-e PERJOULE_POWERCAP=/powercap …`"
)


class RaplSource(Source):
    """One RAPL zone, a package or its DRAM: a folder with a counter and its greatest value."""

    def __init__(
        self,
        zone: Path,
        name: str,
        component: str,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._path = zone / "energy_uj"
        greatest = _read_int(zone / "max_energy_range_uj")
        if greatest <= 0:
            raise SourceError(f"{zone} has a counter of no range")
        try:
            self._file = os.open(self._path, os.O_RDONLY)  # kept open: ten times as fast to read
        except OSError as error:
            raise _unreadable(self._path, error) from error
        weakref.finalize(self, os.close, self._file)
        max_power_w = _max_power_w(zone, component)
        self.keep_alive_s = min(KEEP_ALIVE_S, 1e-6 * greatest / max_power_w / 2)
        self._counter = WrappingCounter(self.register, greatest + 1, 1e-6, max_power_w, clock)
        self.info = SourceInfo(
            id=f"rapl:{name}",
            component=component,
            kind=Kind.MEASURED,
            scope=Scope.PACKAGE,
            detail=f"RAPL counter of {name}, all processes on it included",
            update_period_s=UPDATE_PERIOD_S,
            max_power_w=max_power_w,
        )
        self.read()

    @property
    def resets(self) -> int:
        """How often the counter lost count."""
        return self._counter.resets

    def register(self) -> int:
        """The counter's present value in microjoules, wrapping."""
        try:
            return int(os.pread(self._file, 64, 0))
        except (OSError, ValueError) as error:
            raise _unreadable(self._path, error) from error

    def read(self) -> float:
        """Joules since the source was made, unwrapped."""
        return self._counter.read()


def discover(root: Path = ROOT, clock: Callable[[], float] = time.perf_counter) -> Discovery:
    """Find the packages and DRAM zones of a powercap tree, or of its folder ``intel-rapl``.

    psys, core, uncore, MMIO twins and dies that mirror another's counter would count twice. Some of
    the packages would be a wrong number: if one cannot be read none is taken; so for DRAM zones,
    where one that shows 0 is none that is counted.
    """
    zones = [(zone, *_label(zone)) for zone in _list_zones(root)]
    if not any(component == "cpu" for _, _, component in zones):
        what = "RAPL package under" if root.is_dir() else "powercap tree at"
        return Discovery(reason=f"no {what} {root}", mend=_mend_missing())
    try:
        packages = _open_zones(zones, "cpu", clock)
    except SourceError as error:
        return Discovery(reason=str(error), mend=MEND)
    cpus: dict[str, RaplSource] = {}
    for zone, source in packages.items():
        if not any(_mirrors(source, other) for other in cpus.values()):
            cpus[zone.name] = source
    try:
        drams = _open_zones(zones, "dram", clock)
    except SourceError as error:
        return Discovery([*cpus.values()], str(error), MEND, incomplete=True)
    if dead := [zone for zone, dram in drams.items() if dram.register() == 0]:
        # Some machines show a zone of DRAM that nothing counts in; a live one soon leaves 0.
        reason = f"{dead[0]} shows 0 J since the machine was started, as a dead counter does"
        return Discovery([*cpus.values()], reason, MEND_DEAD, incomplete=True)
    # "intel-rapl:0:1" lies within "intel-rapl:0"; what lies within a mirror is one too.
    own = [dram for zone, dram in drams.items() if zone.name.rpartition(":")[0] in cpus]
    return Discovery([*cpus.values(), *own])


def _list_zones(root: Path) -> list[Path]:
    """All zones, each once: the kernel shows parts of a package both beside and within it."""
    found = [*root.glob("intel-rapl:*/intel-rapl:*"), *root.glob("intel-rapl:*")]
    return [zone for _, zone in sorted({zone.name: zone for zone in found}.items())]


def _mend_missing() -> str:
    from .cpu.power import processor

    if sys.platform != "linux":
        return "RAPL is read on Linux only: take a wattmeter (--meter shelly:HOST)"
    if processor().virtual:
        return MEND_VIRTUAL
    in_container = "KUBERNETES_SERVICE_HOST" in os.environ or any(
        Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")
    )
    return MEND_CONTAINER if in_container else MEND_MISSING


def _open_zones(
    zones: list[tuple[Path, str, str]], wanted: str, clock: Callable[[], float]
) -> dict[Path, RaplSource]:
    found = (entry for entry in zones if entry[2] == wanted)
    return {zone: RaplSource(zone, name, part, clock) for zone, name, part in found}


def _mirrors(die: RaplSource, other: RaplSource) -> bool:
    """Whether two dies show one counter: then a reading lies between two of the other's."""
    if "-die-" not in die.info.id:
        return False
    before, now, after = other.register(), die.register(), other.register()
    return before - MIRROR_TOLERANCE_UJ <= now <= after + MIRROR_TOLERANCE_UJ


def _label(zone: Path) -> tuple[str, str]:
    """A zone's unique name and the component it feeds, empty for one that must not be counted."""
    try:
        name = (zone / "name").read_text().strip()
    except OSError:
        return zone.name, ""
    if name == "dram":
        return f"dram-{zone.name.split(':')[1]}", "dram"
    return name, "cpu" if name.startswith("package") else ""


def _max_power_w(zone: Path, component: str) -> float:
    """What a zone may draw: twice the highest limit that it tells, if that is one."""
    told_w = [
        limit_uw * 1e-6
        for file in zone.glob("constraint_*_uw")
        if file.name.endswith(("_power_limit_uw", "_max_power_uw")) and (limit_uw := _try_int(file))
    ]
    # Boards write higher limits to say that there is none; those of DRAM are seldom filled in.
    limits_w = [watts for watts in told_w if watts <= MOST_W["cpu"] and component == "cpu"]
    return most_of_limits(limits_w, component) or UNTOLD_W[component]


def _try_int(path: Path) -> int:
    try:
        return _read_int(path)
    except SourceError:
        return 0


def _read_int(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceError(f"no permission to read {path}")
    return SourceError(f"cannot read {path}: {error}")
