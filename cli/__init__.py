"""The command line: parse, call, print. Results on stdout, progress on stderr.

Exit codes: 0 done, 1 an audit found something, 2 something must be mended first (one line says
what), 130 stopped by Ctrl-C with everything kept.
"""

from __future__ import annotations

import sys

import typer

from ..errors import PerjouleError
from . import comparing, exporting, metering, recorded  # noqa: F401 - they register their commands
from .app import app

MOST_SHOWN = 1_000
"""Characters of an error that are shown."""


def main() -> None:
    """Run the command line; what the user can mend is one line and exit code 2."""
    sys.path.append("")  # module:attribute may name a file in the current folder
    try:
        app()
    except PerjouleError as error:
        line = " ".join(str(error).split())  # it may quote a file, whose cells hold anything
        typer.echo(f"perjoule: {line[:MOST_SHOWN]}{'…' * (len(line) > MOST_SHOWN)}", err=True)
        sys.exit(2)
