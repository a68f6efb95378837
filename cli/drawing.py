"""The command that writes figures for papers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..reports.format import format_duration
from .app import command
from .groups import Images, Searched, Tables
from .options import Trust
from .printing import echo
from .recorded import load

if TYPE_CHECKING:
    from ..api import StudyResult, Table


@command("figures")
def figures(*, tables: Tables, searched: Searched, images: Images, trust: Trust = False) -> None:
    """Write the figures of the report as files for papers: SVG, PDF and PNG at column width.

    Of a study's folder also the figures that the study adds. A browser draws them: that takes the
    extra "images" and Chromium, and a line says how to get what is missing.
    """
    from ..api import figures as drawing
    from ..benchmarks.tables.table import counted
    from ..reports.gallery import needs
    from ..reports.images import check_can_draw, parse_formats, parse_width

    began_s = time.perf_counter()
    forms, width_mm = parse_formats(images.formats), parse_width(images.width)
    check_can_draw(forms)
    only = drawing.names_of(images.only or ())
    pieces = drawing.pieces_of(_source(tables, searched, trust), only, images.target)
    written = drawing.write_pieces(
        pieces, images.out, formats=forms, width=width_mm, force=images.force
    )
    for piece in pieces:
        group = f" ({piece.group})" if piece.group else ""
        echo(f"{piece.name}: {piece.chart.title}{group}")
        for note in piece.chart.notes:
            echo(f"  - {note}")
    for name, needed in needs(only, pieces).items():
        echo(f"{name}: not written; it needs {needed}")
    files = sum(map(len, written.values()))
    took = format_duration(time.perf_counter() - began_s)
    echo(
        f"{counted(files, 'file')} of {counted(len(written), 'figure')} written to {images.out} "
        f"in {took}, {width_mm:g} mm wide: {', '.join(forms)}."
    )


def _source(tables: Tables, searched: Searched, trust: bool) -> Table | StudyResult:
    """A study's own result where one is named alone; else the tables."""
    from ..api.studies import load_study
    from ..benchmarks.studies.folder import StudyFolder

    given = [tables.by, tables.mapping, tables.metric, searched.params]
    if len(tables.paths) == 1 and not any(given) and StudyFolder(tables.paths[0]).is_there:
        return load_study(tables.paths[0], trust=trust)
    return load(tables, searched)
