"""Reading trial tables: Parquet, CSV, data frames and run folders, one or several together."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from ..errors import DataError, PerjouleError
from .table import CURVE_COLUMNS, VERSION, Table, curves_path, description_of, version_of
from .tidying import Mapping, split_names, tidy

if TYPE_CHECKING:
    pass

Source = str | Path | pd.DataFrame | Table
_SEPARATORS = (",", ";", "\t", "|")


def load_table(
    source: Source | Sequence[Source],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
) -> Table:
    """Read a trial table.

        table = perjoule.load_table("theirs.csv", by="dataset", mapping="energy_j=kwh*3.6e6")

    Args:
        source: A Parquet or CSV file, a run folder, a data frame or a table; or several, which are
            read as one. Any tidy table with the columns strategy, energy_j and accuracy will do;
            trial, seed and state may be there, and columns that are not of the contract are
            hyperparameters.
        by: Columns that group the trials, as names joined by commas: ``"dataset,machine"``. Of a
            run folder also what its experiment says (``dataset``, ``architecture``, ``meter`` …);
            ``source`` is the name of each table.
        mapping: Which columns are made of others: ``"accuracy=test_acc,energy_j=kwh*3.6e6"``.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
    """
    names = tuple(split_names(by) if isinstance(by, str) else by)
    entries = Mapping.parse(mapping)
    sources = [source] if isinstance(source, Source) else source
    tables = [_load(each, names, entries) for each in sources]
    if not tables:
        raise DataError("no table is given: name a file or a run folder")
    table = tables[0] if len(tables) == 1 else _joined(tables)
    return dataclasses.replace(table, by=tuple(name.removeprefix("g.") for name in names))


def _load(source: Source, by: Sequence[str], mapping: Sequence[Mapping]) -> Table:
    if isinstance(source, Table):
        return dataclasses.replace(source, trials=_tidied(source, source.trials, by, mapping))
    table = Table(source) if isinstance(source, pd.DataFrame) else _read(Path(source))
    trials = _tidied(table, table.trials, by, mapping)
    slices = None if table.slices is None else _regrouped(table.slices, trials)
    return dataclasses.replace(table, trials=trials, slices=slices)


def _tidied(
    table: Table, frame: pd.DataFrame, by: Sequence[str], mapping: Sequence[Mapping]
) -> pd.DataFrame:
    stated = _stated(table)
    known = {*map(str, frame.columns), *(entry.target for entry in mapping)}
    told = {
        f"g.{name}": stated[name]
        for name in (wanted.removeprefix("g.") for wanted in by)
        if name in stated and known.isdisjoint({name, f"g.{name}", f"p.{name}"})
    }
    return tidy(frame.assign(**told), table.name, mapping, by)


def _stated(table: Table) -> dict[str, Any]:
    """What the experiment of a table says of all its trials, and the table's name."""
    experiment = (table.description or {}).get("experiment", {})
    plain = {n: v for n, v in experiment.items() if isinstance(v, str | int | float | bool)}
    machine = (table.description or {}).get("machine", {}).get("cpu")
    return {**plain, **({"machine": machine} if machine else {}), "source": table.name}


def _regrouped(slices: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Slices with the group columns of their runs."""
    groups = [name for name in trials if str(name).startswith("g.") and name not in slices]
    return slices.merge(trials.drop_duplicates("run")[["run", *groups]], on="run", how="left")


def _joined(tables: Sequence[Table]) -> Table:
    """Several tables as one; runs of the same name are told apart by their table's."""
    counts: dict[str, int] = {}
    for table in tables:
        for run in set(table.trials["run"]):
            counts[run] = counts.get(run, 0) + 1
    clashing = {run for run, count in counts.items() if count > 1}
    names = _distinct([table.name for table in tables])

    def told_apart(frame: pd.DataFrame | None, name: str) -> pd.DataFrame | None:
        if frame is None or not clashing:
            return frame
        runs = frame["run"].map(lambda run: f"{name}:{run}" if run in clashing else run)
        return frame.assign(run=runs)

    def together(frames: Iterable[pd.DataFrame | None]) -> pd.DataFrame | None:
        known = [frame for frame in frames if frame is not None and len(frame)]
        return pd.concat(known, ignore_index=True) if known else None

    pairs = list(zip(tables, names, strict=True))
    trials = together(told_apart(table.trials, name) for table, name in pairs)
    sliced = any(table.slices is not None for table in tables)
    first = tables[0].description
    return Table(
        trials=tables[0].trials if trials is None else trials,
        name=" + ".join(names) if len(names) <= 3 else f"{len(names)} tables",
        curves=together(told_apart(table.curves, name) for table, name in pairs),
        slices=together(
            told_apart(table.trials if table.slices is None else table.slices, name)
            for table, name in pairs
        )
        if sliced
        else None,
        description=first if all(table.description == first for table in tables) else None,
        notes=tuple(note for table in tables for note in table.notes),
    )


def _distinct(names: Sequence[str]) -> list[str]:
    return [
        name if names.count(name) == 1 else f"{name}#{names[:place].count(name) + 1}"
        for place, name in enumerate(names)
    ]


# Files --------------------------------------------------------------------------------------------


def _read(path: Path) -> Table:
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise DataError(f"{path}: no such file: name a .parquet or .csv file, or a run folder")
    frame, description = read_frame(path)
    curves = curves_path(path)
    return Table(
        frame,
        path.parent.name if path.stem == "trials" and path.parent.name else path.stem,
        curves=_curves(curves) if curves.exists() and curves != path else None,
        description=description or _description(path.parent if path.stem == "trials" else None),
    )


def _read_folder(path: Path) -> Table:
    """A run folder: its ledger, or where it has none its tables."""
    from .folder import Folder
    from .record import curve_table, slice_table, trial_table

    name = path.resolve().name
    if not (path / "ledger.jsonl").exists():
        if not (path / "trials.parquet").exists():
            raise DataError(
                f"{path}: neither ledger.jsonl nor trials.parquet is in it: name the folder that "
                "`perjoule compare` wrote, or a table"
            )
        return dataclasses.replace(_read(path / "trials.parquet"), name=name)
    folder = Folder(path)
    description, events = folder.description(), folder.events()
    trials = trial_table(events)
    if trials.empty:
        raise DataError(f"{path}: no trial has ended yet: go on with it by --resume")
    slices = slice_table(events)
    return Table(
        trials,
        name,
        curves=curve_table(events),
        slices=slices if len(slices) > len(trials) else None,
        description=description,
    )


def _description(folder: Path | None) -> dict[str, Any] | None:
    try:
        path = None if folder is None else folder / "experiment.yaml"
        stated = None if path is None else yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return stated if isinstance(stated, dict) else None


def _curves(path: Path) -> pd.DataFrame:
    frame, _ = read_frame(path)
    if missing := [name for name in CURVE_COLUMNS if name not in frame and name != "loss"]:
        raise DataError(f"{path}: no column {missing[0]} among {', '.join(frame.columns)}")
    numbers = [name for name in frame if name != "run"]
    try:
        frame = frame.astype(dict.fromkeys(numbers, float) | {"run": str})
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}: give numbers") from error
    return frame.astype({"trial": "int64", "epoch": "int64"})


def read_frame(path: Path) -> tuple[pd.DataFrame, dict[str, Any] | None]:
    """Read a Parquet or CSV file as it is: CSV as text, not yet checked.

    Returns:
        The rows, and the description of the experiment, where the file has one.

    Raises:
        DataError: The file cannot be read.
    """
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            return _parquet(path)
        return _csv(path), None
    except PerjouleError:
        raise
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise DataError(f"{path}: cannot be read: {reason}; give Parquet or CSV") from error


def _parquet(path: Path) -> tuple[pd.DataFrame, dict[str, Any] | None]:
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        table = pq.read_table(file)
    version = version_of(table.schema.metadata)
    if version is not None and version > VERSION:
        raise DataError(
            f"{path}: written by a newer perjoule (trial table {version}, this one reads "
            f"{VERSION}): upgrade"
        )
    return table.to_pandas(), description_of(table.schema.metadata)


def _csv(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.csv as pc

    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
    if not line.strip():
        raise DataError(f"{path}: is empty, or begins with an empty line: give a header and rows")
    separator = max(_SEPARATORS, key=line.count)
    header = next(csv.reader([line], delimiter=separator))
    for name in header:
        if header.count(name) > 1:
            raise DataError(f"{path}: two columns are called {name!r}: rename one")
    table = pc.read_csv(
        path,
        read_options=pc.ReadOptions(use_threads=False),
        parse_options=pc.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )
    return table.to_pandas()
