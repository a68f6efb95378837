"""Modelled CPU energy: CPU-seconds of the process tree times watts per core."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import resource
except ImportError:  # Windows
    resource = None

from ....errors import SourceError
from ...calibration.stored import load_calibration
from ...forksafe import Guard
from ...source import Kind, Scope, Source, SourceInfo
from .power import cpu_power

if TYPE_CHECKING:
    import psutil

SCAN_PERIOD_S = 0.25  # children are looked up no more often: it costs more than reading
SCAN_SHARE = 0.002  # looking up child processes may take this share of a core's time
MODEL_ERROR = 0.43  # CodeCarbon's median error against wattmeters (Xu et al., HICSS 2023)


class CpuTimeSource(Source):
    """CPU-seconds of this process and its descendants times watts per core.

    Living descendants' time shows up to a scan late, that of children waited for at once. What the
    others used after their last scan is lost outside Linux, or if nobody waits for them. The watts
    are the given ones, else the calibrated ones, else those that the processor is rated for.
    """

    def __init__(
        self,
        watts_per_core: float | None = None,
        descendants_s: Callable[[int], float] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._watts, origin, gain_error = _choose_watts(watts_per_core)
        self.info = SourceInfo(
            id="cpu_time",
            component="cpu",
            kind=Kind.MODELLED,
            scope=Scope.PROCESS,
            detail=f"CPU-seconds of the process tree x {self._watts:g} W per core: {origin}",
            gain_error=gain_error,
            max_power_w=float("inf"),  # a child's life may show in one instant
        )
        self._count_descendants_s = descendants_s or descendants_cpu_s
        self._clock = clock
        self._guard = Guard()
        self._pid = os.getpid()
        self._next_scan_s = 0.0
        self._reaped_s = 0.0
        self._descendants_s = 0.0
        self._vanished_s = 0.0
        self._fell = False

    def read(self) -> float:
        """Modelled joules since the process began."""
        if os.getpid() != self._pid:
            raise SourceError("the meter was made in another process: make one after the fork")
        with self._guard:
            now, reaped_s = self._clock(), reaped_cpu_s()
            if now >= self._next_scan_s or reaped_s != self._reaped_s:
                self._reaped_s = reaped_s
                if _has_children():
                    import psutil  # noqa: F401 - loading it is done once, and no part of a scan
                began_s = time.thread_time()  # what a busy machine makes it wait is no work
                self._scan()
                took_s = time.thread_time() - began_s
                self._next_scan_s = now + max(SCAN_PERIOD_S, took_s / SCAN_SHARE)
            return (time.process_time() + self._vanished_s + self._descendants_s) * self._watts

    def _scan(self) -> None:
        try:
            descendants_s = self._count_descendants_s(self._pid)
        except Exception as error:
            raise SourceError(f"CPU times of child processes: {error}") from error
        if not 0 <= descendants_s <= (os.cpu_count() or 1) * time.monotonic():  # since the boot
            raise SourceError(f"CPU times of child processes: {descendants_s} s is impossible")
        fell = descendants_s < self._descendants_s
        if fell and not self._fell:
            self._fell = True  # one that is just ending is missing for a moment: wait for a scan
            return
        if fell:  # it is gone for good; its time was spent all the same
            self._vanished_s += self._descendants_s - descendants_s
        self._descendants_s, self._fell = descendants_s, False


def _choose_watts(given: float | None) -> tuple[float, str, float]:
    """Watts per core, where they are from, and the relative error of joules by them."""
    if given is not None:
        return given, "given by the user", MODEL_ERROR  # the figure may be good, the model is not
    calibration = load_calibration()
    if calibration is not None and (fit := calibration.cpu) is not None:
        origin = f"calibrated against {fit.reference} on {fit.fitted_at[:10]}"
        return fit.watts_per_core, origin, fit.residual
    power = cpu_power()
    return power.watts_per_core, power.origin, MODEL_ERROR


def reaped_cpu_s() -> float:
    """CPU-seconds of this process' children that were waited for, and of theirs."""
    if resource is None:
        return 0.0  # what they used is known only while they live
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def descendants_cpu_s(pid: int) -> float:
    """CPU-seconds of all descendants, of the ended ones as far as somebody waited for them."""
    total_s = reaped_cpu_s()
    if not _has_children():
        return total_s
    import psutil  # only now: it takes half of the time that a meter needs to start

    for child in _descendants(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total_s += times.user + times.system + times.children_user + times.children_system
    return total_s


def _has_children() -> bool:
    """Whether this process has children, dead ones that nobody waited for included."""
    with contextlib.suppress(AttributeError):  # of Windows
        try:
            # Leaves all to whoever waits for them; fails if there is nobody to wait for.
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
    return True


def _descendants(pid: int) -> list[psutil.Process]:
    """All descendants; by the kernel's own list where it keeps one, which is far cheaper."""
    import psutil

    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        return psutil.Process(pid).children(recursive=True)
    found: list[psutil.Process] = []
    waiting = [pid]
    while waiting:
        for child in _child_pids(waiting.pop()):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended while being looked at
                found.append(psutil.Process(child))
                waiting.append(child)
    return found


def _child_pids(pid: int) -> list[int]:
    pids: list[int] = []
    ended = contextlib.suppress(FileNotFoundError, ProcessLookupError)
    with ended:  # the process
        for task in Path(f"/proc/{pid}/task").iterdir():
            with ended:  # a thread; its children moved to another
                pids += map(int, (task / "children").read_text().split())
    return pids
