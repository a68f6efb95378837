"""CSV files row by row, by the names of their columns; damaged rows are left out and counted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from ...errors import DataError
from ...files.numbers import NULLS
from ...files.table import Mend, TextTable
from ..tables.refusals import listed, shown

if TYPE_CHECKING:
    from .writing import Notes

T = TypeVar("T")
EARLIEST_S = 1e8  # a time below this, in 1973, does not count from 1970
LATEST_S = 1e11


class _UnreadableError(DataError):
    """A cell cannot be read: its row is damaged."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a CSV file; an empty cell, or one that is not there, reads as None.

    A cell that cannot be read is refused by a DataError, which names file, row and column.
    """

    where: str  # file and row, for messages; rows are counted from 1, below the header
    place: str  # the row alone, such as ``"row 3"``
    cells: dict[str, str]
    cut: bool = False  # whether the file ends within it
    follows_damage: bool = False  # whether rows may be missing before it
    flaws: list[str] = field(default_factory=list)  # of cells that are taken as unknown

    def text(self, name: str) -> str | None:
        """A cell as it is."""
        return self.cells.get(name) or None

    def number(self, name: str) -> float | None:
        """A finite number."""
        cell = self.text(name)
        if cell is None or cell.lower() in NULLS:
            return None
        try:
            number = float(cell)
        except ValueError:
            self.refuse(name, "is no number" + (", write a decimal point" if "," in cell else ""))
        if not math.isfinite(number) or "_" in cell:
            self.refuse(name, "is no number")
        return number

    def needed(self, name: str) -> float:
        """A finite number that must be there."""
        number = self.number(name)
        return self.refuse(name, "is empty: every row needs one") if number is None else number

    def whole(self, name: str) -> int | None:
        """A whole number of at most 64 bits."""
        number = self.number(name)
        if number is not None and (number != int(number) or abs(number) >= 2**63):
            self.refuse(name, "is no whole number")
        return None if number is None else int(number)

    def truth(self, name: str) -> bool | None:
        """True or False."""
        cell = (self.text(name) or "").lower()
        if cell not in {"", "true", "false"}:
            self.refuse(name, "is neither True nor False")
        return cell == "true" if cell else None

    def moment(self, name: str) -> datetime | None:
        """A date and time, in UTC where it tells no zone."""
        cell = self.text(name)
        if cell is None:
            return None
        try:
            moment = datetime.fromisoformat(cell)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.refuse(name, "is no date and time")

    def name(self, name: str, what: str) -> str:
        """Text that must be there; ``what`` completes "every …"."""
        return self.text(name) or self.refuse(name, f"is empty: every {what}")

    def refuse(self, name: str, why: str) -> NoReturn:
        """Raise a DataError that names the cell, and costs no more than this row."""
        raise _UnreadableError(f"column {name}: {shown(self.cells.get(name, ''))} {why}")

    def known(self, name: str) -> float | None:
        """A finite number; None also where the cell is none, so that it is not known."""
        try:
            return self.number(name)
        except _UnreadableError as error:
            self.flaws.append(str(error))
            return None


class CsvFile:
    """A CSV file whose header is read, and whose rows are to come.

    Rows that are damaged are left out and counted; `notes` tells of them once all rows are read.
    A DataError tells that it cannot be read, lacks a ``needed`` column of ``what`` it should be, or
    is damaged by more than a tenth.
    """

    def __init__(
        self,
        path: str,
        needed: Sequence[str],
        what: str,
        notes: Notes,
        *,
        strict: bool = False,
        mend: Mend | None = None,
    ) -> None:
        self._notes = notes
        self._table = TextTable(path, strict=strict, mend=mend)
        self.header = self._table.header
        if not any(self.header):
            raise DataError(f"{path}: is empty: give {what}")
        if missing := [name for name in needed if name not in self.header]:
            raise DataError(
                f"{path}: no column {' and no column '.join(missing)} among "
                f"{listed(self.header)}: give {what}, with {', '.join(needed)}"
            )
        for name in self.header:
            if self.header.count(name) > 1:
                raise DataError(f"{path}: two columns are called {shown(name)}: rename one")

    def read(self, make: Callable[[Line], T]) -> Iterator[tuple[Line, T]]:
        """Each row with what is made of it, once; a row of which it cannot be is left out."""
        for row in self._table:
            cells = [*row.cells[:-1], ""] if row.doubtful else row.cells
            where = f"{self._table.path}, {row.place}"
            filled = dict(zip(self.header, cells, strict=True))
            line = Line(where, row.place, filled, row.cut, row.follows_damage)
            try:
                made = make(line)
            except _UnreadableError as error:
                why = "the file ends within it" if row.cut else str(error)
                self._table.leave_out(row.place, why)
                continue
            if row.cut or line.flaws:
                why = line.flaws[0] if line.flaws else "the file ends within it"
                self._table.damage.leave_out(row.place, why)
            yield line, made
        for sentence in self._table.close():
            self._notes.add(sentence)


def hide_password(path: str) -> str:
    """Return a path or URL with its password left out."""
    return re.sub(r"(://[^:/@]*):[^/]*@", r"\1:***@", path)


def labels(paths: Sequence[str]) -> list[str]:
    """A short name for each file: its stem, with as many folders as tell it from the others."""
    if len(set(paths)) < len(paths):
        raise DataError(f"{max(paths, key=paths.count)}: is named twice: name each file once")
    parts = [(*Path(path).parent.parts, Path(path).stem) for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return list(paths)
