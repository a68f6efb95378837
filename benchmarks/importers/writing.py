"""From rows to tables: batches of trials, to Parquet, CSV or memory, and the notes about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from ...errors import DataError, OutputError
from ...files.writing import write_whole
from ...models.metric import ACCURACY, Metric
from ..tables.contract import COLUMNS, CURVES
from ..tables.descriptions import description_path, is_description, write_description
from ..tables.dimensions import PARAMS
from ..tables.refusals import no_text
from ..tables.writing import description_metadata, side_path, with_metadata, write_frame

Row = Mapping[str, Any]  # a trial: values by the names of their columns; what is not there is null
_BATCH = 20_000
_TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "whole": pa.int64(),
    "truth": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Trials:
    """Trials that are still to be read."""

    rows: Iterator[Row]  # once, in order of completion within each run
    extra: Mapping[str, str]  # the `g.…` and `p.…` columns they may have, and their `_TYPES`
    metric: Metric = ACCURACY  # what scores are of
    params: tuple[str, ...] = ()  # hyperparameters, where the format knows them to be those
    curves: Callable[[], Iterator[Row]] | None = None  # points of learning curves, if there are any

    @property
    def description(self) -> dict[str, Any] | None:
        """What a table says of its metric and hyperparameters; nothing of accuracy."""
        metric = {} if self.metric == ACCURACY else {"metric": self.metric.to_dict()}
        return metric | ({PARAMS: [*self.params]} if self.params else {}) or None

    def curve_frame(self) -> pd.DataFrame | None:
        """The points of its learning curves; None if it has none."""
        if self.curves is None:
            return None
        schema = pa.schema([(column.name, _TYPES[column.type]) for column in CURVES])
        return pa.Table.from_pylist([*self.curves()], schema).to_pandas()


class Notes:
    """What was odd, counted: one sentence for all rows of which the same is to be said."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, sentence: str, where: str = "") -> None:
        """Note it once more; ``where`` is the row, in words."""
        count, first = self._found.get(sentence, (0, where))
        self._found[sentence] = (count + 1, first)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was noted, with how often and where first."""
        return tuple(
            f"{sentence} ({count:,} {'row' if count == 1 else 'rows'}, first: {where})"
            if where
            else sentence
            for sentence, (count, where) in self._found.items()
        )


def write(trials: Trials, path: Path, where: str, notes: Notes) -> int:
    """Write them batch by batch, as Parquet or CSV by the ending of the name, and count them.

    What is noted while they are read goes with their description: into the metadata of Parquet, or
    into the file beside CSV.
    """
    if path.suffix not in {".parquet", ".csv"}:
        raise OutputError(f"{path}: name a file that ends in .parquet or .csv")
    curves, n_rows = trials.curve_frame(), 0
    described, beside_curves = description_path(path), side_path(path, "curves")
    _check_beside(path, trials.description, (described, beside_curves))

    def description() -> dict[str, Any] | None:
        told = {"notes": [*notes.sentences]} if notes.sentences else {}
        return {**(trials.description or {}), **told} or None

    def fill(part: Path) -> None:
        nonlocal n_rows
        batches = _batches(trials, where)
        first = next(batches)
        open_writer = pc.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
        with part.open("wb") as file, open_writer(file, first.schema) as writer:
            for batch in chain([first], batches):
                writer.write_table(batch)
                n_rows += len(batch)
            if isinstance(writer, pq.ParquetWriter):  # what is noted is known now
                writer.add_key_value_metadata(description_metadata(description()))

    write_whole(path, fill)
    for beside, part in ((described, description()), (beside_curves, curves)):
        if beside is not None and part is None:
            beside.unlink(missing_ok=True)
        elif beside is not None and isinstance(part, pd.DataFrame):
            write_frame(part, beside)
        elif beside is not None and isinstance(part, dict):
            write_description(part, beside)
    return n_rows


def _check_beside(
    path: Path, description: dict[str, Any] | None, sides: Iterable[Path | None]
) -> None:
    """Refuse what lies beside the table and is of another; of one of that name it is a part."""
    if path.exists() and not (path.parent / "ledger.jsonl").exists():
        return  # and is written anew with it, or removed
    for beside in sides:
        if beside is None or not beside.exists():
            continue
        if beside == description_path(path) and is_description(beside, description):
            continue
        raise OutputError(
            f"{beside} is there, and describes another table: remove it, or give another name"
        )


def frame_of(trials: Trials, where: str) -> pd.DataFrame:
    """All of them in memory, as reading the written table would give them."""
    return pa.concat_tables(_batches(trials, where)).to_pandas()


def _batches(trials: Trials, where: str) -> Iterator[pa.Table]:
    """Some thousand trials at a time; one table at least."""
    types = {column.name: column.type for column in COLUMNS} | dict(trials.extra)
    try:
        schema = pa.schema([(name, _TYPES[kind]) for name, kind in types.items()])
        schema = with_metadata(schema.empty_table()).schema
        batch = list(islice(trials.rows, _BATCH))
        if not batch:
            raise DataError(f"{where}: no trials in it: give a file with rows")
        while batch:
            yield pa.Table.from_pylist(batch, schema)
            batch = list(islice(trials.rows, _BATCH))
    except UnicodeEncodeError as error:
        raise no_text(where, error) from error
