"""The page of a trial table: one self-contained HTML file that loads nothing and sends nothing.

A section is there when the table has what it needs: phases where joules are split, candidates where
there are hyperparameters, the work of the machine where a comparison tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..benchmarks.analysis import naming, wording
from ..benchmarks.tables.table import counted
from ..errors import OutputError
from ..files.writing import check_new, write_whole
from . import content, overviews, study_content, tables
from .figures.chart import MOST_DRAWN, Drawing, trial_places
from .figures.palette import Look, look_of
from .figures.ranks import ranks_chart
from .rendering import render_page
from .sections.anytime import anytime_section
from .sections.candidates import candidates_section
from .sections.joules import MOST_CELLS, joules_section
from .sections.mattered import mattered_section
from .sections.parallel import parallel_section
from .sections.pareto import pareto_section
from .sections.per_joule import per_joule_section
from .sections.section import Section, Subject
from .sections.statistics import statistics_section
from .sections.stopping import stopping_section
from .sections.targets import targets_section
from .sections.trials import trials_section
from .sections.trust import trust_section
from .sections.whole import Whole
from .sections.words import words_section
from .store import TrialStore
from .study_content import is_searched, study_view

if TYPE_CHECKING:
    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.analysis.facts import GroupFacts
    from ..benchmarks.studies.facts import Findings
    from ..benchmarks.tables.table import Table

GROUP_SECTIONS: Sequence[Callable[[Subject], Section | None]] = (
    pareto_section,
    anytime_section,
    targets_section,
    per_joule_section,
    joules_section,
    mattered_section,
    parallel_section,
    stopping_section,
    statistics_section,
    candidates_section,
)
"""The sections of a group of trials, in their order."""
CELL_SECTIONS: Sequence[Callable[[Subject], Section | None]] = (joules_section, statistics_section)
"""Those of a group of which a study planned the trials."""
CLOSING_SECTIONS: Sequence[Callable[[Whole], Section | None]] = (
    trials_section,
    trust_section,
    words_section,
)
"""The sections about the whole table, which stand last."""
MOST_GROUPS = 24
"""Groups that have figures; of further ones there are the tables."""
MOST_DRAWN_IN_ALL = 10_000
"""Trials that all scatters of the page draw together, fronts aside."""


@dataclass(frozen=True)
class Part:
    """What the page shows of one group."""

    name: str  # what the group is called
    line: str  # what is found there, in a few words
    anchor: str  # where links to it lead
    sections: Sequence[Section]


def render(table: Table, analysis: Analysis, findings: Findings | None = None) -> str:
    """Return the page of a trial table and its analysis, complete in itself.

    What a study found stands before all else.
    Of several groups the first is open; the figures of another are drawn when it is opened.
    """
    table = replace(table, trials=table.trials.reset_index(drop=True))
    groups = analysis.groups
    study = None if findings is None else study_view(table, analysis, findings)
    searched = study is None or is_searched(table)
    names = tables.leading(groups)
    compared = searched and any(group.is_scored for group in groups)
    whole = Whole(table, analysis, look_of(names), searched, compared)
    parts = [
        _part(number, facts, part, whole)
        for number, (facts, (_, part)) in enumerate(zip(groups, table.groups, strict=True))
    ]
    whole = replace(whole, store=TrialStore.of(table, _linked(parts)))
    overview = compared and len(groups) > 1
    return render_page(
        "page.html.j2",
        page_data=_page_data(whole),
        table=table,
        analysis=analysis,
        looks=whole.looks,
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
            ranks_chart(ranks, metric, whole.looks)
            for metric, ranks in overviews.shown_ranks(analysis).items()
            if searched
        ],
        parts=parts,
        most_groups=MOST_GROUPS,
        closing=[found for make in CLOSING_SECTIONS if (found := make(whole)) is not None],
    )


def _page_data(whole: Whole) -> Mapping[str, object]:
    """What the scripts of the page read."""
    return {
        "looks": {name: asdict(look) for name, look in whole.looks.items()},
        "metric": whole.analysis.metric.to_dict() | {"is_share": whole.analysis.metric.is_share},
        "trials": whole.store.to_json(whole.table.name) if whole.store else None,
    }


def _linked(parts: Sequence[Part]) -> set[int]:
    """The places of the trials that any figure shows."""
    places: set[int] = set()
    for section in (section for part in parts for section in part.sections):
        places.update(section.rows)
        for chart in section.charts:
            places |= trial_places(chart.figure)
    return places


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


def _part(number: int, facts: GroupFacts, part: Table, whole: Whole) -> Part:
    searched = whole.searched
    figured = min(len(whole.analysis.groups), MOST_GROUPS)
    shown = tables.leading([facts])
    drawing = Drawing(
        whole.looks if searched else look_of(_own(whole.looks, facts)),
        shown if searched else _own(whole.looks, facts),
        facts.metric,
        number,
        most=min(MOST_DRAWN, MOST_DRAWN_IN_ALL // figured),
        linked=True,
    )
    subject = Subject(number, part, facts, whole.analysis, drawing, searched)
    sections = GROUP_SECTIONS if searched else CELL_SECTIONS
    if number >= MOST_GROUPS or not (searched or len(facts.strategies) <= MOST_CELLS):
        sections = (statistics_section,)
    return Part(
        name=wording.label(facts.by),
        line=wording.line(facts) if searched else _size(facts),
        anchor=f"group-{number}",
        sections=[found for make in sections if (found := make(subject)) is not None],
    )


def _own(looks: Mapping[str, Look], facts: GroupFacts) -> list[str]:
    return [name for name in looks if name in facts.strategies]


def _size(facts: GroupFacts) -> str:
    cells = counted(len(facts.strategies), "cell")
    return f"{counted(facts.trials, 'trial')} of {cells}"
