"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import OutputError


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
    new = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        write(new)
        new.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            mend = "make room and try again; what was begun goes on with --resume"
        raise OutputError(f"cannot write {path}: {error.strerror or error}; {mend}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
