"""What is audited: files and folders, and what each of them is taken for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pandas as pd

from ...energy.quantities import JOULES_PER_UNIT
from ...energy.sources.recorded.files import Sample, open_trace
from ...energy.sources.recorded.trace import Trace
from ...errors import DataError, MixedDevicesError, PerjouleError
from ..comparison.loading import load_table
from ..importers import import_table
from ..importers.codecarbon import read_rows
from ..tables.contract import REQUIRED, contract_name
from ..tables.facts import Fact
from ..tables.frames import read_contents
from ..tables.loading import Stated
from ..tables.mapping import ColumnMapping, apply_mapping
from ..tables.quantities import ENERGY, POWER, TIME, QuantityColumn, find_quantities, read_numbers
from ..tables.refusals import listed
from ..tables.screening import screen
from ..tables.table import Table
from ..tables.writing import SIDES, side_path
from .catalogue import Lacking

TRACKER = "CodeCarbon's emissions"
TRACE = "power trace"
TRIALS = "trial table"
RUN_FOLDER = "run folder"
OTHER = "table of energies"
_SEARCHED = (".csv", ".parquet", ".json", ".jsonl")
_RUN_FILES = ("ledger.jsonl", "trials.parquet")
_TRACKED = {"project_name", "duration", "energy_consumed", "emissions"}
Names = str | Sequence[str]
_OF_A_STUDY = re.compile(r"duration|accura|\bacc\b|strategy|epochs|score")  # in no trace
_FEWEST_READINGS = 10  # of fewer rows it cannot be told whether they are moments or trainings


@dataclass(frozen=True)
class Input(Fact):
    """What a file or a run folder was taken for."""

    path: str
    kind: str | None  # None if it is no energy data
    rows: int = 0
    reason: str = ""  # why it was skipped, or what is to be told of how it was read


@dataclass(frozen=True, eq=False)
class Subject:
    """A file or a run folder, read."""

    path: Path
    kind: str
    frame: pd.DataFrame  # as it is written
    quantities: tuple[QuantityColumn, ...] = ()
    traces: tuple[Trace, ...] = ()  # power or counters over time, one per device
    table: Table | None = None  # its trials; None if it has none, or they cannot be read
    lacking: str = ""  # why there are no trials
    unread: str = ""  # which parts of it could not be read, and why
    mixed: tuple[str, ...] = ()  # of which columns the readings are of devices nothing tells apart
    mapping: tuple[ColumnMapping, ...] = ()  # what the user said of its columns
    runs_known: bool = True  # whether a column tells the runs of a strategy apart

    def at(self, columns: Sequence[str] = (), rows: Sequence[int] = ()) -> str:
        """A place in it, in words: the file, the rows (given from 0) and the columns."""
        parts = [str(self.path)]
        if rows:
            numbers = [int(self.frame.index[row]) for row in rows]
            parts.append(f"row{'s' * (len(rows) > 1)} {_ranges(numbers)}")
        if columns:
            parts.append(f"column{'s' * (len(columns) > 1)} {', '.join(columns)}")
        return ", ".join(parts)

    def mentions(self, pattern: str) -> bool:
        """Whether its header or its first row matches a pattern, in lower case."""
        words = map(str, (*self.frame.columns, *self.frame.iloc[0]))
        return re.search(pattern, " ".join(words).lower()) is not None

    def of(self, what: str) -> list[QuantityColumn]:
        """Its columns of energy, of power or of time."""
        return [quantity for quantity in self.quantities if quantity.what == what]


@dataclass(frozen=True)
class Reader:
    """Reads what is audited."""

    by: Names  # columns that group trials
    mapping: Names  # what columns of trial tables are made of
    metric: Stated | None = None  # what their score is
    params: Names = ()  # the hyperparameters among their columns
    strict: bool = False  # whether files with any damaged row are refused

    def find(self, path: Path) -> Iterator[Subject | Input]:
        """Read a file, a run folder, or all that lies in a folder; there, others are skipped."""
        if not path.is_dir() or _is_run_folder(path):
            yield self._read(path)
            return
        found = False
        for each in _list_data(path):
            try:
                yield self._read(each)
                found = True
            except PerjouleError as error:
                yield Input(str(each), None, reason=str(error))
        if not found:
            raise DataError(
                f"{path}: no energy data in it: name CodeCarbon's emissions.csv, a power trace, a "
                "trial table, or a run folder"
            )

    def _read(self, path: Path) -> Subject:
        if path.is_dir():
            table = self._load(path)
            found = find_quantities(table.trials)
            return Subject(path, RUN_FOLDER, table.trials, found, table=table)
        if not path.exists():
            raise DataError(
                f"{path}: no such file: name a table, a power trace, or a folder of them"
            )
        if path.suffix in (".json", ".jsonl"):
            raise DataError(f"{path}: JSON is not read here: give its rows as CSV or Parquet")
        contents = read_contents(path, strict=self.strict)
        if contents.text is not None and {*contents.rows.columns} >= _TRACKED:
            return _read_emissions(path, strict=self.strict)
        entries = ColumnMapping.parse(self.mapping)
        contents = screen(contents, entries)
        frame, told = contents.rows, contents.notes
        if frame.empty:
            raise DataError(f"{path}: no rows below the header: give a table with some")
        found = find_quantities(apply_mapping(frame, entries, str(path)))
        if not (entries or any(_OF_A_STUDY.search(str(name).lower()) for name in frame.columns)):
            traces, reasons, mixed = _read_traces(path, found, strict=self.strict)
            reasons = list(dict.fromkeys([*told, *reasons]))
            if mixed or any(len(trace.times_s) >= _FEWEST_READINGS for trace in traces):
                return Subject(
                    path, TRACE, frame, found, traces, unread="; ".join(reasons), mixed=mixed
                )
            told = tuple(reasons)
        other = Subject(path, OTHER, frame, found, mapping=entries, unread="; ".join(told))
        return self._read_table(other)

    def _load(self, path: Path) -> Table:
        return load_table(
            path,
            by=self.by,
            mapping=self.mapping,
            params=self.params,
            metric=self.metric,
            strict=self.strict,
        )

    def _read_table(self, other: Subject) -> Subject:
        """The same with its trials, or with the reason why they cannot be told."""
        path, frame, found = other.path, other.frame, other.quantities
        known = {*map(str, frame.columns), *(entry.target for entry in other.mapping)}
        runs_known = not known.isdisjoint({"run", "seed"})
        try:
            table = self._load(path)
        except DataError as error:
            negative = any((quantity.values < 0).any() for quantity in found)
            if (self.mapping or self.by) and not negative:
                raise
            named = {contract_name(name) for name in known}
            missing = [name for name in REQUIRED if name not in named]
            lacking = f"no column {', no '.join(missing)}" if missing else str(error)
        else:
            return replace(other, kind=TRIALS, table=table, runs_known=runs_known)
        if not any(quantity.what in (ENERGY, POWER) for quantity in found):
            raise DataError(
                f"{path}: neither a trial table nor any column of energy or power with its unit, "
                f"such as energy_kwh or power (W), among {listed(frame.columns)}: "
                "rename one, or say what it is, such as --map energy_j=NAME*3.6e6"
            )
        return replace(other, lacking=lacking, runs_known=runs_known)


def trials_of(subject: Subject) -> Table:
    """The trials of an input, for a check that needs them."""
    if subject.table is None:
        raise Lacking(subject.lacking)
    return subject.table


def join_single_rows(subjects: Sequence[Subject]) -> Subject | None:
    """CodeCarbon's files of one row each as one; None if they are not several."""
    single = [each for each in subjects if each.kind == TRACKER and len(each.frame) == 1]
    if len(single) < 2:
        return None
    frame = pd.concat([each.frame for each in single], ignore_index=True)
    folder = Path(os.path.commonpath([each.path for each in single]))
    return Subject(folder, TRACKER, frame, _tracker_columns(frame))


def _list_data(folder: Path) -> list[Path]:
    """The run folders and data files in a folder, at any depth, without files of curves."""
    found = {file.parent for name in _RUN_FILES for file in folder.rglob(name)}
    # The table of a study has what is in its run folders.
    studies = found & {file.parent for file in folder.rglob("study.yaml")}
    folders = {each for each in found if studies.isdisjoint(each.parents)}
    files = {file for file in folder.rglob("*") if file.suffix in _SEARCHED and file.is_file()}
    files = {file for file in files if folders.isdisjoint(file.parents)}
    return sorted(folders | (files - {side_path(file, side) for file in files for side in SIDES}))


def _is_run_folder(path: Path) -> bool:
    return any((path / name).exists() for name in _RUN_FILES)


def _read_emissions(path: Path, *, strict: bool) -> Subject:
    numbers, rows, notes = read_rows(str(path), strict=strict)
    frame = pd.DataFrame(rows, index=[number - 1 for number in numbers])
    if frame.empty:
        raise DataError(f"{path}: no rows below the header: give a table with some")
    told = "; ".join(notes.sentences)
    emissions = Subject(path, TRACKER, frame, _tracker_columns(frame), unread=told)
    try:
        return replace(emissions, table=import_table("codecarbon", path))
    except DataError as error:
        return replace(emissions, lacking=str(error))


def _tracker_columns(frame: pd.DataFrame) -> tuple[QuantityColumn, ...]:
    """CodeCarbon's columns, whose units are known: kWh, W and s."""
    kwh = JOULES_PER_UNIT["kWh"]
    whole = {"duration": (TIME, 1.0), "energy_consumed": (ENERGY, kwh)}
    ends = {"_energy": (ENERGY, kwh), "_power": (POWER, 1.0)}
    return tuple(
        QuantityColumn(name, *measure, read_numbers(frame[name]))
        for name in map(str, frame.columns)
        if (measure := whole.get(name) or ends.get("".join(name.rpartition("_")[1:])))
    )


def _read_traces(
    path: Path, found: Sequence[QuantityColumn], *, strict: bool
) -> tuple[tuple[Trace, ...], list[str], tuple[str, ...]]:
    """Every power and counter of every device of a trace, and why others cannot be read.

    Last the columns whose readings are of several devices that nothing tells apart.
    """
    traces, reasons, mixed = [], [], []
    for name in [quantity.name for quantity in found if quantity.what != TIME]:
        column = None if path.suffix == ".parquet" else name  # a meter's own has but one
        devices: dict[tuple[str, int], list[Sample]] = {}
        try:
            recording = open_trace(path, column, each_device=True, strict=strict)
            for sample in recording.samples:
                devices.setdefault((sample.device, sample.part), []).append(sample)
        except MixedDevicesError:
            mixed.append(name)
            continue
        except DataError as error:
            reasons.append(str(error))
            continue
        reasons += recording.notes
        reasons += [f"{recording.name}@{each}: no values in any row" for each in recording.silent]
        for (device, _), samples in devices.items():
            if samples[-1].at_s <= samples[0].at_s:
                reasons.append(f"{recording.name}: all readings are of the same moment")
                continue
            called = f"{path}#{name}@{device}" if len(devices) > 1 else f"{path}#{name}"
            traces.append(recording.to_trace(samples, called))
    return tuple(traces), reasons, tuple(mixed)


def _ranges(rows: Sequence[int]) -> str:
    """Row numbers from 1, neighbours joined: ``1-3, 5``; the first dozen of them."""
    neighbours = groupby(enumerate(sorted(rows)), key=lambda each: each[1] - each[0])
    groups = [[row + 1 for _, row in group] for _, group in neighbours]
    names = [f"{g[0]}-{g[-1]}" if len(g) > 1 else f"{g[0]}" for g in groups]
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
