"""One self-contained HTML page of a comparison: works offline, loads nothing, sends nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import write_whole
from . import content
from .figures.axes import trials_strategies
from .figures.palette import look_of
from .format import format_kinds
from .rendering import render_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def render(
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    summary: Mapping[str, Any],
    slices: pd.DataFrame | None = None,
) -> str:
    """Return the page of a comparison.

    Args:
        trials: The trial table, one row per trial, the rows of a run in order of completion.
        curves: The learning curves: ``run, trial, epoch, energy_j, accuracy, loss``.
        summary: The content of ``summary.json``.
        slices: The same columns with a row per slice, for what a run knew when; None where every
            trial is one slice.

    Returns:
        A complete HTML document with its style, figures and Plotly's script inside.
    """
    names = [entry["strategy"] for entry in summary["strategies"]]
    names = list(dict.fromkeys([*names, *trials_strategies(trials)]))
    return render_page(
        "report.html.j2",
        summary=summary,
        created=_date(summary["created"]),
        looks=look_of(names),
        kinds=format_kinds(entry["energy_kind"] for entry in summary["strategies"]),
        key_figures=content.key_figures(trials, summary),
        charts=content.charts(trials, summary, names, slices),
        incumbents=content.incumbents(curves, summary, names),
        settings=content.settings(summary),
        kind_meaning=content.KINDS,
        scope_meaning=content.SCOPES,
    )


def write(
    path: str | Path,
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    summary: Mapping[str, Any],
    slices: pd.DataFrame | None = None,
) -> None:
    """Write the page of a comparison to a file, which is replaced at once or not at all.

    Args:
        path: The HTML file.
        trials: As for `render`.
        curves: As for `render`.
        summary: As for `render`.
        slices: As for `render`.

    Raises:
        OutputError: If the file cannot be written.
    """
    page = render(trials, curves, summary, slices)
    write_whole(Path(path), lambda part: part.write_text(page, encoding="utf-8"))


def _date(created: str) -> str:
    moment = datetime.fromisoformat(created)
    return f"{moment.day} {moment:%B %Y, %H:%M %Z}".strip()
