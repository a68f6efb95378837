"""What changes while it is shown, in a notebook: an output of its own, without any widget."""

from __future__ import annotations

import io
import time
from typing import Any

from rich.console import Console, RenderableType

COLUMNS = 100
"""Letters of a line of a notebook's output."""
_DRAWN_S = 0.25  # the least seconds between two drawings
_PAGE = '<pre style="white-space: pre; overflow-x: auto; line-height: 1.35; margin: 0">{code}</pre>'


class NotebookLive:
    """Stands in for rich's Live, which needs widgets in a notebook.

    Args:
        console: Whose kind of console draws.
        transient: Whether it goes away at the end.
    """

    def __init__(self, console: Console, *, transient: bool = False) -> None:
        self.console = console
        self._shown: RenderableType = ""
        self._transient = transient
        self._handle: Any = None
        self._next_s = 0.0

    @property
    def is_started(self) -> bool:
        """Whether it is shown."""
        return self._handle is not None

    def start(self, refresh: bool = False) -> None:
        """Show it."""
        if self._handle is None:
            from IPython.display import display  # type: ignore[import-not-found]

            self._handle = display(self._bundle(), raw=True, display_id=True)

    def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
        """Show something else."""
        self._shown = renderable
        self._draw(at_once=refresh)

    def _draw(self, *, at_once: bool) -> None:
        """Draw it anew, unless that was done a moment ago."""
        now_s = time.perf_counter()
        if self._handle is not None and (at_once or now_s >= self._next_s):
            self._next_s = now_s + _DRAWN_S
            self._handle.update(self._bundle(), raw=True)

    def stop(self) -> None:
        """Leave the last drawing as it is, or nothing of it."""
        if self._handle is not None:
            if self._transient:
                self._shown = ""
            self._draw(at_once=True)
            self._handle = None

    def _bundle(self) -> dict[str, str]:
        console = type(self.console)(
            file=io.StringIO(),
            record=True,
            width=COLUMNS,
            force_terminal=True,
            force_jupyter=False,
            color_system="truecolor",
            highlight=False,
            markup=False,
        )
        console.print(self._shown)
        page = console.export_html(code_format=_PAGE, inline_styles=True, clear=False)
        return {"text/html": page, "text/plain": console.export_text().rstrip()}
