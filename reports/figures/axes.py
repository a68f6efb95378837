"""Axes and settings that the figures share.

Every energy axis names its unit and the kind of energy it shows.
"""

from __future__ import annotations

from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ..format import format_kinds
from .palette import JOULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Sized

    from numpy.typing import ArrayLike, NDArray

CONFIG: dict[str, Any] = {
    "showSendToCloud": False,  # Plotly 7.1 uploads charts to a cloud by default
    "plotlyServerURL": "",
    "displaylogo": False,
    "responsive": True,
    "doubleClick": "reset",
    "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
}
"""Plotly's settings for every figure: nothing leaves the page."""
SELECTING = ["select2d", "lasso2d"]
"""Further buttons of a figure whose points are trials."""

PHASES = {"train": "#5B6B7F", "validate": "#93A3B5", "setup": "#C3CCD6", "search": JOULES}
"""The phases of a trial that joules go to, and the colour of each."""

_NUMBERS = ("score", "energy_j", *(f"energy_{phase}_j" for phase in PHASES))
_COLUMNS = ("run", "strategy", "seed", "trial", "state", "energy_kind", "epochs", *_NUMBERS)

_MOST_DECADES = 12  # that a logarithmic axis has ticks at
GREY = "#7A828E"
LINE = "rgba(122,130,142,0.25)"
_TITLE = {"font": {"size": 13}}
_AXIS = {"gridcolor": LINE, "zeroline": False, "automargin": True, "title": _TITLE}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1B1F27"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 32, "b": 8},
        "xaxis": _AXIS | {"linecolor": LINE},
        "yaxis": _AXIS | {"title": _TITLE | {"standoff": 10}},
        "annotationdefaults": {"bgcolor": "rgba(255,255,255,0.8)", "borderpad": 1},
        "legend": {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        "hoverlabel": {"align": "left", "font": {"size": 13}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": "#0072B2"},
    }
)


def fill_columns(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the table with all columns that the figures use, numbers as floats."""
    table = trials.reindex(columns=list(dict.fromkeys([*trials.columns, *_COLUMNS])))
    for column in _NUMBERS:
        table[column] = pd.to_numeric(table[column], errors="coerce").astype(float)
    return table


def compact(values: ArrayLike) -> NDArray[np.floating[Any]]:
    """Return numbers in single precision, or in double where single is too narrow for them."""
    double = np.asarray(values, dtype=float)
    with np.errstate(over="ignore", under="ignore"):
        single = double.astype("f4")
    size = np.abs(single)
    held = (double == 0) | ((size >= np.finfo("f4").tiny) & (size < np.inf))
    return single if (held | ~np.isfinite(double)).all() else double


def hover(name: str, lines: Iterable[str]) -> dict[str, Any]:
    """Return the hover texts of a trace: for each point the strategy's name and a line."""
    return {
        "hovertext": [f"<b>{escape(name)}</b><br>{line}" for line in lines],
        "hoverinfo": "text",
    }


def wrap_label(name: str) -> str:
    """Return the name of a strategy as the label of a row, in short lines."""
    return "<br>".join(map(escape, wrap(name, 18)))


def is_seen(trace: Mapping[str, Any]) -> bool:
    """Whether a trace has points, and is shown before anybody clicks."""
    return trace.get("visible", True) is True and len(trace["x"]) > 0


def say_if_empty(figure: go.Figure, content: Sized, notice: str) -> go.Figure:
    """Write a notice into the figure if there is nothing to draw."""
    return figure if len(content) else add_notice(figure, notice)


def add_notice(figure: go.Figure, notice: str, *, visible: bool = True) -> go.Figure:
    """Write a notice into the middle of a figure; one that is not visible a script may show."""
    return figure.add_annotation(
        text=notice, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5, visible=visible
    )


def energy_title(what: str, trials: pd.DataFrame) -> str:
    """Return an axis title such as ``"energy of the trial (J, modelled)"``."""
    kinds = trials.loc[trials["energy_j"].notna(), "energy_kind"].dropna().unique()
    return f"{what} (J, {escape(format_kinds(kinds))})"


def energy_axis(title: str, energies_j: pd.Series) -> dict[str, Any]:
    """Return Plotly's settings of a logarithmic axis on which these energies are seen."""
    if energies_j.empty:
        return {"type": "log", "title": {"text": title}}
    low_j, high_j = energies_j.min(), energies_j.max()
    return log_axis(title, low_j, high_j, lambda tick: short_number(tick, low_j))


def log_axis(
    title: str, low: float, high: float, write: Callable[[float], str] = "{:,g}".format
) -> dict[str, Any]:
    """Return Plotly's settings of a logarithmic axis that shows these two values.

    It has ticks at 1, 2 and 5 of each decade, at 1 alone when there are many decades, at 1 of some
    when there are more than a dozen, and at more when there is less than one; within a factor of
    two Plotly chooses them.
    """
    axis: dict[str, Any] = {"type": "log", "title": {"text": title}}
    if high < 2 * low:
        return axis
    first, last = int(np.floor(np.log10(low))), int(np.log10(high)) + 2
    decades = range(first, last, max(1, (last - first) // _MOST_DECADES))
    steps: Sequence[float] = (1, 2, 5) if high < 300 * low else (1,)
    if high < 5 * low:
        steps = (1, 1.5, 2, 3, 4, 5, 6, 8)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return {**axis, "tickvals": ticks, "ticktext": [write(tick) for tick in ticks]}


def short_number(tick: float, smallest: float) -> str:
    """Write ``20k`` for 20,000 and ``20µ`` for 0.00002: an axis has little room.

    Beside ticks below a thousandth, 0.01 is ``10m``; beyond nano and giga there are powers of ten.
    """
    if not 0.9e-9 < tick < 1e15:
        return f"{tick:g}"
    if tick < 0.9 and smallest < 0.9e-3:
        sizes = (("m", 1e-3), ("µ", 1e-6), ("n", 1e-9))
        prefix, size = next((each for each in sizes if tick > 0.9 * each[1]), sizes[-1])
        return f"{tick / size:g}{prefix}"
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if tick >= max(size, 1e4):
            return f"{tick / size:,g}{prefix}"
    return f"{tick:,g}"
