"""What is said when somebody stops a command: one sentence for each case, whatever door."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..benchmarks.comparison.signals import Active, Program
from .printing import echo

CLICK_STOPPED = 130
"""With it the library that parses the command line exits, and says nothing."""
MARKS = ("experiment.yaml", "study.yaml", "*/study.yaml")
"""What a folder has in it that can be gone on with."""


@dataclass
class Stopping:
    """Which command runs, and how it would be gone on with."""

    program: Program
    command: str = ""
    how: str | None = None  # the command line up to the folder; None: nothing can be gone on with
    has_said: bool = False

    def begins(self, command: str) -> None:
        """A command begins."""
        self.command, self.how = command, None

    def goes_on_with(self, how: str) -> None:
        """Take how the present command is gone on with, such as ``compare --resume``."""
        self.how = how

    def sentence(self) -> str:
        """What to say now that the command was stopped."""
        place = self.program.place
        if self.how is not None and place is not None and _is_begun(place):
            folder = shlex.quote(str(place))
            return f"Interrupted; nothing is lost. Go on with: perjoule {self.how} --out {folder}"
        name = f"perjoule: {self.command}" if self.command else "perjoule"
        number = self.program.number
        by = "Ctrl-C" if number in (None, signal.SIGINT) else signal.Signals(number).name
        would_begin = self.how is not None or not self.command
        return f"{name} was stopped by {by}{': nothing was begun' * would_begin}"

    def end(self) -> NoReturn:
        """Say it, and exit as shells expect it: 130 for Ctrl-C."""
        self.has_said = True
        echo(self.sentence(), err=True)
        raise SystemExit(self.program.exit_code)


_running: list[Stopping] = []


@contextmanager
def answering_signals() -> Iterator[None]:
    """Answer signals in here in one sentence, whatever they break off."""
    outer = Active.program
    program = outer or Program(lambda: "")
    own = Stopping(program)
    program.last_words = own.sentence
    _running.append(own)
    if outer is None:
        program.begin()
    try:
        yield
        if program.has_raised and not own.has_said:  # the command line's library said code 130
            own.end()
    except SystemExit as error:
        if program.has_raised and error.code == CLICK_STOPPED and not own.has_said:
            own.end()
        raise
    except BaseException as error:
        # A library may have made another error of what broke it off.
        if program.has_raised or isinstance(error, KeyboardInterrupt):
            own.end()
        raise
    finally:
        _running.remove(own)
        if outer is None:
            program.end()


def stopping() -> Stopping:
    """That of the command line that runs in this process."""
    return _running[-1]


def _is_begun(place: Path) -> bool:
    return any(any(place.glob(mark)) for mark in MARKS)
