"""Calling the command line from tests."""

import io
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from perjoule.cli import main

PROGRESS = re.compile(r"Meter: |Starting the workers|<?\d+ % of the budget")


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def message(self):
        """The only line on stderr that is not progress."""
        [line] = [line for line in self.err.splitlines() if not PROGRESS.match(line)]
        return line


def call(*arguments):
    """Run a command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["perjoule", *map(str, arguments)])
        patch.setattr(sys, "path", list(sys.path))
        with pytest.raises(SystemExit) as end:
            main()
    return Ended(int(end.value.code or 0), out.getvalue(), err.getvalue())


def shell(*arguments, cwd=None):
    """Run a command line in a process of its own, without the current folder on its path."""
    command = [sys.executable, "-P", "-m", "perjoule", *map(str, arguments)]
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)
