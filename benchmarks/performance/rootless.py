"""What does a window cost with the sources that need no root, beside RAPL's files and the peers?

One process meters with each in turns of a few windows, in changing order: *rapl* and *perf* two
packages and their DRAM, *pm_counters* all seven counters of a LUMI-G node, *Zeus* and *CodeCarbon*
(neither of which reads perf events or pm_counters) the same two packages. Counters are moved
within each window and a pause lets every edge read its files anew. CPU time of beginning and ending
a window, threads of the meter included, is what a busy machine disturbs least.

All are files of a temporary folder, those of perf with their eight bytes too: what the kernel, the
register and the blade's controller take is missing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from perjoule.benchmarks.performance.cost import SETTLE_S
from perjoule.benchmarks.performance.powercap import make_zone
from perjoule.benchmarks.performance.processes import answer_of, call
from perjoule.benchmarks.performance.rivals import PEERS, Measured, Meter, make_ready
from perjoule.benchmarks.performance.timing import (
    TimeInterval,
    median_interval,
    ratio_interval,
    take_turn,
    timed,
)
from perjoule.energy.sources import perf
from perjoule.energy.sources.resolve import Machine, resolve

NAMES = ("rapl", "perf", "pm_counters")
COUNTERS = {"rapl": 4, "perf": 4, "pm_counters": 7, **dict.fromkeys(PEERS, 2)}
ZONES = {"0": "package-0", "1": "package-1", "0:0": "dram", "1:0": "dram"}
NODE = ("energy", "cpu_energy", "memory_energy", *(f"accel{n}_energy" for n in range(4)))
FIRST_J = {name: 1_000_000 * (n + 1) for n, name in enumerate(NODE)}
WINDOWS_PER_TURN = 3
PAUSE_S = 4e-3  # longer than a scan of pm_counters serves
STEP_J = 0.5  # of each counter: possible in such a pause and its slack


@dataclass(frozen=True)
class SourceCost:
    """Microseconds of CPU time for a window, and how many times those of RAPL's files."""

    name: str
    counters: int
    micros: TimeInterval
    ratio: TimeInterval


class FileEvents(perf.Kernel):
    """Perf events that are files of eight bytes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder

    def open(self, kind: int, config: int, cpu: int) -> int:
        """Make a file that shows 0."""
        path = self._folder / f"{kind}-{config}-{cpu}"
        path.write_bytes(bytes(8))
        return os.open(path, os.O_RDONLY)

    def read(self, file: int) -> int:
        """What it shows."""
        return int.from_bytes(os.pread(file, 8, 0), "little")


class Tree:
    """Files of all sources, whose counters move when told."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._steps = folder, 0
        for n, (zone, name) in enumerate(ZONES.items()):
            make_zone(folder / f"rapl/intel-rapl:{zone}", name, (n + 1) * 10_000_000_000)
        pmu = folder / perf.PMU
        facts = {"type": "24", "cpumask": "0-1"}
        for name, config in (("energy-pkg", "event=0x02"), ("energy-ram", "event=0x03")):
            facts |= {f"events/{name}": config, f"events/{name}.unit": "Joules"}
            facts[f"events/{name}.scale"] = "2.3283064365386962890625e-10"
        for name, text in facts.items():
            _write(pmu / name, text)
        for cpu in "01":
            topology = folder / f"sys/devices/system/cpu/cpu{cpu}/topology"
            _write(topology / "physical_package_id", cpu)
        _write(folder / "proc/cpuinfo", "vendor_id : GenuineIntel")
        for name, text in {"raw_scan_hz": "10", "startup": "1", "generation": "1"}.items():
            _write(folder / f"pm/{name}", text)
        self.step()

    def step(self) -> None:
        """Move all counters."""
        self._steps += 1
        spent_j = self._steps * STEP_J
        for n, zone in enumerate(ZONES):
            register_uj = (n + 1) * 10_000_000_000 + round(1e6 * spent_j)
            _write(self._folder / f"rapl/intel-rapl:{zone}/energy_uj", str(register_uj))
        for event in (self._folder / "events").glob("*"):
            event.write_bytes(round(spent_j * 2**32).to_bytes(8, "little"))
        for name, first_j in FIRST_J.items():
            _write(self._folder / f"pm/{name}", f"{first_j + round(spent_j)} J 1612345678901234 us")
        _write(self._folder / "pm/freshness", str(self._steps))

    def meter(self, name: str) -> Meter:
        """A meter of perjoule on one of the sources."""
        from perjoule.energy import EnergyMeter, Window

        folder = self._folder
        events = FileEvents(folder / "events") if name == "perf" else None
        machine = Machine(
            rapl_root=folder / "rapl", perf_root=folder, perf_kernel=events, pm_root=folder / "pm"
        )
        meter, windows = EnergyMeter(resolve(name, machine)), list[Window]()

        def end() -> Measured:
            return Measured(windows.pop().close().total_j)

        return Meter(lambda: windows.append(meter.window()), end, meter.close)


def measure(tools: Sequence[str], folder: Path, *, quick: bool) -> list[SourceCost]:
    """CPU microseconds per window, by source and peer."""
    peers = [tool for tool in PEERS if tool in tools]
    turns = answer_of(call(time_windows, str(folder / "rootless"), peers, 20 if quick else 80))
    return [
        SourceCost(
            name, COUNTERS[name], median_interval(found), ratio_interval(found, turns[NAMES[0]])
        )
        for name, found in turns.items()
    ]


def time_windows(folder: str, peers: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """CPU microseconds of a window of each, by turn: all in this process."""
    tree = Tree(Path(folder))
    meters = {name: tree.meter(name) for name in NAMES}
    meters |= {name: make_ready(name, Path(folder) / "rapl", SETTLE_S) for name in peers}
    found: dict[str, list[float]] = {name: [] for name in meters}
    for turn in range(rounds):
        for name in take_turn(meters, turn):
            one = partial(_window_s, meters[name], tree)
            found[name].append(1e6 * median(one() for _ in range(WINDOWS_PER_TURN)))
    for meter in meters.values():
        meter.close()
    return found


def _window_s(meter: Meter, tree: Tree) -> float:
    _, begin_s = timed(meter.begin)
    time.sleep(PAUSE_S)
    tree.step()
    _, end_s = timed(meter.end)
    time.sleep(PAUSE_S)
    return begin_s + end_s


def show(costs: Sequence[SourceCost]) -> None:
    """Print the table."""
    print("\nD. Sources without root: CPU time of a window, and times RAPL's files (95 % interval)")
    for cost in costs:
        (middle, low, high), ratio = cost.micros, cost.ratio
        micros = f"{middle:9,.1f} us ({low:,.1f} to {high:,.1f})"
        times = f"{ratio.middle:,.2f}x ({ratio.low:,.2f} to {ratio.high:,.2f})"
        print(f"{cost.counters} counters   {cost.name:16} {micros:34} {times}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")
