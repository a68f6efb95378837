"""Measured CPU and DRAM energy: Intel and AMD RAPL counters through Linux' powercap tree."""

from __future__ import annotations

import threading
from pathlib import Path

from ...errors import SourceError
from ..counter import WrappingCounter
from ..discovery import Discovery
from ..source import Kind, Scope, Source, SourceInfo

ROOT = Path("/sys/class/powercap")
MAX_PACKAGE_POWER_W = 2_000.0
UPDATE_PERIOD_S = 1e-3
MIRROR_TOLERANCE = 1e-4
"""Two dies whose counters differ by less than this share of their value are one counter."""
MEND = (
    "Give read permission: `sudo chmod -R a+r /sys/class/powercap/intel-rapl*` until the next "
    "boot, or for good a udev rule: "
    'SUBSYSTEM=="powercap", RUN+="/bin/chmod a+r /sys%p/energy_uj"'
)


class RaplSource:
    """One RAPL zone, a package or its DRAM.

    Args:
        zone: The zone's folder, with ``energy_uj`` and ``max_energy_range_uj``.
        name: The zone's name, such as ``"package-0"``.
        component: ``"cpu"`` or ``"dram"``.
    """

    wraps = True

    def __init__(self, zone: Path, name: str, component: str) -> None:
        self._file = zone / "energy_uj"
        modulus = _read_int(zone / "max_energy_range_uj") + 1
        self._counter = WrappingCounter(modulus, 1e-6, MAX_PACKAGE_POWER_W)
        self._lock = threading.Lock()
        self._info = SourceInfo(
            id=f"rapl:{name}",
            component=component,
            kind=Kind.MEASURED,
            scope=Scope.PACKAGE,
            detail=f"RAPL counter of {name}, all processes on it included",
            update_period_s=UPDATE_PERIOD_S,
            max_power_w=MAX_PACKAGE_POWER_W,
        )
        self.read()

    @property
    def info(self) -> SourceInfo:
        """The source's identity."""
        return self._info

    @property
    def resets(self) -> int:
        """How often the counter was found reset."""
        return self._counter.resets

    def read(self) -> float:
        """Joules since the source was made, unwrapped."""
        with self._lock:
            return self._counter.advance(_read_int(self._file))


def discover(root: Path = ROOT) -> Discovery:
    """Find the packages and DRAM zones of a powercap tree.

    psys, core and uncore are left out because packages contain them or they contain packages, and
    so are MMIO twins of packages and dies that mirror another die's counter.

    Args:
        root: The powercap folder.

    Returns:
        All readable sources, or none and the reason: half of a machine's packages would be a wrong
        number, so one package that cannot be read leaves none.
    """
    if not root.is_dir():
        return Discovery(reason=f"no powercap tree at {root}", mend="RAPL needs Linux on hardware")
    zones = [(zone, *_label(zone)) for zone in sorted(root.glob("intel-rapl:*"))]
    wanted = [(zone, name, component) for zone, name, component in zones if component]
    if not any(component == "cpu" for _, _, component in wanted):
        reason = f"no RAPL package under {root} (a virtual machine or container hides it)"
        return Discovery(reason=reason, mend="Run on the host, or mount /sys/class/powercap")
    sources: list[Source] = []
    seen_uj: dict[str, list[int]] = {"cpu": [], "dram": []}
    for zone, name, component in wanted:
        try:
            now_uj = _read_int(zone / "energy_uj")
            mirror = any(abs(now_uj - o) <= MIRROR_TOLERANCE * o for o in seen_uj[component])
            if not ("-die-" in name and mirror):
                sources.append(RaplSource(zone, name, component))
            seen_uj[component].append(now_uj)
        except SourceError as error:
            return Discovery(reason=str(error), mend=MEND)
    return Discovery(sources=list(sources))


def _label(zone: Path) -> tuple[str, str]:
    """A zone's unique name and the component it feeds, empty for one that must not be counted."""
    try:
        name = (zone / "name").read_text().strip()
    except OSError:
        return zone.name, ""
    if name.startswith("package"):
        return name, "cpu"
    if name == "dram":
        package = zone.name.split(":")[1]
        return f"dram-{package}", "dram"
    return name, ""


def _read_int(path: Path) -> int:
    try:
        return int(path.read_text())
    except PermissionError as error:
        raise SourceError(f"no permission to read {path}") from error
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {error}") from error
