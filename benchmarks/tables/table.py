"""The `Table`: trials and all that belongs to them, the common currency of all analysis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import notebooks
from ...errors import DataError, OutputError, PerjouleError
from ...files.writing import check_new
from ...models.metric import ACCURACY, Metric
from .descriptions import description_path, is_description, write_description
from .writing import SIDES, check_ending, side_path, write_frame

POOLS = "--by none pools them."

if TYPE_CHECKING:
    import pandas as pd

    from .dimensions import Dimensions


@dataclass(frozen=True, eq=False)
class Table:
    """A trial table with what belongs to it.

    Attributes:
        trials: One row per trial: every column of the contract, ``g.…`` and ``p.…``.
        name: What it is called in messages and reports.
        by: Names of the group columns that it is compared by, without ``g.``.
        curves: One row per validated epoch; None if there are none.
        slices: The columns of the trials with one row per slice: what a run knew when. None where
            every trial is one slice.
        runs: One row per run, those without a trial included: `RUN_COLUMNS`, then ``g.…``. None
            where the table knows no allotments.
        description: What ``experiment.yaml`` says, as far as it is known; but for ``by``.
        notes: What was odd when it was read or imported, in sentences.
    """

    trials: pd.DataFrame
    name: str = "table"
    by: tuple[str, ...] = ()
    curves: pd.DataFrame | None = None
    slices: pd.DataFrame | None = None
    runs: pd.DataFrame | None = None
    description: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def metric(self) -> Metric:
        """What ``score`` and ``test_score`` are: the description says it; accuracy if it does not.

        Raises:
            DataError: The description says what is no metric.
        """
        stated = (self.description or {}).get("metric")
        try:
            return ACCURACY if stated is None else Metric.parse(stated)
        except PerjouleError as error:
            raise DataError(f"{self.name}: {error}") from error

    @cached_property
    def dimensions(self) -> Dimensions:
        """Which of its columns are hyperparameters, and why others are none."""
        from .dimensions import find_dimensions

        return find_dimensions(self.trials, self.description)

    @property
    def rows_in_time(self) -> pd.DataFrame:
        """What a run knew when: the slices, or the trials where every trial is one slice."""
        return self.trials if self.slices is None else self.slices

    @property
    def strategies(self) -> list[str]:
        """Names of the strategies in order of appearance."""
        known = () if self.runs is None else self.runs["strategy"]
        return list(dict.fromkeys([*known, *self.trials["strategy"]]))

    @property
    def groups(self) -> list[tuple[dict[str, Any], Table]]:
        """The parts that are compared apart: the values of ``by``, and the table of each.

        One part without values where nothing is grouped by.
        """
        if not self.by:
            return [({}, self)]
        columns = [f"g.{name}" for name in self.by]
        return [
            (
                dict(zip(self.by, map(plain, values), strict=True)),
                replace(
                    self,
                    trials=rows,
                    by=(),
                    curves=_of_runs(self.curves, rows["run"]),
                    slices=_of_runs(self.slices, rows["run"]),
                    runs=None if self.runs is None else _of_group(self.runs, columns, values),
                    notes=(),
                ),
            )
            for values, rows in self.trials.groupby(columns, sort=True, dropna=False)
        ]

    def write(self, path: str | Path, *, force: bool = False) -> list[Path]:
        """Write the table, as Parquet or CSV by the ending of the name.

        Curves, slices and runs go beside it, as ``NAME.curves.parquet`` (or ``.csv``) and so on,
        and the description, with what the table is grouped by, as ``NAME.experiment.yaml``;
        Parquet keeps that in its metadata. Files that are there are only written over by force.

        Returns:
            The files that were written.

        Raises:
            OutputError: Another ending, a file cannot be written, is there already, or would be
                taken for a part of this table.
        """
        path = Path(path)
        check_ending(path)
        # How several tables were grouped is told anew by whoever groups.
        notes = [note for note in self.notes if POOLS not in note]
        told = {"by": list(self.by), "notes": notes}
        told = {name: each for name, each in told.items() if each}
        description = {**(self.description or {}), **told} or None
        parts = {side_path(path, side): getattr(self, side) for side in SIDES}
        described = description_path(path)
        for beside, part in [*parts.items(), (described, description)]:
            if beside is not None and part is None and beside.exists():
                what = beside.stem.rpartition(".")[2].replace("experiment", "description")
                raise _is_there(beside, f"this table has no {what}")
        if path.suffix == ".parquet" or description is None:
            described = None
        elif described and described.name == "experiment.yaml" and described.exists():
            if not is_description(described, description):  # it may be that of a run folder
                raise _is_there(described, "describes another experiment")
            described = None
        for new in [path, *(beside for beside, part in parts.items() if part is not None)]:
            check_new(new, force=force)
        if described:
            check_new(described, force=force)
        write_frame(self.trials, path, description)
        sides = {beside: part for beside, part in parts.items() if part is not None}
        for beside, part in sides.items():
            write_frame(part, beside)
        if described and description is not None:
            write_description(description, described)
        return [path, *sides, *([described] if described else [])]

    def _repr_html_(self) -> str:
        """What a notebook shows: how much there is, and the first rows."""
        known = self.trials.dropna(axis="columns", how="all")
        runs = counted(self.trials["run"].nunique(), "run")
        strategies = counted(len(self.strategies), "strategy")
        counts = f"{counted(len(self.trials), 'trial')} in {runs} of {strategies}"
        first = known.head(10).astype(object)
        rows = first.where(first.notna(), "").to_html(index=False, float_format="{:.4g}".format)
        return notebooks.headed(self.name, f": {counts}") + notebooks.sentences(self.notes) + rows


def _is_there(path: Path, what: str) -> OutputError:
    return OutputError(f"{path} is there, and {what}: remove it, or give another name")


def _of_runs(frame: pd.DataFrame | None, runs: pd.Series) -> pd.DataFrame | None:
    return None if frame is None else frame[frame["run"].isin(runs)]


def _of_group(runs: pd.DataFrame, columns: list[str], values: Sequence[Any]) -> pd.DataFrame:
    """The runs of a group, those without a trial included."""
    group = [*map(plain, values)]
    return runs[[[*map(plain, row)] == group for row in runs[columns].itertuples(index=False)]]


def counted(count: int, what: str) -> str:
    """Write how many of what: ``1 run``, ``1,200 trials``, ``2 strategies``."""
    many = f"{what.removesuffix('y')}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else many}"


def plain(value: Any) -> Any:
    """A cell in Python's own types; None where nothing is known."""
    import pandas as pd

    if isinstance(value, list | dict):
        return value
    if pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
