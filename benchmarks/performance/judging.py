"""What meters made of windows, against what was driven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from perjoule.benchmarks.performance.powercap import TICK_S, DriveLog, Zone

LARGEST_GAP_S = 2 * TICK_S


@dataclass(frozen=True)
class Slot:
    """A window to be metered.

    Attributes:
        label: The row of the table it belongs to.
        zone: The zone that drives it.
        start_s: When it begins, after the driver's time 0.
        length_s: How long it is in the table.
        really_s: How long it is, a part of a tick longer: a window of whole ticks would begin and
            end at the same place between two updates, and their errors would cancel.
    """

    label: str
    zone: Zone
    start_s: float
    length_s: float
    really_s: float


class Edges(NamedTuple):
    """Around the calls that began and ended a window, and what came out."""

    begin_s: float
    began_s: float
    end_s: float
    ended_s: float
    energy_j: float | None
    bound_j: float | None

    @property
    def calls_s(self) -> tuple[float, float]:
        """How long the two calls took."""
        return self.began_s - self.begin_s, self.ended_s - self.end_s


@dataclass(frozen=True)
class Errors:
    """What a tool made of the windows of a row.

    Attributes:
        off_j: Absolute errors in joules.
        off_percent: The same in percent of the truth.
        quantum_j: Most that one update of the register held at the edges of its windows.
        bound_j: Largest bound that the tool itself reported, if any.
        beyond_quantum: Windows whose error was above one update and the power during the calls.
        out_of_bound: Windows whose error was above the tool's own bound, lateness of the driver's
            updates allowed for.
        unknown: Windows of which it said that it does not know.
    """

    off_j: tuple[float, ...]
    off_percent: tuple[float, ...]
    quantum_j: float
    bound_j: float | None
    beyond_quantum: int
    out_of_bound: int
    unknown: int

    @property
    def worst_j(self) -> float:
        """Largest error in joules."""
        return max(self.off_j, default=float("inf"))


@dataclass(frozen=True)
class Row:
    """All tools on the windows of one profile and length."""

    label: str
    length_s: float
    windows: int
    dropped: int
    errors: dict[str, Errors]


def judge(found: dict[Slot, dict[str, Edges]], tools: Sequence[str], log: DriveLog) -> list[Row]:
    """Compare what was metered with what was driven."""
    usual_s = {
        (tool, length_s): _usual_s(found, tool, length_s)
        for tool in tools
        for length_s in {slot.length_s for slot in found}
    }
    rows = []
    for label, length_s in dict.fromkeys((slot.label, slot.length_s) for slot in found):
        slots = [slot for slot in found if (slot.label, slot.length_s) == (label, length_s)]
        good = [
            slot
            for slot in slots
            if len(found[slot]) == len(tools)
            and all(
                _undisturbed(edges, usual_s[tool, length_s], log)
                for tool, edges in found[slot].items()
            )
        ]
        errors = {
            tool: _errors([(found[slot][tool], slot.zone.profile) for slot in good], log)
            for tool in tools
            if good
        }
        rows.append(Row(label, length_s, len(good), len(slots) - len(good), errors))
    return rows


def _usual_s(
    found: dict[Slot, dict[str, Edges]], tool: str, length_s: float
) -> tuple[float, float]:
    """How long a tool's calls usually take around windows of a length."""
    calls_s = [
        edges[tool].calls_s
        for slot, edges in found.items()
        if slot.length_s == length_s and tool in edges
    ]
    begins_s, ends_s = zip(*calls_s, strict=True) if calls_s else ((0.0,), (0.0,))
    return median(begins_s), median(ends_s)


def _undisturbed(edges: Edges, usual_s: tuple[float, float], log: DriveLog) -> bool:
    """Whether the machine held neither the driver nor the meter up at the edges."""
    longer_s = (a - b for a, b in zip(edges.calls_s, usual_s, strict=True))
    return _gap_s(edges, log) <= LARGEST_GAP_S and max(longer_s) <= TICK_S


def _gap_s(edges: Edges, log: DriveLog) -> float:
    """Longest time between two updates at the edges."""
    return max(
        log.longest_gap_s(edges.begin_s, edges.began_s),
        log.longest_gap_s(edges.end_s, edges.ended_s),
    )


def _errors(windows: list[tuple[Edges, str]], log: DriveLog) -> Errors:
    off_j, off_percent, quanta_j, bounds_j = [], [], [], []
    unknown = beyond_quantum = out_of_bound = 0
    for edges, profile in windows:
        if edges.energy_j is None:
            unknown += 1
            continue
        calls = (edges.begin_s, edges.began_s), (edges.end_s, edges.ended_s)
        truth_j = log.energy_j(profile, edges.began_s, edges.end_s)
        off_j.append(abs(edges.energy_j - truth_j))
        off_percent.append(100 * off_j[-1] / truth_j)
        quanta_j.append(max(log.quantum_j(profile, *call) for call in calls))
        during_j = sum(log.energy_j(profile, *call) for call in calls)
        beyond_quantum += off_j[-1] > quanta_j[-1] + during_j
        if edges.bound_j is not None:
            bounds_j.append(edges.bound_j)
            late = max(_gap_s(edges, log) / TICK_S, 1.0)
            out_of_bound += off_j[-1] > late * edges.bound_j
    return Errors(
        tuple(off_j),
        tuple(off_percent),
        max(quanta_j, default=float("nan")),
        max(bounds_j, default=None),
        beyond_quantum,
        out_of_bound,
        unknown,
    )
