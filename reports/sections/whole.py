"""What a section about the whole page is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.tables.table import Table
    from ..figures.palette import Look
    from ..store import TrialStore


@dataclass(frozen=True)
class Whole:
    """A table and all that is said of it.

    Attributes:
        table: All trials; the index of its trials are their places, by which the page links them.
        analysis: Its analysis.
        looks: The look of each strategy, those first that lead.
        searched: Whether strategies searched; else a study planned its cells.
        compared: Whether strategies are compared by score.
        store: The trials that the page holds, once its figures are made.
    """

    table: Table
    analysis: Analysis
    looks: Mapping[str, Look]
    searched: bool
    compared: bool
    store: TrialStore | None = None

    @property
    def names(self) -> Sequence[str]:
        """Its strategies, those first that lead."""
        return list(self.looks)
