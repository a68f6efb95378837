"""The command line: parse, call, print. Results on stdout, progress on stderr.

Exit codes: 0 done, 1 an audit found something, 2 something must be mended first (one line says
what), 130 stopped by Ctrl-C with everything kept, likewise 143 by SIGTERM and 129 by SIGHUP.
"""

from __future__ import annotations

import sys
from typing import Any

import typer

from ..errors import PerjouleError
from . import comparing, exporting, metering, recorded, studying  # noqa: F401 - they register their commands
from .app import app
from .stopping import answering_signals

MOST_SHOWN = 1_000
"""Characters of an error that are shown."""
# Of the click that this typer uses, its own or the system's.
UsageError: Any = typer.BadParameter.__base__


def main() -> None:
    """Run the command line; what the user can mend is one line and exit code 2."""
    try:
        with answering_signals():
            # Without arguments typer prints the help.
            sys.exit(app(standalone_mode=len(sys.argv) < 2))
    except PerjouleError as error:
        _refuse(str(error))
    except UsageError as error:
        context = getattr(error, "ctx", None)
        command = "perjoule" if context is None else context.command_path
        _refuse(f"{error.format_message().rstrip('.')}: see {command} --help")


def _refuse(message: str) -> None:
    """Print one line, whatever the message quotes, and exit."""
    line = " ".join(message.split())
    shown = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in line[:MOST_SHOWN]
    )
    typer.echo(f"perjoule: {shown}{'…' * (len(line) > MOST_SHOWN)}", err=True)
    sys.exit(2)
