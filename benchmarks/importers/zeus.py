"""The log of Zeus, ``ZeusMonitor(log_file="log.csv")``: one trial for each window.

Its header is ``start_time,window_name,elapsed_time,gpu0_energy,gpu1_energy,…`` with seconds since
1970, seconds and joules (``zeus/monitor/energy.py``, the same from 0.2 to 0.16). The log has no
columns of CPU or DRAM, though the monitor may measure them; so ``energy_j`` is that of the graphics
cards alone, added up. Zeus reads a counter where the card has one and integrates power where it has
not, and its log does not say which: ``energy_kind`` is null.

Windows may lie within each other (an epoch within a training), and adding them would count joules
twice. Windows of the same name cannot, so each name is a run of its own, and its strategy unless
one is given. Their trials are numbered when the table is read.

Zeus logs 0 J for a window that is shorter than the period of the card's counter. That is not known
to be nothing: such an energy is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...errors import DataError
from ...models.outcome import State
from ..tables.refusals import listed
from .files import CsvFile, Line, labels
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_COLUMNS = ("start_time", "window_name", "elapsed_time")
_ENERGY = re.compile(r"gpu\d+_energy")


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trials of the logs, in the order in which their windows ended."""
    files = [CsvFile(path, _COLUMNS, "a log of ZeusMonitor") for path in paths]
    names = labels(paths) if len(paths) > 1 else [""]
    for path, file in zip(paths, files, strict=True):
        if not _energies(file) or not all(map(_ENERGY.fullmatch, _energies(file))):
            raise DataError(
                f"{path}: columns {listed(file.header)} are not of ZeusMonitor's log: give one "
                f"with {', '.join(_COLUMNS)}, gpu0_energy and so on"
            )
    return Trials(_rows(files, names, options, notes), {"g.window": "text"})


def _energies(file: CsvFile) -> list[str]:
    return [name for name in file.header if name not in _COLUMNS]


def _rows(
    files: Sequence[CsvFile], names: Sequence[str], options: ImportOptions, notes: Notes
) -> Iterator[Row]:
    for file, name in zip(files, names, strict=True):
        energies, ended_s = _energies(file), 0.0
        for line in file:
            window = line.name("window_name", "window has a name")
            started_at, elapsed_s = line.instant("start_time"), line.needed("elapsed_time")
            start_s = started_at.timestamp()
            if start_s < ended_s:
                notes.add("windows overlap: joules of different runs must not be added", line.where)
            ended_s = max(ended_s, start_s + elapsed_s)
            energy_j, odd = _energy(line, energies, notes)
            yield {
                "run": f"{name}:{window}" if name else window,
                "strategy": options.strategy or window,
                "state": State.COMPLETE.value,
                "energy_j": energy_j,
                "gpu_j": energy_j,
                "duration_s": elapsed_s,
                "started_at": started_at,
                "message": odd,
                "g.window": window,
            }


def _energy(line: Line, columns: Sequence[str], notes: Notes) -> tuple[float | None, str | None]:
    """Joules of all cards; None, and why, where one is not known."""
    joules = {column: line.needed(column) for column in columns}
    for column, energy_j in joules.items():
        if energy_j <= 0:
            why = "negative" if energy_j < 0 else "0 J, as Zeus logs of a window too short for it"
            odd = f"{column} is {why}: the energy is not known"
            notes.add(odd, line.where)
            return None, odd
    return sum(joules.values()), None
