"""What can be measured on this machine, why the rest cannot, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .discovery import Discovery
from .meter import EnergyMeter
from .source import Kind
from .sources import nvml, rapl

STATES = {
    Kind.MEASURED: "measured",
    Kind.INTEGRATED: "measured",
    Kind.APPORTIONED: "measured",
    Kind.MODELLED: "modelled",
}


@dataclass(frozen=True)
class Finding:
    """The state of one component.

    Attributes:
        component: ``"cpu"``, ``"dram"`` or ``"gpu"``.
        status: ``"measured"``, ``"modelled"`` or ``"unavailable"``.
        source: Id of the source in use, empty if there is none.
        detail: What it reads, or why nothing can be read.
        mend: What to do for a better number; empty if nothing need be done.
        update_period_s: How often the source's counter moves; None without a source.
        read_latency_s: What one reading takes; None without a source.
        gain_error: Relative error of its joules; None if not known.
    """

    component: str
    status: str
    source: str = ""
    detail: str = ""
    mend: str = ""
    update_period_s: float | None = None
    read_latency_s: float | None = None
    gain_error: float | None = None


def diagnose(rapl_root: Path = rapl.ROOT, nvml_binding: Any = None) -> list[Finding]:
    """Look at each component by reading it.

    Args:
        rapl_root: The powercap tree.
        nvml_binding: The NVML binding; None for ``pynvml``.

    Returns:
        At least one finding for each of cpu, dram and gpu.
    """
    packages, gpus = rapl.discover(rapl_root), nvml.discover(nvml_binding)
    found = {
        "cpu": [*_read(packages, "cpu")],
        "dram": [*_read(packages, "dram")],
        "gpu": [*_read(gpus, "gpu")],
    }
    if not found["cpu"]:
        with EnergyMeter("cpu_time") as meter:
            detail = f"{meter.sources[0].detail}; RAPL: {packages.reason}"
            found["cpu"] = [_finding(meter, detail, packages.mend)]
    if not found["dram"]:
        reason = packages.reason or "this processor has no DRAM counter"
        found["dram"] = [Finding("dram", "unavailable", detail=reason, mend=packages.mend)]
    if not found["gpu"] or gpus.reason:
        found["gpu"].append(Finding("gpu", "unavailable", detail=gpus.reason, mend=gpus.mend))
    return [finding for findings in found.values() for finding in findings]


def _read(discovery: Discovery, component: str) -> list[Finding]:
    findings = []
    for source in discovery.sources:
        if source.info.component == component:
            with EnergyMeter([source]) as meter:
                findings.append(_finding(meter, source.info.detail, ""))
    return findings


def _finding(meter: EnergyMeter, detail: str, mend: str) -> Finding:
    info = meter.sources[0]
    return Finding(
        info.component,
        STATES[info.kind],
        info.id,
        detail,
        mend,
        update_period_s=info.update_period_s,
        read_latency_s=meter.read_cost_s,
        gain_error=info.gain_error,
    )
