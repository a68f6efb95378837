"""Is this meter as accurate and as cheap as it says, beside Zeus and CodeCarbon on the same joules?

A. Errors on registers that a process drives along known powers (see `accuracy`).
B. Time per window, start-up and idle cost (see `cost`).
C. NVML's counter, where there is an NVIDIA GPU (see `gpu`).
D. Time per window of sources that need no root (see `rootless`).

How each meter is set is told in `rivals`. Needs Linux, but no GPU, no RAPL and no root; about five
minutes, with `--quick` one and a half.

    pip install 'perjoule[peers]'
    python benchmarks/performance/metering.py --quick --json metering.json
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from perjoule.benchmarks.performance import accuracy, cost, gpu, rootless
from perjoule.benchmarks.performance.judging import ErrorRow
from perjoule.benchmarks.performance.options import make_parser, write_figures
from perjoule.benchmarks.performance.rivals import PEERS, PERJOULE_CPU, TOOLS, installed

WINDOW_GOAL_US = 100
STARTUP_GOAL_MS = 50
TIMES_CHEAPER_GOAL = 5


class Goal(NamedTuple):
    """What was aimed at, and what came out."""

    text: str
    met: bool
    figure: str


def main() -> None:
    """Measure all, and print the tables."""
    if sys.platform != "linux":
        sys.exit("This benchmark needs Linux: it drives files that look like Linux' powercap tree.")
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter windows")
    help_write = "keep the GPU's figures in benchmarks/results"
    parser.add_argument("--write", action="store_true", help=help_write)
    options = parser.parse_args()
    quick, versions = options.quick, installed()
    tools = [tool for tool in TOOLS if tool in versions]
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.release()}")
    print(", ".join(f"{tool} {version}" for tool, version in versions.items()))
    for peer in PEERS:
        if peer not in versions:
            print(f"{peer} is not installed, so it is left out: pip install 'perjoule[peers]'")
    with _workplace() as folder:
        rows = accuracy.measure(tools, folder, quick=quick)
        accuracy.show(rows, tools)
        windows = cost.measure_windows(tools, folder, quick=quick)
        cost.show_windows(windows)
        startup = cost.measure_startup(tools, folder, quick=quick)
        cost.show_startup(startup)
        waiting = cost.measure_waiting(tools, folder, quick=quick)
        cost.show_waiting(waiting)
        card = gpu.measure(quick=quick)
        gpu.show(card)
        without_root = rootless.measure(tools, folder, quick=quick)
        rootless.show(without_root)
    goals = [*accuracy_goals(rows, tools), *cost_goals(windows, startup, waiting)]
    print("\nGoals")
    for goal in goals:
        print(f"   {'met    ' if goal.met else 'NOT met'} {goal.text}: {goal.figure}")
    if options.write and "skipped" not in card:
        print(f"\nWritten to {gpu.write(card)}")
    figures = {
        "versions": versions,
        "accuracy": [asdict(row) for row in rows],
        "windows": [asdict(each) for each in windows],
        "startup": [asdict(each) for each in startup],
        "waiting": [asdict(each) for each in waiting],
        "gpu": card,
        "rootless": [asdict(each) for each in without_root],
        "goals": [goal._asdict() for goal in goals],
    }
    write_figures(options.json, figures)


@contextmanager
def _workplace() -> Iterator[Path]:
    """A temporary folder to work in, without anybody's settings or calibrations."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.environ["PERJOULE_HOME"] = name
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)


def accuracy_goals(rows: Sequence[ErrorRow], tools: Sequence[str]) -> list[Goal]:
    """Whether errors are those of the register, and not above those of the peers."""
    ours, *peers = tools
    judged = [row for row in rows if row.errors]
    if not judged:
        return [Goal("errors are small", False, "unknown, as this machine is too busy")]
    own = [row.errors[ours] for row in judged]
    windows = sum(row.windows for row in judged)
    beyond = sum(errors.beyond_quantum + errors.unknown for errors in own)
    out = sum(errors.out_of_bound for errors in own)
    most = max(errors.worst_j / errors.quantum_j for errors in own)
    goals = [
        Goal(
            "our errors are one update of the register at most, and the power during our call",
            not beyond,
            f"{windows - beyond} of {windows} windows; the worst is {most:.2f} updates",
        ),
        Goal(
            "our errors are within the bound we report",
            not out,
            f"{windows - out} of {windows} windows",
        ),
    ]
    for peer in peers:
        theirs = [row.errors[peer].worst_j for row in judged]
        pairs = list(zip(own, theirs, strict=True))
        below = sum(errors.worst_j < worst_j for errors, worst_j in pairs)
        # Which of two meters of one register is luckier with its last update, chance decides.
        alike = sum(errors.worst_j <= worst_j + errors.quantum_j for errors, worst_j in pairs)
        figure = (
            f"in {below} of {len(judged)} rows; above it by less than an update in "
            f"{alike - below}, by more in {len(judged) - alike}"
        )
        text = f"our worst error is below that of {peer}"
        goals.append(Goal(text, below == len(judged), figure))
    return goals


def cost_goals(
    windows: Sequence[cost.WindowCost],
    startup: Sequence[cost.Startup],
    waiting: Sequence[cost.Waiting],
) -> list[Goal]:
    """Whether the meter is cheap, and cheaper than the peers."""
    both_us = next(c.micros.middle for c in windows if c.tool == PERJOULE_CPU and c.zones == 1)
    start_ms = startup[0].total_ms.middle
    what = f"a window with RAPL and cpu_time takes less than {WINDOW_GOAL_US} us"
    goals = [
        Goal(what, both_us < WINDOW_GOAL_US, f"{both_us:.1f} us"),
        Goal(
            f"start-up takes less than {STARTUP_GOAL_MS} ms",
            start_ms < STARTUP_GOAL_MS,
            f"{start_ms:.1f} ms",
        ),
    ]
    ratios = [
        (f"a window of {c.tool} ({c.zones} zone{'s' if c.zones > 1 else ''})", c.ratio.middle)
        for c in windows
    ]
    ratios += [(f"the start-up of {each.tool}", each.ratio.middle) for each in startup]
    ratios += [
        (f"waiting in {each.tool}", each.cpu_percent / waiting[0].cpu_percent) for each in waiting
    ]
    for what, times in ratios:
        if "perjoule" not in what:
            text = f"{TIMES_CHEAPER_GOAL} times cheaper than {what}"
            goals.append(Goal(text, times >= TIMES_CHEAPER_GOAL, f"{times:,.1f} times"))
    return goals


if __name__ == "__main__":
    main()
