"""What the page of a study says: claims beside the paper's, exhibits, and how it was done.

A description may have been written by anybody: what is missing or of another type is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..benchmarks.studies import wording
from ..benchmarks.studies.estimating import Estimate
from ..benchmarks.studies.facts import Heat, Plot, Sheet
from ..benchmarks.tables.facts import read_fact
from . import content
from .figures.chart import Chart
from .figures.heats import heat_chart
from .figures.plots import plot_chart
from .format import format_duration, format_kinds
from .study_conduct import Conduct, conduct_of, part_of, text_of
from .tables import Cell, Grid, Row, quantity_cell

if TYPE_CHECKING:
    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.studies.facts import Claim, Exhibit, Findings
    from ..benchmarks.tables.table import Table

_BADGES = {True: "yes", False: "wait", None: "open"}
_DOI = re.compile(r"(?:doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class ClaimRow:
    """A claim as the page shows it."""

    statement: str
    paper: Cell
    ours: Cell
    verdict: str
    badge: str  # the kind of badge that the verdict is
    reason: str  # "because …", or empty


@dataclass(frozen=True)
class SheetView:
    """A sheet of a study with the words around it."""

    name: str  # its identifier on the page
    title: str
    lead: str
    grid: Grid


@dataclass(frozen=True)
class StudyView:
    """What the page says of a study."""

    name: str
    title: str  # the question, or what else it can be called by
    paper: str
    link: str  # an address that may be a link; else empty
    told_link: str  # what is stated as its link
    recorded: str  # the table of others that was analysed; empty if it was run
    verdict: str
    because: str
    badges: Sequence[tuple[str, str]]
    notes: Sequence[str]
    claims: Sequence[ClaimRow]
    exhibits: Sequence[Chart | SheetView]
    conduct: Conduct


def study_view(table: Table, analysis: Analysis, findings: Findings) -> StudyView:
    """Return what the page says of a study and its findings."""
    stated, kinds = content.part(table, "study"), _kinds(analysis)
    claims, paper = findings.claims, text_of(stated, "paper")
    return StudyView(
        name=text_of(stated, "name"),
        title=text_of(stated, "question") or text_of(stated, "name") or table.name,
        paper=paper,
        link=safe_link(text_of(stated, "link")),
        told_link=text_of(stated, "link"),
        recorded=text_of(stated, "recorded"),
        verdict=wording.headline(claims, paper or "the paper"),
        because=wording.because(claims),
        badges=list(_badges(stated, claims, analysis)),
        notes=findings.notes,
        claims=[_claim(claim) for claim in claims],
        exhibits=_exhibits(findings, kinds),
        conduct=conduct_of(table, stated, kinds),
    )


def exhibits_of(analysis: Analysis, findings: Findings) -> list[Chart]:
    """Return the figures that a study adds of its own."""
    return [each for each in _exhibits(findings, _kinds(analysis)) if isinstance(each, Chart)]


def key_figures(table: Table, analysis: Analysis) -> list[content.Figure]:
    """Return the figures at the top of a study in which nothing was searched."""
    stated, trials = content.part(table, "study"), table.trials
    cells = sum(len(group.strategies) for group in analysis.groups)
    repetitions = trials["seed"].nunique()
    took = read_fact(Estimate, stated.get("took"))
    states = ", ".join(f"{n:,} {state}" for state, n in trials["state"].value_counts().items())
    figures = [
        ("cells", f"{cells:,}", f"{repetitions:,} repetition{'s' * (repetitions != 1)}"),
        ("trials", f"{len(trials):,}", states or "none yet"),
        *content.energies(table),
    ]
    if took is not None:
        figures.append(("time", format_duration(took.duration_s), "while trials ran"))
    return figures


def is_searched(table: Table) -> bool:
    """Whether runs chose hyperparameters: a run that has one cell, repeated or not, did not."""
    settings = [column for column in table.trials if str(column).startswith("p.")]
    if not settings or table.trials.empty:
        return False
    texts = table.trials[settings].astype(str).groupby(table.trials["run"])
    return bool((texts.nunique() > 1).any(axis=None))


def safe_link(stated: str) -> str:
    """The address of a paper if it is one of the web, or a DOI; else empty.

    >>> safe_link("doi:10.1109/CAIN58948.2023.00017"), safe_link("javascript:alert(1)")
    ('https://doi.org/10.1109/CAIN58948.2023.00017', '')
    """
    stated = stated.strip()
    if found := _DOI.fullmatch(stated):
        return f"https://doi.org/{found[1]}"
    try:
        parts = urlsplit(stated)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", stated):
        return ""
    return stated


# Parts --------------------------------------------------------------------------------------------


def sheet_grid(sheet: Sheet) -> Grid:
    """A sheet as a table; rows and heads that are too short are filled up."""
    size = max([1, len(sheet.heads), *map(len, sheet.rows)])
    heads = [*sheet.heads, *([""] * (size - len(sheet.heads)))]
    rows = [[*row, *([None] * (size - len(row)))] for row in sheet.rows]
    words = {
        head
        for place, head in enumerate(heads)
        if place and all(row[place] is None or isinstance(row[place], str) for row in rows)
    }
    return Grid(
        heads,
        [Row(wording.in_words(row[0]), list(map(quantity_cell, row[1:]))) for row in rows],
        words,
    )


def _claim(claim: Claim) -> ClaimRow:
    reason = wording.reason_of(claim).removeprefix(", ")
    return ClaimRow(
        claim.statement,
        quantity_cell(claim.paper),
        quantity_cell(claim.ours),
        wording.verdict_of(claim),
        _BADGES[claim.holds],
        f"{reason}." if reason else "",
    )


def _badges(
    stated: Mapping[str, Any], claims: Sequence[Claim], analysis: Analysis
) -> Iterator[tuple[str, str]]:
    """The badges of the headline: what holds, which energy it is, and how far the study is."""
    if claims:
        ways = {claim.holds for claim in claims}
        yield (
            _BADGES[True if ways == {True} else None if ways == {None} else False],
            wording.tally(claims),
        )
    yield content.energy_badge(analysis)
    if part_of(stated, "options").get("quick") is True:
        yield "", "quick design"
    if text_of(stated, "recorded"):
        yield "", "recorded by others"
    expected, took = (read_fact(Estimate, stated.get(name)) for name in ("estimate", "took"))
    if expected and took and took.trials < expected.trials:
        yield "wait", f"{took.trials:,} of {expected.trials:,} trials so far"
    elif stated.get("over") is False:  # those that were interrupted count, too
        yield "wait", "some trials are still to come"


def _kinds(analysis: Analysis) -> str:
    return format_kinds({kind for group in analysis.groups for kind in group.energy_kinds})


def _named(exhibits: Sequence[Exhibit]) -> dict[str, Exhibit]:
    """The exhibits by identifiers that can stand on a page, each once."""
    named: dict[str, Exhibit] = {}
    for number, exhibit in enumerate(exhibits):
        plain = "-".join(re.findall(r"[a-z0-9]+", exhibit.name.lower()))
        named[f"exhibit-{number}-{plain}".rstrip("-")] = exhibit
    return named


def _exhibits(findings: Findings, kinds: str) -> list[Chart | SheetView]:
    named = _named(findings.exhibits)
    return [_exhibit(exhibit, name, kinds) for name, exhibit in named.items()]


def _exhibit(exhibit: Exhibit, name: str, kinds: str) -> Chart | SheetView:
    if isinstance(exhibit, Plot):
        return plot_chart(exhibit, name, kinds)
    if isinstance(exhibit, Heat):
        return heat_chart(exhibit, name, kinds)
    return SheetView(name, exhibit.title, exhibit.lead, sheet_grid(exhibit))
