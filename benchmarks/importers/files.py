"""CSV files row by row, by the names of their columns."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from ...errors import DataError
from ..tables.refusals import listed, shown


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a CSV file; an empty cell, or one that is not there, reads as None.

    A cell that cannot be read is refused by a DataError, which names file, row and column.
    """

    where: str  # file and row, for messages; rows are counted from 1, below the header
    cells: dict[str, str]

    def text(self, name: str) -> str | None:
        """A cell as it is."""
        return self.cells.get(name) or None

    def number(self, name: str) -> float | None:
        """A finite number."""
        cell = self.text(name)
        if cell is None:
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
        cell = shown(self.cells.get(name, ""))
        raise DataError(f"{self.where}, column {name}: {cell} {why}; mend or remove it")


class CsvFile:
    """A CSV file in UTF-8 whose header is read, and whose rows are to come.

    A DataError tells that it cannot be read, or lacks a ``needed`` column of ``what`` it should be.
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
            where, n_cells = f"{self._path}, row {number}", len(cells)
            if n_cells != len(self.header):
                raise DataError(
                    f"{where}: {n_cells} cells for {len(self.header)} columns: mend or remove it"
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
    """A short name for each file: its stem, with as many folders as tell it from the others."""
    if len(set(paths)) < len(paths):
        raise DataError(f"{max(paths, key=paths.count)}: is named twice: name each file once")
    parts = [(*Path(path).parent.parts, Path(path).stem) for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return list(paths)
