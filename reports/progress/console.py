"""Consoles: what is printed stands for itself, and nothing in it steers a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from ...notebooks import is_notebook
from ...plain import printable
from .notebook import COLUMNS, NotebookLive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN_LINE_S = 5.0
"""How often a line of progress is printed where there is no terminal."""
DRAWN_S = 0.5
"""How often a terminal is drawn anew."""


class _Console(Console):
    """Prints what names and messages hold, and does nothing that they say.

    A line that is printed, and a cell of a table, stay one line.
    """

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(printable(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = map(printable, segment.text.split("\n"))
                yield segment._replace(text="\n".join(lines))


def open_console(*, stderr: bool = False) -> Console:
    """Open a console: a terminal wraps at words; a file or pipe gets whole lines.

    A notebook is a terminal whose stderr is for faults alone.
    """
    if is_notebook():
        how = {"force_terminal": True, "force_jupyter": False, "width": COLUMNS}
        return _Console(**how, highlight=False, markup=False, soft_wrap=True)
    console = _Console(stderr=stderr, highlight=False, markup=False)
    if console.is_terminal:
        return console
    return _Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True, width=132)


class Screen:
    """A place that is drawn anew in a terminal, and gets a line now and then elsewhere.

    Args:
        console: Where it is.
        every_s: The least seconds between two drawings in a terminal.
        transient: Whether the last drawing goes away at the end.
    """

    def __init__(
        self, console: Console, *, every_s: float = DRAWN_S, transient: bool = False
    ) -> None:
        self.console = console
        self._live: Live | NotebookLive = (
            NotebookLive(console, transient=transient)
            if is_notebook()
            else Live(console=console, auto_refresh=False, transient=transient)
        )
        self._every_s = every_s if console.is_terminal else PLAIN_LINE_S
        self._next_s = 0.0

    def wait(self) -> None:
        """Show nothing where there is no terminal of what is over before the first line is due."""
        if not self.console.is_terminal:
            self._next_s = time.perf_counter() + self._every_s

    def is_due(self) -> bool:
        """Whether to show something again."""
        return time.perf_counter() >= self._next_s

    def show(self, drawing: Callable[[], RenderableType], line: Callable[[], str]) -> None:
        """Draw, or print a line, of which only what is needed is made."""
        self._next_s = time.perf_counter() + self._every_s
        if not self.console.is_terminal:
            self.console.print(line())
            return
        if not self._live.is_started:
            self._live.start()
        self._live.update(drawing(), refresh=True)

    def stop(self) -> None:
        """Leave the last drawing as it is."""
        if self._live.is_started:
            self._live.stop()
