"""What can be measured on this machine, why the rest cannot, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .meter import EnergyMeter
from .source import Kind, PowerSource, Source
from .sources import nvml, rapl
from .sources.cpu_time import CpuTimeSource


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
    found: dict[str, list[Finding]] = {"cpu": [], "dram": [], "gpu": []}
    for source in [*packages.sources, *gpus.sources]:
        found[source.info.component].append(_read(source, source.info.detail))
    if not found["cpu"]:
        model = CpuTimeSource()
        detail = f"{model.info.detail}; RAPL: {packages.reason}"
        found["cpu"] = [_read(model, detail, packages.mend)]
    if not found["dram"]:
        reason = packages.reason or "this processor has no DRAM counter"
        found["dram"] = [Finding("dram", "unavailable", detail=reason, mend=packages.mend)]
    if gpus.reason:
        found["gpu"].append(Finding("gpu", "unavailable", detail=gpus.reason, mend=gpus.mend))
    return [finding for findings in found.values() for finding in findings]


def _read(source: Source | PowerSource, detail: str, mend: str = "") -> Finding:
    with EnergyMeter([source]) as meter:
        [value], info = meter.snapshot().values, source.info
        if isinstance(value, str):
            return Finding(info.component, "unavailable", info.id, detail=value)
        return Finding(
            info.component,
            "modelled" if info.kind is Kind.MODELLED else "measured",
            info.id,
            detail,
            mend,
            update_period_s=info.update_period_s,
            read_latency_s=meter.read_cost_s,
            gain_error=info.gain_error,
        )
