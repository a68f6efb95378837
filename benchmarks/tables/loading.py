"""Reading trial tables: Parquet, CSV, data frames and run folders, one or several together."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import DataError
from ...models.metric import Metric
from .descriptions import description_path, read_description, valid_parts
from .dimensions import PARAMS, check_params
from .frames import read_contents
from .hints import total_of
from .joining import differing_facts, join_tables, number_equal_names, state_facts
from .mapping import ColumnMapping, plain_name, split_names
from .refusals import listed
from .screening import screen
from .sides import check_curves, check_runs, check_slices, check_slices_add_up, fit_runs, of_trials
from .table import Table
from .tidying import check_columns, tidy
from .totals import doubt_totals
from .writing import side_path

Loadable = str | Path | pd.DataFrame | Table
_OF_RUNS = ("run", "strategy", "seed", "energy_j")  # what a mapping must leave alone
_CHECKS = {"curves": check_curves, "slices": check_slices, "runs": check_runs}
Stated = Metric | str | Mapping[str, Any]  # a metric, as `Metric.parse` reads it


def read_table(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
    params: str | Sequence[str] = (),
    metric: Stated | None = None,
    read_folder: Callable[[Path], Table] | None = None,
    strict: bool = False,
) -> Table:
    """Read a trial table or several as one; `api.load_table` describes source, by and mapping.

    ``params`` are the hyperparameters among its columns, where it does not say so itself.
    ``metric`` is what the scores of tables are that do not say it themselves, accuracy if it is
    None. ``read_folder`` reads a run folder; by default the tables that were derived in it.
    ``strict`` refuses files with any damaged row, which are left out otherwise.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
        ConfigurationError: There is no such metric.
    """
    given = None if metric is None else Metric.parse(metric)
    asked = split_names(by)
    names = () if asked == ["none"] else tuple(dict.fromkeys(map(plain_name, asked)))
    entries = ColumnMapping.parse(mapping)
    sources: list[Any] = [source]
    if isinstance(source, Iterable) and not isinstance(source, Loadable):
        sources = list(source)
    _refuse_twice(sources)
    opened = [_open(each, read_folder or read_derived, given, entries, strict) for each in sources]
    if not opened:
        raise DataError("no table is given: name a file or a run folder")
    tables = number_equal_names([table for table, _ in opened])
    facts, notes = state_facts(tables), ()
    if not asked:
        differing, notes = differing_facts(facts)
        grouped = (name for t in tables for name in t.by if f"g.{name}" in t.trials)
        names = tuple(dict.fromkeys([*grouped, *differing]))
        facts = [dict.fromkeys(names) | each for each in facts]  # null where one says nothing
    tables = [
        _tidy_table(table, where, names, entries, each)
        for table, (_, where), each in zip(tables, opened, facts, strict=True)
    ]
    table = tables[0] if len(tables) == 1 else join_tables(tables)
    table = dataclasses.replace(table, by=names, notes=(*table.notes, *notes))
    return _with_params(table, split_names(params))


def _with_params(table: Table, named: Sequence[str]) -> Table:
    """The table that says which of its columns are hyperparameters, where that is given."""
    if not named:
        return table
    stated = table.description or {}
    if stated.get("space"):
        raise DataError(
            f"{table.name}: says itself which space was searched "
            f"({listed(stated['space'])}): leave --params out"
        )
    params = check_params(named, table.trials, table.name)
    return dataclasses.replace(table, description={**stated, PARAMS: params})


def _refuse_twice(sources: Sequence[Loadable]) -> None:
    """A path may not be there twice, for its runs would count twice."""
    paths = Counter(os.path.realpath(each) for each in sources if isinstance(each, str | Path))
    for path, count in paths.items():
        if count > 1:
            raise DataError(f"{path} is given {count} times: its runs would count {count} times")


def _open(
    source: object,
    read_folder: Callable[[Path], Table],
    metric: Metric | None,
    mapping: Sequence[ColumnMapping],
    strict: bool,
) -> tuple[Table, str]:
    """A table as it is but for its metric, which it knows, and what it is called in messages."""
    if isinstance(source, Table):
        source = dataclasses.replace(source, description=valid_parts(source.description))
        return with_metric(source, source.name, metric), source.name
    if isinstance(source, pd.DataFrame):
        return with_metric(Table(source), "data frame", metric), "data frame"
    if isinstance(source, str | Path):
        path, where = Path(source), str(source)
        if path.is_dir():
            return with_metric(read_folder(path), where, metric), where
        return _read_file(path, metric, mapping, strict=strict), where
    raise DataError(
        f"{type(source).__name__} is no table: give a file, a run folder, a data frame or a Table"
    )


def with_metric(table: Table, where: str, metric: Metric | None) -> Table:
    """The table with its metric stated, where one is given; a DataError if it states another."""
    stated = table.description or {}
    if metric is None or (table.metric == metric and "metric" in stated):
        return table
    if "metric" in stated:
        raise DataError(
            f"{where}: says that its score is {table.metric.name}, not the {metric.name} that is "
            "given: leave --metric out, or give what it says"
        )
    return dataclasses.replace(table, description={**stated, "metric": metric.to_dict()})


def _tidy_table(
    table: Table,
    where: str,
    by: Sequence[str],
    mapping: Sequence[ColumnMapping],
    facts: dict[str, Any],
) -> Table:
    """A table of the contract with all that belongs to it; what does not fit is noted."""
    names = [*table.trials.columns, *table.trials.index.names, *(each.target for each in mapping)]
    columns = {" ".join(str(name).split()) for name in names}
    told = {
        f"g.{name}": facts[name]
        for name in by
        if name in facts and columns.isdisjoint({name, f"g.{name}", f"p.{name}"})
    }
    metric = table.metric
    trials = tidy(table.trials.assign(**told), where, mapping, by, metric)
    trials, doubts = doubt_totals(trials, table.name)
    name, curves, slices, runs = table.name, table.curves, table.slices, table.runs
    notes = [*table.notes, *doubts]
    if "energy_j" not in columns and (parts := total_of([*columns])):
        notes.append(f"energy_j of {name} is {' + '.join(parts)}: of nothing else is it known.")
    if columns.isdisjoint({"run", "seed"}):
        one = "each strategy's trials are taken for one run"
        notes.append(f"{name} has neither a column run nor a column seed: {one}.")
    if curves is not None and mapping:
        curves = None
        notes.append(f"The curves of {name} were left out: --map changes their trials.")
    elif curves is not None:
        curves, more = of_trials(curves, trials, "points of curves")
        notes += more
    if slices is not None:
        slices = check_columns(slices.assign(**told), where, mapping, by, metric)
        slices, more = of_trials(slices, trials, "slices")
        check_slices_add_up(slices, trials, where)
        notes += more
    if runs is not None and any(entry.touches(_OF_RUNS) for entry in mapping):
        runs = None
        notes.append(f"What the runs of {name} may spend was left out: --map changes them.")
    elif runs is not None:
        runs = fit_runs(check_runs(runs.assign(**told), where), trials, where)
    return dataclasses.replace(
        table, trials=trials, curves=curves, slices=slices, runs=runs, notes=tuple(notes)
    )


def _read_file(
    path: Path,
    metric: Metric | None = None,
    mapping: Sequence[ColumnMapping] = (),
    *,
    strict: bool = False,
) -> Table:
    if not path.exists():
        raise DataError(f"{path}: no such file: name a .parquet or .csv file, or a run folder")
    rows, description, notes, _ = screen(read_contents(path, strict=strict), mapping)
    if description is None:
        description, more = read_description(description_path(path))
        notes = (*notes, *more)
    description = valid_parts(description) or {}
    by = tuple(description.pop("by", ()))
    notes = tuple(dict.fromkeys([*notes, *description.pop("notes", ())]))
    name = path.parent.name if path.stem == "trials" and path.parent.name else path.stem
    table = with_metric(Table(rows, name, by, description=description or None), str(path), metric)
    sides: dict[str, pd.DataFrame | None] = dict.fromkeys(_CHECKS)
    for side, check in _CHECKS.items():
        beside = side_path(path, side)
        if beside.exists():
            content = screen(read_contents(beside, strict=True))
            sides[side] = check(content.rows, str(beside), table.metric)
            notes = tuple(dict.fromkeys([*notes, *content.notes]))
    return dataclasses.replace(table, **sides, notes=notes)


def read_derived(path: Path) -> Table:
    """Read the tables of a run folder that were derived from its ledger, or raise a DataError."""
    if not (path / "trials.parquet").exists():
        if (path / "study.yaml").exists():
            raise DataError(f"{path}: the study's table is not made yet: perjoule report {path}")
        raise DataError(
            f"{path}: neither ledger.jsonl nor trials.parquet is in it: name the folder that "
            "`perjoule compare` wrote, or a table"
        )
    return dataclasses.replace(_read_file(path / "trials.parquet"), name=path.resolve().name)
