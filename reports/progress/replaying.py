"""How a replay goes."""

from __future__ import annotations

from ...benchmarks.tables.table import counted
from .console import Screen, open_console
from .drawing import draw_bar, time_left


class ReplayProgress:
    """A bar of the whole with the time left, on stderr; what is to be known above it."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._screen = Screen(self._console, transient=True)
        self._screen.wait()
        self.told: list[str] = []  # the notes that were printed

    def __enter__(self) -> ReplayProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._screen.stop()

    def note(self, sentence: str) -> None:
        """Print what is to be known of the replay to who waits; it stands in the result, too."""
        if self._console.is_terminal:
            self._console.print(f"- {sentence}")
            self.told.append(sentence)

    def update(self, done: int, total: int, left_s: float | None) -> None:
        """Show how many runs are done, and the time left where it is known."""
        if self._screen.is_due():
            runs, left = f"{done:,} of {counted(total, 'run')}", time_left(left_s)
            self._screen.show(
                lambda: draw_bar(done / total, left, runs),
                lambda: ", ".join(filter(None, [runs, left])),
            )
