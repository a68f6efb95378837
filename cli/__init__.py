"""The command line: parse, call, print. Results on stdout, progress on stderr.

`exit_codes` says what each exit code means.
"""

from __future__ import annotations

import sys
import warnings

from . import (  # noqa: F401 - they register their commands
    comparing,
    disclosing,
    drawing,
    exporting,
    metering,
    recorded,
    studying,
    watching,
)
from .app import app
from .faults import exit_code, guard_streams, show_warning
from .stopping import answering_signals


def main() -> None:
    """Run the command line; whatever happens is one line and an exit code of its own."""
    guard_streams()
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        sys.exit(exit_code(_run))


def _run() -> int | None:
    with answering_signals():
        return app(sys.argv[1:] or ["--help"], prog_name="perjoule", standalone_mode=False)
