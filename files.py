"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import OutputError


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a new file and put it in place at once, so that no half is ever seen.

    Raises:
        OutputError: The file cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        write(new)
        new.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; give a folder that exists and can be "
            "written"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
