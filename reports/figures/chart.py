"""A figure with the words around it, and what the figures of a group have in common."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

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
    """A figure with the words around it.

    Attributes:
        name: Its identifier on the page.
        title: Its heading.
        lead: What to look for, in a sentence.
        label: What a reader who cannot see it is told.
        figure: The figure itself.
        notes: What it leaves out.
        height_rem: Its height, where that follows from its rows; else 0.
        entries: Entries of its legend, which also need their place.
    """

    name: str
    title: str
    lead: str
    label: str
    figure: go.Figure
    notes: Sequence[str] = ()
    height_rem: float = 0.0
    entries: int = 0


@dataclass(frozen=True)
class Drawing:
    """How the figures of a group are drawn.

    Attributes:
        looks: The look of each strategy of the page.
        leading: The strategies of the group, the best first. The figures show the first
            ``MOST_SHOWN`` before the reader chooses others.
        number: The place of the group on the page, which makes the names of its figures unique.
        most: Trials that a scatter draws, fronts aside.
        hover: Whether each trial of a scatter has a hover text, if all of them are drawn; else only
            those on a front have.
    """

    looks: Mapping[str, Look]
    leading: Sequence[str]
    number: int = 0
    most: int = MOST_DRAWN
    hover: bool = True

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
        visible = True if name in self.shown else "legendonly"
        return {"legendgroup": escape(name), "name": escape(name), "visible": visible}

    def notes(self, trials: pd.DataFrame) -> list[str]:
        """Return how to see the strategies that are not shown at first."""
        if set(trials["strategy"]) <= set(self.shown):
            return []
        return [
            f"Shown at first: the {len(self.shown)} strategies that lead at equal energy. A click "
            "on a name adds it or takes it away, a double click leaves it alone."
        ]


def energy_notes(trials: pd.DataFrame) -> list[str]:
    """Return a sentence for trials whose energy is not, or not wholly, known."""
    notes = {
        "Not drawn, for want of an energy reading": trials["energy_j"].isna(),
        "Not drawn, for an energy of 0 J has no place on this axis": trials["energy_j"] == 0,
        "Lost before their end, so that their energy is a lower bound": trials["energy_kind"]
        == "lower bound",
    }
    total = f"{len(trials):,} trials"
    return [f"{what}: {which.sum():,} of {total}." for what, which in notes.items() if which.any()]
