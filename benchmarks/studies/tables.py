"""From the run folders of a study's parts to one trial table, whose hyperparameters are factors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...models.outcome import State
from ..statistics.runs import floats
from ..tables.contract import SCORES
from ..tables.table import Table
from .cells import CELL, label_of, read_cell
from .design import Design, Part

if TYPE_CHECKING:
    import pandas as pd

_CELL = f"p.{CELL}"
_UNKNOWN = "unknown cell"
_ALIKE = ("meter", "machine")


def study_table(name: str, design: Design, tables: Sequence[Table]) -> Table:
    """Join the tables of a design's parts, in their order.

    A cell's trial becomes a run of its own: the strategy is what the design compares, the seed the
    repetition. A search keeps its strategies and runs. Factors are hyperparameters; those that the
    design compares within, and what all trials of a part have in common, are groups.
    """
    import pandas as pd

    from ..tables.tidying import tidy

    parts, curves = [], []
    for part, table in zip(design.parts, tables, strict=True):
        trials, names = _of_part(part, design, table.trials)
        unscored = {} if part.scored else dict.fromkeys(SCORES, math.nan)
        parts.append(trials.assign(**unscored))
        if table.curves is not None and len(table.curves):
            rows = table.curves.merge(names, on=["run", "trial"])
            renamed = rows.assign(run=rows["run_of_study"], trial=rows["trial_of_study"])
            renamed = renamed.drop(columns=["run_of_study", "trial_of_study"])
            curves.append(renamed.assign(**({} if part.scored else {"score": math.nan})))
    present = [part for part in parts if len(part)]
    trials = pd.concat(present or parts, ignore_index=True)
    stated = tables[0].description or {}
    told = {
        key: stated[key]
        for key in ("metric", "meter", "machine", "versions", "runtime")
        if key in stated
    }
    table = Table(
        tidy(trials, name, by=design.by, metric=tables[0].metric),
        name,
        by=design.by,
        curves=pd.concat(curves, ignore_index=True) if curves else None,
        description=told,
    )
    notes = [*_unlike(tables), *(note for each in tables for note in each.notes)]
    return replace(table, notes=tuple(dict.fromkeys(notes)))


def _unlike(tables: Sequence[Table]) -> Iterator[str]:
    """Say where parts ran under other conditions, as those may that were gone on with elsewhere."""
    stated = [table.description or {} for table in tables]
    told = {name: [json.dumps(each.get(name), default=str) for each in stated] for name in _ALIKE}
    if differing := [name for name, each in told.items() if len({*each}) > 1]:
        yield (
            f"The parts differ in {' and '.join(differing)}: ratios of joules across parts may be "
            "those of the conditions."
        )


def with_groups(table: Table, by: Sequence[str]) -> Table:
    """The same table; what a study groups by, and its trials do not say, is the table's name."""
    missing = [name for name in by if {f"g.{name}", f"p.{name}"}.isdisjoint(table.trials)]
    named = {f"g.{name}": table.name for name in missing}
    sides = {"trials": table.trials, "slices": table.slices, "runs": table.runs}
    known = {name: side.assign(**named) for name, side in sides.items() if side is not None}
    return replace(table, **known)


def complete(table: Table) -> pd.DataFrame:
    """The trials that reached their end and have a known energy: what cells are compared by.

    No joules at all are no energy that a ratio could be taken of.
    """
    trials = table.trials
    return trials[(trials["state"] == State.COMPLETE.value) & (floats(trials["energy_j"]) > 0)]


def _of_part(part: Part, design: Design, trials: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A part's trials as the study has them, and what runs and trials are called there."""
    groups = {f"g.{name}": each for name, each in part.groups.items()}
    if not part.cells:
        called = trials["strategy"].replace(dict(part.labels))
        runs = part.name + ": " + called + " #" + trials["seed"].astype(str)
        renamed = trials.assign(run=runs, strategy=called, **groups)
        return renamed, _names(trials, renamed)
    # A part may have no trial yet; one that was lost while it was asked for has no cell.
    texts = trials[_CELL] if _CELL in trials else [None] * len(trials)
    cells = [read_cell(text) if isinstance(text, str) else None for text in texts]
    varying = _varying(part)
    compared = design.strategy or [name for name in varying if name not in design.by]
    factors: dict[str, list[Any]] = {}
    for name in dict.fromkeys(name for cell in part.cells for name in cell):
        column = f"{'g' if name in design.by else 'p'}.{name}"
        factors[column] = [None if cell is None else cell.get(name) for cell in cells]

    def labels_by(names: Sequence[str]) -> list[str]:
        known = [None if cell is None else {**part.groups, **cell} for cell in cells]
        return [
            _UNKNOWN if each is None else label_of({name: each.get(name) for name in names})
            for each in known
        ]

    labels = labels_by(compared)
    runs = [
        f"{part.name}: {label} #{seed}"
        for label, seed in zip(labels_by(varying), trials["seed"], strict=True)
    ]
    renamed = trials.drop(columns=[_CELL], errors="ignore").assign(
        run=runs, strategy=labels, **groups, **factors
    )
    # A trial that was interrupted stands before the one that was trained in its place.
    renamed["trial"] = renamed.groupby("run").cumcount()
    return renamed, _names(trials, renamed)


def _varying(part: Part) -> list[str]:
    """The factors of a part that have several levels."""
    names = dict.fromkeys(name for cell in part.cells for name in cell)
    levels = {name: {str(cell.get(name)) for cell in part.cells} for name in names}
    return [name for name in names if len(levels[name]) > 1]


def _names(trials: pd.DataFrame, renamed: pd.DataFrame) -> pd.DataFrame:
    return trials[["run", "trial"]].assign(
        run_of_study=renamed["run"].to_numpy(), trial_of_study=renamed["trial"].to_numpy()
    )
