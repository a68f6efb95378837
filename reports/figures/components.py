"""Which part of the machine took the joules, as far as it is metered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ...benchmarks.statistics.destinations import components
from ...benchmarks.tables.contract import COMPONENTS
from ...benchmarks.tables.table import counted
from ..format import format_energy, format_kinds
from ..metering import NAMES
from .axes import GREY, PHASES, TEMPLATE
from .chart import Chart
from .patterns import entries, pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ...benchmarks.statistics.destinations import Component


def components_chart(trials: pd.DataFrame, number: int, kinds: Mapping[str, str]) -> Chart | None:
    """Draw the joules of each component, one bar for each way they became known.

    The whole machine holds the others, and no bar is added to another.

    Args:
        trials: The trials of a group.
        number: Its place on the page.
        kinds: How the joules of each component became known, by the meter's own account.

    Returns:
        The chart; None where no component has a reading.
    """
    found = components(trials, kinds)
    if not found:
        return None
    kinds_of = {name: [e for e in found if e.component == name] for name in COMPONENTS}
    rows = [
        (_label(name, each, several=len(own) > 1), each)
        for name, own in kinds_of.items()
        for each in own or [None]
    ]
    figure = go.Figure(
        data=[
            *(_bar(label, each) for label, each in rows if each is not None),
            *entries(_kind(each.kind) for each in found),
        ],
        layout={
            "template": TEMPLATE,
            "barmode": "overlay",
            "bargap": 0.4,
            "xaxis": {
                "title": {"text": "joules of all trials"},
                "range": [0.0, 1.3 * max(each.energy_j for each in found)],
            },
            "yaxis": {
                "range": [len(rows) - 0.4, -0.6],
                "showgrid": False,
                "categoryorder": "array",
                "categoryarray": [label for label, _ in rows],
                "ticklabelstandoff": 8,
            },
            "annotations": [_amount(label, each) for label, each in rows],
        },
    )
    told = ", ".join(
        f"{NAMES[each.component]} {format_energy(each.energy_j)} {_kind(each.kind)}"
        for each in found
    )
    return Chart(
        f"components-{number}",
        "By component",
        "What each component took, as far as it is metered. A bar of the whole machine holds the "
        "others. Joules of different kinds stand in bars of their own and are not added up.",
        f"Bars of joules by component: {told}.",
        figure,
        _notes(trials),
        height_rem=7.0 + 2.4 * len(rows),
    )


def _amount(label: str, own: Component | None) -> dict[str, Any]:
    """What stands behind a bar."""
    return {
        "x": 0 if own is None else own.energy_j,
        "y": label,
        "text": "no reading" if own is None else format_energy(own.energy_j),
        "showarrow": False,
        "xanchor": "left",
        "xshift": 4,
    }


def _label(name: str, own: Component | None, *, several: bool) -> str:
    if own is None or not several:
        return NAMES[name]
    return f"{NAMES[name]},<br>{_kind(own.kind)}"


def _bar(label: str, own: Component) -> dict[str, Any]:
    kind = _kind(own.kind)
    return {
        "type": "bar",
        "orientation": "h",
        "y": [label],
        "x": [own.energy_j],
        "name": kind,
        "marker": {
            "color": PHASES["train"],
            "pattern": pattern(kind),
            "line": {"color": GREY, "width": 0.5},
        },
        "showlegend": False,
        "hovertext": [
            f"{NAMES[own.component]}, {kind}: {format_energy(own.energy_j)}<br>"
            f"of {counted(own.trials, 'trial')}"
        ],
        "hoverinfo": "text",
    }


def _kind(kind: str) -> str:
    return kind if kind == "lower bound" else format_kinds([kind])


def _notes(trials: pd.DataFrame) -> list[str]:
    """Say of how many trials no component has a reading."""
    missing = int(trials[[f"{name}_j" for name in COMPONENTS]].isna().all(axis=1).sum())
    if not missing:
        return []
    return [f"No component has a reading in {missing:,} of {counted(len(trials), 'trial')}."]
