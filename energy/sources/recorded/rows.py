"""Rows of a trace, of a table of text or of the Parquet of a meter's series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NoReturn, Protocol

from ....errors import DataError
from ....files.bounded import open_file, unreadable
from ....files.headers import is_date
from ....files.parquet import open_parquet, read_parquet
from ....files.table import TextRow, TextTable
from .columns import find_unit

_SERIES = ["time_s", "source", "component", "kind", "energy_j"]
_WITH_UNIT = re.compile(r"[+-]?[\d.]+ ?([a-zA-Z]+)")
_UUID, _BUS = re.compile(r"(GPU|MIG)-[\w-]+"), re.compile(r"[0-9a-fA-F]{4,8}:[0-9a-fA-F:.]+")


class Rows(Protocol):
    """A header and rows, of whatever file."""

    header: list[str]

    def __iter__(self) -> Iterator[TextRow]: ...

    def leave_out(self, place: str, why: str) -> None:
        """Count a row as damaged, or refuse the file."""

    def close(self) -> tuple[str, ...]:
        """What is to be told of the file, once all rows are read."""
        ...


def open_rows(path: Path, *, strict: bool = False) -> Rows:
    """Open a trace by the ending of its name."""
    if path.suffix == ".parquet":
        return _Series(path)

    def names(cells: list[str]) -> list[str]:
        return _names_of(str(path), cells)

    return TextTable(path, counted="line", strict=strict, names=names)


class _Series:
    """The Parquet of a meter's series; nothing in it may be damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = self._read()
        self.header = next(self._rows).cells

    def __iter__(self) -> Iterator[TextRow]:
        return self._rows

    def leave_out(self, place: str, why: str) -> NoReturn:
        raise DataError(f"{self._path}, {place}: {why}; mend or remove it")

    def close(self) -> tuple[str, ...]:
        return ()

    def _read(self) -> Iterator[TextRow]:
        """The header, and then every row."""
        try:
            with open_file(self._path) as file:
                names = open_parquet(self._path, file).schema_arrow.names
                known = [name for name in _SERIES if name in names]
                yield TextRow("", known)
                number = count(1)
                table = read_parquet(self._path, file, known)
                for batch in table.to_batches(max_chunksize=10_000):
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        cells = ["" if cell is None else str(cell) for cell in row]
                        yield TextRow(f"row {next(number)}", cells)
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            raise unreadable(self._path, error, "give a trace") from error


def _names_of(path: str, cells: Sequence[str]) -> list[str]:
    """Names for a row without a header: one date and one power by its unit leave no doubt."""
    names = [f"column {at}" for at in range(1, len(cells) + 1)]
    dates = [at for at, cell in enumerate(cells) if is_date(cell) and ":" in cell]
    watts = [at for at, cell in enumerate(cells) if _is_power(cell)]
    if len(dates) != 1 or len(watts) != 1:
        raise DataError(
            f"{path}: has no header (noheader?), and its first row does not tell one time and one "
            "power: put a line with the names on top, such as timestamp, index, power.draw [W]"
        )
    for at, cell in enumerate(cells):
        if _UUID.fullmatch(cell):
            names[at] = "uuid"
        elif _BUS.fullmatch(cell):
            names[at] = "pci.bus_id"
    names[dates[0]], names[watts[0]] = "timestamp", "power.draw [W]"
    return names


def _is_power(cell: str) -> bool:
    unit = _WITH_UNIT.fullmatch(cell)
    known = find_unit(unit[1]) if unit else None
    return known is not None and known[1]
