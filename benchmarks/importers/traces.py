"""Recorded power, integrated while it is read: what nvidia-smi and wattmeters have in common.

A trace is never held in memory: the trapezoid is added up as readings come. Only readings of the
last ``trim_s`` seconds wait, since they are cut if nothing comes after them. The result is what
``Trace.between(trim_s, duration_s - trim_s).energy_j()`` gives.

Times without a zone are taken as UTC; times that count from the start of the recording, not from
1970, leave ``started_at`` null. What a trace does not tell, such as an accuracy, is null.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from ...energy.sources.recorded.files import open_trace
from ...energy.sources.recorded.trace import GAP_PERIODS, Trace
from ...errors import ConfigurationError, DataError
from ...models.outcome import State
from .files import EARLIEST_S, labels
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_SILENT = "no values in any row: its joules are not known"
_HEAD = 1_000  # steps at the beginning that tell the usual time between two readings


class Integral:
    """A trapezoid over readings as they come; those within ``trim_s`` of an end do not count."""

    def __init__(self, trim_s: float, is_power: bool) -> None:
        self._trim_s, self._is_power = trim_s, is_power
        self._waiting: deque[tuple[float, float]] = deque()
        self._origin_s = self._start_s = 0.0
        self._first = self._last = (0.0, 0.0)
        self._head: list[tuple[float, float]] = []
        self._least_gap_s = math.inf
        self._n_gaps = 0
        self.energy_j = self.duration_s = self._largest_step_s = 0.0  # between readings that count
        self.n_readings, self._any = 0, False

    def add(self, at_s: float, value: float) -> None:
        """Take one more reading, not earlier than the one before: seconds, and watts or joules."""
        if not self._any:
            self._any, self._origin_s = True, at_s
        since_s = at_s - self._origin_s
        if since_s >= self._trim_s:
            self._waiting.append((since_s, value))
        while self._waiting and self._waiting[0][0] <= since_s - self._trim_s:
            self._keep(*self._waiting.popleft())

    @property
    def started_s(self) -> float:
        """When the first reading was taken that counts."""
        return self._origin_s + self._start_s

    def oddities(self) -> tuple[str, ...]:
        """What is odd about the readings; ``Trace.warnings`` are of the first thousand."""
        beginning = self._beginning()
        least_s = GAP_PERIODS * beginning.period_s
        n_gaps = self._n_gaps + sum(b - a > least_s for a, b in pairwise(beginning.times_s))
        if not n_gaps:
            return beginning.warnings
        gap = (
            f"{n_gaps} gap{'s' if n_gaps > 1 else ''} without readings, the longest of "
            f"{self._largest_step_s:.4g} s where {beginning.period_s:.3g} s are usual: the power "
            "in between is taken as a line"
        )
        return gap, *beginning.warnings

    def _keep(self, since_s: float, value: float) -> None:
        if not self.n_readings:
            self._start_s = since_s
            self._first = self._last = (0.0, value)
        at_s = since_s - self._start_s
        before_s, before = self._last
        step_s = at_s - before_s
        self._largest_step_s = max(self._largest_step_s, step_s)
        if self._is_power:
            self.energy_j += step_s * (before + value) / 2
        else:
            self.energy_j = value - self._first[1]
        if len(self._head) <= _HEAD:
            self._head.append((at_s, value))
        else:
            if not math.isfinite(self._least_gap_s):
                self._least_gap_s = GAP_PERIODS * self._beginning().period_s
            self._n_gaps += step_s > self._least_gap_s
        self._last, self.duration_s = (at_s, value), at_s
        self.n_readings += 1

    def _beginning(self) -> Trace:
        times_s, values = zip(*self._head, strict=True)
        return Trace(times_s, values) if self._is_power else Trace(times_s, counter_j=values)


def trials(
    paths: Sequence[str], options: ImportOptions, notes: Notes, *, component: str, device: str
) -> Trials:
    """One trial for each trace: a file, or a ``device`` in it; the joules are a ``component``'s."""
    if not 0 <= options.trim_s < math.inf:
        raise ConfigurationError(f"trim_s: {options.trim_s:g} is no time to cut: give 0 or more")
    rows = (
        row
        for path, name in zip(paths, labels(paths), strict=True)
        for row in _rows(path, name, options, notes, component, device)
    )
    return Trials(rows, {f"g.{device}": "text"})


def _rows(
    path: str, name: str, options: ImportOptions, notes: Notes, component: str, device: str
) -> Iterator[Row]:
    recording = open_trace(
        path, options.column, each_device=True, strict=options.strict, option='--column "{}"'
    )
    integrals: dict[tuple[str, int], Integral] = {}  # of each device, and recording in the file
    for each, at_s, value, part in recording.samples:
        if (each, part) not in integrals:
            integrals[each, part] = Integral(options.trim_s, recording.is_power)
        integrals[each, part].add(at_s, value)
    for sentence in recording.notes:
        notes.add(sentence)
    n_devices = len({each for each, _ in integrals} | {*recording.silent})
    if not integrals:
        raise DataError(f"{recording.name}: no values in it: give a trace with readings")
    for (each, part), integral in integrals.items():
        where = f"{recording.name}{f' ({each})' if each else ''}"
        if integral.n_readings < 2:
            cut = f" after cutting {options.trim_s:g} s at both ends: cut less"
            mend = cut if options.trim_s else ": give a longer trace"
            raise DataError(f"{where}: fewer than two values{mend}")
        odd, start_s = integral.oddities(), integral.started_s
        for sentence in odd:
            notes.add(f"{where}: {sentence}")
        yield {
            "run": f"{name}@{each}" if n_devices > 1 else name,
            "strategy": options.strategy or name,
            "trial": part,
            "state": State.COMPLETE.value,
            "energy_j": integral.energy_j,
            f"{component}_j": integral.energy_j,
            "energy_kind": recording.kind.value,
            "duration_s": integral.duration_s,
            "started_at": datetime.fromtimestamp(start_s, UTC) if start_s > EARLIEST_S else None,
            "message": "; ".join(odd) or None,
            f"g.{device}": each or None,
        }
    for each in recording.silent:
        notes.add(f"{recording.name} ({each}): {_SILENT}")
        yield {
            "run": f"{name}@{each}",
            "strategy": options.strategy or name,
            "trial": 0,
            "state": State.COMPLETE.value,
            "message": _SILENT,
            f"g.{device}": each,
        }
