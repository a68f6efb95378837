"""The seal of a ledger, ``ledger.seal``: the number and the sum of its last line.

So missing last lines are told from a crash, which can leave the ledger ahead of its seal, but never
behind. A seal that is missing or damaged bears no witness: nobody waits until it is on disk.
"""

from __future__ import annotations

import contextlib
import os
import re
from hashlib import blake2b
from pathlib import Path

from ...errors import DataError
from ...files.bounded import DESCRIPTION, read_bytes
from .chain import Link

_TEXT = re.compile(r"(\d{15}) ([0-9a-f]{16}) ([0-9a-f]{8})\n")


def seal_path(ledger: Path) -> Path:
    """Where the seal of a ledger is."""
    return ledger.with_suffix(".seal")


def read_seal(ledger: Path) -> Link | None:
    """The last line that was written to a ledger; None if nothing tells it."""
    try:
        text = read_bytes(seal_path(ledger), DESCRIPTION).decode("latin-1")
    except (OSError, DataError):
        return None
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    link = Link(int(match[1]), match[2])
    return link if _text(link) == text else None


class Seal:
    """Writes the seal of a ledger, over itself.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, ledger: Path) -> None:
        self._file = os.open(seal_path(ledger), os.O_RDWR | os.O_CREAT, 0o666)

    def set(self, link: Link) -> None:
        """Seal the line that was written last; a full disk leaves the seal behind it."""
        with contextlib.suppress(OSError):
            os.pwrite(self._file, _text(link).encode(), 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _text(link: Link) -> str:
    stated = f"{link.n:015d} {link.sum}"
    return f"{stated} {blake2b(stated.encode(), digest_size=4).hexdigest()}\n"
