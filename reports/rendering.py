"""How a page is put together: templates, filters, and figures that cannot break out of it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from ..energy.carbon import format_grams
from ..plain import printable
from .figures.axes import CONFIG, SELECTING
from .figures.chart import trial_places
from .format import (
    format_duration,
    format_energy,
    format_per_joule,
    format_percent,
    format_period,
    format_score,
    format_times,
    format_value,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import plotly.graph_objects as go


SCRIPTS = (
    *("format", "core", "sliders", "reaching", "targets", "per_joule"),
    *("trials", "linked", "trialtable", "parallel", "copy", "before", "contents"),
)
"""The scripts of a page with figures, in ``templates/js``, in their order."""


def render_page(
    template: str,
    *,
    figures: bool = True,
    page_data: Mapping[str, Any] | None = None,
    **content: Any,
) -> str:
    """Return a page that loads nothing: its style, its figures and Plotly's script are inside.

    Args:
        template: Its name in the folder of templates.
        figures: Whether it has any; without them it has no script.
        page_data: What the scripts read, fit for JSON: ``perjoule.read(name)`` there.
        content: What the template says.
    """
    page = _environment().get_template(template)
    script = Markup(get_plotlyjs()) if figures else ""
    return page.render(plotly_script=script, scripts=SCRIPTS, page_data=page_data or {}, **content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "energy": format_energy,
        "grams": format_grams,
        "percent": format_percent,
        "score": format_score,
        "per_joule": format_per_joule,
        "times": format_times,
        "first_upper": lambda text: text[:1].upper() + text[1:],
        "duration": format_duration,
        "lines": _lines,
        "period": format_period,
        "value": format_value,
        "tight": keep_units_together,
        "script": _script,
        "data": _data,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Show what is no markup of ours with each character for itself."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)


def keep_units_together(text: str) -> str:
    """Keep numbers and their units on one line."""
    tightened = re.sub(r"(?<=\d) (?=(?:%|[µmkMG]?J|ms|s|min|h)(?!\w))", "\u00a0", text)
    return type(text)(tightened)  # markup stays markup, and is not escaped twice


def _lines(text: str) -> Markup:
    """Return text of several lines, in which every other character stands for itself."""
    return Markup("\n").join(escape(printable(line)) for line in text.split("\n"))


def _script(figure: go.Figure) -> Markup:
    """Return a figure and its settings as JSON."""
    [buttons] = CONFIG["modeBarButtons"]
    more = SELECTING if trial_places(figure) else []
    config = CONFIG | {"modeBarButtons": [[*more, *buttons]]}
    return _data({**json.loads(str(figure.to_json())), "config": config})


def _data(data: Any) -> Markup:
    """Return data as JSON in which no ``<`` can end or open an element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))
