"""CSV files row by row, by the names of their columns."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from ...errors import DataError
from ..tables.refusals import listed, shown


class Line:
    """One row of a CSV file.

    A cell that is not what a method reads is refused by a DataError, which names file, row and
    column. Where the cell is empty, or the file has no such column, the value is None.

    Attributes:
        where: File and row, for messages; rows are counted from 1, below the header.
    """

    __slots__ = ("_cells", "where")

    def __init__(self, where: str, cells: dict[str, str]) -> None:
        self.where, self._cells = where, cells

    def text(self, name: str) -> str | None:
        """A cell as it is."""
        return self._cells.get(name) or None

    def number(self, name: str) -> float | None:
        """A finite number."""
        cell = self._cells.get(name)
        if not cell:
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
        if number is None:
            self.refuse(name, "is empty: every row needs one")
        return number

    def whole(self, name: str) -> int | None:
        """A whole number of at most 64 bits."""
        number = self.number(name)
        if number is None:
            return None
        if number != int(number) or abs(number) >= 2**63:
            self.refuse(name, "is no whole number")
        return int(number)

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

    def instant(self, name: str) -> datetime:
        """A moment that is given in seconds since 1970, and must be there."""
        try:
            return datetime.fromtimestamp(self.needed(name), UTC)
        except (OverflowError, ValueError, OSError):
            self.refuse(name, "is no time in seconds since 1970")

    def name(self, name: str, what: str) -> str:
        """Text that must be there; ``what`` completes "every …"."""
        return self.text(name) or self.refuse(name, f"is empty: every {what}")

    def refuse(self, name: str, why: str) -> NoReturn:
        """Raise a DataError that names the cell."""
        cell = shown(self._cells.get(name, ""))
        raise DataError(f"{self.where}, column {name}: {cell} {why}; mend or remove it")


class CsvFile:
    """A CSV file whose header is read, and whose rows are to come.

    Args:
        path: The file, in UTF-8 with or without a mark.
        needed: Columns that it must have.
        what: What it should be, for messages.

    Attributes:
        header: Names of its columns.

    Raises:
        DataError: It cannot be read, is empty, or lacks a column; also while its rows are read.
    """

    def __init__(self, path: str, needed: Sequence[str], what: str) -> None:
        self._path, self._what = path, what
        self._rows = self._read()
        self.header = next(self._rows, [])
        if not self.header:
            raise DataError(f"{path}: is empty: give {what}")
        if missing := [name for name in needed if name not in self.header]:
            raise DataError(
                f"{path}: no column {' and no column '.join(missing)} among "
                f"{listed(self.header)}: give {what}, with {', '.join(needed)}"
            )
        for name in self.header:
            if self.header.count(name) > 1:
                raise DataError(f"{path}: two columns are called {shown(name)}: rename one")

    def __iter__(self) -> Iterator[Line]:
        """The rows, once."""
        for number, cells in enumerate(self._rows, 1):
            where = f"{self._path}, row {number}"
            if len(cells) != len(self.header):
                raise DataError(
                    f"{where}: {len(cells)} cells for {len(self.header)} columns: mend or remove it"
                )
            yield Line(where, dict(zip(self.header, cells, strict=True)))

    def _read(self) -> Iterator[list[str]]:
        try:
            with Path(self._path).open(newline="", encoding="utf-8-sig") as file:
                for row in csv.reader(file, strict=True):
                    if row:
                        yield [cell.strip() for cell in row]
        except (OSError, UnicodeError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(
                f"{self._path}: cannot be read: {reason}; give {self._what}, unpacked"
            ) from error


def hide_password(path: str) -> str:
    """Return a path or URL with its password left out."""
    return re.sub(r"(://[^:/@]*):[^/]*@", r"\1:***@", path)


def labels(paths: Sequence[str]) -> list[str]:
    """A short name for each file: its stem, with as many folders as tell it from the others.

    Raises:
        DataError: A file is named twice.
    """
    if len(set(paths)) < len(paths):
        raise DataError(f"{max(paths, key=paths.count)}: is named twice: name each file once")
    parts = [(*Path(path).parent.parts, Path(path).stem) for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return list(paths)
