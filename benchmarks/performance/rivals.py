"""The meters that are compared, each at the best settings that its authors offer.

*Zeus* is a `ZeusMonitor` with no GPU and all packages, `begin_window` and `end_window`, its
documented way. `approx_instant_energy` replaces zero joules of a GPU only, so it is left off. Its
module constant `RAPL_DIR` points to the tree. It spawns a process per package at the first reading
to watch for wraps, so `make_ready` takes a first window and waits until those processes rest.

*CodeCarbon* is an `OfflineEmissionsTracker`, which asks no network, with no output method and its
log at errors only. A window is a task: `start_task` and `stop_task` read the registers and leave
the periodic measuring off. (A new tracker per window reads no better and takes longer.) Only its
CPU energy is taken, not the modelled memory. Its class `IntelRAPL` and its check for RAPL get the
tree as their folder, which no setting changes. Its first window detects the hardware.

carbontracker is left out: it averages power over a second and has no window shorter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

J_PER_KWH = 3.6e6
RESTING_SHARE = 0.05
SETTLE_STEP_S = 0.25


class Measured(NamedTuple):
    """What a meter says of a window; None where it says that it does not know."""

    energy_j: float | None
    bound_j: float | None = None


class Meter(NamedTuple):
    """A meter on a powercap tree, one window at a time; closing lets go of what it started."""

    begin: Callable[[], object]
    end: Callable[[], Measured]
    close: Callable[[], object]


def _perjoule(root: Path, *, with_cpu_time: bool = False) -> Meter:
    from perjoule.energy import EnergyMeter, Window
    from perjoule.energy.sources import rapl
    from perjoule.energy.sources.cpu.time import CpuTimeSource

    meter = EnergyMeter(
        [*rapl.discover(root).sources, *([CpuTimeSource()] if with_cpu_time else [])]
    )
    windows: list[Window] = []

    def end() -> Measured:
        reading = windows.pop().close()
        bounds = [part.bound_j for part in reading.components if part.bound_j is not None]
        return Measured(reading.component_j("cpu"), sum(bounds) if bounds else None)

    return Meter(lambda: windows.append(meter.window()), end, meter.close)


def _zeus(root: Path) -> Meter:
    from zeus.device import cpu  # type: ignore[import-not-found]
    from zeus.device.cpu import rapl  # type: ignore[import-not-found]
    from zeus.monitor import ZeusMonitor  # type: ignore[import-not-found]

    rapl.RAPL_DIR = str(root)
    rapl.rapl_is_available.cache_clear()
    cpu._cpus = None  # else it goes on with the tree before
    monitor = ZeusMonitor(gpu_indices=[])

    def end() -> Measured:
        return Measured(sum((monitor.end_window("window").cpu_energy or {}).values()))

    def close() -> None:
        for each in monitor.cpus.cpus:  # end the processes that watch for wraps, as at exit
            each.rapl_file.wraparound_tracker._stop()

    return Meter(lambda: monitor.begin_window("window"), end, close)


def _codecarbon(root: Path, *, by_itself: bool = False) -> Meter:
    """CodeCarbon's tracker; `by_itself` it measures every 15 s, for one window without joules."""
    from codecarbon import OfflineEmissionsTracker
    from codecarbon.core.hardware_cache import clear_cache

    cpu: Any = import_module("codecarbon.core.cpu")
    hardware: Any = import_module("codecarbon.external.hardware")
    rapl = cpu.IntelRAPL
    cpu.is_rapl_available.__defaults__ = (str(root),)
    hardware.IntelRAPL = lambda rapl_dir, **given: rapl(str(root), **given)
    clear_cache()  # else it goes on with the tree before
    tracker = OfflineEmissionsTracker(country_iso_code="FRA", output_methods=[], log_level="error")

    def end() -> Measured:
        if by_itself:
            tracker.flush()
            return Measured(None)
        return Measured(tracker.stop_task().cpu_energy * J_PER_KWH)

    return Meter(tracker.start if by_itself else tracker.start_task, end, tracker.stop)


PERJOULE_CPU = "perjoule + cpu_time"
CODECARBON_RUN = "CodeCarbon, start()"
METERS: dict[str, Callable[[Path], Meter]] = {
    "perjoule": _perjoule,
    "Zeus": _zeus,
    "CodeCarbon": _codecarbon,
    PERJOULE_CPU: partial(_perjoule, with_cpu_time=True),
    CODECARBON_RUN: partial(_codecarbon, by_itself=True),
}
PEERS = ("Zeus", "CodeCarbon")
TOOLS = ("perjoule", *PEERS)


def installed() -> dict[str, str]:
    """The version of each tool that is there."""
    from perjoule import __version__

    found = {TOOLS[0]: __version__}
    for peer in PEERS:
        with suppress(PackageNotFoundError):
            found[peer] = version(peer.lower())
    return found


def make_ready(name: str, root: Path, wait_s: float) -> Meter:
    """Make a meter, take its first window, and wait so long at most until its processes rest."""
    meter = METERS[name](root)
    meter.begin()
    meter.end()
    until_s = time.perf_counter() + wait_s
    before_s = children_cpu_s()
    while before_s and time.perf_counter() + SETTLE_STEP_S < until_s:
        time.sleep(SETTLE_STEP_S)
        now_s = children_cpu_s()
        if now_s - before_s < RESTING_SHARE * SETTLE_STEP_S:
            break
        before_s = now_s
    return meter


def children_cpu_s() -> float:
    """CPU-seconds of all living descendants, in nanoseconds where psutil counts steps of 10 ms."""
    import psutil

    total_s = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            # clock_getcpuclockid(3): the complement of the process id, 2 for the scheduler's clock.
            total_s += time.clock_gettime((~child.pid << 3) | 2)
        except OSError:
            continue  # it ended
    return total_s
