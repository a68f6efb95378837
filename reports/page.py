"""One self-contained HTML page of a comparison: works offline, loads nothing, sends nothing."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ..energy.carbon import format_grams
from ..energy.files import write_whole
from . import content
from .axes import CONFIG
from .figures import trials_strategies
from .format import (
    format_duration,
    format_energy,
    format_interval,
    format_kinds,
    format_percent,
    format_value,
)
from .palette import look_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import plotly.graph_objects as go


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
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            summary=summary,
            created=_date(summary["created"]),
            looks=look_of(names),
            kinds=format_kinds(entry["energy_kind"] for entry in summary["strategies"]),
            key_figures=content.key_figures(trials, summary),
            charts={chart.name: chart for chart in content.charts(trials, summary, names, slices)},
            incumbents=content.incumbents(curves, summary, names),
            settings=content.settings(summary),
            kind_meaning=content.KINDS,
            scope_meaning=content.SCOPES,
            plotly_script=Markup(get_plotlyjs()),
        )
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


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "energy": format_energy,
        "grams": format_grams,
        "percent": format_percent,
        "duration": format_duration,
        "value": format_value,
        "kinds": format_kinds,
        "interval_energy": lambda interval: format_interval(interval, format_energy),
        "interval_percent": lambda interval: format_interval(interval, format_percent),
        "tight": _tight,
        "script": _script,
    }
    return environment


def _script(figure: go.Figure) -> Markup:
    """Return a figure and its settings as JSON in which no ``<`` can end or open an element."""
    drawing = {**json.loads(str(figure.to_json())), "config": CONFIG}
    text = json.dumps(drawing, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _tight(text: str) -> str:
    """Keep numbers and their units on one line."""
    return re.sub(r"(?<=\d) (?=(?:%|[µmkMG]?J|ms|s|min|h)(?!\w))", "\u00a0", text)


def _date(created: str) -> str:
    moment = datetime.fromisoformat(created)
    return f"{moment.day} {moment:%B %Y, %H:%M %Z}".strip()
