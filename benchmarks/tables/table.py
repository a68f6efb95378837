"""The trial table: the tidy record of all trials, and the common currency of all analysis.

Reports, statistics, importers, replay and audit read it and nothing else. It is a long-lived
contract, `VERSION` 1: one row per trial, in order of completion within each run, with the columns
of `COLUMNS`, hyperparameters as ``p.<name>`` and group columns (data set, machine) as ``g.<name>``.
What is not known is null, never zero. The curves, where there are any, have one row per validated
epoch: ``run, trial, epoch, energy_j`` (cumulative within the trial, search excluded), ``accuracy,
loss``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...energy.source import Kind
from ...errors import OutputError
from ...files import write_whole
from ...models.outcome import State

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


VERSION = 1
LOWER_BOUND = "lower bound"
"""What is said of energy where a slice was lost, and only its last sign of life is known."""
REPLAYED = "replayed"
"""What is said of virtual energy: recorded joules that nobody spent again."""
STATES = tuple(State)
KINDS = (*Kind, LOWER_BOUND, REPLAYED)
"""How joules may have become known; several kinds are joined by ``+``."""
COMPONENTS = ("cpu", "gpu", "dram", "node")
_FORMAT_KEY, _DESCRIPTION_KEY, _UNIT_KEY = b"perjoule_table", b"perjoule_description", b"unit"


class Column(NamedTuple):
    """A column of the contract.

    Attributes:
        name: Its name.
        type: ``text``, ``number``, ``whole`` (a whole number) or ``time`` (a moment in UTC).
        unit: The unit of its values; empty if they have none.
        most: The largest value there can be; None where there is no such bound. The smallest of
            every number but the seed is 0.
        meaning: What it says.
    """

    name: str
    type: str
    unit: str
    most: float | None
    meaning: str


def _joules(name: str, meaning: str) -> Column:
    return Column(name, "number", "J", None, meaning)


COLUMNS = (
    Column("run", "text", "", None, "one strategy with one seed, spending one budget"),
    Column("strategy", "text", "", None, "what proposed the candidates"),
    Column("seed", "whole", "", None, "the seed of the run"),
    Column("trial", "whole", "", None, "number of the trial within its run, from 0"),
    Column("state", "text", "", None, f"how the trial ended: {', '.join(STATES)}"),
    Column("accuracy", "number", "1", 1.0, "on validation data; candidates are chosen by it"),
    Column("test_accuracy", "number", "1", 1.0, "on test data; only ever reported"),
    _joules("energy_j", "gross energy of all phases of the trial, its search included"),
    _joules("energy_train_j", "of that, training"),
    _joules("energy_validate_j", "of that, validating"),
    _joules("energy_setup_j", "of that, building the network"),
    _joules("energy_search_j", "of that, proposing the candidate"),
    _joules("predicted_j", "what the strategy predicted of energy_j, before the trial"),
    Column("energy_kind", "text", "", None, f"how it became known: {', '.join(KINDS)}"),
    _joules("cpu_j", "energy of the processor"),
    _joules("gpu_j", "energy of the graphics cards"),
    _joules("dram_j", "energy of the memory"),
    _joules("node_j", "energy of the whole machine, which holds the others"),
    Column("duration_s", "number", "s", None, "wall time"),
    Column("epochs", "whole", "", None, "whole epochs of training"),
    Column("n_parameters", "whole", "", None, "trainable parameters"),
    Column("flops", "whole", "", None, "operations of the forward pass of one sample"),
    Column("started_at", "time", "UTC", None, "when the trial began"),
    Column("message", "text", "", None, "what went wrong, or is odd"),
)
TRIAL_COLUMNS = tuple(column.name for column in COLUMNS)
CURVE_COLUMNS = ("run", "trial", "epoch", "energy_j", "accuracy", "loss")
RUN_COLUMNS = ("run", "strategy", "seed", "allotment_j", "unplaced_j", "end", "message")
"""Of the runs of a table: the joules each may spend, those it spent on no trial (asks that gave no
work; null if unknown), why it is over (null if it is not), and more about that."""
REQUIRED = ("strategy", "energy_j", "accuracy")
"""What any tidy table must have to be read as a trial table."""
PANDAS_TYPES = {"text": "object", "number": "float64", "whole": "Int64"}
_UNITS = {column.name: column.unit for column in COLUMNS} | {"energy_j": "J", "accuracy": "1"}


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
        description: What ``experiment.yaml`` says, as far as it is known.
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
    def strategies(self) -> list[str]:
        """Names of the strategies in order of appearance."""
        return list(dict.fromkeys(self.trials["strategy"]))

    @property
    def groups(self) -> list[tuple[dict[str, Any], Table]]:
        """The parts that are compared apart: the values of ``by``, and the table of each.

        One part without values where nothing is grouped by.
        """
        if not self.by:
            return [({}, self)]
        columns = [f"g.{name}" for name in self.by]
        parts = []
        for values, rows in self.trials.groupby(columns, sort=True, dropna=False):
            runs = set(rows["run"])
            part = Table(
                rows,
                self.name,
                curves=_of_runs(self.curves, runs),
                slices=_of_runs(self.slices, runs),
                description=self.description,
            )
            parts.append((dict(zip(self.by, map(_plain, values), strict=True)), part))
        return parts

    def write(self, path: str | Path) -> None:
        """Write the table, as Parquet or CSV by the ending of the name.

        Parquet keeps units and version in its metadata, and the description of the experiment.
        Curves go beside it, as ``NAME.curves.parquet`` (or ``.csv``).

        Raises:
            OutputError: Another ending, the file cannot be written, or curves of another table
                would be taken for its own.
        """
        path = Path(path)
        curves = curves_path(path)
        if self.curves is None and curves.exists():
            raise OutputError(
                f"{curves} is there, and this table has no curves: remove it, or give another name"
            )
        write_frame(self.trials, path, self.description)
        if self.curves is not None:
            write_frame(self.curves, curves)

    def _repr_html_(self) -> str:
        """What a notebook shows: how much there is, and the first rows."""
        known = self.trials.dropna(axis="columns", how="all")
        counts = (
            f"{_counted(len(self.trials), 'trial')} in "
            f"{_counted(self.trials['run'].nunique(), 'run')} of "
            f"{_counted(len(self.strategies), 'strategy')}"
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        notes = notes and f"<ul>{notes}</ul>"
        first = known.head(10).astype(object)
        rows = first.where(first.notna(), "").to_html(index=False, float_format="{:.4g}".format)
        return f"<p><b>{escape(self.name)}</b>: {escape(counts)}</p>{notes}{rows}"


def curves_path(path: Path) -> Path:
    """Where the curves of a table are kept: ``curves.parquet`` beside ``trials.parquet``."""
    name = "curves" if path.stem == "trials" else f"{path.stem}.curves"
    return path.with_name(f"{name}{path.suffix}")


def write_frame(
    frame: pd.DataFrame, path: Path, description: Mapping[str, Any] | None = None
) -> None:
    """Write trials or curves, whole or not at all.

    Args:
        frame: The trials or the curves.
        path: The file; its ending, ``.parquet`` or ``.csv``, says how.
        description: Of the experiment; kept in the metadata of Parquet.

    Raises:
        OutputError: Another ending, or the file cannot be written.
    """
    if path.suffix == ".csv":
        write_whole(path, lambda part: frame.to_csv(part, index=False))
    elif path.suffix == ".parquet":
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
    else:
        raise OutputError(f"{path}: name a file that ends in .parquet or .csv")


def with_metadata(table: pa.Table, description: Mapping[str, Any] | None = None) -> pa.Table:
    """The same Arrow table with the contract's version, and a unit for each column that has one."""
    import pyarrow as pa

    fields = [
        field.with_metadata({_UNIT_KEY: unit.encode()}) if (unit := unit_of(field.name)) else field
        for field in table.schema
    ]
    metadata = {**(table.schema.metadata or {}), _FORMAT_KEY: str(VERSION).encode()}
    if description is not None:
        metadata[_DESCRIPTION_KEY] = json.dumps(description, default=str).encode()
    return table.cast(pa.schema(fields, metadata=metadata))


def unit_of(name: str) -> str:
    """The unit of a column of the trial table or the curves; empty if it has none."""
    return _UNITS.get(name, "")


def version_of(metadata: Mapping[bytes, bytes] | None) -> int | None:
    """The version of the contract that a Parquet file says it keeps; None if it says nothing."""
    stated = (metadata or {}).get(_FORMAT_KEY, b"")
    return int(stated) if stated.isdigit() else None


def description_of(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any] | None:
    """The description of the experiment in the metadata of a Parquet file, if it has one."""
    stated = (metadata or {}).get(_DESCRIPTION_KEY)
    try:
        description = None if stated is None else json.loads(stated)
    except ValueError:  # it only informs: the trials are whole
        return None
    return description if isinstance(description, dict) else None


def _of_runs(frame: pd.DataFrame | None, runs: set[str]) -> pd.DataFrame | None:
    return None if frame is None else frame[frame["run"].isin(runs)]


def _counted(count: int, what: str) -> str:
    many = f"{what.removesuffix('y')}ies" if what.endswith("y") else f"{what}s"
    return f"{count:,} {what if count == 1 else many}"


def _plain(value: Any) -> Any:
    """A group's value in Python's own types; a missing one is None."""
    import pandas as pd

    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value
