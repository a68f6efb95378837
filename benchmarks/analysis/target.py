"""The score to reach."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...models.metric import ACCURACY

if TYPE_CHECKING:
    import pandas as pd

    from ...models.metric import Metric
    from .facts import TargetFacts

DEFAULT_TARGET = "98%"
"""The score to reach, where nobody says it: so near to the best in the group."""
RANDOM = "random"
"""The strategy whose median trial is where the distance to the best begins."""


@dataclass(frozen=True)
class Target:
    """The score to reach."""

    text: str  # as it was asked for
    value: float  # a score in the units of the metric, or a share
    is_share: bool  # which of the two
    metric: Metric

    def of(self, best: float, trials: pd.DataFrame) -> TargetFacts:
        """The score to reach in a group, and what it is made of.

        A share of a metric from 0 to 1 is a share of the best score. Of any other metric it is a
        share of the way to the best from the median random candidate: the median score of the
        trials of the strategy ``random``, or of all trials where the group has none of it.

        Args:
            best: The best score in the group, oriented (greater is better); NaN if there is none.
            trials: ``strategy``, ``state`` and oriented ``score``.

        Returns:
            Oriented scores.
        """
        from ...models.outcome import RESULTS
        from .facts import TargetFacts, number

        if not self.is_share:
            return TargetFacts(self.score(best), None, None, None)
        if self.metric.is_share:
            return TargetFacts(number(self.score(best)), self.value, None, None)
        counted = trials[trials["state"].isin(RESULTS) & trials["score"].notna()]
        of_random = counted[counted["strategy"] == RANDOM]
        start_of = "random" if len(of_random) else "all"
        start = float((of_random if len(of_random) else counted)["score"].median())
        return TargetFacts(number(self.score(best, start)), self.value, number(start), start_of)

    def score(self, best: float, start: float = math.nan) -> float:
        """The score to reach, oriented, of the oriented best and of where the way to it begins."""
        if not self.is_share:
            return self.metric.oriented(self.value)
        if self.metric.is_share:
            return self.value * best
        return best - (1 - self.value) * (best - start)


def parse_target(asked: str | float, metric: Metric | None = ACCURACY) -> Target:
    """Read a score to reach: a score in the units of a metric, or a share such as ``"98%"``.

    Args:
        asked: What was asked for.
        metric: What scores are of; None where that is not known yet: then any number will do.

    Raises:
        ConfigurationError: It is neither, or the metric has no such score.
    """
    text = str(asked).strip()
    is_share = text.endswith("%") and isinstance(asked, str)
    try:
        value = float(text.removesuffix("%")) / (100 if is_share else 1)
    except ValueError:
        value = math.nan
    if isinstance(asked, bool):
        value = math.nan
    allowed = 0 < value <= 1 if is_share else _allows(metric, value)
    if not allowed:
        raise ConfigurationError(f"target {text!r}: {_wanted(metric)}")
    return Target(text, value, is_share, metric or ACCURACY)


def _allows(metric: Metric | None, value: float) -> bool:
    if metric is None or not metric.is_share:
        return math.isfinite(value) and (metric is None or metric.allows(value))
    return 0 < value <= 1


def _wanted(metric: Metric | None) -> str:
    if metric == ACCURACY:
        return (
            "give an accuracy above 0 and up to 1, such as 0.95, or a share of the best in the "
            'group, such as "98%"'
        )
    if metric is None:
        return 'give a score, such as 0.95, or a share of the best in the group, such as "98%"'
    bounds = [f"{word} {bound:g}" for word, bound in _bounds(metric) if bound is not None]
    of = "the best" if metric.is_share else "the way from the median random candidate to the best"
    return (
        f"give a value of {metric.name}{' '.join(['', *bounds])}, or a share of {of} in the group, "
        'such as "98%"'
    )


def _bounds(metric: Metric) -> tuple[tuple[str, float | None], ...]:
    return (("above" if metric.is_share else "from", metric.low), ("up to", metric.high))
