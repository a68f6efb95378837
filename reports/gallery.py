"""The figures of the page as figures that stand alone, each with a name for its file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..benchmarks.analysis import wording
from ..errors import UnknownNameError
from . import page
from .registry import FIGURES, draw, is_called, plain_name
from .study_content import exhibits_of

if TYPE_CHECKING:
    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.studies.facts import Findings
    from ..benchmarks.tables.table import Table
    from .figures.chart import Chart
    from .sections.section import Subject

OTHERS = {
    "ranks": "three strategies or more that are in each of several groups",
    "exhibit": "a study that has figures of its own",
}
"""Figures that are of no single group, and what they need."""


@dataclass(frozen=True)
class Piece:
    """A figure that stands alone."""

    kind: str  # what it shows, such as "pareto"
    place: str  # the group it is of, as a part of a file's name; empty if of all
    group: str  # the same in words
    chart: Chart

    @property
    def name(self) -> str:
        """The name of its file, without the ending."""
        return "-".join(filter(None, (self.kind, self.place)))


def gallery(
    table: Table,
    analysis: Analysis,
    findings: Findings | None = None,
    only: Collection[str] = (),
    *,
    clicks: bool = True,
) -> list[Piece]:
    """Draw the figures of the page, or those that are asked for, each to stand alone.

    Args:
        table: A trial table.
        analysis: Its statistics.
        findings: Those of a study, which has figures of its own.
        only: Names of figures, of `FIGURES` or `OTHERS`; all that the page shows if none. Those of
            a group may also be drawn where the page does not show them.
        clicks: Whether a reader can add strategies that are not shown at first.

    Raises:
        UnknownNameError: There is no figure of such a name.
    """
    whole = page.whole_of(table, analysis, findings)
    shown = [] if findings is None else exhibits_of(analysis, findings)
    shown += page.ranks_charts(analysis) if whole.searched else []
    pieces = [Piece(chart.name, "", "", chart) for chart in shown]
    taken: set[str] = set()
    for subject in page.subjects_of(whole, linked=False, clicks=clicks):
        place = _free(_plain(subject.facts.by.values()), taken) if table.by else ""
        group = wording.label(subject.facts.by)
        pieces += [Piece(kind, place, group, chart) for kind, chart in _charts(subject, only)]
    known = dict.fromkeys([*FIGURES, *OTHERS, *(piece.kind for piece in pieces)])
    for name in only:
        if not any(_is(kind, name) for kind in known):
            raise UnknownNameError("figure", name, known)
    return [each for each in pieces if not only or any(_is(each.kind, name) for name in only)]


def needs(only: Collection[str], pieces: Sequence[Piece]) -> dict[str, str]:
    """What the figures need that were asked for and could not be drawn."""
    lacking = [name for name in only if not any(_is(piece.kind, name) for piece in pieces)]
    return {name: FIGURES[name].needs if name in FIGURES else OTHERS[name] for name in lacking}


def _charts(subject: Subject, only: Collection[str]) -> Iterator[tuple[str, Chart]]:
    """The figures of a group by what they show: those of the page, then others asked for."""
    if only and set(only) <= {*FIGURES, *OTHERS}:  # no section is drawn in vain
        for name in (each for each in only if each in FIGURES):
            yield from draw(name, subject).items()
        return
    for section in page.sections_of(subject):
        for chart in section.charts:
            yield plain_name(chart, subject), chart


def _is(kind: str, name: str) -> bool:
    return is_called(kind, name) or (name in OTHERS and kind.startswith(f"{name}-"))


def _plain(values: Collection[object]) -> str:
    """The values of a group as a part of a file's name."""
    plain = unicodedata.normalize("NFKD", " ".join(map(str, values))).encode("ascii", "ignore")
    words = re.findall(r"[a-z0-9.]+", plain.decode().lower())
    return "-".join(words)[:60].strip(".-") or "group"


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number if it is taken; from now on it is."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    taken.add(free)
    return free
