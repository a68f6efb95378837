"""A figure with the words around it, and what the figures of a group have in common."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ...benchmarks.tables.contract import is_lower_bound
from ...benchmarks.tables.table import counted
from ...models.metric import ACCURACY, Metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import plotly.graph_objects as go

    from .palette import Look

MOST_SHOWN = 8
"""Strategies that a figure shows before its reader chooses others."""
MOST_DRAWN = 2_000
"""Trials that a scatter draws, fronts aside: more cannot be told apart, and slow a browser."""


@dataclass(frozen=True)
class Chart:
    """A figure with the words around it."""

    name: str  # its identifier on the page
    title: str
    lead: str  # what to look for, in a sentence
    label: str  # what a reader who cannot see it is told
    figure: go.Figure
    notes: Sequence[str] = ()  # what it leaves out
    height_rem: float = 0.0  # its height, where that follows from its rows; else 0
    entries: int = 0  # entries of its legend, which also need their place
    width_rem: float = 0.0  # its least width, below which it scrolls sideways


@dataclass(frozen=True)
class Drawing:
    """How the figures of a group are drawn."""

    looks: Mapping[str, Look]  # the look of each strategy of the page
    leading: Sequence[str]  # the strategies of the group, the best first
    metric: Metric = ACCURACY  # what the scores are of
    number: int = 0  # the place of the group on the page
    most: int = MOST_DRAWN  # trials that a scatter draws, fronts aside
    linked: bool = False  # whether the page's scripts tell of its trials, and link them
    clicks: bool = True  # whether a click on the legend adds a strategy that is not shown

    @property
    def shown(self) -> Sequence[str]:
        """The strategies that are shown at first."""
        return self.leading[:MOST_SHOWN]

    @property
    def listed(self) -> str:
        """The names of all strategies in words."""
        return ", ".join(self.looks) or "none"

    def entry(self, name: str) -> dict[str, Any]:
        """Return what all traces of a strategy have in common: their entry in the legend."""
        visible = True if name in self.shown else "legendonly" if self.clicks else False
        return {"legendgroup": escape(name), "name": escape(name), "visible": visible}

    def notes(self, trials: pd.DataFrame) -> list[str]:
        """Return how to see the strategies that are not shown at first."""
        if set(trials["strategy"].unique()) <= set(self.shown):
            return []
        leading = f"the {len(self.shown)} strategies that lead at equal energy"
        if not self.clicks:
            return [f"Shown: {leading}, of {len(self.looks)}."]
        return [
            f"Shown at first: {leading}. A click on a name adds it or takes it away, a double "
            "click leaves it alone."
        ]


def trial_places(figure: go.Figure) -> set[int]:
    """Return the places in the table of the trials that are points of a figure."""
    carried = [np.asarray(getattr(trace, "customdata", None)) for trace in figure.data]
    return {int(place) for rows in carried if rows.dtype.kind == "i" for place in rows.flat}


def energy_notes(trials: pd.DataFrame) -> list[str]:
    """Return a sentence for trials whose energy is not, or not wholly, known."""
    notes = {
        "Not drawn, for want of an energy reading": trials["energy_j"].isna(),
        "Not drawn, for an energy of 0 J has no place on this axis": trials["energy_j"] == 0,
        "Lost before their end, so that their energy is a lower bound": trials["energy_kind"].map(
            is_lower_bound
        ),
    }
    total = counted(len(trials), "trial")
    return [f"{what}: {which.sum():,} of {total}." for what, which in notes.items() if which.any()]
