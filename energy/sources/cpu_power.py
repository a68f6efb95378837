"""Watts per core of this machine's processor, from CodeCarbon's table of rated powers."""

from __future__ import annotations

import csv
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FALLBACK_W_PER_THREAD = 4.0
"""CodeCarbon's figure for a processor that its table lacks."""
LARGEST_W_PER_THREAD = 30.0
"""More than any known processor: above it this machine shows only a part of the processor."""


@dataclass(frozen=True)
class CpuPower:
    """Watts per hardware thread at full load, and where the figure is from."""

    watts_per_core: float
    origin: str


@cache
def cpu_power() -> CpuPower:
    """Look up this machine's processor.

    Returns:
        The rated power over the number of threads; CodeCarbon's 4 W per thread where the model is
        not in the table, or where a virtual machine shows only some of the processor's threads.
    """
    model, virtual = cpu_model()
    rated_w = rated_power_w(model)
    fallback = f"CodeCarbon's fallback of {FALLBACK_W_PER_THREAD:g} W per thread"
    if rated_w is None:
        return CpuPower(FALLBACK_W_PER_THREAD, f"{fallback} ({model!r} is not in its table)")
    watts = rated_w / (os.cpu_count() or 1)
    if virtual or watts > LARGEST_W_PER_THREAD:
        return CpuPower(FALLBACK_W_PER_THREAD, f"{fallback} (a virtual machine's share of {model})")
    return CpuPower(watts, f"{rated_w:g} W rated for {model}, from CodeCarbon's table")


def rated_power_w(model: str) -> float | None:
    """Rated power of a processor model in watts, or None if the table lacks it.

    Args:
        model: The name as the system gives it.
    """
    wanted = _normalise(model)
    spec = find_spec("codecarbon")  # only its data file is read; importing it takes a second
    for folder in (spec.submodule_search_locations or []) if spec and wanted else []:
        table = Path(folder) / "data" / "hardware" / "cpu_power.csv"
        if table.is_file():
            with table.open(newline="", encoding="utf-8") as rows:
                for row in csv.DictReader(rows):
                    if _normalise(row["Name"]) == wanted:
                        return float(row["TDP"])
    return None


def _normalise(name: str) -> str:
    name = re.sub(r"\((R|TM)\)|@.*|\bCPU\b|\bProcessor\b|\b\d+-Core\b", " ", name, flags=re.I)
    return " ".join(name.lower().split())


def cpu_model() -> tuple[str, bool]:
    """The processor's name, and whether a hypervisor stands between."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
        match = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.M)
        virtual = re.search(r"^flags\s*:.*\bhypervisor\b", text, flags=re.M) is not None
        return (match.group(1).strip() if match else platform.machine()), virtual
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or platform.machine(), False
    return platform.processor() or platform.machine(), False
