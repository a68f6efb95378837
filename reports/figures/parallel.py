"""The axes of parallel coordinates: where each value of a trial stands, and what is written there.

The page's own script draws them: Plotly's need what the page forbids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...benchmarks.analysis import naming
from ...benchmarks.statistics.runs import floats
from ...benchmarks.tables.table import plain
from ..format import format_kinds, format_value
from .axes import energy_axis, log_axis, short_number
from .scales import scale_of

if TYPE_CHECKING:
    from ...models.metric import Metric

_FAR_APART = 100.0
"""Numbers above 0 whose ratio is larger stand by their logarithms."""
_FEW = 6
"""Different numbers up to which each of them is written at the axis."""
_GAP = 0.065
"""Shares of an axis between two things written there."""


@dataclass(frozen=True)
class ParallelAxis:
    """An axis from bottom to top.

    Attributes:
        column: The column of the trial table.
        head: What it is called.
        form: ``linear``, ``log``, ``error`` (the logarithm of what a share lacks) or ``points``
            (one for each of `levels`).
        low, high: What stands at its bottom and at its top, in units of the form.
        ticks: What is written where, from 0 at the bottom to 1 at the top.
        levels: The values of points.
        floor: The smallest error.
        unknown: What a trial without a value is said to be; empty if all have one.
    """

    column: str
    head: str
    form: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    levels: Sequence[Any] = ()
    floor: float = 0.0
    unknown: str = ""


def parallel_axes(
    trials: pd.DataFrame, searched: Iterable[str], space: Mapping[str, Any], metric: Metric
) -> list[ParallelAxis]:
    """Return the axes of the hyperparameters that vary, of the score and of the joules."""
    axes = []
    for name in searched:
        values = trials[f"p.{name}"]
        if values.nunique(dropna=False) > 1:
            stated = space.get(name)
            axes.append(_axis(name, values, stated if isinstance(stated, Mapping) else {}))
    if trials["energy_j"].gt(0).any():
        axes.append(_energy(trials))
    if trials["score"].notna().any():
        axes.append(_score(trials["score"], metric))
    return axes


def _axis(name: str, values: pd.Series, stated: Mapping[str, Any]) -> ParallelAxis:
    """The axis of a hyperparameter."""
    column, unknown = f"p.{name}", "not used" if values.isna().any() else ""
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    known = values.dropna()
    if not is_number or "choices" in stated:
        levels = sorted({plain(each) for each in known}, key=lambda each: (str(type(each)), each))
        high = max(len(levels) - 1, 1)
        ticks = [(at / high, format_value(level)) for at, level in enumerate(levels)]
        return ParallelAxis(
            column, name, "points", 0.0, float(high), _clear(ticks), levels, unknown=unknown
        )
    numbers = floats(known)
    low, high = float(numbers.min()), float(numbers.max())
    log = low > 0 and (bool(stated.get("log")) or high >= _FAR_APART * low)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - 0.5, high + 0.5)
    different = np.unique(numbers)
    if len(different) <= _FEW:
        marks = [(float(each), f"{each:,g}") for each in different]
    elif log:
        axis = log_axis("", low, high)
        marks = list(zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=True))
    else:
        marks = [(each, f"{each:,g}") for each in _round_numbers(low, high)]
    form = "log" if log else "linear"
    return _numeric(column, name, form, low, high, marks, unknown=unknown)


def _energy(trials: pd.DataFrame) -> ParallelAxis:
    """The axis of the joules of a trial."""
    known = trials.loc[trials["energy_j"] > 0, "energy_j"]
    low, high = float(known.min()), float(known.max())
    if low == high:
        low, high = low / 2, high * 2
    axis = energy_axis("", pd.Series([low, high]))
    marks = list(zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=True))
    marks = marks or [(each, short_number(each, low)) for each in _round_numbers(low, high)]
    kinds = format_kinds(trials.loc[trials["energy_j"].notna(), "energy_kind"].dropna().unique())
    unknown = "" if trials["energy_j"].notna().all() else "unknown"
    return _numeric("energy_j", f"joules, {kinds}", "log", low, high, marks, unknown=unknown)


def _score(scores: pd.Series, metric: Metric) -> ParallelAxis:
    """The axis of the score, the best on top."""
    scale = scale_of(scores, metric)
    axis = scale.axis()
    form = axis["type"]
    low, high = axis["range"] if metric.maximised else axis["range"][::-1]
    marks = list(zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=True))
    if form == "log":
        low, high = 10.0**low, 10.0**high
    elif not marks:
        marks = [(each, f"{each:,g}") for each in _round_numbers(*sorted((low, high)))]
    unknown = "unknown" if scores.isna().any() else ""
    axis = _numeric("score", naming.validation(metric), form, low, high, marks, unknown=unknown)
    if not metric.is_share:
        return axis
    floor = float(scale.place([1.0])[0])
    return ParallelAxis(**{**vars(axis), "form": "error", "floor": floor})


def _numeric(
    column: str,
    head: str,
    form: str,
    low: float,
    high: float,
    marks: Iterable[tuple[float, str]],
    *,
    unknown: str,
) -> ParallelAxis:
    """An axis of numbers with what is written at some of them."""
    place: Callable[[float], float] = np.log10 if form == "log" else float  # type: ignore[assignment]
    start, end = float(place(low)), float(place(high))
    ticks = [((float(place(at)) - start) / (end - start), text) for at, text in marks]
    inside = [(share, text) for share, text in ticks if -1e-9 <= share <= 1 + 1e-9]
    return ParallelAxis(column, head, form, start, end, _clear(inside), unknown=unknown)


def _clear(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The ticks that do not stand upon one another, the first ones first."""
    kept: list[tuple[float, str]] = []
    for share, text in ticks:
        if all(abs(share - other) >= _GAP for other, _ in kept):
            kept.append((round(share, 6), text))
    return kept


def _round_numbers(low: float, high: float) -> list[float]:
    """Some four round numbers from low to high."""
    size = 10.0 ** np.floor(np.log10((high - low) / 4))
    step = next(each * size for each in (1, 2, 5, 10) if (high - low) / (each * size) <= 6)
    first, last = int(np.ceil(low / step)), int(np.floor(high / step))
    return [float(f"{at * step:.10g}") for at in range(first, last + 1)]
