"""Figures alone: each as a Plotly figure for a notebook, or all of them as files for a paper.

    perjoule.figures.pareto(result)                      # shows itself in a notebook
    perjoule.figures.anytime("runs/mine", target=0.95)
    perjoule.figures.pareto(table, group="digits")       # of a table of several groups
    perjoule.figures.draw(table)                         # all of the page, by name
    perjoule.figures.write(table, "figures", formats="svg,pdf", width="column")

Every name in ``dir(perjoule.figures)`` but ``draw`` and ``write`` is one figure; all are called
alike: ``figure(source, group=None, target="98%")``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis.analysing import Analysis
from ..benchmarks.analysis.target import DEFAULT_TARGET
from ..benchmarks.tables.table import Table as _Table
from ..errors import ConfigurationError, DataError, UnknownNameError
from .tables import load_table

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..benchmarks.studies.facts import Findings
    from ..benchmarks.tables.loading import Loadable
    from ..reports.gallery import Piece
    from ..reports.sections.section import Subject
    from .comparing import Result
    from .studies import StudyResult

    Source = Loadable | Result | StudyResult
    Group = str | int | Mapping[str, Any]


RANKED_BY = ("equal_energy", "anytime")


def draw(
    source: Source, only: str | Sequence[str] = (), target: str | float = DEFAULT_TARGET
) -> dict[str, go.Figure]:
    """Draw all figures of the report, each to show alone.

        for figure in perjoule.figures.draw("runs/mine").values():
            figure.show()

    Args:
        source: A result, a trial table, or whatever ``load_table`` reads.
        only: Names of figures, ``"pareto,ranks"``; all that the report shows if not given. What
            there is nothing to draw of is left out.
        target: As for `analyse`.

    Returns:
        The figures by the names that their files would have. Of several groups each has its own.
    """
    from ..reports.figures.alone import for_notebook
    from ..reports.gallery import gallery

    table, findings = _table_of(source)
    pieces = gallery(table, _analysed(source, table, target), findings, names_of(only))
    return {piece.name: for_notebook(piece.chart) for piece in pieces}


def write(
    source: Source,
    out: str | Path = "figures",
    *,
    formats: str | Sequence[str] = "svg,pdf,png",
    width: str | float = "column",
    only: str | Sequence[str] = (),
    target: str | float = DEFAULT_TARGET,
    force: bool = False,
) -> dict[str, list[Path]]:
    """Write all figures of the report as files that a paper can print.

        perjoule.figures.write("runs/mine", "paper/figures", formats="pdf", width="column")

    A browser draws SVG, PDF and PNG (``pip install 'perjoule[images]'`` and Chromium); JSON, which
    Plotly reads, needs none.

    Args:
        source: As for `draw`.
        out: The folder of the files.
        formats: ``"svg,pdf,png,json"`` or some of them. PNG has 300 dots per inch.
        width: Width on paper: ``"column"`` (88 mm), ``"page"`` (180 mm), or millimetres. Letters
            are 7 to 9 points high at any.
        only: As for `draw`.
        target: As for `analyse`.
        force: Write over files that are there.

    Returns:
        The files of each figure, by its name.

    Raises:
        ConfigurationError: There is no browser, nothing that leads it, or no such width.
        DataError: There is nothing to draw.
        OutputError: A file is there or cannot be written, or the browser fails.
        UnknownNameError: There is no figure or format of a name.
    """
    return write_pieces(
        pieces_of(source, only, target), out, formats=formats, width=width, force=force
    )


def pieces_of(
    source: Source, only: str | Sequence[str] = (), target: str | float = DEFAULT_TARGET
) -> list[Piece]:
    """Draw all figures, or those that are asked for, for paper, where nobody can click.

    Raises:
        DataError: The table has nothing of what they show.
    """
    from ..reports.gallery import gallery, needs

    table, findings = _table_of(source)
    named = names_of(only)
    pieces = gallery(table, _analysed(source, table, target), findings, named, clicks=False)
    if not pieces:
        lacking = "; ".join(f"{name} needs {what}" for name, what in needs(named, ()).items())
        told = lacking or "no trial has joules and a score that a figure could show"
        raise DataError(f"{table.name}: there is nothing to draw: {told}")
    return pieces


def write_pieces(
    pieces: Sequence[Piece],
    out: str | Path,
    *,
    formats: str | Sequence[str],
    width: str | float,
    force: bool,
) -> dict[str, list[Path]]:
    """Write figures to files: see `write`."""
    from ..reports.images import parse_formats, parse_width, write_images

    forms, width_mm = parse_formats(formats), parse_width(width)
    return write_images(pieces, Path(out), forms, width_mm, force=force)


def ranks(
    source: Source | Analysis, by: str = "equal_energy", target: str | float = DEFAULT_TARGET
) -> go.Figure:
    """Mean ranks over groups, with the critical difference: which groups tell strategies apart.

        perjoule.figures.ranks(perjoule.load_table("theirs.csv", by="dataset"))

    Args:
        source: An analysis, a result, a trial table, or whatever ``load_table`` reads.
        by: What the strategies are ranked by: ``"equal_energy"`` or ``"anytime"``.
        target: The score to reach, as for `analyse`; of an analysis it is known.

    Raises:
        ConfigurationError: There are no three strategies that are in each of several groups.
        UnknownNameError: Nothing is ranked by that.
    """
    from ..reports.figures.alone import for_notebook
    from ..reports.page import ranks_charts

    if by not in RANKED_BY:
        raise UnknownNameError("criterion of ranks", by, RANKED_BY)
    if isinstance(source, Analysis):
        analysis = source
    else:
        analysis = _analysed(source, _table_of(source)[0], target)
    for chart in ranks_charts(analysis):
        if chart.name == f"ranks-{by}":
            return for_notebook(chart)
    raise ConfigurationError(
        "ranks need three strategies or more that are in each of several groups: group the table, "
        'as in load_table(path, by="dataset")'
    )


def __getattr__(name: str) -> Callable[..., go.Figure]:
    """The function that draws one figure of a group."""
    from ..reports.registry import FIGURES

    kind = name.replace("_", "-")
    if kind not in FIGURES:
        raise AttributeError(f"perjoule.figures has no {name!r}: it has {', '.join(__dir__())}")

    def figure(
        source: Source, group: Group | None = None, target: str | float = DEFAULT_TARGET
    ) -> go.Figure:
        from ..reports import page
        from ..reports.figures.alone import for_notebook
        from ..reports.registry import draw

        table, findings = _table_of(source)
        whole = page.whole_of(table, _analysed(source, table, target), findings)
        charts = draw(kind, _chosen([*page.subjects_of(whole, linked=False)], group))
        if not charts:
            raise ConfigurationError(f"{name} needs {FIGURES[kind].needs}: there are none")
        if len(charts) > 1:
            raise ConfigurationError(
                f"there is a {name} for each kind of energy: "
                f'perjoule.figures.draw(source, only="{kind}") has them all'
            )
        return for_notebook(next(iter(charts.values())))

    figure.__name__ = figure.__qualname__ = name
    figure.__doc__ = f"{FIGURES[kind].summary}\n\n{_HELP.format(name=name)}"
    return figure


def __dir__() -> list[str]:
    from ..reports.registry import FIGURES

    return [*(name.replace("-", "_") for name in FIGURES), "ranks", "draw", "write"]


_HELP = """    perjoule.figures.{name}("runs/mine")
    perjoule.figures.{name}(perjoule.load_table("theirs.csv", by="dataset"), group="digits")

Args:
    source: A result, a trial table, or whatever ``load_table`` reads.
    group: Of several groups the one to draw: its value ("digits"), its number from 0, or its
        values by name ({{"dataset": "digits"}}).
    target: The score to reach, as for `analyse`.

Returns:
    A Plotly figure, which a notebook shows.

Raises:
    ConfigurationError: There are several groups and none is named, no such group, or nothing to
        draw.
"""


def names_of(only: str | Sequence[str]) -> list[str]:
    """The names of figures: ``"pareto,per_joule"`` is ``["pareto", "per-joule"]``."""
    named = only.split(",") if isinstance(only, str) else only
    return [name for each in named for name in [each.strip().replace("_", "-")] if name]


def _table_of(source: Source) -> tuple[_Table, Findings | None]:
    """The trial table of whatever was given, and the findings of a study."""
    from .comparing import Result
    from .studies import StudyResult

    if isinstance(source, StudyResult):
        return source.table, source.findings
    if isinstance(source, Result):
        return source.table, None
    return (source if isinstance(source, _Table) else load_table(source)), None


def _analysed(source: Source | Analysis, table: _Table, target: str | float) -> Analysis:
    """The statistics; those that a result has already, if they are of this target."""
    from ..benchmarks.analysis.analysing import analyse
    from ..benchmarks.analysis.target import parse_target

    known = getattr(source, "analysis", None)
    wanted = parse_target(target, table.metric).text
    if isinstance(known, Analysis) and known.target == wanted:
        return known
    return analyse(table, target)


def _chosen(subjects: Sequence[Subject], group: Group | None) -> Subject:
    """The group that is asked for."""
    from ..benchmarks.analysis.wording import label

    names = [label(subject.facts.by) for subject in subjects]
    told = "; ".join(names[:12]) + "; …" * (len(names) > 12)
    if group is None:
        if len(subjects) == 1:
            return subjects[0]
        raise ConfigurationError(
            f"the table has {len(subjects)} groups: name one as group= ({told})"
        )
    if isinstance(group, int):
        found = [subjects[group]] if 0 <= group < len(subjects) else []
    elif isinstance(group, Mapping):
        found = [subject for subject in subjects if subject.facts.by == dict(group)]
    else:
        found = [
            subject
            for subject, name in zip(subjects, names, strict=True)
            if group == name or group in [str(value) for value in subject.facts.by.values()]
        ]
    if len(found) != 1:
        which = "no group" if not found else f"{len(found)} groups"
        raise ConfigurationError(f"group {group!r} names {which}: choose of {told or 'none'}")
    return found[0]
