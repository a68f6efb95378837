"""What can be measured on this machine, how well, why the rest cannot, and how to mend it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .meter import EnergyMeter
from .observation import Observation, observe
from .source import Kind, PowerSource, Source
from .sources import rapl
from .sources.cpu.time import CpuTimeSource
from .sources.hwmon import source as hwmon
from .sources.nvml import source as nvml

WATCH_S = 3.0
"""How long counters are watched."""
NO_NODE = "no wattmeter is named, and no sensor here sees the whole machine"
NAME_A_WATTMETER = "Name one: --meter shelly:HOST, tasmota:HOST or http:URL#json.path"
DISAGREEMENT = 0.1
"""Counter and integrated power that differ by more are worth a word."""


@dataclass(frozen=True)
class Finding:
    """The state of one component.

    Attributes:
        component: ``"cpu"``, ``"dram"``, ``"gpu"`` or ``"node"``.
        status: The kind of its joules: ``"measured"``, ``"integrated"``, ``"modelled"`` or
            ``"unavailable"``.
        source: Id of the source, empty if there is none.
        detail: What it reads, or why nothing can be read.
        mend: What to do for a better number; empty if nothing need be done.
        update_period_s: How often the source says that it moves; None without a source.
        read_latency_s: What one reading takes; None without a source.
        gain_error: Relative error of its joules; None if not known.
        tick_s: How often its counter was seen to move; None if it has none or hardly moved.
        counter_w: Mean power by its counter while it was watched; None if not known.
        integrated_w: The same by integrating the hardware's power; None if not known.
        notes: What else a reader of its numbers must know, such as other processes on a GPU.
    """

    component: str
    status: str
    source: str = ""
    detail: str = ""
    mend: str = ""
    update_period_s: float | None = None
    read_latency_s: float | None = None
    gain_error: float | None = None
    tick_s: float | None = None
    counter_w: float | None = None
    integrated_w: float | None = None
    notes: tuple[str, ...] = ()


def diagnose(
    rapl_root: Path = rapl.ROOT,
    nvml_binding: Any = None,
    hwmon_root: Path = hwmon.ROOT,
    watch_s: float = WATCH_S,
) -> list[Finding]:
    """Look at each component by reading it.

    Args:
        rapl_root: The powercap tree.
        nvml_binding: The NVML binding; None for ``pynvml``.
        hwmon_root: The hwmon tree.
        watch_s: How long to watch counters, in seconds.

    Returns:
        At least one finding for each of cpu, dram, gpu and node.
    """
    packages, gpus = rapl.discover(rapl_root), nvml.discover(nvml_binding)
    sensors = hwmon.discover(hwmon_root)
    sources = [*packages.sources, *gpus.sources, *sensors.sources]
    with ThreadPoolExecutor(max_workers=len(sources) or 1) as pool:  # each mostly waits
        examined = list(pool.map(lambda source: _examine(source, watch_s), sources))
    found: dict[str, list[Finding]] = {"cpu": [], "dram": [], "gpu": [], "node": []}
    for finding in examined:
        found[finding.component].append(finding)
    if all(finding.status == Kind.UNAVAILABLE for finding in found["cpu"]):
        model = _examine(CpuTimeSource(), watch_s)
        detail = f"{model.detail}; RAPL: {packages.reason}"
        found["cpu"].append(replace(model, detail=detail, mend=packages.mend))
    if not found["dram"]:
        reason = packages.reason or "this processor has no DRAM counter"
        found["dram"] = [Finding("dram", "unavailable", detail=reason, mend=packages.mend)]
    if gpus.reason:
        found["gpu"].append(Finding("gpu", "unavailable", detail=gpus.reason, mend=gpus.mend))
    if sensors.incomplete:
        found["node"].append(
            Finding("node", "unavailable", detail=sensors.reason, mend=sensors.mend)
        )
    if not found["node"]:
        found["node"] = [Finding("node", "unavailable", detail=NO_NODE, mend=NAME_A_WATTMETER)]
    return [finding for findings in found.values() for finding in findings]


def _examine(source: Source | PowerSource, watch_s: float) -> Finding:
    """Read a source; watch it for a while if it is a counter of hardware."""
    with EnergyMeter([source]) as meter:
        [value], info = meter.snapshot().values, source.info
        if isinstance(value, str):
            return Finding(info.component, Kind.UNAVAILABLE, info.id, detail=value)
        finding = Finding(
            info.component,
            info.kind,
            info.id,
            info.detail,
            update_period_s=info.update_period_s,
            read_latency_s=meter.read_cost_s,
            gain_error=info.gain_error,
            notes=(*info.warnings, *getattr(source, "notes", ())),
        )
    if info.kind is not Kind.MEASURED or not isinstance(source, Source):
        return finding
    seen = observe(source, nvml.power_of(source), watch_s)
    return replace(
        finding,
        read_latency_s=seen.read_latency_s,
        tick_s=seen.tick_s,
        counter_w=seen.counter_w,
        integrated_w=seen.integrated_w,
        notes=finding.notes + _disagreement(seen),
    )


def _disagreement(seen: Observation) -> tuple[str, ...]:
    if seen.counter_w is None or seen.integrated_w is None:
        return ()
    if abs(seen.counter_w - seen.integrated_w) <= DISAGREEMENT * seen.integrated_w:
        return ()
    return (
        f"its counter says {seen.counter_w:.3g} W and its power {seen.integrated_w:.3g} W: idle "
        "cards may differ so, busy ones should not",
    )
