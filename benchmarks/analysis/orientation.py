"""The two turns of a score: inside the analysis greater is better, outside it is as reported.

Statistics are worked out on oriented scores, the negative of a metric to be minimised. `oriented`
turns the rows of a table on their way in, `in_units` the facts on their way out.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ..statistics.runs import floats

if TYPE_CHECKING:
    import pandas as pd

    from ...models.metric import Metric
    from .facts import GroupFacts, Spread, StrategyFacts, TargetFacts

SCORES = ("score", "test_score")


def worst_bound(metric: Metric) -> float:
    """The oriented score that nothing falls below; minus infinity if there is none."""
    bound = metric.oriented_bounds[0]
    return -math.inf if bound is None else bound


def best_bound(metric: Metric) -> float:
    """The oriented score that nothing rises above; infinity if there is none."""
    bound = metric.oriented_bounds[1]
    return math.inf if bound is None else bound


def oriented(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return trials or slices with scores of which greater is better; done twice, as they were."""
    if metric.maximised:
        return rows
    turned = {name: -floats(rows[name]) for name in SCORES if name in rows}
    return rows.assign(**turned)


def in_units(group: GroupFacts) -> GroupFacts:
    """Return the facts of a group, worked out on oriented scores, in the units of its metric."""
    if group.metric.maximised:
        return group
    return replace(
        group,
        best_score=_turned(group.best_score),
        target=_target(group.target),
        reference_score=_turned(group.reference_score),
        ideal_score=_turned(group.ideal_score),
        strategies={name: _strategy(own) for name, own in group.strategies.items()},
    )


def _strategy(own: StrategyFacts) -> StrategyFacts:
    return replace(
        own,
        score=_spread(own.score),
        test_score=_spread(own.test_score),
        equal_energy={share: _spread(each) for share, each in own.equal_energy.items()},
        anytime=_spread(own.anytime),
    )


def _target(target: TargetFacts) -> TargetFacts:
    return replace(target, score=_turned(target.score), start=_turned(target.start))


def _spread(spread: Spread | None) -> Spread | None:
    if spread is None:
        return None
    low, high = _turned(spread.high), _turned(spread.low)
    return replace(spread, median=-spread.median, low=low, high=high)


def _turned(score: float | None) -> float | None:
    return None if score is None else -score
