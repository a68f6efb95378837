"""Lines as rows of cells: which separator, quotes over several lines, and quotes never closed."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from .decoding import TextLine

SEPARATORS = (",", ";", "\t", "|")
_MOST_LINES = 1_000  # that a quoted cell may go over
_MOST_LETTERS = 1 << 20
csv.field_size_limit(1 << 24)


class Record(NamedTuple):
    """One row as it is written."""

    line: TextLine  # its first
    cells: list[str]  # without spaces around them
    ended: bool = True  # whether the file goes on behind it
    closed: bool = False  # whether its last cell is quoted, so that nothing of it is missing
    flaw: str = ""  # why it could not be split


class Records:
    """The rows of lines; ``n_cells`` is how many cells one should have, once that is known.

    ``separator`` is None where spaces separate.
    """

    def __init__(self, lines: Iterable[TextLine], separator: str | None) -> None:
        self._lines, self._waiting = iter(lines), deque[TextLine]()
        self._separator = separator
        self.n_cells = 0

    def __iter__(self) -> Iterator[Record]:
        while (line := self._take()) is not None:
            if '"' in line.text and self._separator is not None and not _is_comment(line):
                yield self._quoted(line)
            elif line.text.strip() or line.after_hole:
                cells = [cell.strip() for cell in line.text.split(self._separator)]
                yield Record(line, cells, bool(line.end))

    @property
    def rest(self) -> Iterator[TextLine]:
        """The lines that no row has been made of."""
        return chain(self._waiting, self._lines)

    def _take(self) -> TextLine | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def _quoted(self, line: TextLine) -> Record:
        """A row with quotes; where they do not close, its first line alone is damaged."""
        lines, text = [line], line.text
        cells, flaw = split_quoted(text, self._separator or ",")
        while cells is None and not flaw and len(lines) < _MOST_LINES and len(text) < _MOST_LETTERS:
            following = self._take()
            if following is None:
                break
            text += lines[-1].end + following.text
            lines.append(following)
            if '"' in following.text:
                cells, flaw = split_quoted(text, self._separator or ",")
        swallowed = len(lines) > 1 and self.n_cells and len(cells or ()) != self.n_cells
        if cells is None or swallowed:
            self._waiting.extendleft(reversed(lines[1:]))
            return Record(line, [], bool(line.end), flaw=flaw or "a quote is never closed")
        return Record(line, cells, bool(lines[-1].end), closed=text.rstrip().endswith('"'))


def split_quoted(text: str, separator: str) -> tuple[list[str] | None, str]:
    """The cells of a row with quotes, or why it is none; neither where a quote is still open."""
    try:
        rows = list(
            csv.reader([text], delimiter=separator, strict=True, skipinitialspace=separator != "\t")
        )
    except csv.Error as error:
        if "unexpected end" in str(error):
            return None, ""
        return None, f"{error}: is a quote within a cell?"
    return [cell.strip() for cell in (rows[0] if rows else [])], ""


def find_separator(text: str) -> str:
    """The separator that makes most cells of a header."""
    counts = {
        each: text.count(each) if cells is None else len(cells) - 1
        for each in SEPARATORS
        for cells in [split_quoted(text, each)[0]]
    }
    return max(counts, key=lambda each: counts[each])


def _is_comment(line: TextLine) -> bool:
    return line.text.lstrip().startswith("#")
