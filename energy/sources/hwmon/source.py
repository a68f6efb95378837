"""Energy and power that Linux' hwmon drivers show: processors, cards, supplies, whole machines.

``hwmon`` takes the channels of ``DRIVERS``, whose meaning is known. ``hwmon:CHIP/CHANNEL`` takes
any other by name, such as ``hwmon:nct6775/power1_input@cpu``; without ``@`` it is the node's.
Energies are in microjoules, powers in microwatts (the kernel's hwmon/sysfs-interface.rst).
"""

from __future__ import annotations

import os
import re
import time
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ....errors import ConfigurationError, SourceError, UnknownNameError
from ...discovery import Discovery
from ...forksafe import Guard
from ...source import Kind, PowerSource, Scope, Source, SourceInfo
from .drivers import DRIVERS, PERIOD_S, PERIODS_S, WRAPPING, Driver

ROOT = Path("/sys/class/hwmon")
SCOPES = {"cpu": Scope.PACKAGE, "dram": Scope.PACKAGE, "gpu": Scope.BOARD, "node": Scope.NODE}
MAX_POWER_W = {"cpu": 1_000.0, "dram": 1_000.0, "gpu": 3_000.0, "node": 50_000.0}
KEEP_ALIVE_S = 60.0
MIRROR_TOLERANCE_J = 1.0
"""What a counter may move between two readings of another that shows the same."""


@dataclass(frozen=True)
class _Channel:
    """A quantity that a chip shows."""

    driver: str
    chip: str
    folder: Path
    files: tuple[str, ...]
    label: str = ""

    @property
    def name(self) -> str:
        return "*".join(self.files)


class _Files:
    """The files of a channel, kept open: ten times as fast to read.

    After a failure they are looked up anew, since a chip that comes back has another number.
    """

    def __init__(self, root: Path, open_file: Callable[[Path], int], channel: _Channel) -> None:
        self._root, self._open_file, self._channel = root, open_file, channel
        self._inodes: tuple[int, ...] = ()
        self._open: list[int] = []
        self.renewals = 0
        weakref.finalize(self, _close, self._open)

    def read(self) -> list[int]:
        try:
            if not self._open:
                self._look_up()
            return [int(os.pread(file, 64, 0)) for file in self._open]
        except (OSError, ValueError) as error:
            _close(self._open)
            raise SourceError(f"cannot read {self._channel.name}: {error}") from error

    def _look_up(self) -> None:
        folder = _chips(self._root).get(self._channel.chip, self._channel.folder)
        for file in self._channel.files:
            self._open.append(self._open_file(folder / file))
        inodes = tuple([os.fstat(file).st_ino for file in self._open])
        if self._inodes and inodes != self._inodes:
            self.renewals += 1
        self._inodes = inodes


class HwmonCounter:
    """An energy counter. One that falls or comes back anew was reset."""

    def __init__(self, info: SourceInfo, files: _Files) -> None:
        self.info = info
        self._files = files
        self._guard = Guard()
        self._last_uj = 0
        self._falls = 0

    @property
    def resets(self) -> int:
        """How often the counter lost count."""
        return self._falls + self._files.renewals

    def read(self) -> float:
        """Joules since the driver began to count."""
        with self._guard:
            (energy_uj,) = self._files.read()
            if energy_uj < self._last_uj:
                self._falls += 1
            self._last_uj = energy_uj
            return energy_uj * 1e-6


class WrappingHwmonCounter(HwmonCounter):
    """An energy counter whose driver misses a wrap unless it is read in time."""

    def tend(self) -> float:
        """Read, so that no wrap is missed."""
        self.read()
        return KEEP_ALIVE_S


class HwmonPower:
    """A present power: of one file, or voltage times current."""

    def __init__(
        self, info: SourceInfo, files: _Files, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.info = info
        self._files = files
        self._clock = clock
        self._guard = Guard()
        self._hold_s = info.update_period_s if info.update_period_s > PERIOD_S else 0.0
        self._last: tuple[float, float] = (float("-inf"), 0.0)

    def read_power_w(self) -> float:
        """Present power in watts; of a slow driver that of up to a second ago."""
        with self._guard:
            now = self._clock()
            if now - self._last[0] >= self._hold_s:
                power_w = 1e-6
                for factor in self._files.read():  # microwatts, or millivolts and milliamperes
                    power_w *= factor
                self._last = (now, power_w)
            return self._last[1]


def discover(
    root: Path = ROOT,
    channel: str | None = None,
    *,
    open_file: Callable[[Path], int] = lambda path: os.open(path, os.O_RDONLY),
    clock: Callable[[], float] = time.perf_counter,
) -> Discovery:
    """Find the channels of known drivers, or the named one.

    Args:
        root: The hwmon folder.
        channel: ``"CHIP/CHANNEL"`` or ``"CHIP/CHANNEL@COMPONENT"``: a chip's name (then all chips
            of that name) or its name and device as in a source's id, and a file or a label; None
            for the known drivers.
        open_file: Opens a file for reading.
        clock: Monotonic seconds.

    Returns:
        The readable sources. Half of the processors would be a wrong number, so one that cannot be
        read leaves none.

    Raises:
        ConfigurationError: The channel is not written as above.
        UnknownNameError: Its component is not known.
    """
    if not root.is_dir():
        return Discovery(reason=f"no hwmon tree at {root}", mend="hwmon needs Linux on hardware")
    present = [each for folder in _chips(root).items() for each in _channels(*folder)]
    names = ", ".join(f"{each.chip}/{each.label or each.name}" for each in present) or "none"
    files_of = partial(_Files, root, open_file)
    if channel is not None:
        driver, wanted = _named(channel, present)
        if not wanted:
            return Discovery(reason=f"no hwmon channel {channel!r}", mend=f"There are: {names}")
        return _open(driver, wanted, files_of, clock)
    found: list[Discovery] = []
    served: set[str] = set()
    missing: set[str] = set()
    for driver in DRIVERS:
        if driver.component in served:
            continue
        wanted = _of_driver(driver, present)
        found.append(_open(driver, wanted, files_of, clock))
        if found[-1].incomplete:
            missing.add(driver.component)
        if found[-1].sources and driver.component != "gpu":
            served.add(driver.component)
    sources = [source for each in found for source in each.sources]
    reason = "; ".join(each.reason for each in found if each.reason)
    mend = "; ".join(each.mend for each in found if each.mend)
    if not sources and not reason:
        reason = f"no hwmon channel of a known driver (there are: {names})"
        mend = "Name one, such as hwmon:nct6775/power1_input@cpu"
    return Discovery(sources, reason, mend, incomplete=bool(missing - served))


def _chips(root: Path) -> dict[str, Path]:
    """The folder with the files of each chip, by its name and device: numbers change at a boot."""
    chips: dict[str, Path] = {}
    twins: Counter[str] = Counter()
    for folder in sorted(root.glob("hwmon*"), key=lambda path: (len(path.name), path.name)):
        device = folder / "device"
        # Older drivers put their files into the device's folder.
        files = folder if (folder / "name").exists() else device
        name = _text(files / "name")
        if name:
            chip = f"{name}-{device.resolve().name if device.exists() else folder.name}"
            twins[chip] += 1
            chips[chip if twins[chip] == 1 else f"{chip}.{twins[chip]}"] = files
    return chips


def _channels(chip: str, folder: Path) -> list[_Channel]:
    """The energies and powers of a chip."""
    driver = _text(folder / "name")
    present = {path.name for path in folder.iterdir()}
    channels: list[_Channel] = []
    for file in sorted(present, key=lambda name: (len(name), name)):
        match = re.fullmatch(r"((?:energy|power)(\d+))_(?:input|average)", file)
        if match:
            labels = [f"{match[1]}_label", f"{match[1]}_oem_info"]
            labels += [f"in{match[2]}_label"] if driver == "ina3221" else []
            label = next(filter(None, (_text(folder / label) for label in labels)), "")
            channels.append(_Channel(driver, chip, folder, (file,), label))
    for rail in "123" if driver == "ina3221" and not channels else "":
        pair = (f"in{rail}_input", f"curr{rail}_input")  # its power is left to the reader
        if present.issuperset(pair):
            label = _text(folder / f"in{rail}_label")
            channels.append(_Channel(driver, chip, folder, pair, label))
    return channels


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _of_driver(driver: Driver, present: list[_Channel]) -> list[_Channel]:
    """The channels that a known driver's patterns choose, on each of its chips."""
    wanted: list[_Channel] = []
    for chip in dict.fromkeys(each.chip for each in present if each.driver == driver.name):
        channels = {f"{c.name} {c.label}".strip(): c for c in present if c.chip == chip}
        for pattern in driver.channels:
            chosen = [channel for key, channel in channels.items() if re.fullmatch(pattern, key)]
            if chosen:
                wanted += chosen
                break
    return wanted


def _named(text: str, present: list[_Channel]) -> tuple[Driver, list[_Channel]]:
    """What ``CHIP/CHANNEL@COMPONENT`` names."""
    match = re.fullmatch(r"([^/]+)/([^/@]+)(?:@(\w+))?", text)
    if match is None:
        raise ConfigurationError(
            f"hwmon channel {text!r}: write CHIP/CHANNEL or CHIP/CHANNEL@COMPONENT, such as "
            "nct6775/power1_input@cpu"
        )
    chip, name, component = match[1], match[2], match[3] or "node"
    if component not in SCOPES:
        raise UnknownNameError("component", component, SCOPES)
    wanted = [c for c in present if chip in (c.driver, c.chip) and name in (c.name, c.label)]
    return Driver(chip, component, "as named by the user", ()), wanted


def _open(
    driver: Driver,
    wanted: list[_Channel],
    files_of: Callable[[_Channel], _Files],
    clock: Callable[[], float],
) -> Discovery:
    """Read each channel once, so that what cannot be read is known now."""
    sources: list[Source | PowerSource] = []
    left_out: list[str] = []
    problems: list[str] = []
    denied: list[Path] = []
    for channel in wanted:
        if driver.unless and (channel.folder / driver.unless[0]).exists():
            left_out.append(f"{channel.chip}: {driver.unless[1]}")
            continue
        files = files_of(channel)
        try:
            files.read()
        except SourceError as error:
            problems.append(f"{channel.chip}: {error}")
            # A refusal to open has a file's name. Sleeping cards refuse too, but to be read.
            if isinstance(error.__cause__, PermissionError) and error.__cause__.filename:
                denied.append(Path(error.__cause__.filename))
            continue
        source = _source(driver, channel, files, clock)
        if not any(_mirrors(source, other) for other in sources):
            sources.append(source)
    if driver.alone and len(sources) > 1:
        left_out.append(
            f"{driver.name} shows {len(sources)} meters, which may be a whole and its parts: name "
            f"one, such as {sources[0].info.id}"
        )
        sources = []
    if problems and driver.component != "gpu":
        sources = []
    reason = "; ".join([*problems, *left_out])
    return Discovery(sources, reason, _mend(denied), incomplete=bool(problems))


def _source(
    driver: Driver, channel: _Channel, files: _Files, clock: Callable[[], float]
) -> Source | PowerSource:
    is_energy = channel.name.startswith("energy")
    what = f"{channel.name} ({channel.label})" if channel.label else channel.name
    info = SourceInfo(
        id=f"hwmon:{channel.chip}/{channel.name}",
        component=driver.component,
        kind=Kind.MEASURED if is_energy else Kind.INTEGRATED,
        scope=driver.scope or SCOPES[driver.component],
        detail=f"{driver.detail}: {what} of {channel.chip}, all processes on it included",
        update_period_s=PERIODS_S.get(channel.driver, PERIOD_S),
        max_power_w=MAX_POWER_W[driver.component],
    )
    if not is_energy:
        return HwmonPower(info, files, clock)
    kind = WrappingHwmonCounter if channel.driver in WRAPPING else HwmonCounter
    return kind(info, files)


def _mirrors(source: Source | PowerSource, other: Source | PowerSource) -> bool:
    """Whether two counters of processors are one.

    amd_energy takes each memory node for a socket, of which a processor may have four.
    """
    if source.info.component != "cpu" or not isinstance(source, HwmonCounter):
        return False
    if not isinstance(other, HwmonCounter):
        return False
    before, now, after = other.read(), source.read(), other.read()
    return before - MIRROR_TOLERANCE_J <= now <= after + MIRROR_TOLERANCE_J


def _mend(denied: list[Path]) -> str:
    """How to make files readable."""
    if not denied:
        return ""
    rules = "; ".join(
        f'SUBSYSTEM=="hwmon", ATTR{{name}}=="{_text(file.parent / "name")}", '
        f'RUN+="/bin/chmod a+r /sys%p/{file.name}"'
        for file in denied
    )
    return (
        f"Give read permission: `sudo chmod a+r {' '.join(map(str, denied))}` until the next boot, "
        f"or for good by udev rules: {rules}"
    )


def _close(files: list[int]) -> None:
    while files:
        os.close(files.pop())
