"""What can be measured on this machine, how well, why the rest cannot, and how to mend it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from .counter import SAMPLE_PERIOD_S, IntegratedSource
from .load import busy, load_sentence, others_cores
from .meter import EnergyMeter
from .sampler import try_read
from .source import Kind, PowerSource, Source
from .sources.cpu.time import CpuTimeSource
from .sources.machine import (
    THIS_MACHINE,
    Machine,
    find_amd,
    find_cray,
    find_nvidia,
    find_packages,
    find_sensors,
)
from .sources.nvml import source as nvml

WATCH_S = 3.0  # how long counters are watched
NO_NODE = "no wattmeter is named, and no sensor here sees the whole machine"
NAME_A_WATTMETER = "Name one: --meter shelly:HOST, tasmota:HOST or http:URL#json.path"
DISAGREEMENT = 0.1  # counter and integrated power that differ by more are worth a word
PAUSE_S = 1e-4  # between two looks at a counter: RAPL steps every millisecond
FEWEST_STEPS = 3


@dataclass(frozen=True)
class ComponentStatus:
    """The state of one component."""

    component: str  # ``"cpu"``, ``"dram"``, ``"gpu"`` or ``"node"``
    status: str  # the kind of its joules, ``"unavailable"`` included
    source: str = ""  # id of the source, empty if there is none
    detail: str = ""  # what it reads, or why nothing can be read
    mend: str = ""  # what to do for a better number; empty if nothing need be done
    update_period_s: float | None = None  # how often the source says that it moves
    read_latency_s: float | None = None  # what one reading takes; None without a source
    gain_error: float | None = None  # relative error of its joules; None if not known
    tick_s: float | None = None  # how often its counter moved; None if it hardly did
    counter_w: float | None = None  # mean power by its counter while it was watched
    integrated_w: float | None = None  # the same by integrating the hardware's power
    notes: tuple[str, ...] = ()  # what else to know, such as other processes on a GPU


@dataclass(frozen=True)
class Observation:
    """What was seen of a counter over some seconds."""

    read_latency_s: float  # median time that a reading takes
    tick_s: float | None = None  # median time between two steps; None if it moved too seldom
    counter_w: float | None = None  # mean power by the counter; None if it failed
    integrated_w: float | None = None  # mean power by integrating the same hardware's power


def diagnose(machine: Machine = THIS_MACHINE, watch_s: float = WATCH_S) -> list[ComponentStatus]:
    """Look at each of cpu, dram, gpu and node by reading it: one status or more for each.

    How busy others keep the processor meanwhile is among the notes of the first of its statuses.
    """
    before = busy()
    packages, cray, amd = find_packages(machine), find_cray(machine), find_amd(machine)
    gpus, sensors = find_nvidia(machine), find_sensors(machine)
    everything = (packages, cray, gpus, amd, sensors)
    sources = [source for some in everything for source in some.sources]
    with ThreadPoolExecutor(max_workers=len(sources) or 1) as pool:  # each mostly waits
        examined = list(pool.map(lambda source: _examine(source, watch_s), sources))
    found: dict[str, list[ComponentStatus]] = {"cpu": [], "dram": [], "gpu": [], "node": []}
    for status in examined:
        found[status.component].append(status)
    if all(each.status == Kind.UNAVAILABLE for each in found["cpu"]):
        model = _examine(CpuTimeSource(), watch_s)
        detail = f"{model.detail}; RAPL: {packages.reason}"
        found["cpu"].append(replace(model, detail=detail, mend=packages.mend))
    time.sleep(max(0.0, before.at_s + watch_s - time.perf_counter()))
    cpu, others = found["cpu"][0], load_sentence(others_cores(before, busy()))
    found["cpu"][0] = replace(cpu, notes=(*cpu.notes, others))
    if not found["dram"]:
        reason = packages.reason or "this processor has no DRAM counter"
        found["dram"] = [_unavailable("dram", reason, packages.mend)]
    if gpus.reason:
        found["gpu"].append(_unavailable("gpu", gpus.reason, gpus.mend))
    if amd.reason and (amd.sources or amd.incomplete):  # else there are no such cards
        found["gpu"].append(_unavailable("gpu", amd.reason, amd.mend))
    for some in (cray, sensors):
        if some.incomplete:
            found["node"].append(_unavailable("node", some.reason, some.mend))
    if not found["node"]:
        found["node"] = [_unavailable("node", NO_NODE, NAME_A_WATTMETER)]
    return [status for statuses in found.values() for status in statuses]


def _unavailable(component: str, reason: str, mend: str) -> ComponentStatus:
    return ComponentStatus(component, Kind.UNAVAILABLE, detail=reason, mend=mend)


def observe(
    source: Source,
    power: PowerSource | None = None,
    duration_s: float = 3.0,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Observation:
    """Watch a counter for some seconds, and the power of the same hardware beside it."""
    integrated = None if power is None else IntegratedSource(power, clock)
    seen: list[_Moment] = []
    seen_power: list[_Moment] = []
    latencies_s: list[float] = []
    start_s = now = next_power_s = clock()
    while now < start_s + duration_s or len(seen) < FEWEST_STEPS:
        seen.append(_Moment(try_read(source, source.info.id), clock()))
        latencies_s.append(seen[-1].at_s - now)
        if integrated is not None and seen[-1].at_s >= next_power_s:
            seen_power.append(_Moment(try_read(integrated, source.info.id), clock()))
            next_power_s = seen[-1].at_s + SAMPLE_PERIOD_S
        sleep(PAUSE_S)
        now = clock()
    if integrated is not None:
        seen_power.append(_Moment(try_read(integrated, source.info.id), clock()))
    known = [moment for moment in seen if isinstance(moment.energy_j, float)]
    steps_s = [b.at_s for a, b in pairwise(known) if a.energy_j != b.energy_j]
    ticks_s = [b - a for a, b in pairwise(steps_s)]
    return Observation(
        read_latency_s=median(latencies_s),
        tick_s=median(ticks_s) if len(ticks_s) >= FEWEST_STEPS - 1 else None,
        counter_w=_mean_w(seen),
        integrated_w=_mean_w(seen_power),
    )


class _Moment(NamedTuple):
    """A reading, or why it failed, and when it was there."""

    energy_j: float | str
    at_s: float


def _examine(source: Source | PowerSource, watch_s: float) -> ComponentStatus:
    """Read a source; watch it for a while if it is a counter of hardware."""
    with EnergyMeter([source]) as meter:
        [value], info = meter.snapshot().values, source.info
        if isinstance(value, str):
            return ComponentStatus(info.component, Kind.UNAVAILABLE, info.id, detail=value)
        seen = Observation(meter.read_cost_s)
    notes = (*info.warnings, *source.notes)
    if info.kind is Kind.MEASURED and isinstance(source, Source):
        seen = observe(source, nvml.power_of(source), watch_s)
        notes += _disagreement(seen)
    return ComponentStatus(
        info.component,
        info.kind,
        info.id,
        info.detail,
        update_period_s=info.update_period_s,
        gain_error=info.gain_error,
        notes=notes,
        **asdict(seen),
    )


def _disagreement(seen: Observation) -> tuple[str, ...]:
    if seen.counter_w is None or seen.integrated_w is None:
        return ()
    if abs(seen.counter_w - seen.integrated_w) <= DISAGREEMENT * seen.integrated_w:
        return ()
    powers = f"its counter says {seen.counter_w:.3g} W and its power {seen.integrated_w:.3g} W"
    return (f"{powers}: idle cards may differ so, busy ones should not",)


def _mean_w(seen: list[_Moment]) -> float | None:
    """Mean power between the first and the last reading; None if any failed."""
    known = [(energy_j, at_s) for energy_j, at_s in seen if isinstance(energy_j, float)]
    if len(known) < len(seen) or len(seen) < 2 or seen[-1].at_s <= seen[0].at_s:
        return None
    return (known[-1][0] - known[0][0]) / (seen[-1].at_s - seen[0].at_s)
