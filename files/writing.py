"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import OutputError


def check_new(path: Path, *, force: bool = False) -> None:
    """Refuse to write over a file that is there, unless by force; over what is no file, always.

    Raises:
        OutputError: Something is there.
    """
    if not os.path.lexists(path):
        return
    if not os.path.isfile(path):  # noqa: PTH113 - never raises
        raise OutputError(f"{path} is there and is no file: give another name")
    if not force:
        raise OutputError(
            f"{path} is there already: add --force (in Python force=True) to write over it, or "
            "give another name"
        )


def write_whole(
    path: Path,
    write: Callable[[Path], Any],
    mend: str = "give a folder that exists and can be written",
) -> None:
    """Let ``write`` fill a new file and put it in place at once, so that no half is ever seen.

    Args:
        path: The file.
        write: Fills the file of the path that it is given.
        mend: What to do where the file cannot be written.

    Raises:
        OutputError: The file cannot be written.
    """
    # Nobody can have put a link of this name there.
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    is_placed = False
    try:
        write(new)
        new.replace(path)
        is_placed = True
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            mend = "make room and try again; a comparison goes on with --resume"
        raise OutputError(f"cannot write {path}: {error.strerror or error}; {mend}") from error
    except UnicodeEncodeError as error:
        raise OutputError(f"cannot write {path}: {error.object[:40]!a} is no text") from error
    finally:
        if not is_placed:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)


def drop(path: Path) -> None:
    """Remove a file that is needed no more; one that cannot be removed harms nobody."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        OutputError: It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror}; remove it yourself") from error
