"""What a section of the page is, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...models.outcome import RESULTS
from ..figures.axes import PHASES

if TYPE_CHECKING:
    import pandas as pd

    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.analysis.facts import GroupFacts
    from ...benchmarks.tables.table import Table
    from ..figures.chart import Chart, Drawing


@dataclass(frozen=True)
class Subject:
    """A group of trials, and how it is drawn.

    Attributes:
        number: Its place on the page.
        table: Its part of the table. The index of its trials are their places in the whole table,
            by which the page links them.
        facts: Its numbers.
        analysis: The analysis of the whole table.
        drawing: How its figures are drawn.
        searched: Whether strategies searched; else a study planned its cells.
    """

    number: int
    table: Table
    facts: GroupFacts
    analysis: Analysis
    drawing: Drawing
    searched: bool = True

    @property
    def trials(self) -> pd.DataFrame:
        """Its trials."""
        return self.table.trials

    @property
    def is_drawn(self) -> bool:
        """Whether any trial has joules, so that it can be drawn."""
        return bool((self.trials["energy_j"] > 0).any())

    @property
    def is_scored(self) -> bool:
        """Whether any trial that can be drawn has a score."""
        drawn = self.trials.loc[self.trials["energy_j"] > 0, "score"]
        return bool(drawn.notna().any())

    @property
    def has_phases(self) -> bool:
        """Whether the joules of any trial are split by phase."""
        columns = [f"energy_{phase}_j" for phase in PHASES]
        return bool(self.trials[columns].notna().any(axis=None))

    @property
    def scored_slices(self) -> pd.DataFrame:
        """What gave results, as the runs learnt of it."""
        rows = self.table.rows_in_time
        return rows[rows["state"].isin(RESULTS) & rows["score"].notna()]


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        anchor: Its identifier on the page, such as ``"pareto-0-section"``.
        title: Its heading.
        lead: What to look for.
        charts: Its figures; several have headings of their own.
        switch: A name for each figure where they are alternatives, of which one is shown.
        template: The template of ``templates/sections`` that draws it.
        content: What else that template says.
        rows: The places of the trials that it draws without a chart.
    """

    anchor: str
    title: str
    lead: str = ""
    charts: Sequence[Chart] = ()
    switch: Sequence[str] = ()
    template: str = "charts"
    content: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[int] = ()
