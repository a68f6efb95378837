"""The energies and powers that the chips of a hwmon tree show, and how to read their files."""

from __future__ import annotations

import os
import re
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ....errors import SourceError


@dataclass(frozen=True)
class Channel:
    """A quantity that a chip shows."""

    driver: str  # the chip's name, which is its driver's
    chip: str  # the name and device of the chip, which last from one boot to the next
    folder: Path  # where its files are
    files: tuple[str, ...]  # the file, or the two whose product it is
    label: str = ""  # what the chip calls it; empty if it does not

    @property
    def name(self) -> str:
        """The files, joined by ``*``."""
        return "*".join(self.files)


class ChannelFiles:
    """The files of a channel, kept open, which is fast, and looked up anew after a failure."""

    def __init__(self, root: Path, open_file: Callable[[Path], int], channel: Channel) -> None:
        self._root, self._open_file, self._channel = root, open_file, channel
        self._inodes: tuple[int, ...] = ()
        self._open: list[int] = []
        self.renewals = 0
        weakref.finalize(self, _close, self._open)

    def read(self) -> list[int]:
        """The number in each file."""
        try:
            if not self._open:
                self._look_up()
            return [int(os.pread(file, 64, 0)) for file in self._open]
        except (OSError, ValueError) as error:
            _close(self._open)
            raise SourceError(f"cannot read {self._channel.name}: {error}") from error

    def _look_up(self) -> None:
        folder = _find_chips(self._root).get(self._channel.chip, self._channel.folder)
        for file in self._channel.files:
            self._open.append(self._open_file(folder / file))
        inodes = tuple([os.fstat(file).st_ino for file in self._open])
        if self._inodes and inodes != self._inodes:
            self.renewals += 1
        self._inodes = inodes


def list_channels(root: Path) -> list[Channel]:
    """All energies and powers that the chips of a hwmon folder show."""
    return [each for chip in _find_chips(root).items() for each in _list_channels_of(*chip)]


def read_attribute(path: Path) -> str:
    """What a file of sysfs says; empty if it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _find_chips(root: Path) -> dict[str, Path]:
    """The folder with the files of each chip, by its name and device: numbers change at a boot."""
    chips: dict[str, Path] = {}
    twins: Counter[str] = Counter()
    for folder in sorted(root.glob("hwmon*"), key=lambda path: (len(path.name), path.name)):
        device = folder / "device"
        # Older drivers put their files into the device's folder.
        files = folder if (folder / "name").exists() else device
        name = read_attribute(files / "name")
        if name:
            chip = f"{name}-{device.resolve().name if device.exists() else folder.name}"
            twins[chip] += 1
            chips[chip if twins[chip] == 1 else f"{chip}.{twins[chip]}"] = files
    return chips


def _list_channels_of(chip: str, folder: Path) -> list[Channel]:
    driver = read_attribute(folder / "name")
    present = {path.name for path in folder.iterdir()}
    channels: list[Channel] = []
    for file in sorted(present, key=lambda name: (len(name), name)):
        match = re.fullmatch(r"((?:energy|power)(\d+))_(?:input|average)", file)
        if match:
            labels = [f"{match[1]}_label", f"{match[1]}_oem_info"]
            labels += [f"in{match[2]}_label"] if driver == "ina3221" else []
            label = next(filter(None, (read_attribute(folder / label) for label in labels)), "")
            channels.append(Channel(driver, chip, folder, (file,), label))
    for rail in "123" if driver == "ina3221" and not channels else "":
        pair = (f"in{rail}_input", f"curr{rail}_input")  # its power is left to the reader
        if present.issuperset(pair):
            label = read_attribute(folder / f"in{rail}_label")
            channels.append(Channel(driver, chip, folder, pair, label))
    return channels


def _close(files: list[int]) -> None:
    while files:
        os.close(files.pop())
