"""Writing trial tables as Parquet or CSV, each file whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import OutputError
from ...files.bounded import STATISTICS, too_large
from ...files.writing import write_whole
from ...plain import read_json
from .contract import UNITS, VERSION
from .descriptions import to_json

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SIDES = ("curves", "slices", "runs")  # what has a file of its own beside the trials
_FORMAT_KEY, _DESCRIPTION_KEY = b"perjoule_table", b"perjoule_description"


def side_path(path: Path, side: str) -> Path:
    """Where a side of a table is kept: ``t.curves.csv``, or ``curves.csv`` for ``trials.csv``."""
    name = side if path.stem == "trials" else f"{path.stem}.{side}"
    return path.with_name(f"{name}{path.suffix}")


def check_ending(path: Path) -> None:
    """Refuse, by an OutputError, a name that ends in neither ``.parquet`` nor ``.csv``."""
    if path.suffix not in (".parquet", ".csv"):
        raise OutputError(f"{path}: name a file that ends in .parquet or .csv")


def write_frame(
    frame: pd.DataFrame, path: Path, description: Mapping[str, Any] | None = None
) -> None:
    """Write rows as ``.parquet``, with the description in its metadata, or ``.csv``: whole or not.

    Raises:
        OutputError: Another ending, or the file cannot be written.
    """
    check_ending(path)
    if path.suffix == ".csv":
        text = frame.to_csv(index=False)
        if "\r" in text:  # Python's writer leaves it unquoted, and a reader ends the row there
            text = frame.to_csv(index=False, quoting=csv.QUOTE_ALL)
        write_whole(path, lambda part: part.write_text(text, encoding="utf-8", newline=""))
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = with_metadata(pa.Table.from_pandas(frame, preserve_index=False), description)
    except pa.ArrowException as error:  # says which column
        reason = " ".join(str(error).split())
        raise OutputError(
            f"{path}: cannot be kept in Parquet: {reason[:200]}; give each column values of "
            "one type, or write CSV"
        ) from error
    write_whole(path, lambda part: pq.write_table(table, part, write_page_checksum=True))


def with_metadata(table: pa.Table, description: Mapping[str, Any] | None = None) -> pa.Table:
    """The same Arrow table with the contract's version, and a unit for each column that has one."""
    import pyarrow as pa

    fields = [
        field.with_metadata({b"unit": unit.encode()}) if (unit := UNITS.get(field.name)) else field
        for field in table.schema
    ]
    metadata = {**(table.schema.metadata or {}), _FORMAT_KEY: str(VERSION).encode()}
    metadata |= description_metadata(description)
    return table.cast(pa.schema(fields, metadata=metadata))


def description_metadata(description: Mapping[str, Any] | None) -> dict[bytes, bytes]:
    """What the metadata of a Parquet file say of the experiment."""
    return {} if description is None else {_DESCRIPTION_KEY: to_json(description).encode()}


def version_in(metadata: Mapping[bytes, bytes] | None) -> int:
    """The version of the contract that a Parquet file says it keeps; 0 if it says nothing."""
    stated = (metadata or {}).get(_FORMAT_KEY, b"")
    return int(stated) if stated.isdigit() else 0


def description_in(path: Path, metadata: Mapping[bytes, bytes] | None) -> Any:
    """The description in the metadata of a Parquet file, if any.

    Raises:
        ValueError: It is damaged.
        DataError: It is too large.
    """
    text = (metadata or {}).get(_DESCRIPTION_KEY, b"null")
    if len(text) > STATISTICS:
        raise too_large(f"{path}, its description", len(text), STATISTICS)
    return read_json(text)
