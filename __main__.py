"""``python -m perjoule``, and what the installed command calls."""

import sys
from pathlib import Path

# Python puts the current folder first, where a file of anybody's could stand for a library.
if (
    __name__ == "__main__"
    and not sys.flags.safe_path
    and Path(sys.path[0]).absolute() != Path(__file__).parents[1]
):
    del sys.path[0]

from .benchmarks.comparison.signals import Program


def run() -> None:
    """Run the command line; from here on a signal is answered in a line, at any moment."""
    program = Program(lambda: "perjoule was stopped: nothing was begun")
    program.begin()  # and never ended, since signals come until the very end of the process
    code: object = 1
    try:
        from .cli import main

        main()
    except SystemExit as end:
        code = end.code
        raise
    finally:
        program.over(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    run()
