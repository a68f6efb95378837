"""What a run has found by then: the best score so far against what a run has spent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...benchmarks.analysis import naming
from ...benchmarks.analysis.orientation import oriented
from ...benchmarks.statistics.runs import AnytimeCurves
from ...models.metric import ACCURACY, Metric
from ..format import format_score
from .axes import GREY, fill_columns, hover
from .chart import Chart
from .palette import COLOURS
from .scales import scale_of
from .spending import JOULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .chart import Drawing
    from .palette import Look
    from .scales import Scale
    from .spending import Spending

MOST_ENERGIES = 400
"""Energies of a curve: as many as a figure has columns of pixels to tell apart."""
_BOUNDS = ["low", "median", "high"]
_REACHED = ("energy_j", "median", "runs")


def anytime_chart(
    slices: pd.DataFrame,
    drawing: Drawing,
    target: float | None = None,
    spending: Spending = JOULES,
) -> Chart:
    """Draw the best validation score so far against what a run has spent.

    The line is the median over the runs of a strategy, the band their middle half (with four runs
    or fewer: all of them). A run keeps its best candidate after it ends. One without a result yet
    ranks last, so a line begins once more than half of the runs have a result.

    Args:
        slices: One row per slice, or else per trial; the rows of a run in order of completion.
        drawing: How it is drawn.
        target: The score of a reference line; None draws none.
        spending: What it is that a run spends.
    """
    rows, metric = fill_columns(slices), drawing.metric
    table = rows.assign(energy_j=spending.of(rows))  # whatever it is: it adds up as joules do
    own = table.groupby("strategy", sort=False)
    curves = {str(name): anytime_curve(trials, metric=metric) for name, trials in own}
    points = pd.concat(curves.values()) if curves else anytime_curve(table)
    energies_j = points["energy_j"]
    scale = scale_of(np.append(points[_BOUNDS], np.nan if target is None else target), metric)
    traces = [
        {**drawing.entry(name), **trace}
        for name, look in drawing.looks.items()
        if name in curves and len(curves[name])
        for trace in [
            *_band(curves[name], look, scale),
            _line(name, curves[name], look, scale, spending, len(drawing.looks) > len(COLOURS)),
        ]
    ]
    if target is not None and len(energies_j):
        traces.append(
            {
                "x": [energies_j.min(), energies_j.max()],
                "y": scale.place([target, target]),
                "mode": "lines",
                "line": {"color": GREY, "width": 1.5, "dash": "dot"},
                "name": f"target {format_score(target, metric)}",
                "hoverinfo": "name",
            }
        )
    so_far = naming.best_validation(metric)
    apart = "" if spending is JOULES else f"{spending.name}-"
    return Chart(
        f"anytime-{apart}{drawing.number}",
        "What a run has found by then",
        f"{so_far[0].upper()}{so_far[1:]} so far against {spending.words}: the median of the runs, "
        f"with a band around their middle half (four runs or fewer: all). {spending.more}".rstrip(),
        f"Lines of {so_far} so far against {spending.words}: {drawing.listed}.",
        scale.figure(traces, energies_j, spending.title(rows), "No run has reached a result."),
        drawing.notes(table),
        entries=len(drawing.looks),
    )


def anytime_curve(
    trials: pd.DataFrame, most: int = MOST_ENERGIES, metric: Metric = ACCURACY
) -> pd.DataFrame:
    """Return what the runs of one strategy had reached by each energy.

    Args:
        trials: The trials of the strategy, the rows of a run in order of completion.
        most: Number of energies. Where there are more, an energy stands for those in the
            ``1 / most`` of the logarithmic range before it, so nothing is shown too early.
        metric: What the scores are of.

    Returns:
        ``energy_j``, the ``median`` score with its worse quartile ``low`` and better one ``high``
        and the number of ``runs`` they are of, from the energy on at which there is a median. A
        quartile that falls to a run without a result is NaN. A run counts up to its last known
        energy.
    """
    curves = AnytimeCurves.of(oriented(trials, metric))
    spent_j = curves.energy_j
    grid = _thin_energies(np.unique(spent_j[spent_j > 0]), most)
    levels = curves.levels(grid)
    counts = np.sum(~np.isnan(levels), axis=0)
    levels.sort(axis=0)  # NaN last
    columns = np.arange(len(grid))

    def at(position: np.ndarray) -> np.ndarray:
        return levels[np.clip(position, 0, counts - 1).astype(int), columns]

    last = counts - 1
    # Without interpolation: minus infinity, a run without a result, must stay so.
    table = pd.DataFrame(
        {
            "energy_j": grid,
            "low": at(np.floor(0.25 * last)),
            "median": (at(np.floor(0.5 * last)) + at(np.ceil(0.5 * last))) / 2,
            "high": at(np.ceil(0.75 * last)),
            "runs": counts,
        }
    ).replace(-np.inf, np.nan)
    table[_BOUNDS] = metric.oriented(table[_BOUNDS])
    return table[(table["runs"] > 0) & table["median"].notna()]


def keep_steps(curve: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows of a step curve in which a column changes, and the last: it looks alike."""
    values = curve[list(columns)].to_numpy(dtype=float)
    before, after = values[:-1], values[1:]
    alike = (before == after) | (np.isnan(before) & np.isnan(after))
    changed = np.append(True, ~alike.all(axis=1))[: len(curve)]
    changed[-1:] = True
    return curve[changed]


def _thin_energies(energies_j: np.ndarray, most: int) -> np.ndarray:
    """Return the last energy of each of so many equal parts of the logarithmic range."""
    if len(energies_j) <= most:
        return energies_j
    logs = np.log(energies_j)
    parts = np.ceil((logs - logs[0]) / (logs[-1] - logs[0]) * most)
    return energies_j[np.append(np.diff(parts) > 0, True)]


def _band(curve: pd.DataFrame, look: Look, scale: Scale) -> Iterator[dict[str, Any]]:
    """Yield the edges of the band; the second fills what lies between them."""
    banded = curve[curve["low"].notna()]
    for bound, fill in (("low", None), ("high", "tonexty")):
        yield {
            **scale.points(keep_steps(banded, bound), bound),
            "mode": "lines",
            "line": {"width": 0, "shape": "hv"},
            "fill": fill,
            "fillcolor": look.faint(0.11),
            "hoverinfo": "skip",
            "showlegend": False,
        }


def _line(
    name: str, curve: pd.DataFrame, look: Look, scale: Scale, spending: Spending, marked: bool
) -> dict[str, Any]:
    """Return the median; with a few markers where there are more lines than colours."""
    line = keep_steps(curve, "median", "runs")
    reached = partial(_reached, scale.metric, spending)
    marker = {"color": look.colour, "symbol": look.symbol, "size": 9, "maxdisplayed": 5}
    return {
        **scale.points(line, "median"),
        "line": look.steps(),
        **({"mode": "lines+markers", "marker": marker} if marked else {"mode": "lines"}),
        **hover(name, map(reached, *(line[each] for each in _REACHED))),
    }


def _reached(metric: Metric, spending: Spending, spent: float, score: float, runs: int) -> str:
    of = f"median of {runs} runs" if runs > 1 else "one run"
    return f"{format_score(score, metric)} after {spending.write(spent)}<br>{of}"
