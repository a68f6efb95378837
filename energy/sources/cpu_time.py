"""Modelled CPU energy: CPU-seconds of the process tree times watts per core."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil

from ...errors import SourceError
from ..source import Kind, Scope, SourceInfo
from .cpu_power import cpu_power

SCAN_PERIOD_S = 0.1
"""Child processes are looked up at most this often: the look-up costs more than the reading."""
MODEL_ERROR = 0.43
"""Median error of CodeCarbon's modelled CPU energy against wattmeters (Xu et al., HICSS 2023)."""


class CpuTimeSource:
    """CPU-seconds of this process and its descendants times watts per core.

    Other processes on the machine do not enter, so several trials may run side by side.

    Args:
        watts_per_core: Power of one busy core; None looks the processor up.
    """

    def __init__(self, watts_per_core: float | None = None) -> None:
        if watts_per_core is None:
            power = cpu_power()
            self._watts, origin = power.watts_per_core, power.origin
        else:
            self._watts, origin = watts_per_core, "given by the user"
        cores = psutil.cpu_count() or 1
        self._info = SourceInfo(
            id="cpu_time",
            component="cpu",
            kind=Kind.MODELLED,
            scope=Scope.PROCESS,
            detail=f"CPU-seconds of the process tree x {self._watts:g} W per core: {origin}",
            gain_error=MODEL_ERROR,
            # Descendants are seen up to a scan late, so one window may hold a little of the last.
            max_power_w=self._watts * cores * 1_000,
        )
        self._lock = threading.Lock()
        self._process = psutil.Process()
        self._next_scan_s = 0.0
        self._descendants_s = 0.0
        self._highest_s = 0.0

    @property
    def info(self) -> SourceInfo:
        """The source's identity, with its watts."""
        return self._info

    def read(self) -> float:
        """Modelled joules since the process began."""
        with self._lock:
            now = time.perf_counter()
            if now >= self._next_scan_s:
                self._next_scan_s = now + SCAN_PERIOD_S
                try:
                    self._descendants_s = self._descendants()
                except (OSError, psutil.Error) as error:
                    raise SourceError(f"CPU times of child processes: {error}") from error
            # A process that ends between two scans is missing for a moment: never count back.
            self._highest_s = max(self._highest_s, time.process_time() + self._descendants_s)
            return self._highest_s * self._watts

    def _descendants(self) -> float:
        reaped = self._process.cpu_times()
        total_s = reaped.children_user + reaped.children_system
        for child in _children(self._process):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total_s += times.user + times.system + times.children_user + times.children_system
        return total_s


def _children(process: psutil.Process) -> list[psutil.Process]:
    """All descendants; by the kernel's own list where it keeps one, which is far cheaper."""
    tasks = Path(f"/proc/{process.pid}/task")
    if not (tasks / str(process.pid) / "children").exists():
        return process.children(recursive=True)
    found: list[psutil.Process] = []
    waiting = [process.pid]
    while waiting:
        pid = waiting.pop()
        try:
            lists = [
                (task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()
            ]
            children = [int(child) for text in lists for child in text.split()]
            found.extend(psutil.Process(child) for child in children)
        except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            continue  # it ended while being looked at
        waiting.extend(children)
    return found
