"""A table of text as rows below names, whatever tool wrote it and whatever happened to it since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from ..errors import DataError
from .damage import Damage
from .decoding import TextLine, is_binary, read_lines
from .headers import find_header, is_date
from .last_cells import LastCells
from .numbers import DecimalCommas
from .records import Record, Records

_HEAD = 1_000  # rows at the beginning that tell how numbers are written
_SHOWN = 40
Names = Callable[[list[str]], list[str]]
Mend = Callable[[list[str], list[str], list[str]], list[str] | None]


@dataclass(slots=True)
class TextRow:
    """One row, its cells in the order of the header."""

    place: str  # such as ``"row 3"`` or ``"line 4"``, for messages
    cells: list[str]  # without spaces around them; empty where there is nothing
    cut: bool = False  # whether the file ends within it, so that its last cells are missing
    doubtful: bool = False  # whether it may end within the last cell, which is all there else
    follows_header: bool = False  # whether the header stands once more before it
    follows_damage: bool = False  # whether rows may be missing before it
    absent: frozenset[int] = frozenset()  # columns that the latest header does not have


class TextTable:
    """A table of text, read row by row; its header is read at once.

    Args:
        path: The file.
        counted: How a row is called in messages: ``"row"``, counted from 1 below the header, or
            ``"line"``.
        strict: Whether any damage is a refusal.
        names: The names of columns that have no header, from the first row; a DataError if they
            cannot be told. By default such a file has none.
        mend: All cells of a row that has too few, where it is known how a tool lost them; of the
            header, the whole row before, and the cells there are.

    Raises:
        DataError: It cannot be read, or is no table of text.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        counted: str = "row",
        strict: bool = False,
        names: Names | None = None,
        mend: Mend | None = None,
    ) -> None:
        self.path, self._counted, self._mend = str(path), counted, mend
        self.damage = Damage(self.path, strict=strict)
        self._encodings: dict[str, int] = {}  # with the first line that is in each
        self._n_headers = self._n_holes = 0
        self._changed: list[str] = []
        found = find_header(self._watch(read_lines(path)))
        if is_binary(" ".join(found.names)):
            raise DataError(f"{path}: is no text: give a table of text")
        self._found, self.separator = found, found.separator
        self.header, lines = found.names, found.rest
        self._named = found.first is None or names is None
        if names is not None and found.first is not None:
            self.header, lines = names(found.names), chain([found.first], lines)
        self._names = {*self.header}
        self._records = Records(lines, found.separator)
        self._records.n_cells = len(self.header)
        self._order: list[int | None] | None = None  # of the cells, once the header has changed
        self._lost = False  # whether rows may be missing before the next
        self._last, self._is_torn = LastCells(), False
        self._latest: list[str] = []  # the whole row before
        rows = self._read()
        head = list(islice(rows, _HEAD)) if found.separator not in (",", None) else []
        self._commas = DecimalCommas([row.cells for row in head])
        self._rows = chain(head, rows)

    def __iter__(self) -> Iterator[TextRow]:
        """The rows, once; those that are damaged are left out. Call ``close`` after them."""
        for row in self._rows:
            if self._commas.columns and (why := self._commas.mend(row.cells)):
                self.leave_out(row.place, why)
                continue
            row.follows_damage, self._lost = row.follows_damage or self._lost, False
            yield row

    def leave_out(self, place: str, why: str) -> None:
        """Count a row as damaged: the one that was given last, or one that was not."""
        self._lost = True
        self.damage.leave_out(place, why)

    def close(self) -> tuple[str, ...]:
        """What is to be told of the file once all rows are read; a DataError if it is too bad."""
        self.damage.check()
        return (*self.damage.sentences, *self._oddities())

    def _oddities(self) -> Iterator[str]:
        for encoding, line in self._encodings.items():
            yield f"{self.path}: read as {encoding} from line {line:,} on, it is no UTF-8"
        if self._n_headers:
            yield (
                f"{self.path}: its header stands in it {self._n_headers:,} more "
                f"time{'s' * (self._n_headers > 1)}: files were appended to each other"
            )
        if self._n_holes:
            yield (
                f"{self.path}: {self._n_holes:,} hole{'s' * (self._n_holes > 1)} of zero bytes, as "
                "crashes leave: rows may be missing"
            )
        if self._commas.columns:
            commas = ", ".join(self.header[at] for at in self._commas.columns[:4])
            yield f"{self.path}: decimal commas are read as such, first in {commas}"
        yield from self._changed
        if self._is_torn:
            yield (
                f"{self.path} does not end with the end of a line: its last row may be cut short."
            )

    def _watch(self, lines: Iterable[TextLine]) -> Iterator[TextLine]:
        for line in lines:
            if line.encoding and line.encoding not in self._encodings:
                self._encodings[line.encoding] = line.number
            self._n_holes += line.after_hole
            yield line

    def _read(self) -> Iterator[TextRow]:
        follows_header, number = False, 0
        for record in self._records:
            if self._is_header(record):
                self._n_headers += record.cells != self._found.units
                follows_header = True
                continue
            if not any(record.cells) and not record.flaw and record.line.after_hole:
                self._lost = True  # a line of zero bytes alone
                continue
            if self._is_comment(record):
                continue
            number += 1
            self.damage.n_rows += 1
            self._lost = self._lost or record.line.after_hole
            place = f"row {number}" if self._counted == "row" else f"line {record.line.number}"
            row = self._whole(record, place)
            if row is None:
                continue
            row.follows_header, follows_header = follows_header, False
            row.follows_damage, self._lost = self._lost, False
            yield row

    def _is_header(self, record: Record) -> bool:
        """Whether a row is the header once more, or another one, which is taken from here on."""
        cells = record.cells
        if self._named and cells and cells in (self._found.written, self._found.units):
            self._order = None
            self._records.n_cells = len(self.header)
            return True
        n_known = sum(name in self._names for name in cells)
        if n_known < max(2, len(cells) / 2) or not self._named or record.flaw:
            return False
        if len({*cells}) < len(cells) or any(map(is_date, cells)):
            return False
        self._order = [cells.index(name) if name in cells else None for name in self.header]
        self._records.n_cells = len(cells)
        new = [name for name in cells if name not in self.header]
        gone = [name for name in self.header if name not in cells]
        told = [f"without {', '.join(gone[:4])}"] if gone else []
        told += [f"with {', '.join(new[:4])}, which is left out"] if new else []
        self._changed.append(
            f"{self.path}: another header from line {record.line.number:,} on"
            + (f", {' and '.join(told)}" if told else ", in another order")
        )
        return True

    def _is_comment(self, record: Record) -> bool:
        first = record.cells[0] if record.cells else ""
        commented = first.startswith("#") and len(record.cells) != self._records.n_cells
        return commented and not record.flaw

    def _whole(self, record: Record, place: str) -> TextRow | None:
        """The row of a record, in the order of the header; None if it is damaged."""
        cells, n_cells, cut = record.cells, self._records.n_cells, False
        if why := record.flaw or _zeros(record):
            self.leave_out(place, why)
            return None
        if len(cells) > n_cells and not any(cells[n_cells:]):
            cells = cells[:n_cells]
        if len(cells) < n_cells and not record.ended:
            cells, cut = [*cells[:-1], *([""] * (n_cells - len(cells) + 1))], True
        elif len(cells) < n_cells and self._mend and self._latest and self._order is None:
            cells = self._mend(self.header, self._latest, cells) or cells
        if len(cells) != n_cells:
            shown = repr((self.separator or " ").join(cells))
            shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…'"
            words = "is a row cut short, or a separator within a cell that is not quoted?"
            self.leave_out(
                place,
                f"{len(cells)} cells where the header has {n_cells}: {shown}: {words}",
            )
            return None
        if cells[0].startswith("#") and self._last.begins_without_hash:
            self.leave_out(place, "it begins with #: is it commented out?")
            return None
        doubtful = not (record.ended or cut or record.closed or self._last.is_whole(cells))
        self._is_torn = cut or doubtful
        self._last.add(cells)
        self._latest = self._latest if cut else cells
        if self._order is not None:
            absent = frozenset(to for to, at in enumerate(self._order) if at is None)
            cells = ["" if at is None else cells[at] for at in self._order]
            return TextRow(place, cells, cut, doubtful, absent=absent)
        return TextRow(place, cells, cut, doubtful)


def _zeros(record: Record) -> str:
    """Why zero bytes make a row unusable; nothing if there are none, or only before a whole one."""
    if "\0" in record.line.text:
        return "zero bytes in it: a crash left a hole"
    if record.line.after_hole and not (record.cells and is_date(record.cells[0])):
        return "zero bytes before it, so that its beginning may be missing"
    return ""
