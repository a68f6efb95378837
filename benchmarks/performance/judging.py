"""What meters made of windows, against what was driven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import NamedTuple

from perjoule.benchmarks.performance.powercap import TICK_S, DriveLog, Zone

LARGEST_GAP_S = 2 * TICK_S


@dataclass(frozen=True)
class Slot:
    """A window to be metered.

    It is a part of a tick longer than the table says: a window of whole ticks would begin and end
    at the same place between two updates, and their errors would cancel.
    """

    label: str  # the row of the table it belongs to
    zone: Zone  # that drives it
    start_s: float  # after the driver's time 0
    length_s: float  # in the table
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
    def calls(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """When the two calls began and ended."""
        return (self.begin_s, self.began_s), (self.end_s, self.ended_s)

    @property
    def calls_s(self) -> tuple[float, ...]:
        """How long the two calls took."""
        return tuple(end_s - begin_s for begin_s, end_s in self.calls)


@dataclass(frozen=True)
class Errors:
    """What a tool made of the windows of a row."""

    off_j: tuple[float, ...]  # absolute errors
    off_percent: tuple[float, ...]  # of the truth
    quantum_j: float  # the most that one update of the register held at the edges of the windows
    bound_j: float | None  # the largest bound that the tool itself reported, if any
    beyond_quantum: int  # windows whose error was above one update and the power during the calls
    out_of_bound: int  # windows beyond the tool's own bound, late updates of the driver allowed for
    unknown: int  # windows of which it said that it does not know

    @property
    def worst_j(self) -> float:
        """Largest error in joules."""
        return max(self.off_j, default=float("inf"))


@dataclass(frozen=True)
class ErrorRow:
    """All tools on the windows of one profile and length."""

    label: str
    length_s: float
    windows: int
    dropped: int
    errors: dict[str, Errors]


def judge(
    found: dict[Slot, dict[str, Edges]], tools: Sequence[str], log: DriveLog
) -> list[ErrorRow]:
    """Compare what was metered with what was driven."""
    rows = []
    usual_s: dict[tuple[str, float], list[float]] = {}
    for tool, length_s in product(tools, {slot.length_s for slot in found}):
        own = [edges for slot, edges in found.items() if slot.length_s == length_s]
        calls_s = [edges[tool].calls_s for edges in own if tool in edges]
        usual_s[tool, length_s] = [median(each_s) for each_s in zip(*calls_s, strict=True)]
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
        rows.append(ErrorRow(label, length_s, len(good), len(slots) - len(good), errors))
    return rows


def _undisturbed(edges: Edges, usual_s: Sequence[float], log: DriveLog) -> bool:
    """Whether the machine held neither the driver nor the meter up at the edges."""
    longer_s = (own_s - usually_s for own_s, usually_s in zip(edges.calls_s, usual_s, strict=True))
    return _gap_s(edges, log) <= LARGEST_GAP_S and max(longer_s) <= TICK_S


def _gap_s(edges: Edges, log: DriveLog) -> float:
    """Longest time between two updates at the edges."""
    return max(log.longest_gap_s(*call) for call in edges.calls)


def _errors(windows: list[tuple[Edges, str]], log: DriveLog) -> Errors:
    off_j, off_percent, quanta_j, bounds_j = [], [], [], []
    beyond_quantum = out_of_bound = 0
    for edges, profile in windows:
        if edges.energy_j is None:
            continue
        truth_j = log.energy_j(profile, edges.began_s, edges.end_s)
        off_j.append(abs(edges.energy_j - truth_j))
        off_percent.append(100 * off_j[-1] / truth_j)
        quanta_j.append(max(log.quantum_j(profile, *call) for call in edges.calls))
        during_j = sum(log.energy_j(profile, *call) for call in edges.calls)
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
        unknown=len(windows) - len(off_j),
    )
