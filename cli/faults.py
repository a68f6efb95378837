"""What became of a command line: its exit code, and one line on stderr where something failed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

import typer

from ..errors import PerjouleError
from .printing import echo
from .stopping import CLICK_STOPPED

MENDABLE = 2
"""Exit code where the user can mend it."""
FAULT = 70
"""Exit code of a fault of perjoule, as ``EX_SOFTWARE`` in sysexits.h."""
MOST_SHOWN = 1_000
"""Characters of an error that are shown."""
# Of the click that this typer uses, its own or the system's.
UsageError: Any = typer.BadParameter.__base__
_OF_STREAMS = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)
Stopped = (typer.Abort, KeyboardInterrupt)


def exit_code(run: Callable[[], int | None]) -> int:
    """Run a command line; whatever it raises becomes one line and an exit code."""
    try:
        code = run()
        if sys.stdout is not None:
            sys.stdout.flush()  # or what cannot be written would only be known after the exit code
    except PerjouleError as error:
        code = _refuse(str(error))
    except UsageError as error:
        context = getattr(error, "ctx", None)
        command = "perjoule" if context is None else context.command_path
        code = _refuse(f"{error.format_message().rstrip('.')}: see {command} --help")
    except Stopped:
        _say("stopped by Ctrl-C")
        code = CLICK_STOPPED
    except OSError as error:
        code = _refuse(_of_system(error))
    except SystemExit as end:
        if end.code != 1 or not isinstance(end.__context__, OSError):
            raise
        code = _refuse(_of_system(end.__context__))  # typer's answer to a closed pipe is code 1
    except MemoryError:
        code = _refuse("not enough memory: give less data, or more memory")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is ours, and no finding
        code = _confess(error)
    return code or 0


def guard_streams() -> None:
    """Let nothing that is printed fail for its characters, and no file take a stream's place."""
    if os.name == "posix":
        for number in range(3):
            try:
                os.fstat(number)
            except OSError:  # closed: the next file that is opened would be printed into
                os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where a test or a notebook put its own
            stream.reconfigure(errors="backslashreplace")


def show_warning(message: Warning | str, *_: Any) -> None:
    """Print a warning as one line, without the place in our code."""
    _say(str(message))


def _of_system(error: OSError) -> str:
    """What the system refused, in words; where stdout cannot be written, it is let go."""
    if error.filename is None and error.errno in _OF_STREAMS:
        with contextlib.suppress(OSError):  # or Python itself would fail once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return f"stdout cannot be written ({error.strerror}): what was still to come is lost"
    where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return (
        f"{where}{error.strerror or error}: see that it is there, that you may read and write it, "
        "and that there is room"
    )


def _confess(error: Exception) -> int:
    """Own up to a fault, and keep its traceback for a report."""
    told = "".join(traceback.format_exception(error))
    try:
        number, path = tempfile.mkstemp(prefix="perjoule-fault-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{sys.argv}\n{told}")
        kept = f"please report it with {path}"
    except OSError:
        kept = "its traceback could not be kept: give TMPDIR a folder that can be written"
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    _say(f"a fault of perjoule, not of your input ({what[:300]}); {kept}")
    return FAULT


def _refuse(message: str) -> int:
    _say(message)
    return MENDABLE


def _say(message: str) -> None:
    """Print one line, whatever the message quotes."""
    line = " ".join(message.split())
    with contextlib.suppress(OSError):  # nobody is there to read it
        echo(f"perjoule: {line[:MOST_SHOWN]}{'…' * (len(line) > MOST_SHOWN)}", err=True)
