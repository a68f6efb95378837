"""Measured node, CPU, memory and accelerators of HPE Cray machines, readable by everybody.

The blade's controller counts joules about ten times a second and shows them as files, with the time
of each: ``/sys/cray/pm_counters/cpu_energy`` holds ``123456 J 1612345678901234 us``. What the files
mean is told in HPE's "User Access to Compute Node Power Data" (CSM documentation): ``freshness``
counts the controller's scans, ``startup`` changes when its counters began anew, and ``generation``
when a power cap was changed, which leaves the counters as they are.
"""

from __future__ import annotations

import os
import re
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...errors import SourceError
from ..counter import PossibleSteps
from ..forksafe import Guard
from ..hardware import MOST_W, SOCKETS
from ..source import Discovery, Kind, PowerSource, Scope, Source, SourceInfo

ROOT = Path("/sys/cray/pm_counters")
SCANS_HZ = 10.0  # where raw_scan_hz does not tell it
STALE_SCANS = 10  # without a new one the controller is taken to have stopped
HOLD_S = 2e-3  # how long a reading serves: all counters of a window's edge are of one scan
MOST_TRIES = 5  # a scan that comes while files are read happens once at most
MEND = "Only HPE Cray EX and XC machines have it: take --meter rapl, perf or a wattmeter"
MEND_UNREADABLE = "Ask the site to make /sys/cray/pm_counters readable, as HPE ships it"
_FILE = re.compile(r"(?:(accel|cpu|memory)(\d*)_)?energy")
_LINE = re.compile(r"(\d+) J(?: \d+ us)?")


class _Part(NamedTuple):
    """What files of a prefix count."""

    component: str
    scope: Scope
    detail: str
    max_power_w: float


_PARTS = {
    None: _Part("node", Scope.NODE, "the whole node", MOST_W["node"]),
    "cpu": _Part("cpu", Scope.PACKAGE, "processors of the node", SOCKETS * MOST_W["cpu"]),
    "memory": _Part("dram", Scope.PACKAGE, "memory of the node", MOST_W["dram"]),
    "accel": _Part("gpu", Scope.MODULE, "an accelerator module, all its GPUs", MOST_W["gpu"]),
}


@dataclass(frozen=True)
class _Scan:
    """All files as one scan of the controller left them."""

    freshness: int
    startup: str
    generation: str
    energies_j: dict[str, float | str]  # of each file, or why it shows none


class Scans:
    """The files, read as of one scan, and kept open, which is fast.

    Raises:
        SourceError: There is no ``freshness``, or it cannot be read.
    """

    def __init__(self, root: Path, names: Iterable[str], clock: Callable[[], float]) -> None:
        self._root, self._clock = root, clock
        self._guard = Guard()
        self._files: dict[str, int] = {}
        weakref.finalize(self, _close, self._files)
        self._names = tuple(names)
        self.restarts = self.new_caps = 0
        self.period_s = 1.0 / (_number(self._try_text("raw_scan_hz")) or SCANS_HZ)
        self._scan = self._read_scan(self._freshness())
        self._asked_s = self._moved_s = clock()

    def energy_j(self, name: str) -> float:
        """What a counter showed at the present scan, in joules."""
        with self._guard:
            now = self._clock()
            if now - self._asked_s >= HOLD_S:
                self._look(now)
            energy_j = self._scan.energies_j[name]
        if isinstance(energy_j, str):
            raise SourceError(f"{self._root / name} {energy_j}")
        return energy_j

    def _look(self, now: float) -> None:
        last, freshness = self._scan, self._freshness()
        if freshness != last.freshness:
            self._scan = scan = self._read_scan(freshness)
            self._moved_s = now
            self.restarts += scan.startup != last.startup
            self.new_caps += scan.generation != last.generation
        elif now - self._moved_s > STALE_SCANS * self.period_s:
            raise SourceError(
                f"freshness has stood at {freshness} for {now - self._moved_s:.3g} s: the node's "
                "controller does not count"
            )
        self._asked_s = now

    def _read_scan(self, freshness: int) -> _Scan:
        for _ in range(MOST_TRIES):
            startup, generation = (self._try_text(name) for name in ("startup", "generation"))
            energies_j = {name: self._energy(name) for name in self._names}
            before, freshness = freshness, self._freshness()
            if freshness == before:
                return _Scan(freshness, startup, generation, energies_j)
        raise SourceError(f"{self._root} changed at each of {MOST_TRIES} readings")

    def _energy(self, name: str) -> float | str:
        try:
            text = self._text(name)
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"
        match = _LINE.fullmatch(text)
        return float(match[1]) if match else f"shows {text[:40]!r}, which is no energy in J"

    def _freshness(self) -> int:
        try:
            number = _number(self._text("freshness"))
        except OSError as error:
            why = f"cannot read {self._root / 'freshness'}: {error.strerror or error}"
            raise SourceError(why) from error
        if number is None:
            raise SourceError(f"{self._root / 'freshness'} shows no number")
        return number

    def _try_text(self, name: str) -> str:
        try:
            return self._text(name).partition(" ")[0]
        except OSError:
            return ""

    def _text(self, name: str) -> str:
        if name not in self._files:
            self._files[name] = os.open(self._root / name, os.O_RDONLY)
        try:
            return os.pread(self._files[name], 128, 0).decode(errors="replace").strip()
        except OSError:  # perhaps its driver was loaded anew: look it up next time
            os.close(self._files.pop(name))
            raise


class PmCounter(Source):
    """One energy counter of a node; it lost count when the controller started anew."""

    def __init__(self, scans: Scans, name: str, clock: Callable[[], float]) -> None:
        self._scans, self._name, self._clock = scans, name, clock
        self._guard = Guard()
        part = _PARTS[_split(name)[0]]
        self.info = SourceInfo(
            id=f"pm_counters:{name}",
            component=part.component,
            kind=Kind.MEASURED,
            scope=part.scope,
            detail=f"Cray's counter {name}: {part.detail}, whoever uses it",
            update_period_s=scans.period_s,
            max_power_w=part.max_power_w,
        )
        self._steps = PossibleSteps(part.max_power_w, scans.period_s + HOLD_S)
        self._first_caps = scans.new_caps
        self.read()

    @property
    def resets(self) -> int:
        """How often the counters began anew, or moved as none can."""
        return self._steps.losses + self._scans.restarts

    @property
    def notes(self) -> tuple[str, ...]:
        """Whether the node's power cap was changed since the source was made."""
        changed = self._scans.new_caps - self._first_caps
        return (f"{self.info.id}: a power cap of the node was changed",) if changed else ()

    def read(self) -> float:
        """Joules since the controller was started."""
        with self._guard:
            asked_s = self._clock()
            energy_j = self._scans.energy_j(self._name)
            self._steps.judge(energy_j, asked_s, self._clock())
            return energy_j


def discover(
    root: Path = ROOT, wanted: str = "", clock: Callable[[], float] = time.perf_counter
) -> Discovery:
    """Find the energy counters of a node, or the one file that is wanted.

    A sum of numbered ones (``accel_energy`` beside ``accel0_energy``) is left out, as is a file of
    accelerators that shows 0 J, since HPE has it on nodes without any too.
    """
    present = [path.name for path in sorted(root.glob("*energy")) if _FILE.fullmatch(path.name)]
    if not present:
        return Discovery(reason=f"no energy counters in {root}", mend=MEND)
    if wanted and wanted not in present:
        why = f"no counter {wanted!r} in {root}"
        return Discovery(reason=why, mend=f"There are: {', '.join(present)}")
    numbered = {_split(name)[0] for name in present if _split(name)[1]}
    names = [wanted] if wanted else [n for n in present if _is_own(n, numbered)]
    try:
        scans = Scans(root, names, clock)
    except SourceError as error:
        return Discovery(reason=str(error), mend=MEND_UNREADABLE, incomplete=True)
    sources: list[Source | PowerSource] = []
    problems: list[str] = []
    for name in names:
        try:
            if scans.energy_j(name):
                sources.append(PmCounter(scans, name, clock))
            elif _split(name)[0] != "accel":
                problems.append(f"{root / name} shows 0 J, as a dead counter does")
        except SourceError as error:
            problems.append(str(error))
    mend = MEND_UNREADABLE if problems else ""
    return Discovery(sources, "; ".join(problems), mend, incomplete=bool(problems))


def _is_own(name: str, numbered: set[str | None]) -> bool:
    """Whether a file is no sum of numbered ones."""
    prefix, number = _split(name)
    return bool(number) or prefix not in numbered


def _split(name: str) -> tuple[str | None, str]:
    """What a file counts, None for the node, and its number."""
    match = _FILE.fullmatch(name)
    return (match[1], match[2] or "") if match else (None, "")


def _number(text: str) -> int | None:
    first = text.partition(" ")[0]  # a time may follow
    return int(first) if first.isdecimal() else None


def _close(files: dict[str, int]) -> None:
    while files:
        os.close(files.popitem()[1])
