"""The two findings of a group in words, and the sentence that says which of them the runs support.

**Fixed budget**: who has the best score for the same joules. **Fixed target**: who reaches the
target for the fewest expected joules.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ...energy.quantities import format_energy
from ..tables.table import counted
from . import naming
from .facts import ByCriterion, Finding, GroupFacts, StrategyFacts, VerdictFacts
from .naming import format_score, some_of
from .orientation import worst_bound
from .support import MOST_SEEDS

if TYPE_CHECKING:
    from ...models.metric import Metric
    from .criteria import Criterion
    from .facts import Evidence, FieldTest, PairTest


_NEAR_ONE = 0.05
"""Ratios closer to 1 would be rounded to it."""
_MOST_DIGITS = 6


def unspoken(criteria: ByCriterion[Criterion]) -> VerdictFacts:
    """The findings by their numbers, without a sentence."""

    def finding(criterion: Criterion) -> Finding:
        own = criterion.support
        return Finding(
            criterion.winner,
            criterion.tied,
            own.over is not None,
            own.over,
            own.beaten,
            own.more_seeds,
            "",
            criterion.evidence.reason,
        )

    return VerdictFacts(finding(criteria.at_end), finding(criteria.energy_to_target), "", "")


def spoken(group: GroupFacts) -> VerdictFacts:
    """The findings of a group with their sentences, and the verdict."""
    budget = replace(group.verdict.budget, sentence=_budget_sentence(group))
    target = replace(group.verdict.target, sentence=_target_sentence(group))
    sentence, reason = _verdict(group, budget, target)
    return VerdictFacts(budget, target, sentence, reason)


def _verdict(group: GroupFacts, budget: Finding, target: Finding) -> tuple[str, str]:
    """Say what the runs support, or what would settle it; and what that rests on."""
    if not group.is_scored or (budget.winner is None and target.winner is None):
        reasons = budget.reason, target.sentence
        return budget.sentence, " ".join(filter(None, reasons))
    if budget.winner is None:
        told, rest = [target], [budget]
        if group.common_is == "interrupted":
            told, rest = rest, told
    else:
        both = [budget, target]
        told = [each for each in both if each.supported]
        told = told or [_nearest(budget, target)]
        rest = [each for each in both if each not in told]
    said = [each.sentence for each in told]
    if not told[0].supported:
        test = group.tests.at_end if told[0] is budget else group.tests.energy_to_target
        said.append(_settled_by(told[0], test))
    reasons = [*(each.reason for each in told), *(each.sentence for each in rest)]
    return " ".join(filter(None, said)), " ".join(filter(None, reasons))


def _nearest(budget: Finding, target: Finding) -> Finding:
    """The lead that fewer seeds would settle; of equals that for the same joules."""

    def lacking(finding: Finding) -> tuple[bool, float]:
        return bool(finding.tied), finding.more_seeds or math.inf

    return target if target.winner and lacking(target) < lacking(budget) else budget


def _settled_by(finding: Finding, test: Evidence) -> str:
    """Say how many more seeds would settle a lead that may be chance; empty if that is unknown."""
    more = finding.more_seeds
    if finding.winner is None or (more is None and not test.conclusive):
        return ""
    if not test.conclusive:
        return f"It takes at least {counted(more or 0, 'more seed')} to say."
    if finding.tied:
        return "A tie does not say how many more seeds would tell them apart."
    if more is None:
        return f"If it is as these runs show, it takes more than {MOST_SEEDS} seeds to settle that."
    return f"About {counted(more, 'more seed')} would settle that, if it is as these runs show."


# Fixed budget -------------------------------------------------------------------------------------


def _budget_sentence(group: GroupFacts) -> str:
    """Say who found the best networks for the same energy; chance is not called a win."""
    winner, entries = group.verdict.budget.winner, group.strategies
    if not group.is_scored:
        return _cheapest(group)
    if len(entries) == 1:
        ((name, entry),) = entries.items()
        spent_j = entry.energy_j and entry.energy_j.median
        return f"{name} reached {_best_so_far(entry, group.metric)} for {_per_run(spent_j)}."
    return _without_winner(group) if winner is None else _led(group, winner)


def _led(group: GroupFacts, winner: str) -> str:
    """Say who leads at equal energy, and how far."""
    finding, entries, metric = group.verdict.budget, group.strategies, group.metric
    energy = f"the same energy ({_per_run(group.common_j)})"
    scores = naming.scored(entries[winner].level, metric)
    if finding.tied:
        return (
            f"{some_of(finding.tied)} found {naming.equal_networks(metric)} for {energy}: {scores}."
        )
    others = {n: e.level for n, e in entries.items() if n != winner and e.level is not None}
    second = max(others, key=lambda name: metric.oriented(others[name]), default=None)
    scores += _then(group, winner, second)
    if finding.over == "each":
        return f"{winner} found {naming.best_networks(metric)} for {energy}: {scores}."
    if finding.over == "together":
        return (
            f"{winner} found {naming.better_networks(metric)} than {_others(group)} for {energy}: "
            f"{scores}. {_open(group.tests.at_end, finding)}"
        )
    return f"{winner} is ahead for {energy}, {scores}, but that may be chance."


def _then(group: GroupFacts, winner: str, second: str | None) -> str:
    """Say how far the second is behind the winner."""
    metric = group.metric
    if second is None:
        return ", and no other median run has a result by then"
    first, then = (group.strategies[name].level for name in (winner, second))
    score = format_score(then, metric)
    if score == format_score(first, metric):
        return f", with {second} nearly {naming.as_good(metric)}"
    told = f", then {second} with {score}"
    if then is not None and metric.oriented(then) == worst_bound(metric):
        told += " (where a run has no result by then, it counts as that)"
    return told


def _without_winner(group: GroupFacts) -> str:
    """Say what can be said where nobody leads at equal energy."""
    if group.common_is == "interrupted":
        best = max(group.strategies, key=lambda name: _reached(group, name))
        return (
            "The comparison was interrupted before its runs could be compared at equal energy; "
            f"so far {best} has reached {_best_so_far(group.strategies[best], group.metric)}."
        )
    return "No strategy leads for the same energy."


def _best_so_far(entry: StrategyFacts, metric: Metric) -> str:
    """The median of the best scores, and of how many runs it is where some have none."""
    found = entry.score
    score = naming.scored(found and found.median, metric)
    if found is None or found.n == entry.runs:
        return score
    return f"{score} (the median of {found.n} of {counted(entry.runs, 'run')} with a result)"


def _reached(group: GroupFacts, name: str) -> float:
    """The median of the best scores of a strategy, oriented."""
    found = group.strategies[name].score
    return -math.inf if found is None else group.metric.oriented(found.median)


def _cheapest(group: GroupFacts) -> str:
    """Say what can be said where no score is known."""
    states = {state for own in group.strategies.values() for state in own.states}
    if group.common_is == "interrupted":
        return "The comparison was interrupted before any trial was validated."
    if states == {"failed"}:
        return "No trial has a result: all of them failed."
    if group.common_is == "allotment":
        return "No trial was validated within the budget: give more joules."
    nothing = f"No {group.metric.name} is recorded, so there is no winner"
    spent = {n: e.energy_j.median for n, e in group.strategies.items() if e.energy_j}
    if len(spent) < 2 or len(group.energy_kinds) > 1:
        return f"{nothing}."
    least, most = min(spent, key=spent.__getitem__), max(spent, key=spent.__getitem__)
    if spent[least] == spent[most]:
        return f"{nothing}. All take the same joules, {_per_run(spent[least])}."
    return (
        f"{nothing}. {least} takes the fewest joules, {_per_run(spent[least])}, and {most} the "
        f"most, {format_energy(spent[most])}."
    )


# Fixed target -------------------------------------------------------------------------------------


def _target_sentence(group: GroupFacts) -> str:
    """Say who reached the target for the fewest joules, or that no run did.

    Empty where strategies cannot be compared, or there is no target.
    """
    finding, entries = group.verdict.target, group.strategies
    all_reached = [own.energy_to_target for own in entries.values()]
    if finding.winner is None:
        if group.target.score is None or any(each.hits for each in all_reached):
            return ""
        return f"No run reached {naming.target_score(group)}."
    reached = entries[finding.winner].energy_to_target
    to_target, spent = f"reached {naming.target_score(group)}", format_energy(reached.ert_j)
    runs = f"{reached.hits} of {counted(reached.runs, 'run')}"
    unsure = any(each.hits and each.ert_j is None for each in all_reached)
    fewest = f"the fewest expected joules{' that are known' if unsure else ''}"
    if finding.tied:
        return f"{some_of(finding.tied)} {to_target} for {fewest}, {spent} each."
    test, rivals = group.tests.energy_to_target, len(entries) - 1
    mean = spent if reached.hits == reached.runs else f"an expected {spent}"
    if finding.over == "each":
        [first, *_] = [pair for pair in test.pairs if pair.a == finding.winner]
        least = "the fewest joules: " if rivals > 1 else ""
        times = _times_fewer(first, first.b)
        return f"{finding.winner} {to_target} for {least}{mean}, {times}; {runs}."
    if finding.over == "together" and test.together is not None:
        times = _times_fewer(test.together, _others(group))
        told = f"{finding.winner} {to_target} for {mean}, {times}; {runs}."
        return f"{told} {_open(test, finding)}"
    return f"{finding.winner} {to_target} for {fewest}, {spent} ({runs}), but that may be chance."


def _times_fewer(test: PairTest | FieldTest, rival: str) -> str:
    """How many times fewer joules the better one needed, with the interval."""
    low = _ratio(test.low)
    if test.ratio is None:
        return f"at least {low} times fewer than {rival}, which never did"
    interval = f"[{low}, ∞)" if test.high is None else f"[{low}, {_ratio(test.high)}]"
    return f"{_ratio(test.ratio)} times {interval} fewer than {rival}"


def _ratio(times: float | None) -> str:
    """Two digits, and no power of ten: ``"2.3"``, ``"12"``; more of nearly 1: ``"1.02"``."""
    if times is None:
        return "n/a"
    off = abs(times - 1)
    if 0 < off < _NEAR_ONE:
        digits = min(-math.floor(math.log10(off)), _MOST_DIGITS)
        return f"{times:.{digits}f}".rstrip("0").rstrip(".")
    return f"{times:.1f}" if times < 9.95 else f"{times:.0f}"


# Both ---------------------------------------------------------------------------------------------


def _others(group: GroupFacts) -> str:
    """All strategies but the winner: ``"the other 6 strategies together"``."""
    return f"the other {len(group.strategies) - 1} strategies together"


def _open(test: Evidence, finding: Finding) -> str:
    """Say which single strategies a winner cannot be told apart from, corrected for all pairs."""
    pairs = [pair for pair in test.pairs if pair.a == finding.winner]
    alike = [pair.b for pair in pairs if pair.b not in finding.beaten]
    if len(alike) == len(pairs):
        return "Against each of them alone it may be chance."
    return f"It cannot be told apart from {some_of(alike)}."


def _per_run(energy_j: float | None) -> str:
    return f"{format_energy(energy_j)} per run"
