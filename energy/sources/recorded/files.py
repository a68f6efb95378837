"""Traces as files: the CSV of nvidia-smi, of wattmeters and others, the Parquet of a meter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from ....errors import DataError
from ....files.table import TextRow
from ...source import Kind
from .columns import refuse_interval, value_column
from .rows import Rows, open_rows
from .samples import Columns, Sample, read_samples
from .times import time_column
from .trace import Trace

_HEAD = 1_000  # rows at the beginning that tell units and devices
_DEVICE = re.compile(
    r"(?:gpu|device|dev|card|sensor|meter|plug|channel|node|host|socket|package)?[ ._]?"
    r"(?:index|idx|id|uuid|serial|name|number|minor)|.*bus[._ ]?id|gpu|device|card|source|sensor|"
    r"meter|plug|channel|host|hostname|node|socket"
)
_COMPONENTS = {  # how a column is called that belongs to each; the first that fits counts
    "dram": r"dram",
    "node": r"psys",
    "gpu": r"gpu|nvml|nvidia|power\.draw|^pwr",
    "cpu": r"cpu|rapl|package",
}
__all__ = ["OpenTrace", "Sample", "open_trace", "read_trace"]


@dataclass(frozen=True, eq=False)
class OpenTrace:
    """A recorded trace whose columns are known and whose readings are still to be read."""

    name: str  # file and column, and the device that was asked for
    component: str  # ``"gpu"``, ``"cpu"``, ``"dram"`` or ``"node"``
    kind: Kind  # how its joules become known
    is_power: bool  # whether it holds watts; else the states of a counter, in joules
    samples: Iterator[Sample]  # in their order, once; those of several devices may alternate
    notes: list[str] = field(default_factory=list)  # of the file, once all samples are read
    silent: list[str] = field(default_factory=list)  # devices without any value, likewise

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


def read_trace(path: str | Path, column: str | None = None, *, strict: bool = False) -> Trace:
    """Read a CSV or Parquet file; a DataError if it is no trace.

    CSV: a time column (``time_s``, ``timestamp``, …: seconds, or dates with or without a zone) and
    one of power or energy whose name or values tell the unit (``power_w``, ``power.draw [W]``,
    ``119.17 W``); values such as ``[N/A]`` are left out. Parquet: as a meter's series has it. The
    column, a source of a series, or a GPU as in ``"1"`` or ``"power_w@1"`` is named among several.
    Damaged rows are left out, up to a tenth, but where it is ``strict``.
    """
    recording = open_trace(path, column, strict=strict)
    samples = list(recording.samples)
    file, _, name = recording.name.partition("#")
    if len(samples) < 2:
        raise DataError(f"{file}, column {name}: fewer than two values: give a longer one")
    if samples[-1].part:
        raise DataError(
            f"{file}: {samples[-1].part + 1} recordings one after the other, each below its "
            "header: cut it, and give one"
        )
    return recording.to_trace(samples, recording.name)


def open_trace(
    path: str | Path,
    column: str | None = None,
    *,
    each_device: bool = False,
    strict: bool = False,
    option: str = "",
) -> OpenTrace:
    """Read a file's beginning, which tells its columns; otherwise as ``read_trace``.

    ``option`` is how a column or device is named in messages, by default as ``FILE#NAME``.
    """
    path, wanted = Path(path), column or ""
    option = option or f"{path}#{{}}"
    table = open_rows(path, strict=strict)
    header = table.header
    name, _, device = wanted.partition("@")
    if name and name not in header:
        name, device = "", wanted  # or the name of a device
    identities = [i for i, name in enumerate(header) if _DEVICE.fullmatch(name.lower())]
    rows = _select_device(path, table, identities, device)
    head = list(islice(rows, _HEAD))
    cells = [row.cells for row in head]
    time = time_column(str(path), header, cells)
    identities = [index for index in identities if index != time.at]
    value = value_column(str(path), header, cells, name, option)
    name = header[value.at]
    if not value.is_power and (why := refuse_interval(name)):
        raise DataError(f"{path}, column {name}: {why}")
    devices = {index: _list_devices(head, index) for index in identities}
    identity = max((i for i in identities if devices[i]), key=lambda i: len(devices[i]), default=-1)
    if identity >= 0 and not each_device:
        _refuse_several(path, header[identity], devices[identity], option)
    signs = (part for part, sign in _COMPONENTS.items() if re.search(sign, name.lower()))
    told = dict(zip(header, head[0].cells, strict=True)) if head else {}  # a series says more
    component = told.get("component", "")
    counted = next((kind for kind in Kind if kind == told.get("kind")), Kind.MEASURED)
    columns = Columns(time, value, identity, path.suffix == ".parquet")
    silent: list[str] = []
    samples = read_samples(str(path), table, chain(head, rows), columns, silent)
    if identity >= 0 and not each_device:
        samples = _require_one_device(samples, path, header[identity], option)
    notes: list[str] = []
    return OpenTrace(
        name=f"{path}#{name}@{device}" if device else f"{path}#{name}",
        component=component if component in _COMPONENTS else next(signs, "node"),
        kind=Kind.INTEGRATED if value.is_power else counted,
        is_power=value.is_power,
        samples=_closing(samples, table, notes),
        notes=notes,
        silent=silent,
    )


def _closing(samples: Iterator[Sample], table: Rows, notes: list[str]) -> Iterator[Sample]:
    yield from samples
    notes += table.close()


def _select_device(
    path: Path, table: Rows, identities: list[int], device: str
) -> Iterator[TextRow]:
    """The rows of the device that is wanted; all where none is."""
    if not device:
        yield from table
        return
    head: list[TextRow] = []
    found = False
    for row in table:
        if device in (row.cells[index] for index in identities):
            found = True
            yield row
        elif not found and len(head) < _HEAD:
            head.append(row)
    if not found:
        known = [name for index in identities for name in _list_devices(head, index)]
        raise DataError(
            f"{path}: no column or device {device!r}: it has columns {', '.join(table.header)}"
            + (f" and devices {', '.join(known[:8])}" if known else "")
        )


def _list_devices(head: Sequence[TextRow], index: int) -> list[str]:
    """The devices in a column; none if it rather numbers the rows."""
    names = list(dict.fromkeys(row.cells[index] for row in head))
    return names if len(names) <= len(head) / 2 else []


def _refuse_several(path: Path, column: str, names: list[str], option: str) -> None:
    if len(names) > 1:
        raise DataError(
            f"{path}, column {column}: rows of several devices, {', '.join(names[:8])}: name one, "
            f"such as {option.format(names[0])}"
        )


def _require_one_device(
    samples: Iterator[Sample], path: Path, column: str, option: str
) -> Iterator[Sample]:
    """The samples of the one device there is, an error at the first of another."""
    first = None
    for sample in samples:
        first = first or sample
        if sample.device != first.device:
            _refuse_several(path, column, [first.device, sample.device], option)
        yield sample
