"""Reading trial tables: Parquet, CSV, data frames and run folders, one or several together."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ...errors import DataError
from .columns import free
from .curves import of_trials, read_curves
from .frames import read_contents
from .mapping import Mapping, plain_name, split_names
from .table import CURVE_COLUMNS, TRIAL_COLUMNS, Table, curves_path
from .tidying import checked, tidy

Loadable = str | Path | pd.DataFrame | Table
_PARTS = ("experiment", "space", "data", "machine", "versions", "runtime")
"""What of a description has parts of its own."""


def read_table(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
    read_folder: Callable[[Path], Table] | None = None,
) -> Table:
    """Read a trial table; `api.load_table` describes source, by and mapping.

    Args:
        source: A Parquet or CSV file, a run folder, a data frame or a table; or several, which are
            read as one.
        by: Columns that group the trials, as names joined by commas.
        mapping: Which columns are made of others.
        read_folder: Reads a run folder; by default the tables that were derived in it.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
    """
    names = tuple(dict.fromkeys(map(plain_name, split_names(by))))
    entries = Mapping.parse(mapping)
    sources = [source] if isinstance(source, Loadable) else source
    if not isinstance(sources, Iterable):
        raise _no_table(source)
    read_folder = read_folder or read_derived
    tables = _renamed([_opened(each, read_folder) for each in _once(sources)])
    if not tables:
        raise DataError("no table is given: name a file or a run folder")
    tables = [_tidied(table, where, names, entries) for table, where in tables]
    table = tables[0] if len(tables) == 1 else _joined(tables)
    return dataclasses.replace(table, by=names)


def _no_table(source: object) -> DataError:
    return DataError(
        f"{type(source).__name__} is no table: give a file, a run folder, a data frame or a Table"
    )


def _once(sources: Iterable[Loadable]) -> list[Loadable]:
    """The sources; none may be there twice, for its runs would count twice."""
    found = list(sources)
    paths = Counter(Path(each).resolve() for each in found if isinstance(each, str | Path))
    for path, count in paths.items():
        if count > 1:
            raise DataError(f"{path} is given {count} times: its runs would count {count} times")
    return found


def _opened(source: Loadable, read_folder: Callable[[Path], Table]) -> tuple[Table, str]:
    """A table as it is, and what it is called in messages."""
    if isinstance(source, Table):
        return source, source.name
    if isinstance(source, pd.DataFrame):
        return Table(source), "data frame"
    if isinstance(source, str | Path):
        path = Path(source)
        return (read_folder if path.is_dir() else _read)(path), str(source)
    raise _no_table(source)


def _renamed(tables: Sequence[tuple[Table, str]]) -> list[tuple[Table, str]]:
    """Tables of the same name told apart by a number."""
    names = [table.name for table, _ in tables]
    return [
        (table, where)
        if names.count(table.name) == 1
        else (
            dataclasses.replace(table, name=f"{table.name}#{names[:place].count(table.name) + 1}"),
            where,
        )
        for place, (table, where) in enumerate(tables)
    ]


def _tidied(table: Table, where: str, by: Sequence[str], mapping: Sequence[Mapping]) -> Table:
    stated = _stated(table)
    names = [*table.trials.columns, *table.trials.index.names, *(each.target for each in mapping)]
    columns = {" ".join(str(name).split()) for name in names}
    told = {
        f"g.{name}": stated[name]
        for name in by
        if name in stated and columns.isdisjoint({name, f"g.{name}", f"p.{name}"})
    }
    trials = tidy(table.trials.assign(**told), where, mapping, by)
    curves, slices, notes = table.curves, table.slices, table.notes
    if columns.isdisjoint({"run", "seed"}):
        one = "each strategy's trials are taken for one run"
        notes = (*notes, f"{table.name} has neither a column run nor a column seed: {one}.")
    if slices is not None:
        slices = checked(slices.assign(**told), where, mapping, by)
    if curves is not None and mapping:
        curves = None
        notes = (*notes, f"The curves of {table.name} were left out: --map changes their trials.")
    if curves is not None:
        curves, more = of_trials(curves, trials)
        notes = (*notes, *more)
    return dataclasses.replace(table, trials=trials, curves=curves, slices=slices, notes=notes)


def _stated(table: Table) -> dict[str, Any]:
    """What the experiment of a table says of all its trials, and the table's name."""
    experiment, machine = (
        part if isinstance(part, dict) else {}  # a table of one's own may hold anything
        for part in map((table.description or {}).get, ("experiment", "machine"))
    )
    plain = {n: v for n, v in experiment.items() if isinstance(v, str | int | float | bool)}
    cpu = {"machine": machine["cpu"]} if isinstance(machine.get("cpu"), str) else {}
    return {**plain, **cpu, "source": table.name}


def _joined(tables: Sequence[Table]) -> Table:
    """Several tables as one; runs of the same name are told apart by their table's."""
    counts = Counter(run for table in tables for run in set(table.trials["run"]))
    clashing = {run for run, count in counts.items() if count > 1}

    def told_apart(frame: pd.DataFrame, name: str) -> pd.DataFrame:
        runs = frame["run"].map(lambda run: f"{name}:{run}" if run in clashing else run)
        return frame.assign(run=runs)

    def together(frames: Iterable[tuple[pd.DataFrame | None, str]]) -> pd.DataFrame | None:
        known = [told_apart(frame, name) for frame, name in frames if frame is not None]
        return _stacked(known) if known else None

    trials = _stacked([told_apart(table.trials, table.name) for table in tables])
    if trials["run"].nunique() != counts.total():
        raise DataError("runs of different tables have the same name: give each its own")
    sliced = any(table.slices is not None for table in tables)
    first = tables[0].description
    return Table(
        trials=trials,
        name=" + ".join(table.name for table in tables)
        if len(tables) <= 3
        else f"{len(tables)} tables",
        curves=together((table.curves, table.name) for table in tables),
        slices=together(
            (table.trials if table.slices is None else table.slices, table.name) for table in tables
        )
        if sliced
        else None,
        description=first if all(table.description == first for table in tables) else None,
        notes=tuple(note for table in tables for note in table.notes),
    )


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows under rows; columns that hold numbers in one table and text in another become text."""
    table = pd.concat(frames, ignore_index=True)
    mixed = {
        str(name): free(table[name], "tables together")
        for name in table
        if str(name).startswith(("g.", "p.")) and table[name].dtype == object
    }
    order = sorted(
        table.columns, key=lambda name: (not _of_contract(name), not name.startswith("g."))
    )
    return table.assign(**mixed)[order]


def _of_contract(name: str) -> bool:
    return name in TRIAL_COLUMNS or name in CURVE_COLUMNS


# Files --------------------------------------------------------------------------------------------


def _read(path: Path) -> Table:
    if not path.exists():
        raise DataError(f"{path}: no such file: name a .parquet or .csv file, or a run folder")
    rows, description, notes = read_contents(path)
    curves = curves_path(path)
    return Table(
        rows,
        path.parent.name if path.stem == "trials" and path.parent.name else path.stem,
        curves=read_curves(curves) if curves.exists() and curves != path else None,
        description=_understood(
            description or _description(path.parent if path.stem == "trials" else None)
        ),
        notes=notes,
    )


def read_derived(path: Path) -> Table:
    """Read the tables of a run folder that were derived from its ledger.

    Raises:
        DataError: There are none.
    """
    if not (path / "trials.parquet").exists():
        raise DataError(
            f"{path}: neither ledger.jsonl nor trials.parquet is in it: name the folder that "
            "`perjoule compare` wrote, or a table"
        )
    return dataclasses.replace(_read(path / "trials.parquet"), name=path.resolve().name)


def _description(folder: Path | None) -> Any:
    try:
        path = None if folder is None else folder / "experiment.yaml"
        return None if path is None else yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _understood(stated: Any) -> dict[str, Any] | None:
    """A description without the parts that are no mapping: others may have written it."""
    if not isinstance(stated, dict):
        return None
    known: dict[str, Any] = {
        name: part
        for name, part in stated.items()
        if isinstance(part, dict if name in _PARTS else list if name == "meter" else object)
    }
    if "meter" in known:
        known["meter"] = [meter for meter in known["meter"] if isinstance(meter, dict)]
    return known
