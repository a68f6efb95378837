"""Powercap trees whose joules are known: files that a process of its own drives in real time.

The driver writes the register of every zone each millisecond, as RAPL does, from the exact integral
of a power profile. It records when it did, so that the true joules between any two moments are
known afterwards, and how far any reading of the register must be from them. Linux gives all
processes of a machine the same ``time.perf_counter``.

A register is 16 bytes that one ``pwrite`` replaces: readers see the old number or the new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

TICK_S = 1e-3
"""How often RAPL updates its registers."""
SMALL_RANGE_UJ = 65_532_610_987
"""The range of client processors' registers, in microjoules."""
LARGE_RANGE_UJ = 262_143_328_850
"""The range of server processors' registers."""


@dataclass(frozen=True)
class Profile:
    """Power that repeats itself: stretches of time in which it changes in a straight line."""

    stretches: tuple[tuple[float, float, float], ...]  # seconds, watts at beginning and end

    @property
    def period_s(self) -> float:
        """How long the stretches take together."""
        return sum(length_s for length_s, _, _ in self.stretches)

    def energy_j(self, time_s: float) -> float:
        """Exact joules from 0 to a time."""
        periods, rest_s = divmod(time_s, self.period_s)
        energy_j = periods * sum(length_s * (a + b) / 2 for length_s, a, b in self.stretches)
        for length_s, from_w, to_w in self.stretches:
            passed_s = min(rest_s, length_s)
            energy_j += passed_s * (from_w + (to_w - from_w) * passed_s / (2 * length_s))
            rest_s -= passed_s
        return energy_j


PROFILES = {
    "constant 80 W": Profile(((1.0, 80.0, 80.0),)),
    "ramp 20-200 W": Profile(((10.0, 20.0, 200.0),)),
    "20 Hz 30/200 W": Profile(((0.025, 200.0, 200.0), (0.025, 30.0, 30.0))),
}


@dataclass(frozen=True)
class Zone:
    """One RAPL package of a driven tree."""

    folder: str  # ".../intel-rapl:0"; its parent is what tools are pointed to
    profile: str
    start_uj: int = 123_456_789  # the register at the driver's time 0
    range_uj: int = LARGE_RANGE_UJ  # its greatest value

    def register(self, energy_j: float) -> int:
        """What the register shows after so many joules."""
        return (self.start_uj + round(energy_j * 1e6)) % (self.range_uj + 1)


def make_zone(folder: Path, name: str, register_uj: int, range_uj: int = LARGE_RANGE_UJ) -> None:
    """Write the files of a zone."""
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
    (folder / "energy_uj").write_bytes(_text(register_uj))


class DriveLog:
    """What a driver did: the truth of any window, and what its register could show.

    Its time 0 is `epoch_s` on ``time.perf_counter``. It wrote the joules of `ticks_s`, and all
    registers showed them at `written_s`.
    """

    def __init__(
        self, epoch_s: float, ticks_s: Sequence[float], written_s: Sequence[float]
    ) -> None:
        self._epoch_s, self._ticks_s, self._written_s = epoch_s, ticks_s, written_s

    def energy_j(self, profile: str, start_s: float, end_s: float) -> float:
        """True joules between two moments."""
        energy_j = PROFILES[profile].energy_j
        return energy_j(end_s - self._epoch_s) - energy_j(start_s - self._epoch_s)

    def updates_s(self, from_s: float, to_s: float) -> Sequence[float]:
        """Moments of the updates around a reading that was taken somewhere between two moments.

        The reading showed the joules of any of them but the last, which came too late for it.
        """
        first = max(bisect_right(self._written_s, from_s) - 1, 0)
        return self._ticks_s[first : bisect_right(self._ticks_s, to_s) + 1]

    def quantum_j(self, profile: str, from_s: float, to_s: float) -> float:
        """Most joules between two updates around a reading: none can know better."""
        pairs = pairwise(self.updates_s(from_s, to_s))
        return max((self.energy_j(profile, a, b) for a, b in pairs), default=float("inf"))

    def longest_gap_s(self, from_s: float, to_s: float) -> float:
        """Longest time between two updates around a reading; a loaded machine delays the driver."""
        pairs = pairwise(self.updates_s(from_s, to_s))
        return max((b - a for a, b in pairs), default=float("inf"))


class ZoneDriver:
    """Makes zones and drives them from a process of its own until the end of ``with``: the log."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._zones = zones
        self._process: subprocess.Popen[bytes] | None = None
        self.log: DriveLog | None = None
        self.epoch_s = 0.0  # its time 0

    def __enter__(self) -> ZoneDriver:
        for zone in self._zones:
            folder = Path(zone.folder)
            package = folder.name.rpartition(":")[2]
            make_zone(folder, f"package-{package}", zone.start_uj, zone.range_uj)
        self._process = process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import drive; drive()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([asdict(zone) for zone in self._zones]).encode() + b"\n")
        process.stdin.flush()
        self.epoch_s = float(process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        answer = self._process.communicate()[0]  # closes its standard input, which ends it
        times = array("d", answer)
        self.log = DriveLog(self.epoch_s, times[::2], times[1::2])


def drive() -> None:
    """Be the driver: zones come by standard input, whose end is the end; the times go back."""
    zones = [Zone(**fields) for fields in json.loads(sys.stdin.readline())]
    groups: dict[str, list[tuple[Zone, int]]] = {}
    for zone in zones:
        file = os.open(Path(zone.folder) / "energy_uj", os.O_WRONLY)
        groups.setdefault(zone.profile, []).append((zone, file))
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with contextlib.suppress(OSError, AttributeError):  # needs root; other load delays it less so
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    times = array("d")

    def update(now_s: float) -> float:
        for profile, outputs in groups.items():
            energy_j = PROFILES[profile].energy_j(now_s - epoch_s)
            for zone, file in outputs:
                os.pwrite(file, _text(zone.register(energy_j)), 0)
        written_s = time.perf_counter()
        times.extend((now_s, written_s))
        return written_s

    epoch_s = due_s = time.perf_counter()
    update(epoch_s)
    print(repr(epoch_s), flush=True)
    while not ended.is_set():
        written_s = update(time.perf_counter())
        due_s = max(due_s + TICK_S, written_s)
        time.sleep(due_s - written_s)
    update(time.perf_counter())  # so that every reading has an update after it
    sys.stdout.buffer.write(times.tobytes())


def _text(register_uj: int) -> bytes:
    return b"%015d\n" % register_uj
