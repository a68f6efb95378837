"""How a study was done: its design, what it took, and the machine at rest and under others.

A description may have been written by anybody: what is missing or of another type is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..benchmarks.studies.estimating import Estimate
from ..benchmarks.studies.facts import Quantity
from ..benchmarks.studies.folder import Idle
from ..benchmarks.studies.load import BUSY_CORES, Load
from ..benchmarks.tables.facts import read_fact
from .format import (
    UNAVAILABLE,
    format_duration,
    format_energy,
    format_percent,
    format_value,
    known,
)
from .tables import Cell, Grid, Row, quantity_cell

if TYPE_CHECKING:
    from ..benchmarks.tables.table import Table


@dataclass(frozen=True)
class Conduct:
    """How a study was done, as the page shows it."""

    design: Mapping[str, Sequence[str]]  # lines by what they are of
    fixed: Mapping[str, Any]
    options: Mapping[str, Any]  # those that were asked for
    effort: Grid | None  # foreseen beside taken
    idle: Grid | None
    idle_s: float | None  # over which the idle power was metered
    load: Mapping[str, str]
    warning: str  # if others used the machine
    remarks: Sequence[str]  # where it departs from the paper, and what was odd


def conduct_of(table: Table, stated: Mapping[str, Any], kinds: str) -> Conduct:
    """Return how a study was done.

    Args:
        table: Its trial table.
        stated: What the table's description says of the study.
        kinds: Of its energy, in words.
    """
    load = read_fact(Load, stated.get("load"))
    warning = "" if load is None or load.most_cores is None else load.warning
    return Conduct(
        design={
            str(name): list(map(format_value, lines if isinstance(lines, list) else [lines]))
            for name, lines in part_of(stated, "design").items()
        },
        fixed=part_of(stated, "fixed"),
        options={
            name: value
            for name, value in part_of(stated, "options").items()
            if value is not None and value is not False
        },
        effort=_effort(stated, kinds),
        idle=_idle(stated),
        idle_s=known(stated.get("idle_s")),
        load={} if load is None else dict(_load(load)),
        warning=warning,
        remarks=[note for note in table.notes if note != warning],
    )


def text_of(stated: Mapping[str, Any], name: str) -> str:
    """A text that is stated; empty where it is missing or none."""
    found = stated.get(name)
    return found.strip() if isinstance(found, str) else ""


def part_of(stated: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part that is stated; empty where it is missing or none."""
    found = stated.get(name)
    return found if isinstance(found, dict) else {}


def _effort(stated: Mapping[str, Any], kinds: str) -> Grid | None:
    """What was foreseen beside what it took; None if neither is told."""
    told = {
        head: read_fact(Estimate, stated.get(name))
        for head, name in (("foreseen", "estimate"), ("took", "took"))
    }
    found = {head: each for head, each in told.items() if each is not None}
    if not found:
        return None
    rows = [
        Row("trials", [Cell(f"{each.trials:,}") for each in found.values()]),
        Row("energy", [Cell(format_energy(e.energy_j)) for e in found.values()], beneath=kinds),
        Row("time", [Cell(format_duration(each.duration_s)) for each in found.values()]),
    ]
    return Grid(["what", *found], rows)


def _idle(stated: Mapping[str, Any]) -> Grid | None:
    """The power of each source while nothing was trained; None if it is not told."""
    listed = stated.get("idle")
    told = [read_fact(Idle, each) for each in (listed if isinstance(listed, list) else [])]
    rows = [
        Row(
            each.component,
            [Cell(each.kind), quantity_cell(Quantity(known(each.power_w), unit="W"))],
            beneath=each.source,
        )
        for each in told
        if each is not None
    ]
    return Grid(["source", "kind", "power"], rows, {"kind"}) if rows else None


def _load(load: Load) -> Iterator[tuple[str, str]]:
    """How busy others kept the machine, in words."""

    def cores(value: float | None) -> str:
        number = known(value)
        return UNAVAILABLE if number is None else f"{number:.2f} cores"

    yield "before", cores(load.before_cores)
    if load.samples:
        yield "while it ran, median", cores(load.median_cores)
        yield "at most", cores(load.most_cores)
        yield f"above {BUSY_CORES:g} cores", f"{format_percent(load.busy_share)} of the time"
