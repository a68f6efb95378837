"""Files that anybody may have made: opened only if they are files, read only if they are small.

What a file holds is looked at after its kind and size: a pipe or a device would never end, and what
is too large for its purpose is something else. `plain` says what their text holds.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, AnyStr, BinaryIO, Final

from ..errors import DataError

DESCRIPTION: Final = 256 << 10
"""Bytes of what people write by hand: experiments, descriptions, calibrations."""
STATISTICS: Final = 64 << 20
"""Bytes of what is written with the statistics of a data set: 4 MiB for 100,000 features."""
TABLE: Final = 256 << 20
"""Bytes of a table that is read whole, and of a ledger."""
WEIGHTS: Final = 1 << 30
"""Bytes of weights and checkpoints."""
LINE: Final = 1 << 20
"""Characters in a line of a file that is read line by line, however long the file is."""
_LINE_ENDS = ("\n", "\r", ord("\n"), ord("\r"))
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_file(path: str | Path, most_bytes: int | None = None) -> BinaryIO:
    """Open a file for reading.

    Args:
        path: The file; links are followed.
        most_bytes: How large it may be; any size if None.

    Raises:
        OSError: It cannot be opened, or is a folder.
        DataError: It is no file but a pipe, a socket or a device, or it is too large.
    """
    _check(path, os.stat(path), most_bytes)  # noqa: PTH116 - opening some devices changes them
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _check(path, os.fstat(file.fileno()), most_bytes)
    except BaseException:
        file.close()
        raise
    return file


def read_bytes(path: str | Path, most_bytes: int) -> bytes:
    """Read a whole file; raises as `open_file` does."""
    with open_file(path, most_bytes) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:  # it grew, or tells no size
        raise too_large(path, len(content), most_bytes)
    return content


def read_text(path: str | Path, most_bytes: int = DESCRIPTION) -> str:
    """Read a whole file of UTF-8.

    Raises:
        OSError, DataError: As in `open_file`.
        UnicodeDecodeError: It is no text.
    """
    return io.TextIOWrapper(io.BytesIO(read_bytes(path, most_bytes)), encoding="utf-8").read()


def open_text(path: str | Path, encoding: str = "utf-8-sig") -> io.TextIOWrapper:
    """Open a text of any length, line ends as they are; raises as `open_file` does."""
    return io.TextIOWrapper(open_file(path), encoding=encoding, newline="")


def lines(path: str | Path, file: IO[AnyStr], longest: int = LINE) -> Iterator[AnyStr]:
    """The lines of an open file, for readers that take them one by one.

    Raises:
        DataError: One is longer than ``longest``.
    """
    number = 0
    while line := file.readline(longest):
        number += 1
        if len(line) == longest and line[-1] not in _LINE_ENDS:
            raise DataError(
                f"{path}, line {number}: longer than {longest:,} characters, so this is no table: "
                "give a text with line ends"
            )
        yield line


def too_large(path: str | Path, size: int, most_bytes: int) -> DataError:
    """The refusal of a file for its size."""
    return DataError(
        f"{path}: {in_words(size)}, and at most {in_words(most_bytes)} are read: give a smaller "
        "file, or the part of it that is needed"
    )


def unreadable(path: str | Path, error: Exception, give: str) -> DataError:
    """The refusal of a file that the system or a library cannot read: what to give instead."""
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    return DataError(f"{path}: cannot be read: {reason[:200]}; {give}")


def _check(path: str | Path, status: os.stat_result, most_bytes: int | None) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if kind in _KINDS:
        raise DataError(f"{path}: is {_KINDS[kind]}, no file: save what it gives, and name that")
    if most_bytes is not None and status.st_size > most_bytes:
        raise too_large(path, status.st_size, most_bytes)


def in_words(size: int) -> str:
    """A number of bytes for people: ``"256 KiB"``."""
    for unit, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << unit:
            return f"{size / (1 << unit):,.4g} {name}"
    return f"{size:,} bytes"
