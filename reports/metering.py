"""How far off the joules of each component may be, and what no meter covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..benchmarks.analysis import naming
from ..benchmarks.statistics.destinations import components
from ..benchmarks.tables.contract import COMPONENTS, LOWER_BOUND
from ..benchmarks.tables.table import counted
from . import content
from .format import (
    UNAVAILABLE,
    format_energy,
    format_kinds,
    format_percent,
    format_period,
    known,
)
from .tables import Cell, Grid, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..benchmarks.statistics.destinations import Component
    from ..benchmarks.tables.table import Table

NAMES = {"cpu": "processor", "gpu": "graphics cards", "dram": "memory", "node": "whole machine"}
"""What each component is called."""
_OF_THE_METER = {"measured", "modelled", "integrated"}
"""Kinds of which the error is the meter's own."""


def components_grid(table: Table) -> Grid | None:
    """Return the joules of each component with their bound; None where no component is known."""
    found = components(table.trials, content.component_kinds(table))
    if not found:
        return None
    meters = content.meters(table)
    rows = [_row(each, [m for m in meters if m["component"] == each.component]) for each in found]
    heads = ["component", "joules of all trials", "may be off by", "kind", "updates", "source"]
    return Grid(heads, rows, {"kind", "source"})


def _row(own: Component, meters: Sequence[Mapping[str, Any]]) -> Row:
    error = gain_error(own, meters)
    periods = {format_period(meter["update_period_s"]) for meter in meters}
    kind = own.kind if own.kind == LOWER_BOUND else format_kinds([own.kind])
    bound = Cell("unknown", mark="none")
    if error is not None:
        bound = Cell(f"± {format_energy(error * own.energy_j)}", f"± {format_percent(error, 0)}")
    return Row(
        NAMES[own.component],
        [
            Cell(format_energy(own.energy_j), f"of {counted(own.trials, 'trial')}"),
            bound,
            Cell(kind),
            Cell(", ".join(sorted(periods)) or UNAVAILABLE),
            Cell(", ".join(str(meter["source"]) for meter in meters) or "not stated"),
        ],
    )


def gain_error(own: Component, meters: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the relative error of the joules of a component; None if it is not known.

    An error of the gain is the same in every reading, so it does not average out.
    """
    if not set(own.kind.split("+")) <= _OF_THE_METER:
        return None  # how a meter was shared, or when a trial was lost, is an error of its own
    errors = [known(meter["gain_error"]) for meter in meters if meter["kind"] != "unavailable"]
    told = [error for error in errors if error is not None]
    return max(told) if told and len(told) == len(errors) else None


def uncovered(table: Table) -> str:
    """Say which components no reading covers; empty where all are, or the table tells none."""
    found = {each.component for each in components(table.trials, {})}
    if not found or "node" in found:
        return ""
    missing = [NAMES[name] for name in COMPONENTS if name not in (*found, "node")]
    if not missing:
        return ""
    return (
        f"Not covered: {naming.listed(missing)}, and all of the machine beside these components. "
        "Their joules are unknown, not zero."
    )
