"""Several trial tables as one: names that clash, and what differs in their experiments."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ...errors import DataError
from ...models.metric import Metric
from .columns import free
from .contract import CURVE_COLUMNS, RUN_COLUMNS, TRIAL_COLUMNS
from .descriptions import facts_of
from .table import POOLS, Table

APART = ("dataset", "architecture", "space", "split_seed", "meter", "device", "fidelity", "machine")
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


def state_facts(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """What each table states of all its trials; a space is called by the first one that has it."""
    spaces = [(table.description or {}).get("space") for table in tables]
    return [
        facts_of(table.description)
        | ({"space": tables[spaces.index(space)].name} if space else {})
        | {"source": table.name}
        for table, space in zip(tables, spaces, strict=True)
    ]


def differing_facts(facts: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which stated facts of several tables differ, and a note that says so."""
    names = tuple(name for name in APART if len({each[name] for each in facts if name in each}) > 1)
    if not names:
        return (), ()
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    space = " A space is called by the first table that has it." if "space" in names else ""
    return names, (f"The tables differ in {listed} and are compared apart by it: {POOLS}{space}",)


def join_tables(tables: Sequence[Table]) -> Table:
    """Several tables as one; runs of one name are told apart by table, or refused (DataError).

    Tables whose scores are of different metrics are refused, too.
    """
    _check_metrics(tables)
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
    notes = [note for table in tables for note in table.notes]
    if 0 < len(unknown) < len(tables):
        notes.append(
            f"What runs may spend was left out: it is not known of those of {', '.join(unknown)}."
        )
    names = [table.name for table in tables]
    descriptions = [table.description for table in tables]
    stated = any("metric" in (each or {}) for each in descriptions)
    shared = {"metric": tables[0].metric.to_dict()} if stated else None
    return dataclasses.replace(
        tables[0],
        trials=together(table.trials for table in tables),
        name=" + ".join(names) if len(names) <= 3 else f"{len(names)} tables",
        curves=together(table.curves for table in tables),
        slices=together(table.rows_in_time for table in tables) if sliced else None,
        runs=None if unknown else together(table.runs for table in tables),
        description=tables[0].description if _alike(descriptions) else shared,
        notes=tuple(notes),
    )


def _check_metrics(tables: Sequence[Table]) -> None:
    """Refuse scores of which one may not be compared with another."""
    first = tables[0].metric
    for table in tables[1:]:
        if (other := table.metric) != first:
            raise DataError(
                f"the score of {table.name} is {in_words(other)}, that of {tables[0].name} "
                f"{in_words(first)}: scores of different metrics cannot be compared, read these "
                "tables apart"
            )


def in_words(metric: Metric) -> str:
    """A metric with its direction and bounds."""
    bounds = ["-" if bound is None else f"{bound:g}" for bound in (metric.low, metric.high)]
    return f"{metric.name} ({metric.direction}, from {bounds[0]} to {bounds[1]})"


def _alike(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values)


def _runs(table: Table) -> set[str]:
    """The names of all runs of a table."""
    return {*table.trials["run"], *(() if table.runs is None else table.runs["run"])}


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
