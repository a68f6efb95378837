"""How many joules a target takes, with sliders for the target and the budget of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...benchmarks.analysis import naming
from ...benchmarks.analysis.criteria import TIE, score_scale
from ...benchmarks.analysis.orientation import worst_bound
from ...benchmarks.analysis.standings import Standing, standings
from ...benchmarks.statistics.runs import floats
from ...benchmarks.tables.facts import finite
from ..figures.ecdf import ecdf_chart
from ..figures.reaching import Reaching
from ..figures.survival import survival_chart
from .section import Section, Subject

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_STOPS = 200
"""Scores that a slider stops at: more than a hand can tell apart."""
_BUDGETS = 61


def targets_section(subject: Subject) -> Section | None:
    """Show expected joules to a target, who is best at a budget, and what follows from both."""
    if not subject.is_scored or subject.table.rows_in_time["run"].is_unique:
        return None
    reaching = Reaching.of(subject.table, subject.facts)
    if not reaching.is_known:
        return None
    facts = subject.facts
    data = _data(reaching)
    found = standings(
        reaching.curves, reaching.target, reaching.common_j, reaching.common_j, facts.metric
    )
    return Section(
        f"targets-{subject.number}-section",
        "Energy to target",
        charts=[
            survival_chart(reaching, subject.drawing),
            ecdf_chart(reaching, subject.drawing),
        ],
        switch=("Runs short of the target", "Targets reached"),
        template="targets",
        content={
            "data": data,
            "at": {
                "target": data["targets"].index(reaching.target),
                "budget": len(data["budgets"]) - 1,
            },
            "target": facts.target.score,
            "budget_j": reaching.common_j,
            "best": _winner(facts.winners.at_end, facts.ties.at_end),
            "cheapest": _winner(facts.winners.energy_to_target, facts.ties.energy_to_target),
            "standings": _in_units(found, facts.metric.oriented),
            "highest": "most accurate" if naming.is_accuracy(facts.metric) else "best",
        },
    )


def score_stops(scores: NDArray[np.float64], at: float) -> list[float]:
    """Return what a slider of scores stops at: distinct ones, evenly by rank, and one of its own.

    Args:
        scores: Scores that were reached.
        at: Where the slider stands at first.
    """
    distinct = np.unique(scores[np.isfinite(scores)])
    if len(distinct) > MOST_STOPS:
        distinct = distinct[np.linspace(0, len(distinct) - 1, MOST_STOPS).round().astype(int)]
    return np.unique(np.append(distinct, at)).tolist()


def _data(reaching: Reaching) -> dict[str, Any]:
    """What the page computes with; scores are oriented, unknown joules null.

    A run is the place of its strategy, its total, the joules up to which it is known (null: all),
    and the joules and scores of its improvements.
    """
    curves, metric, steps = reaching.curves, reaching.metric, reaching.improvements
    start_j, end_j = reaching.ends_j
    own = curves.strategies
    strategies = list(dict.fromkeys(own))
    places = {name: place for place, name in enumerate(strategies)}
    run = curves.names.get_indexer(pd.Index(steps["run"]))
    order = np.argsort(run, kind="stable")
    ends = np.cumsum(np.bincount(run, minlength=len(own)))[:-1]
    columns = (np.split(floats(steps[name])[order], ends) for name in ("energy_j", "score"))
    runs = [
        [places[strategy], total_j, known_j, energies_j.tolist(), scores.tolist()]
        for strategy, total_j, known_j, energies_j, scores in zip(
            own, curves.totals_j, curves.known_until_j, *columns, strict=True
        )
    ]
    budgets = [reaching.common_j]
    if start_j < reaching.common_j:
        budgets = [*np.geomspace(start_j, reaching.common_j, _BUDGETS).tolist()[:-1], *budgets]
    return finite(
        {
            "sign": metric.oriented(1.0),
            "worst": worst_bound(metric),
            "tie": TIE * score_scale(curves, metric),
            "common_j": reaching.common_j,
            "start_j": start_j,
            "end_j": end_j,
            "targets": score_stops(reaching.improvements["score"].to_numpy(), reaching.target),
            "budgets": budgets,
            "grid": reaching.grid.tolist(),
            "strategies": strategies,
            "runs": runs,
        }
    )


def _winner(name: str | None, tied: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "equals": [each for each in tied if each != name]}


def _in_units(found: Mapping[str, Standing], turn: Any) -> list[dict[str, Any]]:
    """What the rows of the ranking say, the best first."""

    def place(own: Standing) -> tuple[float, float]:
        rank = math.inf if own.rank is None else own.rank
        return rank, math.inf if math.isnan(own.ert_j) else own.ert_j

    rows = sorted(found.items(), key=lambda each: place(each[1]))
    return [
        {
            "name": name,
            "rank": own.rank,
            "level": None if own.level is None else turn(own.level),
            "hits": own.hits,
            "runs": own.runs,
            "joules": own.ert_j,
            "ratio": own.ratio,
        }
        for name, own in rows
    ]
