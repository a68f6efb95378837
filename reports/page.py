"""The page of a trial table: one self-contained HTML file that loads nothing and sends nothing.

A section is there when the table has what it needs: phases where joules are split, candidates where
there are hyperparameters, the work of the machine where a comparison tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from .sections.before import before_section, told_analysis
from .sections.candidates import candidates_section
from .sections.citing import citing_section
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
    from .figures.chart import Chart
    from .study_content import StudyView
    from .tables import Grid

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
    citing_section,
    before_section,
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
    whole, groups = whole_of(table, analysis, findings), analysis.groups
    table, names = whole.table, whole.names
    searched, compared = whole.searched, whole.compared
    study = None if findings is None else study_view(table, analysis, findings)
    parts = [_part(subject) for subject in subjects_of(whole)]
    whole = replace(whole, store=TrialStore.of(table, _linked(parts)))
    overview = compared and len(groups) > 1
    counts = overviews.counts_grid(analysis, names) if overview else None
    ranks = ranks_charts(analysis) if searched else []
    closing = [found for make in CLOSING_SECTIONS if (found := make(whole)) is not None]
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
        contents=[
            *(_of_study(study) if study else _overviews(counts, ranks, parts)),
            *((item.anchor, item.title) for item in closing),
        ],
        counts=counts,
        groups=overviews.groups_grid(groups) if overview else None,
        ranks=ranks,
        parts=parts,
        most_groups=MOST_GROUPS,
        closing=closing,
    )


def _of_study(study: StudyView) -> list[tuple[str, str]]:
    """Where the contents of a study's page lead, before its closing sections."""
    exhibits = [(f"{item.name}-section", item.title) for item in study.exhibits]
    return [
        ("claims", "What was found"),
        *exhibits,
        ("conduct", "How it was done"),
        ("all-trials", "All trials"),
    ]


def _overviews(
    counts: Grid | None, ranks: Sequence[Chart], parts: Sequence[Part]
) -> list[tuple[str, str]]:
    """Where the contents lead before the closing sections; of several groups not inside them."""
    if len(parts) == 1:
        return [(item.anchor, item.title) for item in parts[0].sections]
    found = [("counts", "Who wins how often")] if counts and len(counts.heads) > 1 else []
    found += [(f"{chart.name}-section", chart.title) for chart in ranks]
    return [*found, ("groups", "Group by group")]


def _page_data(whole: Whole) -> Mapping[str, object]:
    """What the scripts of the page read."""
    return {
        "looks": {name: asdict(look) for name, look in whole.looks.items()},
        "analysis": told_analysis(whole),
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
    check_page(path)
    check_new(path, force=force)
    page = render(table, analysis, findings)
    write_whole(path, lambda part: part.write_text(page, encoding="utf-8"))


def check_page(path: Path) -> None:
    """Refuse, by an OutputError, a name that is not that of a page."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{path}: the page is HTML: name a file that ends in .html")


def _part(subject: Subject) -> Part:
    return Part(
        name=wording.label(subject.facts.by),
        line=wording.line(subject.facts) if subject.searched else _size(subject.facts),
        anchor=f"group-{subject.number}",
        sections=sections_of(subject),
    )


def whole_of(table: Table, analysis: Analysis, findings: Findings | None) -> Whole:
    """Return what the page is about; only a study may have planned its trials."""
    table = replace(table, trials=table.trials.reset_index(drop=True))
    searched = findings is None or is_searched(table)
    compared = searched and any(group.is_scored for group in analysis.groups)
    return Whole(table, analysis, look_of(tables.leading(analysis.groups)), searched, compared)


def subjects_of(whole: Whole, *, linked: bool = True, clicks: bool = True) -> Iterator[Subject]:
    """Yield the groups of a table, and how each is drawn.

    Args:
        whole: The table and its analysis.
        linked: Whether the page's scripts tell of its trials, and link them.
        clicks: Whether a reader can add strategies that are not shown at first.
    """
    groups = whole.analysis.groups
    figured = min(len(groups), MOST_GROUPS)
    for number, (facts, (_, part)) in enumerate(zip(groups, whole.table.groups, strict=True)):
        own = _own(whole.looks, facts)
        drawing = Drawing(
            whole.looks if whole.searched else look_of(own),
            tables.leading([facts]) if whole.searched else own,
            facts.metric,
            number,
            most=min(MOST_DRAWN, MOST_DRAWN_IN_ALL // figured),
            linked=linked,
            clicks=clicks,
        )
        yield Subject(number, part, facts, whole.analysis, drawing, whole.searched)


def sections_of(subject: Subject) -> list[Section]:
    """Return the sections of a group; beyond the first groups only its statistics."""
    searched = subject.searched
    sections = GROUP_SECTIONS if searched else CELL_SECTIONS
    few = searched or len(subject.facts.strategies) <= MOST_CELLS
    if subject.number >= MOST_GROUPS or not few:
        sections = (statistics_section,)
    return [found for make in sections if (found := make(subject)) is not None]


def ranks_charts(analysis: Analysis) -> list[Chart]:
    """Return the diagrams of mean ranks over groups, where there is something to rank."""
    looks, shown = look_of(tables.leading(analysis.groups)), overviews.shown_ranks(analysis)
    return [ranks_chart(ranks, criterion, looks) for criterion, ranks in shown.items()]


def _own(looks: Mapping[str, Look], facts: GroupFacts) -> list[str]:
    return [name for name in looks if name in facts.strategies]


def _size(facts: GroupFacts) -> str:
    cells = counted(len(facts.strategies), "cell")
    return f"{counted(facts.trials, 'trial')} of {cells}"
