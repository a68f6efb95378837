"""How far off is each meter where the truth is known?

Each meter runs in a process of its own. All meter the same windows of the same driven registers, in
changing order a few milliseconds apart. The truth of a window is the exact integral of the power
from the moment `begin` returned to the moment `end` was called: the time that a meter takes for
itself is its error. The energy of the update that each edge falls into, which the register allows,
stands beside it.

The steady profiles have one long-lived meter each. A window with a wrap has its own tree, whose
register stands just below its end, and a meter made some seconds before: it wraps in the first
quarter of the window ("wrap early") or 30 ms before its end ("wrap late").

The machine's other load is no meter's error: a window is dropped for all meters if one came too
late for it, if the driver missed a tick at an edge, or if a call took a millisecond longer than
usual. Long windows vary less and are repeated less often; quick runs have 20 s for 60 s.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from perjoule.benchmarks.performance.judging import Edges, ErrorRow, Errors, Slot, judge
from perjoule.benchmarks.performance.powercap import (
    PROFILES,
    SMALL_RANGE_UJ,
    TICK_S,
    Zone,
    ZoneDriver,
)
from perjoule.benchmarks.performance.processes import Process, answer_of, call
from perjoule.benchmarks.performance.rivals import make_ready
from perjoule.benchmarks.performance.timing import median_interval

Repeats = dict[float, int]
"""How many windows of each length in seconds."""

Window = tuple[str, float, float]
"""The tree of a window, when it begins, and its seconds."""

STEADY: Repeats = {0.2: 30, 1: 12, 5: 4, 60: 3}
STEADY_QUICK: Repeats = {0.2: 10, 1: 4, 5: 2, 20: 1}
WRAPPING: Repeats = {0.2: 6, 1: 4, 5: 2, 60: 2}
WRAPPING_QUICK: Repeats = {0.2: 2, 1: 1, 5: 1, 20: 1}
WRAPPING_PROFILE = "constant 80 W"
LATE_WRAP_S = 0.03
PREPARE_S = 6.0
"""What meters get to be made and to come to rest."""
PAUSE_S = 0.05
STAGGER_S = 3e-3


def measure(tools: Sequence[str], folder: Path, *, quick: bool) -> list[ErrorRow]:
    """Meter all windows with all tools."""
    lanes = plan(folder, quick=quick)
    zones = {slot.zone.folder: slot.zone for lane in lanes for slot in lane}
    with ZoneDriver([*zones.values()]) as driver:
        workers = [
            (_start(tool, place, len(tools), lane, driver.epoch_s), tool, lane)
            for lane in lanes
            for place, tool in enumerate(tools)
        ]
        found: dict[Slot, dict[str, Edges]] = {slot: {} for lane in lanes for slot in lane}
        for worker, tool, lane in workers:
            for index, edges in answer_of(worker):
                found[lane[index]][tool] = Edges(*edges)
    assert driver.log is not None
    return judge(found, tools, driver.log)


def plan(folder: Path, *, quick: bool) -> list[list[Slot]]:
    """The windows, in lanes that run side by side."""
    chance = random.Random(0)
    steady, wrapping = (STEADY_QUICK, WRAPPING_QUICK) if quick else (STEADY, WRAPPING)
    lanes = []
    for number, profile in enumerate(PROFILES):
        zone = Zone(str(folder / f"steady-{number}" / "intel-rapl" / "intel-rapl:0"), profile)
        lane, now_s = [], PREPARE_S
        for length_s in _lengths(steady):
            now_s += PAUSE_S * (1 + chance.random())
            lane.append(Slot(profile, zone, now_s, length_s, length_s + TICK_S * chance.random()))
            now_s += length_s
        lanes.append(lane)
    for name in ("wrap early", "wrap late"):
        lane, now_s = [], 0.0
        for number, length_s in enumerate(_lengths(wrapping)):
            now_s += PREPARE_S + PAUSE_S * chance.random()
            wrap_s = now_s + (length_s / 4 if name == "wrap early" else length_s - LATE_WRAP_S)
            wrapped_uj = round(1e6 * PROFILES[WRAPPING_PROFILE].energy_j(wrap_s))
            place = folder / f"{name}-{number}" / "intel-rapl" / "intel-rapl:0"
            start_uj = SMALL_RANGE_UJ + 1 - wrapped_uj
            zone = Zone(str(place), WRAPPING_PROFILE, start_uj, SMALL_RANGE_UJ)
            lane.append(Slot(name, zone, now_s, length_s, length_s + TICK_S * chance.random()))
            now_s += length_s
        lanes.append(lane)
    return lanes


def _lengths(repeats: Repeats) -> list[float]:
    return [length_s for length_s, times in repeats.items() for _ in range(times)]


def _start(tool: str, place: int, tools: int, lane: list[Slot], epoch_s: float) -> Process:
    """Start a worker for a tool on a lane."""
    windows = [
        (
            str(Path(slot.zone.folder).parent),
            epoch_s + slot.start_s + STAGGER_S * ((place + index) % tools),
            slot.really_s,
        )
        for index, slot in enumerate(lane)
    ]
    return call(meter_windows, tool, windows)


def meter_windows(
    tool: str, windows: Sequence[tuple[str, float, float]]
) -> list[tuple[int, Edges]]:
    """Meter windows as they come due, in a process of one tool and lane."""
    found: list[tuple[int, Edges]] = []
    meter, metered = None, ""
    for index, (root, start_s, length_s) in enumerate(windows):
        if meter is None or root != metered:
            if meter is not None:
                meter.close()
            ready_by_s = start_s - time.perf_counter() - PAUSE_S
            meter, metered = make_ready(tool, Path(root), ready_by_s), root
        wait_s = start_s - time.perf_counter()
        if wait_s <= 0:
            continue
        time.sleep(wait_s)
        begin_s = time.perf_counter()
        meter.begin()
        began_s = time.perf_counter()
        time.sleep(max(start_s + length_s - began_s, 0.0))
        end_s = time.perf_counter()
        measured = meter.end()
        found.append((index, Edges(begin_s, began_s, end_s, time.perf_counter(), *measured)))
    if meter is not None:
        meter.close()
    return found


def show(rows: Sequence[ErrorRow], tools: Sequence[str]) -> None:
    """Print the table."""
    print("\nA. Errors where the truth is known: median and worst in %, worst in J")
    print("   quantum: most joules in one update at an edge; bound: what perjoule reports")
    head = f"{'profile':15}{'window':>7}{'n':>4}{'quantum':>9}{'bound':>8}"
    print(head + "".join(f"{tool:>28}" for tool in tools))
    for row in rows:
        line = f"{row.label:15}{row.length_s:>5g} s{row.windows:>4}"
        if not row.errors:
            print(f"{line}   all dropped: this machine is too busy")
            continue
        ours = row.errors[tools[0]]
        line += f"{ours.quantum_j:9.3f}{ours.bound_j or float('nan'):8.3f}"
        print(line + "".join(f"{_cell(row.errors[tool]):>28}" for tool in tools))
    print("   Median of all windows without a wrap, in J (95 % interval):")
    for tool in tools:
        steady = [row.errors[tool].off_j for row in rows if row.label in PROFILES and row.errors]
        if any(steady):
            middle, low, high = median_interval([off_j for row in steady for off_j in row])
            print(f"   {tool:12} {middle:.4f} ({low:.4f} to {high:.4f})")
    dropped = sum(row.dropped for row in rows)
    print(f"   {dropped} windows dropped because this machine held the driver or a meter up")


def _cell(errors: Errors) -> str:
    if not errors.off_j:
        return "unknown"
    percents = (median(errors.off_percent), max(errors.off_percent))
    middle, worst = (f"{each:,.0f}" if each >= 1_000 else f"{each:.4f}" for each in percents)
    return f"{middle} {worst} {errors.worst_j:,.3f} J"
