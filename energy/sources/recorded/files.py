"""Traces as files: the CSV of nvidia-smi, of wattmeters and others, the Parquet of a meter."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import NamedTuple

from ....errors import DataError
from ...source import Kind
from .columns import TimeColumn, ValueColumn, time_column, value_column
from .trace import Trace

_Row = tuple[str, list[str]]  # where a row stands, for messages, and its cells
_HEAD = 1_000  # rows at the beginning that tell units and devices
_DEVICE = re.compile(r"(?:gpu[ ._]?)?(?:index|id|uuid|serial|name)|.*bus_id|gpu|source")
_COMPONENTS = {  # how a column is called that belongs to each; the first that fits counts
    "dram": r"dram",
    "node": r"psys",
    "gpu": r"gpu|nvml|nvidia|power\.draw",
    "cpu": r"cpu|rapl|package",
}


class Sample(NamedTuple):
    """One reading: of which device, in seconds since some moment, and in watts or joules."""

    device: str
    at_s: float
    value: float


@dataclass(frozen=True, eq=False)
class OpenTrace:
    """A recorded trace whose columns are known and whose readings are still to be read."""

    name: str  # file and column, and the device that was asked for
    component: str  # ``"gpu"``, ``"cpu"``, ``"dram"`` or ``"node"``
    kind: Kind  # how its joules become known
    is_power: bool  # whether it holds watts; else the states of a counter, in joules
    samples: Iterator[Sample]  # in their order, once; those of several devices may alternate

    def to_trace(self, samples: Sequence[Sample], name: str) -> Trace:
        """The trace that some of its samples are, two or more of one device."""
        values = tuple([sample.value for sample in samples])
        return Trace(
            times_s=tuple([sample.at_s - samples[0].at_s for sample in samples]),
            power_w=values if self.is_power else (),
            counter_j=() if self.is_power else values,
            component=self.component,
            counter_kind=Kind.MEASURED if self.is_power else self.kind,
            name=name,
        )


def read_trace(path: str | Path, column: str | None = None) -> Trace:
    """Read a CSV or Parquet file; a DataError if it is no trace.

    CSV: a time column (``time_s``, ``timestamp``, …: seconds, or dates with or without a zone) and
    one of power or energy whose name or values tell the unit (``power_w``, ``power.draw [W]``,
    ``119.17 W``); values such as ``[N/A]`` are left out. Parquet: as a meter's series has it. The
    column, a source of a series, or a GPU as in ``"1"`` or ``"power_w@1"`` is named among several.
    """
    recording = open_trace(path, column)
    samples = list(recording.samples)
    if len(samples) < 2:
        file, _, name = recording.name.partition("#")
        raise DataError(f"{file}, column {name}: fewer than two values: give a longer one")
    return recording.to_trace(samples, recording.name)


def open_trace(
    path: str | Path, column: str | None = None, *, each_device: bool = False
) -> OpenTrace:
    """Read a file's beginning, which tells its columns; otherwise as ``read_trace``."""
    path, wanted = Path(path), column or ""
    lines = _read_rows(path)
    _, header = next(lines)
    name, _, device = wanted.partition("@")
    if name and name not in header:
        name, device = "", wanted  # or the name of a device
    identities = [i for i, name in enumerate(header) if _DEVICE.fullmatch(name.lower())]
    rows = _select_device(path, header, lines, identities, device)
    head = list(islice(rows, _HEAD))
    time = time_column(path, header)
    value = value_column(path, header, [row for _, row in head], name)
    devices = {index: _list_devices(head, index) for index in identities}
    identity = max((i for i in identities if devices[i]), key=lambda i: len(devices[i]), default=-1)
    if identity >= 0 and not each_device:
        _refuse_several(path, header[identity], devices[identity])
    name = header[value.at]
    signs = (part for part, sign in _COMPONENTS.items() if re.search(sign, name.lower()))
    told = dict(zip(header, head[0][1], strict=True)) if head else {}  # a meter's series says more
    component = told.get("component", "")
    counted = next((kind for kind in Kind if kind == told.get("kind")), Kind.MEASURED)
    samples = _read_samples(header, chain(head, rows), time, value, identity)
    if identity >= 0 and not each_device:
        samples = _require_one_device(samples, path, header[identity])
    return OpenTrace(
        name=f"{path}#{name}@{device}" if device else f"{path}#{name}",
        component=component if component in _COMPONENTS else next(signs, "node"),
        kind=Kind.INTEGRATED if value.is_power else counted,
        is_power=value.is_power,
        samples=samples,
    )


def _read_rows(path: Path) -> Iterator[_Row]:
    """The header, then every row, each as long as the header."""
    read = _read_parquet if path.suffix == ".parquet" else _read_csv
    lines = read(path)
    try:
        header = next(lines)
        yield header
        for where, row in lines:
            if len(row) != len(header[1]):
                raise DataError(
                    f"{where}: {len(row)} cells for {len(header[1])} columns: mend or remove it"
                )
            yield where, row
    except (OSError, ValueError, csv.Error) as error:  # pyarrow's errors are ValueErrors
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {reason}; give a recorded trace") from error


def _read_csv(path: Path) -> Iterator[_Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, skipinitialspace=True)
        yield "", [name.strip() for name in next(reader, [])]
        for row in reader:
            if row:
                yield f"{path}, line {reader.line_num}", [cell.strip() for cell in row]


def _read_parquet(path: Path) -> Iterator[_Row]:
    import pyarrow.parquet as pq

    columns = ["time_s", "source", "component", "kind", "energy_j"]
    with path.open("rb") as opened:
        file = pq.ParquetFile(opened)
        known = [name for name in columns if name in file.schema_arrow.names]
        yield "", known
        number = count(1)
        for batch in file.iter_batches(columns=known):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                cells = ["" if cell is None else str(cell) for cell in row]
                yield f"{path}, row {next(number)}", cells


def _select_device(
    path: Path, header: list[str], rows: Iterator[_Row], identities: list[int], device: str
) -> Iterator[_Row]:
    """The rows of the device that is wanted; all where none is."""
    if not device:
        yield from rows
        return
    head: list[_Row] = []
    found = False
    for where, row in rows:
        if device in (row[index] for index in identities):
            found = True
            yield where, row
        elif not found and len(head) < _HEAD:
            head.append((where, row))
    if not found:
        known = [name for index in identities for name in _list_devices(head, index)]
        raise DataError(
            f"{path}: no column or device {device!r}: it has columns {', '.join(header)}"
            + (f" and devices {', '.join(known[:8])}" if known else "")
        )


def _list_devices(head: list[_Row], index: int) -> list[str]:
    """The devices in a column; none if it rather numbers the rows."""
    names = list(dict.fromkeys(row[index] for _, row in head))
    return names if len(names) <= len(head) / 2 else []


def _refuse_several(path: Path, column: str, names: list[str]) -> None:
    if len(names) > 1:
        raise DataError(
            f"{path}, column {column}: rows of several devices, {', '.join(names[:8])}: name one, "
            f"such as {path}#{names[0]}"
        )


def _require_one_device(samples: Iterator[Sample], path: Path, column: str) -> Iterator[Sample]:
    """The samples of the one device there is, an error at the first of another."""
    first = None
    for sample in samples:
        first = first or sample
        if sample.device != first.device:
            _refuse_several(path, column, [first.device, sample.device])
        yield sample


def _read_samples(
    header: list[str],
    rows: Iterable[_Row],
    time: TimeColumn,
    power_or_energy: ValueColumn,
    identity: int,
) -> Iterator[Sample]:
    """The readings, without the rows that have no value."""
    latest: dict[str, Sample] = {}
    for where, row in rows:
        column: TimeColumn | ValueColumn = time  # the one to blame
        try:
            at_s = time.read(row[time.at])
            column = power_or_energy
            value = power_or_energy.read(row[column.at])
            if value is None:
                continue
            sample = Sample(row[identity] if identity >= 0 else "", at_s, value)
            before = latest.get(sample.device, sample)
            if not power_or_energy.is_power and value < before.value:
                raise ValueError("the counter falls here: cut the trace where it was reset")
            column = time
            if at_s < before.at_s:
                raise ValueError("time runs backwards here")
        except ValueError as error:
            raise DataError(f"{where}, column {header[column.at]}: {error}") from error
        latest[sample.device] = sample
        yield sample
