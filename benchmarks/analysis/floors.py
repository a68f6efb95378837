"""Score per joule above a floor, of trials and of runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...models.outcome import RESULTS
from ..statistics.per_joule import above_floor, floor_curve
from .facts import number
from .timeline import timeline

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.table import Table


@dataclass(frozen=True)
class AboveFloor:
    """What a strategy gets per joule above a floor (1/J)."""

    trial: float | None  # the most of any trial; None if none is above it
    run: float | None  # the median of the runs whose best score is above it; None if none is
    above: int  # how many runs these are
    runs: int


@dataclass(frozen=True, eq=False)
class Floors:
    """Score per joule of the trials and runs of a group, of a metric that has a zero."""

    curves: Mapping[str, pd.DataFrame]  # the `floor_curve` of the trials of each strategy
    # By run: ``strategy``, ``score``, the best one, and ``per_joule``, that over the joules until
    # it was found; NaN where there is none, or where they are not known.
    runs: pd.DataFrame

    @classmethod
    def of(cls, table: Table) -> Floors:
        """Divide what the trials and the runs of a table have reached by their joules."""
        trials = table.trials[table.trials["state"].isin(RESULTS)]
        curves = timeline(table)
        best = curves.incumbents()
        score = best["score"].astype(float)
        runs = curves.strategies.to_frame("strategy").assign(
            score=score, per_joule=score / best["found_j"].where(best["found_j"] > 0)
        )
        of_trials = dict(iter(trials.groupby("strategy")))
        return cls(
            {
                str(name): floor_curve(own["energy_j"], own["score"])
                for name in runs["strategy"].unique()
                for own in [of_trials.get(name, trials[:0])]
            },
            runs,
        )

    def at(self, floor: float) -> dict[str, AboveFloor]:
        """Return what each strategy gets above a floor."""
        found = {}
        for name, own in self.runs.groupby("strategy", sort=False):
            above = own[own["score"] >= floor]
            known = above["per_joule"].dropna()
            found[str(name)] = AboveFloor(
                number(above_floor(self.curves[str(name)], floor)),
                float(np.median(known)) if len(known) else None,
                len(above),
                len(own),
            )
        return found

    @property
    def highest(self) -> tuple[float, float]:
        """Score and joules of the trial with the most score per joule of all; NaN if none."""
        firsts = [curve.iloc[0] for curve in self.curves.values() if len(curve)]
        if not firsts:
            return math.nan, math.nan
        most = max(firsts, key=lambda row: row["per_joule"])
        if most["per_joule"] == 0:
            return 0.0, math.nan
        return float(most["score"]), float(most["score"] / most["per_joule"])
