"""The page of a trial table: one self-contained HTML file that loads nothing and sends nothing.

A section is there when the table has what it needs: phases where joules are split, incumbents where
there are hyperparameters, the work of the machine where a comparison tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis import naming, wording
from ..benchmarks.analysis.runs import emissions
from ..benchmarks.tables.table import counted
from ..errors import OutputError
from ..files.writing import check_new, write_whole
from ..models.outcome import RESULTS
from . import content, overviews, study_content, tables
from .figures.anytime import anytime_chart
from .figures.attainment import attainment_chart
from .figures.axes import PHASES
from .figures.chart import MOST_DRAWN, Chart, Drawing
from .figures.palette import look_of
from .figures.pareto import pareto_chart
from .figures.phases import phases_chart
from .figures.ranks import ranks_chart
from .figures.spread import spread_chart
from .rendering import render_page
from .study_content import is_searched, study_view

if TYPE_CHECKING:
    import pandas as pd

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.analysis.facts import GroupFacts
    from ..benchmarks.studies.facts import Findings
    from ..benchmarks.tables.table import Table
    from .tables import Grid

MOST_GROUPS = 24
"""Groups that have figures; of further ones there are the tables."""
MOST_DRAWN_IN_ALL = 10_000
"""Trials that all scatters of the page draw together, fronts aside."""
MOST_CELLS = 24
"""Cells of a study up to which all trials are drawn, and half of that by their phases."""
MOST_HOVERS = 2_000
"""Trials on the page up to which each of them tells about itself."""


@dataclass(frozen=True)
class Part:
    """What the page shows of one group."""

    name: str  # what the group is called
    line: str  # what is found there, in a few words
    anchor: str  # where links to it lead
    basis: str  # at which energy it is compared, in words
    strategies: Grid  # the table of its strategies
    criteria: Grid | None  # the table of who wins by what; None if there is nobody to win against
    tied: bool  # whether a strategy is the equal of a winner
    charts: Sequence[Chart]  # its figures
    incumbents: Sequence[dict[str, Any]]  # the best candidate of each strategy


def render(table: Table, analysis: Analysis, findings: Findings | None = None) -> str:
    """Return the page of a trial table and its analysis, complete in itself.

    What a study found stands before all else.
    Of several groups the first is open; the figures of another are drawn when it is opened.
    """
    groups = analysis.groups
    study = None if findings is None else study_view(table, analysis, findings)
    searched = study is None or is_searched(table)
    names = tables.leading(groups)
    looks = look_of(names)
    parts = [
        _part(number, facts, part, names, len(groups), searched=searched)
        for number, (facts, (_, part)) in enumerate(zip(groups, table.groups, strict=True))
    ]
    compared = searched and any(group.is_scored for group in groups)
    overview = compared and len(groups) > 1
    return render_page(
        "page.html.j2",
        table=table,
        analysis=analysis,
        looks=looks,
        metric=analysis.metric,
        words=naming,
        title=content.title(table),
        created=content.created(table),
        status=content.status(table),
        badges=content.badges(analysis),
        notes=analysis.caveats,
        key_figures=(content if searched else study_content).key_figures(table, analysis),
        study=study,
        searched=searched,
        compared=compared,
        counts=overviews.counts_grid(analysis, names) if overview else None,
        groups=overviews.groups_grid(groups) if overview else None,
        ranks=[
            ranks_chart(ranks, metric, looks)
            for metric, ranks in overviews.shown_ranks(analysis).items()
            if searched
        ],
        parts=parts,
        most_groups=MOST_GROUPS,
        energies=overviews.energies_grid(
            table, names, ("strategy", "strategies") if searched else ("cell", "cells")
        ),
        kind_meaning=content.kind_meanings(table),
        scope_meaning=content.SCOPES,
        meters=content.meters(table),
        work=content.work(table),
        carbon=emissions(table),
        refit=content.refit(table),
        settings=content.settings(table, analysis, compared=compared or study is None),
    )


def write(
    path: str | Path,
    table: Table,
    analysis: Analysis,
    findings: Findings | None = None,
    *,
    force: bool = False,
) -> None:
    """Write the page to a file, whole or not at all, over one that is there only by force.

    Raises:
        OutputError: The file cannot be written or is there, or its name is not that of a page.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{path}: the page is HTML: name a file that ends in .html")
    check_new(path, force=force)
    page = render(table, analysis, findings)
    write_whole(path, lambda part: part.write_text(page, encoding="utf-8"))


def _part(
    number: int,
    facts: GroupFacts,
    part: Table,
    names: Sequence[str],
    n_groups: int,
    *,
    searched: bool,
) -> Part:
    contested = searched and facts.is_scored and len(facts.strategies) > 1
    figured = number < MOST_GROUPS
    draw = _charts if searched else _cell_charts
    return Part(
        name=wording.label(facts.by),
        line=wording.line(facts) if searched else _size(facts),
        anchor=f"group-{number}",
        basis=wording.basis(facts),
        strategies=(tables.strategies_grid if searched else tables.cells_grid)(facts),
        criteria=tables.criteria_grid(facts) if contested else None,
        tied=any(facts.ties.all),
        charts=draw(number, facts, part, names, n_groups) if figured else [],
        incumbents=content.incumbents(part, names) if figured and searched else [],
    )


def _size(facts: GroupFacts) -> str:
    cells = counted(len(facts.strategies), "cell")
    return f"{counted(facts.trials, 'trial')} of {cells}"


def _cell_charts(
    number: int, facts: GroupFacts, part: Table, names: Sequence[str], n_groups: int
) -> list[Chart]:
    """Return the figures of cells that nobody searched, where they are few enough to be told."""
    trials, n_cells = part.trials, len(facts.strategies)
    if not (trials["energy_j"] > 0).any() or n_cells > MOST_CELLS:
        return []
    own = [name for name in names if name in facts.strategies]
    drawing = Drawing(look_of(own), own, facts.metric, number)
    charts = [spread_chart(trials, drawing)]
    if n_cells <= MOST_CELLS // 2 and _has_phases(trials):
        charts.append(phases_chart(trials, drawing))
    return charts


def _has_phases(trials: pd.DataFrame) -> bool:
    return bool(trials[[f"energy_{phase}_j" for phase in PHASES]].notna().any(axis=None))


def _charts(
    number: int, facts: GroupFacts, part: Table, names: Sequence[str], n_groups: int
) -> list[Chart]:
    """Return the figures of a group, without those that would be empty."""
    trials = part.trials
    drawn = trials[trials["energy_j"] > 0]
    if drawn.empty:
        return []
    figured = min(n_groups, MOST_GROUPS)
    drawing = Drawing(
        look_of(names),
        tables.leading([facts]),
        facts.metric,
        number,
        most=min(MOST_DRAWN, MOST_DRAWN_IN_ALL // figured),
        hover=len(trials) * figured <= MOST_HOVERS,
    )
    if drawn["score"].isna().all():
        return [spread_chart(trials, drawing)]
    charts = [pareto_chart(trials, drawing)]
    slices = trials if part.slices is None else part.slices
    scored = slices.loc[slices["state"].isin(RESULTS) & slices["score"].notna()]
    if slices["run"].is_unique:  # no run goes on after its first trial
        charts.append(spread_chart(trials, drawing))
    elif len(scored):
        charts.append(anytime_chart(slices, drawing, facts.target.score))
    if scored.drop_duplicates("run")["strategy"].duplicated().any():
        charts.append(attainment_chart(trials, drawing))
    if _has_phases(trials):
        charts.append(phases_chart(trials, drawing))
    return charts
