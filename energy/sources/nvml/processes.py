"""Whose processes are on a GPU: this process tree's, others', or ones of another container."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from .devices import Device

LOOK_PERIOD_S = 0.25  # how often to look whether this process tree uses a GPU
OTHERS_PERIOD_S = 30.0  # how often to look for processes of others once the GPU is in use
LOOK_SHARE = 0.005  # looking may take this share of the time
MOST_NAMED = 3
NAMELESS = "name not shown"
FIRST_PID_NAMESPACE = 0xEFFFFFFC  # inode of the namespace that Linux starts with: PROC_PID_INIT_INO


class Census(NamedTuple):
    """Processes, told apart."""

    ours: bool = False  # whether one of them is this process or a descendant
    others: tuple[tuple[int, str], ...] = ()  # pid and name of those that are not
    unknown: frozenset[int] = frozenset()  # pids that do not exist here


class Processes:
    """Tells processes apart by pid.

    In a container NVML may give the host's pids or none: there a list without this process means
    something only once a process of this tree was found in one.
    """

    def __init__(self, on_host: bool | None = None) -> None:
        self.on_host = _on_host() if on_host is None else on_host
        self.found_ours = False

    @property
    def trusted(self) -> bool:
        """Whether a process of this tree would be found in a list if it were on the GPU."""
        return self.on_host or self.found_ours

    def census(self, pids: Iterable[int]) -> Census:
        """Look each process up."""
        import psutil  # it takes half of the time that a meter needs to start

        own_pid, ours, others, unknown = os.getpid(), False, [], set()
        for pid in sorted(pids):
            try:
                process = psutil.Process(pid)
                if pid == own_pid or any(parent.pid == own_pid for parent in process.parents()):
                    ours = True
                else:
                    others.append((pid, process.name()))
            except (psutil.NoSuchProcess, psutil.AccessDenied) as error:
                if isinstance(error, psutil.AccessDenied) or _is_hidden(pid):
                    others.append((pid, NAMELESS))
                else:
                    unknown.add(pid)
        return Census(ours, tuple(others), frozenset(unknown))


class Occupancy:
    """Whether this process tree uses a GPU (always, if the user named it), and who else does.

    All GPUs share one ``processes``: they learn from each other whether lists can be trusted.
    """

    def __init__(
        self,
        device: Device,
        processes: Processes,
        *,
        given: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._device, self._processes, self._clock = device, processes, clock
        self._given = given
        self._seen = self._answered = False
        self._refusal = ""
        self._census = Census()
        self._unknown = 0
        self._next_glance_s = 0.0
        if not given:
            self.look()

    @property
    def in_use(self) -> bool:
        """False while it is known that no process of this tree uses the GPU."""
        return self._given or self._seen or bool(self._cannot_tell)

    def look(self) -> float:
        """See who is on the GPU; returns in how many seconds to look again."""
        began_s = self._clock()
        try:
            self._see(self._device.pids())
            self._answered, self._refusal = True, ""
        except Exception as error:  # noqa: BLE001 - whatever drivers and systems do
            self._refusal = "" if self._answered else str(error)
        now = self._clock()
        rest_s = (now - began_s) / LOOK_SHARE
        self._next_glance_s = now + max(LOOK_PERIOD_S, rest_s)
        settled = self._given or self._seen or self._refusal
        return max(OTHERS_PERIOD_S if settled else LOOK_PERIOD_S, rest_s)

    def glance(self) -> None:
        """Look within a reading, if the GPU is not in use and the last look was long enough ago."""
        if not self.in_use and self._clock() >= self._next_glance_s:
            self.look()

    def notes(self, name: str) -> tuple[str, ...]:
        """What a reader of the joules of a source must know."""
        if not self.in_use:
            return ()
        notes = []
        if not (self._given or self._seen):
            notes.append(
                f"{name}: billed without knowing that this process uses it: {self._cannot_tell}"
            )
        if others := self._census.others:
            who = ", ".join(f"{pid} ({what})" for pid, what in others[:MOST_NAMED])
            more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
            process, their = ("process", "its") if len(others) == 1 else ("processes", "their")
            notes.append(
                f"{name}: shared with {process} {who}{more}: {their} joules are in the reading"
            )
        if self._unknown:
            notes.append(
                f"{name}: shared with processes unknown here, as of another container: their "
                "joules are in the reading"
            )
        return tuple(notes)

    @property
    def _cannot_tell(self) -> str:
        if self._refusal:
            return self._refusal
        return "" if self._processes.trusted else "NVML's pids may not be those of this container"

    def _see(self, pids: set[int]) -> None:
        census = self._processes.census(pids)
        # What was unknown twice did not just end: it belongs to another pid namespace.
        lasting = census.unknown & self._census.unknown
        if census.ours:
            self._seen = self._processes.found_ours = True
        if lasting:
            self._processes.on_host = False
        explained = 0 if census.ours or not lasting else _n_of_this_tree()
        self._unknown = max(len(lasting) - explained, 0)
        self._census = census


def _on_host() -> bool:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == FIRST_PID_NAMESPACE
    except OSError:
        return sys.platform != "linux"


def _n_of_this_tree() -> int:
    import psutil

    try:
        return 1 + len(psutil.Process().children(recursive=True))
    except psutil.Error:
        return 1


def _is_hidden(pid: int) -> bool:
    """Whether a process exists that the system does not show, as other users' on many clusters."""
    if pid <= 0 or sys.platform == "win32":
        return False
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError) as error:
        return isinstance(error, PermissionError)
    return False
