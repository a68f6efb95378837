"""Watts per core of this machine's processor, from CodeCarbon's table of rated powers."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..codecarbon import find_data_files

FALLBACK_W_PER_THREAD = 4.0  # CodeCarbon's figure for a processor that its table lacks
LARGEST_W_PER_THREAD = 30.0  # above it this machine shows only a part of the processor

# What systems or the table put around a processor's name.
_DECORATION = re.compile(
    r"\((R|TM)\)|@.*|\bCPU\b|\bProcessor\b|\b\d+-Cores?\b|^\d+th Gen\b|\bwith Radeon.*", re.I
)


class CpuPower(NamedTuple):
    """Watts per hardware thread at full load, and where the figure is from."""

    watts_per_core: float
    origin: str


class Processor(NamedTuple):
    """What the system says of its processor."""

    model: str  # its name
    virtual: bool = False  # whether a hypervisor stands between
    sockets: int = 1  # how many of them there are
    threads: int = 1  # hardware threads of all of them


@cache
def cpu_power() -> CpuPower:
    """Watts per hardware thread of this machine (see ``watts_of``)."""
    return watts_of(processor())


def watts_of(cpu: Processor) -> CpuPower:
    """A processor's rated power per hardware thread, or CodeCarbon's 4 W if unknown or virtual."""
    rated_w = rated_power_w(cpu.model)
    watts = None if rated_w is None else rated_w * cpu.sockets / cpu.threads
    if watts is None:
        reason = f"{cpu.model!r} is not in its table"
    elif cpu.virtual or watts > LARGEST_W_PER_THREAD:
        reason = f"a virtual machine's share of {cpu.model}"
    else:
        return CpuPower(watts, f"{rated_w:g} W rated for {cpu.model}, from CodeCarbon's table")
    fallback = f"CodeCarbon's fallback of {FALLBACK_W_PER_THREAD:g} W per thread ({reason})"
    return CpuPower(FALLBACK_W_PER_THREAD, fallback)


def rated_power_w(model: str) -> float | None:
    """Rated power in watts of a model as the system names it, or None if the table lacks it."""
    import csv

    wanted = _normalise(model)
    last = wanted.rpartition(" ")[2]
    for table in find_data_files("hardware/cpu_power.csv") if wanted else []:
        head, *lines = table.read_text(encoding="utf-8").splitlines()
        # Most rows are told apart by the last word alone, at a tenth of the time.
        near = [line for line in lines if last in line.lower()]
        for row in csv.DictReader([head, *near]):
            if _normalise(row["Name"]) == wanted:
                return _watts(row["TDP"])
    return None


def _watts(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # the table has a "29.32.9"
        return None


def _normalise(name: str) -> str:
    return " ".join(_DECORATION.sub(" ", name).lower().split())


def processor() -> Processor:
    """This machine's processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        return from_cpuinfo(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    import platform

    model = platform.processor()
    if platform.system() == "Darwin":
        import subprocess

        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        model = answer.stdout.strip()
    return Processor(model or platform.machine(), threads=os.cpu_count() or 1)


def from_cpuinfo(text: str) -> Processor:
    """Read the text of Linux' ``/proc/cpuinfo``."""
    import platform  # loaded late, as other modules are here: a meter should start at once

    model = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.M)
    return Processor(
        model.group(1).strip() if model else platform.machine(),
        virtual=re.search(r"^flags\s*:.*\bhypervisor\b", text, flags=re.M) is not None,
        sockets=len(set(re.findall(r"^physical id\s*:\s*(\d+)", text, flags=re.M))) or 1,
        threads=len(re.findall(r"^processor\s*:", text, flags=re.M)) or 1,
    )
