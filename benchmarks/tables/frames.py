"""Parquet and CSV files as they are, by what they hold; cells of CSV stay text."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from ...errors import DataError
from ...files.bounded import TABLE, open_file, read_bytes, unreadable
from ...files.parquet import check_shape, open_parquet, read_parquet
from ...files.table import TextRow, TextTable
from .contract import VERSION
from .refusals import distinct, no_text
from .writing import description_in, version_in

_BATCH = 20_000  # rows that wait to become columns
_WHAT = "give Parquet or CSV"
_INDEX = re.compile(r"__index_level_\d+__")  # as pandas calls an index without a name


class TextRows(NamedTuple):
    """The file of text that rows were read from."""

    table: TextTable
    places: tuple[str, ...]  # of each row, such as ``"row 3"``
    last: TextRow | None  # the last of them


class Contents(NamedTuple):
    """What a file holds: the rows, the description of the experiment, and what is odd."""

    rows: pd.DataFrame
    description: Any = None
    notes: tuple[str, ...] = ()
    text: TextRows | None = None  # of a file of text, whose notes are still to come


def read_contents(path: Path, *, strict: bool = False) -> Contents:
    """Read a Parquet or CSV file as it is: CSV as text, not yet checked."""
    try:
        with open_file(path, TABLE) as file:
            is_parquet = file.read(4) == b"PAR1"
        if is_parquet:
            return _parquet(path, read_bytes(path, TABLE))
    except (OSError, ValueError) as error:
        raise unreadable(path, error, _WHAT) from error
    return _text(path, strict=strict)


def _parquet(path: Path, content: bytes) -> Contents:
    try:
        source = pa.BufferReader(content)
        distinct(open_parquet(path, source).schema_arrow.names, str(path))
        table = read_parquet(path, source)
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
        raise unreadable(path, error, _WHAT) from error
    try:
        return Contents(rows, description_in(path, table.schema.metadata))
    except ValueError:  # it only informs: the trials are whole
        note = f"{path}: what its metadata say of the experiment is damaged, and left out."
        return Contents(rows, notes=(note,))


def _text(path: Path, *, strict: bool) -> Contents:
    table = TextTable(path, strict=strict)
    if not any(table.header):
        raise DataError(f"{path}: is empty: give a header and rows")
    header = [name or f"Unnamed: {at}" for at, name in enumerate(table.header)]
    check_shape(path, len(header), _count_lines(path) * len(header))
    distinct(header, str(path))
    schema = pa.schema([(name, pa.string()) for name in header])
    batches, places, last = [], [], None
    rows = iter(table)
    while batch := list(islice(rows, _BATCH)):
        places += [row.place for row in batch]
        last = batch[-1]
        columns = zip(*(row.cells for row in batch), strict=True)
        try:
            arrays = [pa.array(cells, pa.string()) for cells in columns]
        except UnicodeEncodeError as error:
            raise no_text(str(path), error) from error
        batches.append(pa.record_batch(arrays, schema=schema))
    frame = pa.Table.from_batches(batches, schema).to_pandas()
    if table.damage.n_damaged:  # so that rows are called by their numbers
        frame.index = pd.Index([int(place.split()[1]) - 1 for place in places])
    return Contents(frame, text=TextRows(table, tuple(places), last))


def _count_lines(path: Path) -> int:
    """How many lines a text has, without reading what is in them."""
    ends = [0, 0]
    with open_file(path, TABLE) as file:
        while block := file.read(1 << 20):
            ends = [n + block.count(end) for n, end in zip(ends, (b"\n", b"\r"), strict=True)]
    return max(ends)
