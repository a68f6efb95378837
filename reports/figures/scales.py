"""The axis of scores: where each metric's scores are placed, and what stands beside them.

A share is placed by its error, on a reversed logarithmic axis, which spreads it towards 100 %: the
last points are the ones to compare. Any other metric has its own unit and the axis its natural way
round, logarithmic where scores above 0 are far apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ...benchmarks.analysis import naming
from .axes import TEMPLATE, add_notice, compact, energy_axis, is_seen, log_axis, say_if_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from ...models.metric import Metric

_FAR_APART = 20.0
"""Scores above 0 whose ratio is larger are placed by their logarithms."""
_FARTHEST = 10.0
"""Scores are at the edge if they lie behind the median by so many times what the best is ahead."""
_FARTHEST_LOG = 2.0
"""The same for logarithms."""
_LEAST_DECADES = 1.5
"""A logarithmic axis that ends before the worst score shows at least so many."""


def scale_of(scores: ArrayLike, metric: Metric) -> Scale:
    """Fit an axis to scores, in the units of their metric; NaN is passed over."""
    if metric.is_share:
        return ErrorScale.of(scores, metric)
    return PlainScale.of(scores, metric)


@dataclass(frozen=True)
class Scale:
    """Where scores are placed on an axis."""

    metric: Metric

    def place(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the positions of scores on the axis."""
        raise NotImplementedError

    def axis(self) -> dict[str, Any]:
        """Return Plotly's settings of the axis."""
        raise NotImplementedError

    def points(self, table: pd.DataFrame, column: str = "score") -> dict[str, Any]:
        """Return the points of a trace in single precision: scores against ``energy_j``."""
        return {"x": compact(table["energy_j"]), "y": compact(self.place(table[column]))}

    def figure(
        self, traces: Sequence[dict[str, Any]], energies_j: pd.Series, title: str, notice: str
    ) -> go.Figure:
        """Return a figure of score against energy.

        Args:
            traces: The scatter traces.
            energies_j: All energies (J) that may come into sight.
            title: The title of the energy axis.
            notice: What the figure says when there are no energies.
        """
        figure = go.Figure(
            # All at once is 8 times faster than one by one.
            data=[{"type": "scatter", **trace} for trace in traces],
            layout={
                "template": TEMPLATE,
                "xaxis": energy_axis(title, energies_j),
                "yaxis": self.axis(),
                "hovermode": "closest",
            },
        )
        if len(energies_j) and not any(map(is_seen, traces)):
            return add_notice(figure, "Of the strategies that are shown nothing can be drawn.")
        return say_if_empty(figure, energies_j, notice)


@dataclass(frozen=True)
class ErrorScale(Scale):
    """Shares placed on a reversed logarithmic axis of the error, labelled in percent."""

    best: float  # the error at which a perfect score is placed
    low: float  # the smallest error on the axis
    high: float  # the largest error on the axis

    @classmethod
    def of(cls, scores: ArrayLike, metric: Metric) -> ErrorScale:
        """Fit the axis to these shares."""
        errors = 1.0 - np.asarray(scores, dtype=float)
        errors = errors[np.isfinite(errors)]
        positive = errors[errors > 1e-6]
        best = float(positive.min()) / 2 if positive.size else 1e-3
        errors = np.maximum(errors, best) if errors.size else np.array([0.05, 0.5])
        # A margin of 6 % at both ends, and a factor of two in all where shares are alike.
        spread = errors.max() / errors.min()
        margin = max(spread**0.06, (2.0 / spread) ** 0.5)
        return cls(metric, best, float(errors.min() / margin), float(errors.max() * margin))

    def place(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the positions of shares on the axis: their errors."""
        return np.maximum(1.0 - np.asarray(scores, dtype=float), self.best)

    def axis(self) -> dict[str, Any]:
        """Return Plotly's settings of the axis."""
        ticks: list[float] = []
        gap = np.log10(self.high / self.low) / 9
        percents = (90, 99, 50, 95, 98, 80, 99.9, 97, 70, 99.5, 93, 96, 0, 85, 60, 88, 92, 94, 30)
        for error in (round(1.0 - p / 100.0, 6) for p in (*percents, 40, 20, 10, 91, 99.8, 87, 75)):
            clear = all(abs(np.log10(error / other)) >= gap for other in ticks)
            if self.low <= error <= self.high and error > self.best and clear:
                ticks.append(error)
        labels = [f"{100.0 * (1.0 - error):.4g} %" for error in ticks]
        if self.low <= self.best:
            ticks, labels = [*ticks, self.best], [*labels, "100 %"]
        return {
            "type": "log",
            "range": [np.log10(self.high), np.log10(self.low)],
            "tickvals": ticks,
            "ticktext": labels,
            "title": {"text": f"{escape(naming.validation(self.metric))} (%)"},
        }


@dataclass(frozen=True)
class PlainScale(Scale):
    """Scores placed as they are, in the units of their metric."""

    low: float  # the smallest score on the axis
    high: float  # the largest score on the axis
    log: bool  # whether the axis is logarithmic
    cut: bool  # whether there are scores worse than the axis shows; they are placed at its end

    @classmethod
    def of(cls, scores: ArrayLike, metric: Metric) -> PlainScale:
        """Fit the axis to these scores."""
        values = np.asarray(scores, dtype=float)
        values = values[np.isfinite(values)]
        if not values.size:
            return cls(metric, 0.0, 1.0, log=False, cut=False)
        log = bool(values.min() > 0 and values.max() > _FAR_APART * values.min())
        turned = np.sort(metric.oriented(np.log10(values) if log else values))
        worst, best, median = float(turned[0]), float(turned[-1]), float(np.median(turned))
        edge = median - (_FARTHEST_LOG if log else _FARTHEST) * (best - median)
        if log:
            edge = min(edge, best - _LEAST_DECADES)
        cut = worst < edge < median
        worst = edge if cut else worst
        margin = 0.06 * (best - worst) or 0.05 * abs(best) or 0.5
        low, high = sorted((metric.oriented(worst - margin), metric.oriented(best + margin)))
        return cls(metric, 10**low if log else low, 10**high if log else high, log, cut)

    def place(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the positions of scores on the axis, those beyond its end at that end."""
        values = np.asarray(scores, dtype=float)
        if not self.cut:
            return values
        if self.metric.maximised:
            return np.maximum(values, self.low)
        return np.minimum(values, self.high)

    def axis(self) -> dict[str, Any]:
        """Return Plotly's settings of the axis."""
        name, way = escape(naming.validation(self.metric)), naming.better(self.metric)
        title = f"{name}<br>({way}; worse ones at the edge)" if self.cut else f"{name} ({way})"
        ends = (self.low, self.high)
        if not self.log:
            return {"type": "linear", "range": list(ends), "title": {"text": title}}
        return {**log_axis(title, *ends), "range": [float(np.log10(end)) for end in ends]}
