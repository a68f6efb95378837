"""What the figures about targets are made of: the runs of a group, and what they are to reach."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from ...benchmarks.analysis.orientation import best_bound
from ...benchmarks.analysis.timeline import timeline
from ...benchmarks.statistics.survival import target_grid
from .axes import TEMPLATE, add_notice, energy_axis, energy_title, fill_columns, is_seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from ...benchmarks.analysis.facts import GroupFacts
    from ...benchmarks.statistics.runs import AnytimeCurves
    from ...benchmarks.tables.table import Table
    from ...models.metric import Metric
    from .chart import Drawing

_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Reaching:
    """The runs of a group and the target that they are to reach."""

    curves: AnytimeCurves  # of oriented scores
    common_j: float  # the joules at which the runs are compared; NaN if unknown
    target: float  # the oriented score to reach; NaN if there is none
    metric: Metric
    title: str  # of the energy axis

    @classmethod
    def of(cls, table: Table, facts: GroupFacts) -> Reaching:
        """Follow the runs of a group of which these are the facts."""
        target, common_j = facts.target.score, facts.common_j
        return cls(
            timeline(table),
            math.nan if common_j is None else common_j,
            math.nan if target is None else table.metric.oriented(target),
            table.metric,
            energy_title("energy of the run", fill_columns(table.rows_in_time)),
        )

    @cached_property
    def improvements(self) -> pd.DataFrame:
        """The steps of the anytime curves of all runs."""
        return self.curves.improvements()

    @cached_property
    def grid(self) -> NDArray[np.float64]:
        """The oriented targets of the distribution function: from a run's first score to the best.

        The first score is that of the median run; the best is of any.
        """
        scores = self.improvements["score"]
        firsts = scores[~self.improvements["run"].duplicated()]
        best, ideal = float(scores.max()), best_bound(self.metric)
        return target_grid(float(firsts.median()), best, ideal if math.isfinite(ideal) else best)

    @property
    def ends_j(self) -> tuple[float, float]:
        """The joules between which anything happens: NaN if none are known."""
        steps_j = self.improvements["energy_j"]
        first_j = steps_j[steps_j > 0].min()
        return float(first_j), float(np.fmax.reduce(self.curves.energy_j, initial=math.nan))

    @property
    def is_known(self) -> bool:
        """Whether there is a target, and any run of known joules has a result."""
        return bool(np.isfinite([*self.ends_j, self.common_j, self.target]).all())

    def notes(self, unknown: Sequence[str], drawing: Drawing) -> list[str]:
        """Say which strategies have no line, and which are not shown at first."""
        why = "Not drawn, for joules of its runs are not known"
        found = [f"{why}: {', '.join(unknown)}."] if unknown else []
        return [*found, *drawing.notes(self.curves.trials)]

    def figure(self, traces: Sequence[dict[str, Any]], title: str) -> go.Figure:
        """Return a figure of shares against joules, whose axes stay where they are.

        Its one annotation is visible where no strategy that is shown has a line; the page's script
        keeps it so.
        """
        import pandas as pd

        ends_j = pd.Series(self.ends_j)
        axis = energy_axis(self.title, ends_j)
        if self.is_known:
            low, high = np.log10(ends_j)
            margin = 0.03 * (high - low) + 0.01
            axis["range"] = [low - margin, high + margin]
        figure = go.Figure(
            data=[{"type": "scatter", **trace} for trace in traces],
            layout={
                "template": TEMPLATE,
                "xaxis": axis,
                "yaxis": {
                    "range": [-0.03, 1.03],
                    "tickvals": list(_QUARTERS),
                    "ticktext": [f"{100 * share:g} %" for share in _QUARTERS],
                    "title": {"text": title},
                },
                "hovermode": "closest",
            },
        )
        empty = not any("meta" in trace and is_seen(trace) for trace in traces)
        return add_notice(figure, "The joules of these runs are not all known.", visible=empty)
