"""Parquet and CSV files as they are, by what they hold; cells of CSV stay text.

What is no whole table of text (rows too short, open quotes) is a DataError: nothing is filled in.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from ...errors import DataError
from .contract import VERSION
from .refusals import distinct, shown
from .writing import description_in, version_in

_SEPARATORS = (",", ";", "\t", "|")
_HEADER = 1 << 20  # bytes a header may have
_OTHER_FORMATS = {
    b"\x1f\x8b": "is compressed: unpack it",
    b"PK\x03\x04": "is a workbook or an archive: save the table in it as CSV",
    b"\xff\xfe": "is UTF-16: save it as UTF-8",
    b"\xfe\xff": "is UTF-16: save it as UTF-8",
}
_INDEX = re.compile(r"__index_level_\d+__")  # as pandas calls an index without a name


class Contents(NamedTuple):
    """What a file holds: the rows, the description of the experiment, and what is odd."""

    rows: pd.DataFrame
    description: Any = None
    notes: tuple[str, ...] = ()


def read_contents(path: Path) -> Contents:
    """Read a Parquet or CSV file as it is: CSV as text, not yet checked."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if content.startswith(b"PAR1"):
        return _parquet(path, content)
    for magic, words in _OTHER_FORMATS.items():
        if content.startswith(magic):
            raise DataError(f"{path} {words}")
    return _csv(path, content)


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    return DataError(f"{path}: cannot be read: {reason[:200]}; give Parquet or CSV")


def _parquet(path: Path, content: bytes) -> Contents:
    try:
        file = parquet.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        distinct(file.schema_arrow.names, str(path))
        table = file.read()
        if (version := version_in(table.schema.metadata)) > VERSION:
            raise DataError(
                f"{path}: written by a newer perjoule (trial table {version}, this one reads "
                f"{VERSION}): upgrade"
            )
        names = [name for name in table.column_names if not _INDEX.fullmatch(name)]
        gaps = {column.type for column in table.columns if column.null_count}
        rows = table.select(names).to_pandas(
            ignore_metadata=True,  # so that an index is a column again
            types_mapper=lambda kind: (  # floats would drop digits of whole numbers
                pd.ArrowDtype(kind) if kind in gaps and pa.types.is_integer(kind) else None
            ),
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    try:
        return Contents(rows, description_in(table.schema.metadata))
    except ValueError:  # it only informs: the trials are whole
        note = f"{path}: what its metadata say of the experiment is damaged, and left out."
        return Contents(rows, notes=(note,))


def _csv(path: Path, content: bytes) -> Contents:
    content = content.removeprefix(codecs.BOM_UTF8)
    _check_text(path, content)
    header, separator = _header(path, content)
    distinct(header, str(path))
    if b'"' in content:  # Arrow forgives quotes that are never closed, or closed within a cell
        _check_rows(path, content, separator, len(header))
    rows = _rows(path, content, header, separator)
    ended = content.endswith((b"\n", b"\r"))
    note = f"{path} does not end with the end of a line: its last row may be cut short."
    return Contents(rows, notes=() if ended else (note,))


def _check_text(path: Path, content: bytes) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line}: no UTF-8 text: save the file as UTF-8") from error
    if b"\0" in content:
        raise DataError(f"{path}: no text, it holds zero bytes: give Parquet or CSV")


def _header(path: Path, content: bytes) -> tuple[list[str], str]:
    """The names, in the way of pandas where there is none, and the separator that makes most."""
    found: list[tuple[list[str], str]] = []
    for separator in _SEPARATORS:
        try:
            found.append((next(_reader(content[:_HEADER], separator)), separator))
        except StopIteration:
            break
        except csv.Error:
            continue  # not with this separator
    header, separator = max(found, key=lambda each: len(each[0]), default=([], ","))
    if not any(name.strip() for name in header):
        raise DataError(
            f"{path}: is empty, or begins with an empty or broken line: give a header and rows"
        )
    return [name.strip() or f"Unnamed: {at}" for at, name in enumerate(header)], separator


def _rows(path: Path, content: bytes, header: list[str], separator: str) -> pd.DataFrame:
    as_text = dict.fromkeys(header, pa.string())
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(use_threads=False, column_names=header, skip_rows_after_names=1),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=as_text, strings_can_be_null=False),
        )
    except (ValueError, pa.ArrowException) as error:
        if _check_rows(path, content, separator, len(header)) == 0:
            return pd.DataFrame(columns=header, dtype=object)
        raise _unreadable(path, error) from error
    return table.to_pandas()


def _check_rows(path: Path, content: bytes, separator: str, n_cells: int) -> int:
    """Count the rows; refuse one with not as many cells as the header, or a quote left open."""
    row = -1
    try:
        for cells in _reader(content, separator):
            row += bool(cells)
            if cells and len(cells) != n_cells:
                raise DataError(
                    f"{path}, row {row}: {len(cells)} cells where the header has {n_cells}: "
                    f"{shown(separator.join(cells))}: is a row cut short, or a separator within a "
                    "cell that is not quoted?"
                )
    except csv.Error as error:
        raise DataError(
            f"{path}, row {row + 1}: {error}: is a quote never closed, or within a cell?"
        ) from error
    return row


def _reader(content: bytes, separator: str) -> Iterator[list[str]]:
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="replace", newline="")
    return csv.reader(lines, delimiter=separator, strict=True)
