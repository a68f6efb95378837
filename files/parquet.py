"""Parquet of anybody's: what it unpacks to is worked out from its metadata before it is unpacked.

A dictionary repeats a text of a megabyte a million times in a file of a megabyte, so the size of a
file says nothing of what it holds. PyArrow is loaded where a file is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ..errors import DataError
from .bounded import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    from pyarrow.parquet import FileMetaData, ParquetFile

MOST_COLUMNS: Final = 2_000
"""Columns of a table; all that is done with one grows with them."""
MOST_CELLS: Final = 20_000_000
"""Cells of a table, rows times columns."""
UNPACKED: Final = 512 << 20
"""Bytes of a table in memory."""
_CHUNKS = 100_000  # of columns in groups of rows
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}


def check_shape(path: str | Path, n_columns: int, n_cells: int) -> None:
    """Refuse a table of too many columns or cells by a DataError."""
    if n_columns > MOST_COLUMNS:
        raise DataError(
            f"{path}: {n_columns:,} columns, and at most {MOST_COLUMNS:,} are read: keep the "
            "strategy, the energy, the score and the hyperparameters"
        )
    if n_cells > MOST_CELLS:
        raise DataError(
            f"{path}: {n_cells:,} cells, and at most {MOST_CELLS:,} are read: leave columns or "
            "rows out"
        )


def open_parquet(path: str | Path, source: BinaryIO | pa.NativeFile) -> ParquetFile:
    """Open a file of bounded shape, checksums verified; a pa.ArrowException if it is damaged."""
    from pyarrow.parquet import ParquetFile

    file = ParquetFile(source, page_checksum_verification=True)
    stated, n_columns = file.metadata, file.metadata.num_columns
    check_shape(path, n_columns, stated.num_rows * max(1, n_columns))
    if stated.num_row_groups * n_columns > _CHUNKS:
        raise DataError(
            f"{path}: {stated.num_row_groups:,} groups of rows, and at most "
            f"{_CHUNKS // max(1, n_columns):,} are read: write it with larger ones"
        )
    chunks = [chunk for _, chunk in _chunks(stated)]
    check_shape(path, n_columns, sum(chunk.num_values for chunk in chunks))
    _check_size(path, sum(chunk.total_uncompressed_size for chunk in chunks))
    return file


def read_parquet(
    path: str | Path, source: BinaryIO | pa.NativeFile, columns: Sequence[str] | None = None
) -> pa.Table:
    """Read some columns of a file, or all, into at most `UNPACKED` bytes.

    Raises:
        DataError: They would take more.
        pa.ArrowException, OSError, ValueError: It is damaged.
    """
    from pyarrow.parquet import ParquetFile

    file = open_parquet(path, source)
    most = [_most_bytes(file.metadata, index) for index in range(file.metadata.num_columns)]
    if sum(most) <= UNPACKED:
        return file.read(columns)
    # Texts that a dictionary repeats are counted before they are written out.
    flat = [
        file.schema.column(index).path
        for index in range(file.metadata.num_columns)
        if _is_flat_text(file.metadata, index)
    ]
    _check_size(path, sum(n for index, n in enumerate(most) if _path(file, index) not in flat))
    source.seek(0)
    packed = ParquetFile(source, page_checksum_verification=True, read_dictionary=flat)
    table = packed.read(columns)
    _check_size(path, sum(_written_out(table[name]) for name in flat if name in table.column_names))
    return table.cast(file.schema_arrow if columns is None else _part(file.schema_arrow, columns))


def _check_size(path: str | Path, size: int) -> None:
    if size > UNPACKED:
        raise DataError(
            f"{path}: {in_words(size)} once unpacked, and at most {in_words(UNPACKED)} are read: "
            "leave columns or rows out"
        )


def _chunks(stated: FileMetaData) -> Iterator[tuple[int, Any]]:
    for group in map(stated.row_group, range(stated.num_row_groups)):
        for index in range(group.num_columns):
            yield index, group.column(index)


def _most_bytes(stated: FileMetaData, index: int) -> int:
    """What a column may unpack to: each of its texts may be as long as all that is stored."""
    column = stated.schema.column(index)
    width = _WIDTHS.get(column.physical_type) or column.length or 0
    chunks = [stated.row_group(group).column(index) for group in range(stated.num_row_groups)]
    if column.physical_type != "BYTE_ARRAY":
        return sum(chunk.num_values for chunk in chunks) * width
    return sum(
        chunk.total_uncompressed_size * (chunk.num_values if _repeats(chunk) else 1)
        for chunk in chunks
    )


def _repeats(chunk: Any) -> bool:
    """Whether a text may be stored once for several cells, or its beginning."""
    return any("DICTIONARY" in each or each == "DELTA_BYTE_ARRAY" for each in chunk.encodings)


def _is_flat_text(stated: FileMetaData, index: int) -> bool:
    column = stated.schema.column(index)
    if column.physical_type != "BYTE_ARRAY" or column.max_repetition_level or "." in column.path:
        return False
    return not any(
        "DELTA_BYTE_ARRAY" in stated.row_group(group).column(index).encodings
        for group in range(stated.num_row_groups)
    )


def _path(file: ParquetFile, index: int) -> str:
    return file.schema.column(index).path


def _written_out(column: pa.ChunkedArray) -> int:
    """Bytes of all texts of a column that a dictionary holds."""
    import pyarrow as pa
    from pyarrow.compute import call_function

    total = 0
    for chunk in column.chunks:
        if not isinstance(chunk, pa.DictionaryArray):
            continue
        lengths = call_function("binary_length", [chunk.dictionary]).take(chunk.indices)
        total += call_function("sum", [lengths.cast(pa.int64())]).as_py() or 0
    return total


def _part(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([schema.field(name) for name in names], schema.metadata)
