"""Several trial tables as one: names that clash, and what differs in their experiments."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ...errors import DataError
from .columns import free
from .contract import CURVE_COLUMNS, RUN_COLUMNS, TRIAL_COLUMNS
from .table import Table

GROUPING = (
    "dataset",
    "architecture",
    "space",
    "split_seed",
    "meter",
    "device",
    "fidelity",
    "machine",
)
"""Facts of an experiment whose results are not pooled where they differ."""
_CONTRACT = {*TRIAL_COLUMNS, *CURVE_COLUMNS, *RUN_COLUMNS}


def number_equal_names(tables: Sequence[Table]) -> list[Table]:
    """Tables of the same name told apart by a number."""
    names = [table.name for table in tables]
    return [
        table
        if names.count(table.name) == 1
        else dataclasses.replace(table, name=f"{table.name}#{names[:at].count(table.name) + 1}")
        for at, table in enumerate(tables)
    ]


def name_spaces(tables: Sequence[Table]) -> list[dict[str, str]]:
    """For each table that states its search space, ``space``: the first table that had it."""
    known = [table for table in tables if _space(table)]
    return [
        {"space": next(each.name for each in known if _space(each) == _space(table))}
        if _space(table)
        else {}
        for table in tables
    ]


def _space(table: Table) -> Any:
    return (table.description or {}).get("space")


def differing_facts(
    facts: Sequence[Mapping[str, Any]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What differs among the experiments of several tables, and a note that says so.

    Tables that do not state a fact do not differ in it.

    Args:
        facts: What each states.
    """
    names = tuple(
        name for name in GROUPING if len({each[name] for each in facts if name in each}) > 1
    )
    if not names:
        return (), ()
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    space = " A space is called by the first table that has it." if "space" in names else ""
    return names, (
        f"The tables differ in {listed} and are compared apart by it: --by none pools them.{space}",
    )


def join_tables(tables: Sequence[Table]) -> Table:
    """Several tables as one; runs of the same name are told apart by their table's.

    Runs are kept where every table knows its own.

    Raises:
        DataError: Runs have the same name all the same.
    """
    counts = Counter(run for table in tables for run in _runs(table))
    renamed = [
        {run: f"{table.name}:{run}" if counts[run] > 1 else run for run in _runs(table)}
        for table in tables
    ]
    if len({run for names in renamed for run in names.values()}) != counts.total():
        raise DataError("runs of different tables have the same name: give each its own")

    def together(frames: Iterable[pd.DataFrame | None]) -> pd.DataFrame | None:
        known = [
            frame.assign(run=frame["run"].map(names))
            for names, frame in zip(renamed, frames, strict=True)
            if frame is not None
        ]
        return _stack(known) if known else None

    unknown = [table.name for table in tables if table.runs is None]
    sliced = any(table.slices is not None for table in tables)
    slices = (table.trials if table.slices is None else table.slices for table in tables)
    notes = [note for table in tables for note in table.notes]
    if 0 < len(unknown) < len(tables):
        notes.append(
            f"What runs may spend was left out: it is not known of those of {', '.join(unknown)}."
        )
    first = tables[0]
    return dataclasses.replace(
        first,
        trials=together(table.trials for table in tables),
        name=" + ".join(table.name for table in tables)
        if len(tables) <= 3
        else f"{len(tables)} tables",
        curves=together(table.curves for table in tables),
        slices=together(slices) if sliced else None,
        runs=None if unknown else together(table.runs for table in tables),
        description=first.description
        if all(table.description == first.description for table in tables)
        else None,
        notes=tuple(notes),
    )


def _runs(table: Table) -> list[str]:
    """The names of all runs of a table."""
    of_trials, others = table.trials["run"], () if table.runs is None else table.runs["run"]
    return list(dict.fromkeys([*of_trials, *others]))


def _stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows under rows; columns that hold numbers in one table and text in another become text."""
    table = pd.concat(frames, ignore_index=True)
    mixed = {
        str(name): free(table[name], "tables together")
        for name in table
        if str(name).startswith(("g.", "p.")) and table[name].dtype == object
    }
    order = sorted(
        table.columns, key=lambda name: (name not in _CONTRACT, not name.startswith("g."))
    )
    return table.assign(**mixed)[order]
