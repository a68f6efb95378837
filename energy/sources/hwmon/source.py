"""Energies (µJ) and powers (µW) that Linux' hwmon drivers show (the kernel's sysfs-interface)."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ....errors import ConfigurationError, SourceError, UnknownNameError
from ...counter import PossibleSteps
from ...forksafe import Guard
from ...hardware import MOST_W
from ...source import SCOPES, Discovery, Kind, PowerSource, Source, SourceInfo
from .channels import Channel, ChannelFiles, list_channels, read_attribute
from .drivers import DRIVERS, PERIOD_S, PERIODS_S, WRAPPING, HwmonDriver

ROOT = Path("/sys/class/hwmon")
KEEP_ALIVE_S = 60.0
MIRROR_TOLERANCE_J = 1.0  # what a counter may move while another that shows the same is read


class HwmonCounter(Source):
    """An energy counter; it was reset where it falls, leaps or comes back anew."""

    def __init__(
        self,
        info: SourceInfo,
        files: ChannelFiles,
        clock: Callable[[], float],
        *,
        wraps: bool = False,
    ) -> None:
        self.info = info
        self._files, self._clock = files, clock
        self.keep_alive_s = KEEP_ALIVE_S if wraps else math.inf
        self._guard = Guard()
        self._steps = PossibleSteps(info.max_power_w, info.update_period_s)

    @property
    def resets(self) -> int:
        """How often the counter lost count."""
        return self._steps.losses + self._files.renewals

    def read(self) -> float:
        """Joules since the driver began to count."""
        with self._guard:
            asked_s = self._clock()
            (energy_uj,) = self._files.read()
            if energy_uj < 0:
                raise SourceError(f"counter shows {energy_uj}, which is impossible")
            self._steps.judge(energy_uj * 1e-6, asked_s, self._clock())
            return energy_uj * 1e-6


class HwmonPower(PowerSource):
    """A present power: of one file, or voltage times current."""

    def __init__(self, info: SourceInfo, files: ChannelFiles, clock: Callable[[], float]) -> None:
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
                factors = self._files.read()  # microwatts, or millivolts and milliamperes
                self._last = (now, math.prod(factors, start=1e-6))
            return self._last[1]


def discover(
    root: Path = ROOT,
    channel: str | None = None,
    *,
    open_file: Callable[[Path], int] = lambda path: os.open(path, os.O_RDONLY),
    clock: Callable[[], float] = time.perf_counter,
) -> Discovery:
    """Find the channels of known drivers, or the one named ``CHIP/CHANNEL[@COMPONENT]``.

    The chip is a driver's name (all its chips) or a chip's in a source's id, the channel a file or
    a label. Some of the processors would be a wrong number: one that cannot be read leaves none.
    """
    if not root.is_dir():
        return Discovery(reason=f"no hwmon tree at {root}", mend="hwmon needs Linux on hardware")
    present = list_channels(root)
    names = ", ".join(f"{each.chip}/{each.label or each.name}" for each in present) or "none"
    files_of = partial(ChannelFiles, root, open_file)
    if channel is not None:
        driver, wanted = _parse_channel(channel, present)
        if not wanted:
            return Discovery(reason=f"no hwmon channel {channel!r}", mend=f"There are: {names}")
        return _open_channels(driver, wanted, files_of, clock)
    found: list[Discovery] = []
    served: set[str] = set()
    missing: set[str] = set()
    for driver in DRIVERS:
        if driver.component in served:
            continue
        wanted = _select_channels(driver, present)
        found.append(_open_channels(driver, wanted, files_of, clock))
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


def _select_channels(driver: HwmonDriver, present: list[Channel]) -> list[Channel]:
    """The channels that a known driver's patterns choose, on each of its chips."""
    wanted: list[Channel] = []
    for chip in dict.fromkeys(each.chip for each in present if each.driver == driver.name):
        channels = {f"{c.name} {c.label}".strip(): c for c in present if c.chip == chip}
        for pattern in driver.channels:
            if chosen := [c for key, c in channels.items() if re.fullmatch(pattern, key)]:
                wanted += chosen
                break
    return wanted


def _parse_channel(text: str, present: list[Channel]) -> tuple[HwmonDriver, list[Channel]]:
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
    return HwmonDriver(chip, component, "as named by the user", ()), wanted


def _open_channels(
    driver: HwmonDriver,
    wanted: list[Channel],
    files_of: Callable[[Channel], ChannelFiles],
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
        source = _make_source(driver, channel, files, clock)
        if not any(_mirrors(source, other) for other in sources):
            sources.append(source)
    if driver.alone and len(sources) > 1:
        shown = f"{driver.name} shows {len(sources)} meters, which may be a whole and its parts"
        left_out.append(f"{shown}: name one, such as {sources[0].info.id}")
        sources = []
    if problems and driver.component != "gpu":
        sources = []
    reason = "; ".join([*problems, *left_out])
    return Discovery(sources, reason, _permission_remedy(denied), incomplete=bool(problems))


def _make_source(
    driver: HwmonDriver, channel: Channel, files: ChannelFiles, clock: Callable[[], float]
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
        max_power_w=MOST_W[driver.component],
    )
    if not is_energy:
        return HwmonPower(info, files, clock)
    return HwmonCounter(info, files, clock, wraps=channel.driver in WRAPPING)


def _mirrors(source: Source | PowerSource, other: Source | PowerSource) -> bool:
    """Whether two CPU counters are one: amd_energy takes each memory node for a socket."""
    if not (isinstance(source, HwmonCounter) and isinstance(other, HwmonCounter)):
        return False
    if source.info.component != "cpu":
        return False
    before, now, after = other.read(), source.read(), other.read()
    return before - MIRROR_TOLERANCE_J <= now <= after + MIRROR_TOLERANCE_J


def _permission_remedy(denied: list[Path]) -> str:
    """How to make files readable."""
    if not denied:
        return ""
    rules = "; ".join(
        f'SUBSYSTEM=="hwmon", ATTR{{name}}=="{read_attribute(file.parent / "name")}", '
        f'RUN+="/bin/chmod a+r /sys%p/{file.name}"'
        for file in denied
    )
    return (
        f"Give read permission: `sudo chmod a+r {' '.join(map(str, denied))}` until the next boot, "
        f"or for good by udev rules: {rules}"
    )
