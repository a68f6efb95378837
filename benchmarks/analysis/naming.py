"""What a metric is called in sentences, tables and figures, and how its scores are written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...energy.quantities import format_percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...models.metric import Metric
    from .facts import GroupFacts

_DIGITS = 4
"""Significant digits of a score that is no share."""
_MOST_NAMED = 4


def format_score(score: float | None, metric: Metric) -> str:
    """Write a score: ``"97.8 %"`` of a share, else four digits, ``"0.4120"``, ``"12,345"``."""
    if metric.is_share:
        return format_percent(score)
    if score is None or not math.isfinite(score):
        return "n/a"
    if score == 0:
        return "0"
    rounded = float(f"{score:.{_DIGITS - 1}e}")  # first, so that 9.99996 becomes 10.00
    size = math.floor(math.log10(abs(rounded)))
    if not -4 <= size < 9:
        return f"{score:.{_DIGITS - 1}e}"
    return f"{rounded if size < _DIGITS else score:,.{max(_DIGITS - 1 - size, 0)}f}"


def listed(names: Sequence[str]) -> str:
    """``"a"``, ``"a and b"``, ``"a, b and c"``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def some_of(names: Sequence[str]) -> str:
    """Names of which nobody reads dozens: ``"a, b, c and 21 others"``."""
    if len(names) <= _MOST_NAMED:
        return listed(names)
    named = names[: _MOST_NAMED - 1]
    return f"{', '.join(named)} and {len(names) - len(named)} others"


def is_accuracy(metric: Metric) -> bool:
    """Whether networks can be called accurate."""
    return metric.name == "accuracy" and metric.is_share


def validation(metric: Metric) -> str:
    """What candidates are chosen by: ``"validation rmse"``."""
    return f"validation {metric.name}"


def best(metric: Metric) -> str:
    """What the best score is: ``"best"``, or ``"lowest"`` where that is best."""
    return "best" if metric.maximised else "lowest"


def best_validation(metric: Metric) -> str:
    """``"best validation accuracy"``, ``"lowest validation rmse"``."""
    return f"{best(metric)} {validation(metric)}"


def as_good(metric: Metric) -> str:
    """``"as accurate"``, ``"as good"``."""
    return "as accurate" if is_accuracy(metric) else "as good"


def better(metric: Metric) -> str:
    """Which way is better: ``"higher is better"``."""
    return f"{'higher' if metric.maximised else 'lower'} is better"


def scored(score: float | None, metric: Metric) -> str:
    """A score with its name: ``"97.8 % validation f1"``, ``"validation rmse 0.4120"``."""
    text = format_score(score, metric)
    return f"{text} {validation(metric)}" if metric.is_share else f"{validation(metric)} {text}"


def named(score: float | None, metric: Metric) -> str:
    """A score to reach: ``"97.8 %"`` of an accuracy, ``"97.8 % f1"``, ``"rmse 0.4120"``."""
    text = format_score(score, metric)
    if is_accuracy(metric):
        return text
    return f"{text} {metric.name}" if metric.is_share else f"{metric.name} {text}"


def best_networks(metric: Metric) -> str:
    """What the winner found: ``"the most accurate networks"``, ``"the lowest rmse"``."""
    if is_accuracy(metric):
        return "the most accurate networks"
    return f"the {best(metric)} {metric.name}"


def better_networks(metric: Metric) -> str:
    """What a better one found: ``"more accurate networks"``, ``"a lower rmse"``."""
    if is_accuracy(metric):
        return "more accurate networks"
    return f"a {'higher' if metric.maximised else 'lower'} {metric.name}"


def equal_networks(metric: Metric) -> str:
    """What those found that are as good: ``"equally accurate networks"``, ``"the same rmse"``."""
    return "equally accurate networks" if is_accuracy(metric) else f"the same {metric.name}"


def per_joule(metric: Metric) -> str:
    """The name of the score over the joules: ``"accuracy per joule"``."""
    return f"{metric.name} per joule"


def has_zero(metric: Metric) -> bool:
    """Whether a score of 0 is nothing at all, so that it can be divided by joules."""
    return metric.maximised and metric.low == 0


def worst(metric: Metric) -> str:
    """The worst score there can be, ``"0"``; empty if there is none."""
    bound = metric.low if metric.maximised else metric.high
    return "" if bound is None else f"{bound:g}"


def ideal(metric: Metric) -> str:
    """The best score there can be, ``"1"``; empty if there is none."""
    bound = metric.high if metric.maximised else metric.low
    return "" if bound is None else f"{bound:g}"


def share_of(metric: Metric) -> str:
    """What a target is a share of: ``" of the best"``."""
    if metric.is_share:
        return " of the best"
    return " of the way to the best from the median random candidate, or trial where none is random"


def target_score(group: GroupFacts) -> str:
    """Write the score to reach: ``"95.0 %"``, ``"rmse 0.4120"``."""
    return named(group.target.score, group.metric)


def target_note(groups: Sequence[GroupFacts]) -> str:
    """Say where the target lies, if it is a share of a distance; else empty."""
    first = next((group for group in groups if group.target.start is not None), None)
    if first is None:
        return ""
    metric, target = first.metric, first.target
    which = (
        f"the {best(metric)} {metric.name} given up by {100 * (1 - (target.share or 0.0)):.3g} % "
        "of its distance from the median"
    )
    start = "random candidate" if target.start_of == "random" else "trial (none is random)"
    if len(groups) == 1:
        at = format_score(target.start, metric)
        return f"The target, {target_score(first)}, is {which} {start}, {at}."
    if len({group.target.start_of for group in groups} - {None}) > 1:
        start = "random candidate, or the median trial where none is random"
    return f"The target of each group is {which} {start}."
