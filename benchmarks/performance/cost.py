"""What does each meter cost: per window, at its start, and while it waits?

*Windows*: all meters in one process on the same driven registers, in turns of a few windows each,
in changing order. A ratio is the median of the ratios within turns, with its 95 % bootstrap
interval. The files are those of a temporary folder: the kernel's own cost of reading a processor's
register is missing, and would be the same for all.

*Start-up*: a fresh process imports the meter, makes one, and meters a first window, which is when
Zeus spawns its processes and CodeCarbon looks for hardware. Python's own start is not counted.

*Waiting*: a fresh process of each meter keeps one window open. CPU time is that of the process and
all its children, once they have come to rest. CodeCarbon appears twice: within a task, and started
by `start` with its default of `measure_power_secs`, as its decorator and `with` block do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from perjoule.benchmarks.performance.powercap import LARGE_RANGE_UJ, Zone, ZoneDriver
from perjoule.benchmarks.performance.processes import answer_of, call, start
from perjoule.benchmarks.performance.rivals import (
    CODECARBON_RUN,
    PERJOULE_CPU,
    children_cpu_s,
    make_ready,
)
from perjoule.benchmarks.performance.timing import (
    TimeInterval,
    median_interval,
    ratio_interval,
    take_turn,
    timed,
)

ZONES = (1, 8)
WINDOWS_PER_TURN = 5
SETTLE_S = 8.0
PROFILE = "constant 80 W"

STARTUP = {
    "perjoule": (
        "from perjoule.energy import EnergyMeter",
        "meter = EnergyMeter('rapl')",
        "meter.window().close()",
    ),
    "Zeus": (
        "from zeus.monitor import ZeusMonitor; from zeus.device.cpu import rapl",
        "rapl.RAPL_DIR = root; meter = ZeusMonitor(gpu_indices=[])",
        "meter.begin_window('window'); meter.end_window('window')",
    ),
    "CodeCarbon": (
        "from codecarbon import OfflineEmissionsTracker as Tracker",
        "import codecarbon.core.cpu as cpu, codecarbon.external.hardware as hardware; "
        "cpu.is_rapl_available.__defaults__ = (root,); "
        "hardware.IntelRAPL = lambda rapl_dir, **given: cpu.IntelRAPL(root, **given); "
        "meter = Tracker(country_iso_code='FRA', output_methods=[], log_level='error')",
        "meter.start_task(); meter.stop_task()",
    ),
}
"""Import, construction and first window, as a user writes them (pointing to the tree aside)."""


@dataclass(frozen=True)
class WindowCost:
    """Microseconds of beginning and ending a window, and how many times those of perjoule."""

    zones: int
    tool: str
    micros: TimeInterval
    ratio: TimeInterval


@dataclass(frozen=True)
class Startup:
    """Milliseconds of import, construction and first window, and their sum over perjoule's."""

    tool: str
    steps_ms: tuple[float, ...]
    total_ms: TimeInterval
    ratio: TimeInterval


@dataclass(frozen=True)
class Waiting:
    """What an open window takes while nothing happens."""

    tool: str
    cpu_percent: float  # CPU time of the process tree over the time that passed
    processes: int  # beside the first
    threads: int  # of all of them, beside the first's main thread


def measure_windows(tools: Sequence[str], folder: Path, *, quick: bool) -> list[WindowCost]:
    """Microseconds per window, by number of zones and tool."""
    costs = []
    for zones in ZONES:
        root = folder / f"windows-{zones}" / "intel-rapl"
        with ZoneDriver(make_zones(root, zones)):
            rounds = 40 if quick else 150
            turns = answer_of(call(time_windows, str(root), [*tools, PERJOULE_CPU], rounds))
        for tool, found in turns.items():
            ratio = ratio_interval(found, turns[tools[0]])
            costs.append(WindowCost(zones, tool, median_interval(found), ratio))
    return costs


def make_zones(root: Path, count: int) -> list[Zone]:
    """Packages whose registers are far apart, lest they be taken for mirrors of each other."""
    apart_uj = LARGE_RANGE_UJ // (2 * count)
    return [
        Zone(str(root / f"intel-rapl:{n}"), PROFILE, start_uj=(n + 1) * apart_uj)
        for n in range(count)
    ]


def time_windows(root: str, tools: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Microseconds of a window of each tool, by turn: all tools in this process."""
    meters = {tool: make_ready(tool, Path(root), SETTLE_S) for tool in tools}
    found: dict[str, list[float]] = {tool: [] for tool in tools}
    for turn in range(rounds):
        for tool in take_turn(tools, turn):
            begin, end = meters[tool].begin, meters[tool].end
            windows_s = [timed(begin)[0] + timed(end)[0] for _ in range(WINDOWS_PER_TURN)]
            found[tool].append(1e6 * median(windows_s))
    for meter in meters.values():
        meter.close()
    return found


def measure_startup(tools: Sequence[str], folder: Path, *, quick: bool) -> list[Startup]:
    """Milliseconds from nothing to a first window, in turns of fresh processes."""
    root = folder / "startup" / "intel-rapl"
    found: dict[str, list[list[float]]] = {tool: [] for tool in tools}
    with ZoneDriver(make_zones(root, 1)):
        for turn in range(-1, 3 if quick else 9):  # the first warms the disk's cache
            for tool in tools:
                code = _startup_code(tool, root)
                steps_ms = answer_of(start(code, PERJOULE_POWERCAP=str(root)))
                if turn >= 0:
                    found[tool].append(steps_ms)
    totals = {tool: [sum(steps_ms) for steps_ms in runs] for tool, runs in found.items()}
    return [
        Startup(
            tool,
            tuple(median(step_ms) for step_ms in zip(*runs, strict=True)),
            median_interval(totals[tool]),
            ratio_interval(totals[tool], totals[tools[0]]),
        )
        for tool, runs in found.items()
    ]


def _startup_code(tool: str, root: Path) -> str:
    steps = "\n".join(f"{step}\ntimes.append(perf_counter())" for step in STARTUP[tool])
    return (
        "import logging; from time import perf_counter\n"
        f"logging.disable(); root = {str(root)!r}; times = [perf_counter()]\n{steps}\n"
        "print(); print([1e3 * (b - a) for a, b in zip(times, times[1:])])"
    )


def measure_waiting(tools: Sequence[str], folder: Path, *, quick: bool) -> list[Waiting]:
    """CPU time, processes and threads of each tool with a window open."""
    root = folder / "waiting" / "intel-rapl"
    names = [*tools, *([CODECARBON_RUN] if "CodeCarbon" in tools else [])]
    with ZoneDriver(make_zones(root, 1)):
        workers = {tool: call(wait, tool, str(root), 4 if quick else 20) for tool in names}
        return [Waiting(tool, *answer_of(worker)) for tool, worker in workers.items()]


def wait(tool: str, root: str, length_s: float) -> tuple[float, int, int]:
    """Wait within a window, in a process of one tool; the figures are those of `Waiting`."""
    import psutil

    meter = make_ready(tool, Path(root), SETTLE_S)
    meter.begin()
    before_s = children_cpu_s()  # first, and last again, as looking for children takes CPU time
    before_s += time.process_time()
    started_s = time.perf_counter()
    time.sleep(length_s)
    passed_s = time.perf_counter() - started_s
    used_s = time.process_time() + children_cpu_s() - before_s
    own = psutil.Process()
    children = own.children(recursive=True)
    threads = sum(process.num_threads() for process in [own, *children]) - 1
    meter.end()
    meter.close()
    return 100 * used_s / passed_s, len(children), threads


def show_windows(costs: Sequence[WindowCost]) -> None:
    """Print the table of windows."""
    print(
        "\nB. Cost of a window, begin and end: microseconds, and times perjoule's (95 % interval)"
    )
    for cost in costs:
        middle, low, high = cost.micros
        micros = f"{middle:9,.1f} us ({low:,.1f} to {high:,.1f})"
        zones = f"{cost.zones} zone{'s' if cost.zones > 1 else ''}"
        print(f"{zones:8} {cost.tool:20} {micros:34} {_times(cost.ratio)}")


def show_startup(found: Sequence[Startup]) -> None:
    """Print the table of start-up times."""
    print("\n   Start-up in a fresh process: milliseconds, and times perjoule's (95 % interval)")
    print(f"{'':20}{'import':>9}{'make':>9}{'first window':>14}{'in all':>9}")
    for tool in found:
        import_ms, make_ms, first_ms = tool.steps_ms
        steps = f"{import_ms:9,.1f}{make_ms:9,.1f}{first_ms:14,.1f}"
        print(f"{tool.tool:20}{steps}{tool.total_ms.middle:9,.1f}   {_times(tool.ratio)}")


def show_waiting(found: Sequence[Waiting]) -> None:
    """Print the table of idle windows."""
    print("\n   An open window while nothing happens: CPU share of the process tree, and what runs")
    ours = found[0].cpu_percent
    for tool in found:
        more = "" if tool is found[0] or not ours else f"   {tool.cpu_percent / ours:,.0f}x"
        what = f"{tool.processes} processes, {tool.threads} threads more than none"
        print(f"{tool.tool:20}{tool.cpu_percent:9.4f} %   {what}{more}")


def _times(ratio: TimeInterval) -> str:
    return f"{ratio.middle:,.1f}x ({ratio.low:,.1f} to {ratio.high:,.1f})"
