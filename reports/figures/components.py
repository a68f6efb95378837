"""Which part of the machine took the joules, as far as it is metered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ...benchmarks.statistics.destinations import components
from ...benchmarks.tables.contract import COMPONENTS
from ...benchmarks.tables.table import counted
from ..format import format_energy, format_kinds
from ..metering import NAMES
from .axes import GREY, TEMPLATE
from .chart import Chart
from .patterns import entries, pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_COLOURS = {"cpu": "#0072B2", "gpu": "#009E73", "dram": "#CC79A7", "node": GREY}


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
    metered = {each.component for each in found}
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [NAMES[each.component]],
            "x": [each.energy_j],
            "name": kind,
            "offsetgroup": kind,
            "marker": {
                "color": _COLOURS[each.component],
                "pattern": pattern(kind),
                "line": {"color": GREY, "width": 0.5},
            },
            "showlegend": False,
            "text": [format_energy(each.energy_j)],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertext": [
                f"{NAMES[each.component]}, {kind}: {format_energy(each.energy_j)}<br>"
                f"of {counted(each.trials, 'trial')}"
            ],
            "hoverinfo": "text",
        }
        for each in found
        for kind in [_kind(each.kind)]
    ]
    most_j = max(each.energy_j for each in found)
    figure = go.Figure(
        data=[*bars, *entries(_kind(each.kind) for each in found)],
        layout={
            "template": TEMPLATE,
            "barmode": "group",
            "bargap": 0.35,
            "xaxis": {"title": {"text": "joules of all trials"}, "range": [0.0, 1.2 * most_j]},
            "yaxis": {
                "categoryorder": "array",
                "categoryarray": [NAMES[name] for name in reversed(COMPONENTS)],
                "range": [-0.6, len(COMPONENTS) - 0.4],
                "showgrid": False,
                "ticklabelstandoff": 8,
            },
        },
    )
    for name in COMPONENTS:
        if name not in metered:
            figure.add_annotation(
                x=0, y=NAMES[name], text="no reading", showarrow=False, xanchor="left", xshift=4
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
        height_rem=15.0,
    )


def _kind(kind: str) -> str:
    return kind if kind == "lower bound" else format_kinds([kind])


def _notes(trials: pd.DataFrame) -> list[str]:
    """Say of how many trials no component has a reading."""
    missing = int(trials[[f"{name}_j" for name in COMPONENTS]].isna().all(axis=1).sum())
    if not missing:
        return []
    return [f"No component has a reading in {missing:,} of {counted(len(trials), 'trial')}."]
