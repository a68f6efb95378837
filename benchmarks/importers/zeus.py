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

Versions that log a monotonic clock give times since the start of the machine: ``started_at`` is
null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from ...errors import DataError
from ...models.outcome import State
from ..tables.refusals import listed
from .files import EARLIEST_S, LATEST_S, CsvFile, Line, labels
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_COLUMNS = ("start_time", "window_name", "elapsed_time")
_ENERGY = re.compile(r"gpu\d+_energy")


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trials of the logs, in the order in which their windows ended."""
    what = "a log of ZeusMonitor"
    files = [CsvFile(path, _COLUMNS, what, notes, strict=options.strict) for path in paths]
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
        for line, (window, start_s, elapsed_s, joules) in file.read(partial(_window, energies)):
            started_at = datetime.fromtimestamp(start_s, UTC) if start_s > EARLIEST_S else None
            if started_at is None:
                notes.add(
                    "start_time counts from the start of the machine, not from 1970: started_at is "
                    "not known",
                    line.where,
                )
            if start_s < ended_s:
                notes.add("windows overlap: joules of different runs must not be added", line.where)
            ended_s = max(ended_s, start_s + elapsed_s)
            energy_j, odd = _energy(line, joules, notes)
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


_Joules = dict[str, float | None]


def _window(energies: Sequence[str], line: Line) -> tuple[str, float, float, _Joules]:
    """The name of a window, when it began and how long it was, in seconds, and its joules."""
    window = line.name("window_name", "window has a name")
    start_s, elapsed_s = line.needed("start_time"), line.needed("elapsed_time")
    if not 0 <= start_s < LATEST_S:
        line.refuse("start_time", "is no time in seconds since 1970")
    if elapsed_s < 0:
        line.refuse("elapsed_time", "is below zero: no window can be")
    return window, start_s, elapsed_s, {name: line.known(name) for name in energies}


def _energy(line: Line, joules: _Joules, notes: Notes) -> tuple[float | None, str | None]:
    """Joules of all cards; None, and why, where one is not known."""
    for column, energy_j in joules.items():
        if energy_j is None or energy_j <= 0:
            why = "0 J, as Zeus logs of a window too short for it"
            why = "empty or no number" if energy_j is None else "negative" if energy_j else why
            odd = f"{column} is {why}: the energy is not known"
            notes.add(odd, line.where)
            return None, odd
    return sum(each for each in joules.values() if each), None
