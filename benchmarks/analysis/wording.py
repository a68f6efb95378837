"""All words about an analysis: every door says what it found in these sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...energy.quantities import format_energy
from ...energy.source import Kind
from ...models.outcome import State
from ..tables.contract import LOWER_BOUND, is_lower_bound
from ..tables.table import counted
from . import naming
from .naming import some_of, target_score
from .unspent import NO_WORK, SPENT, unspent

if TYPE_CHECKING:
    import pandas as pd

    from ...models.metric import Metric
    from ..tables.table import Table
    from .facts import ByCriterion, GroupFacts, RanksBy

EARLY = 0.8
"""A common energy below this share of the median total is told."""
EXPECTED_ENDS = (SPENT, "trials", NO_WORK)
"""Ends of a run that need no explanation."""
LONGEST = 160
"""Characters of a reason that are shown."""
_NO_KIND_OF_METER = {LOWER_BOUND, Kind.UNAVAILABLE.value, Kind.APPORTIONED.value}


# One group ----------------------------------------------------------------------------------------


def label(by: Mapping[str, Any]) -> str:
    """Name a group: ``dataset cifar10, machine a``; empty where nothing is grouped by."""
    return ", ".join(
        f"{name} {'unknown' if value is None else value}" for name, value in by.items()
    )


def labelled(by: Mapping[str, Any], text: str) -> str:
    """Put the name of a group before a sentence about it."""
    name = label(by)
    return f"{name}: {text}" if name else text


def basis(group: GroupFacts) -> str:
    """Say at which energy a group is compared: ``40.0 J, the allotment of each run``."""
    own = "the allotment of each run"
    meaning = {
        "allotment": own if group.allotment_j is not None else "the smallest allotment of a run",
        "interrupted": "what every run had spent when the comparison was interrupted",
        "smallest total": "the smallest total of a run",
    }
    return f"{format_energy(group.common_j)}, {meaning[group.common_is]}"


def line(group: GroupFacts) -> str:
    """Say in a few words what is found in a group: first what the runs support."""
    runs = f"{counted(group.trials, 'trial')} in {counted(group.runs, 'run')}"
    budget, target = group.verdict.budget, group.verdict.target
    if target.winner is not None and (budget.winner is None or target.supported):
        spent = format_energy(group.strategies[target.winner].energy_to_target.ert_j)
        return f"{target.winner} needs the fewest joules to {target_score(group)}: {spent}; {runs}"
    if budget.winner is not None:
        score = naming.named(group.strategies[budget.winner].level, group.metric)
        lead = f"{some_of(budget.tied)} lead" if budget.tied else f"{budget.winner} leads"
        return f"{lead}: {score} by {format_energy(group.common_j)}; {runs}"
    return runs


# Notes --------------------------------------------------------------------------------------------


def notes(group: GroupFacts, table: Table) -> list[str]:
    """Say what is to be held against the numbers of a group.

    Args:
        group: Its numbers.
        table: Its trials, and its runs where it knows them.
    """
    found = [
        *_run_notes(table.runs),
        *unspent(table),
        *_failure_notes(table.trials),
        *_common_notes(group),
        *_kind_notes(group),
    ]
    for name, own in group.strategies.items():
        known = own.energy_j.n if own.energy_j else 0
        if known < own.runs:
            found.append(
                f"The total joules of {own.runs - known} of {counted(own.runs, 'run')} of {name} "
                "are not known: they are left out where it takes them, and none counts as 0."
            )
    bounds = sum(n for kind, n in group.energy_kinds.items() if is_lower_bound(kind))
    if bounds:
        found.append(f"The joules of {counted(bounds, 'trial')} are a lower bound.")
    return [labelled(group.by, each) for each in found]


def _failure_notes(trials: pd.DataFrame) -> list[str]:
    """Say how many trials failed, how many were lost with a worker, and the commonest reason."""
    found = []
    for state, one, more in (
        (State.FAILED, "failed", "failed"),
        (State.INTERRUPTED, "was lost", "were lost"),
    ):
        messages = trials["message"][trials["state"] == state.value]
        if not len(messages):
            continue
        what = one if len(messages) == 1 else more
        reasons = messages.dropna().str.strip().replace("", None).value_counts()
        first = str(reasons.index[0]) if len(reasons) else ""
        found.append(
            gave_nothing(len(messages), len(trials), what, first, several=len(reasons) > 1)
        )
    return found


def gave_nothing(count: int, total: int, what: str, reason: str, *, several: bool) -> str:
    """Say how many trials gave nothing, with the commonest reason.

    >>> gave_nothing(46, 81, "failed", "ValueError: too deep", several=True)
    '46 of 81 trials failed; most often: ValueError: too deep.'
    """
    told = f"{count} of {counted(total, 'trial')} {what}"
    if reason:
        first = reason.splitlines()[0]
        first = first if len(first) <= LONGEST else f"{first[:LONGEST]} …"
        told += f"{'; most often' if several else ''}: {first}"
    return f"{told.rstrip('.')}."


def _run_notes(runs: pd.DataFrame | None) -> list[str]:
    """Say that a comparison was interrupted, and which runs ended early."""
    if runs is None:
        return []
    found = []
    if runs["end"].isna().any():
        found.append("The comparison was interrupted; it can be resumed.")
    early = runs[runs["end"].notna() & ~runs["end"].isin(EXPECTED_ENDS)]
    for (strategy, end, message), own in early.fillna({"message": ""}).groupby(
        ["strategy", "end", "message"], sort=False
    ):
        which = own["run"].iloc[0] if len(own) == 1 else f"{len(own)} runs of {strategy}"
        found.append(f"{which} ended early: {end}{f' ({message})' if message else ''}")
    return found


def _common_notes(group: GroupFacts) -> list[str]:
    """Say why nobody wins, or that the common energy is far below what runs spent."""
    unscored = [name for name, own in group.strategies.items() if own.score is None]
    found = []
    if group.is_scored and unscored:
        found.append(f"No validated trial at all: {', '.join(unscored)}.")
    if all(winner is None for winner in group.winners.all):
        return [*found, group.verdict.budget.reason] if group.is_scored else found
    if group.verdict.budget.winner is None:
        if any(
            own.energy_j is None or own.energy_j.n < own.runs for own in group.strategies.values()
        ):
            return found  # for want of joules, which another note tells
        return [
            *found,
            f"Most runs have no result within {basis(group)}: at equal energy nothing is told, "
            "energy to the target is.",
        ]
    spent = {n: own.energy_j.median for n, own in group.strategies.items() if own.energy_j}
    if group.common_is == "allotment" or not spent:
        return found
    most = max(spent, key=spent.__getitem__)
    if (group.common_j or 0.0) >= EARLY * spent[most]:
        return found
    ended = "ended at" if group.common_is == "smallest total" else "had spent"
    return [
        *found,
        f"A run {ended} {format_energy(group.common_j)}, where the median run of {most} spent "
        f"{format_energy(spent[most])}: at equal energy, what was found later does not count.",
    ]


def _kind_notes(group: GroupFacts) -> list[str]:
    kinds = {
        name: "+".join(sorted(set(own.energy_kind.split("+")) - _NO_KIND_OF_METER))
        for name, own in group.strategies.items()
    }
    if len({kind for kind in kinds.values() if kind}) < 2:
        return []
    told = ", ".join(f"{name} is {kind}" for name, kind in kinds.items() if kind)
    return [f"Joules of different kinds are not comparable: {told}."]


# All groups ---------------------------------------------------------------------------------------


def headline(
    groups: Sequence[GroupFacts], counts: ByCriterion[Mapping[str, int]], metric: Metric
) -> str:
    """Say who wins over all groups, in a sentence for each finding that some group supports."""
    if len(groups) == 1:
        return groups[0].verdict.sentence
    if not any(group.is_scored for group in groups):
        return (
            f"No {metric.name} is recorded, so there is no winner: this shows what the trials cost."
        )
    told = _over_groups(groups, counts, metric)
    if not told:
        return "No strategy leads in any group."
    supported = [sentence for n, sentence in told if n]
    return " ".join(supported or [told[0][1]])


def because(
    groups: Sequence[GroupFacts],
    counts: ByCriterion[Mapping[str, int]],
    ranks: RanksBy,
    metric: Metric,
) -> str:
    """Say what the headline rests on, and who wins by the other criteria."""
    if not any(group.is_scored for group in groups):
        return f"Strategies can be compared once their trials have a {naming.validation(metric)}."
    if len(groups) == 1:
        return " ".join(filter(None, _because_of_one(groups[0])))
    head = headline(groups, counts, metric)
    told = [] if ranks.equal_energy is None else [ranks.equal_energy.reason]
    told += [each for _, each in _over_groups(groups, counts, metric) if each not in head]
    if counts.anytime:
        first, times = _most_often(counts.anytime)
        have = "each have" if len(first) > 1 else "has"
        of = f"{times} of {len(groups)} groups"
        told.append(f"{some_of(first)} {have} the best anytime score in {of}.")
    return " ".join(told)


def _over_groups(
    groups: Sequence[GroupFacts], counts: ByCriterion[Mapping[str, int]], metric: Metric
) -> list[tuple[int, str]]:
    """Each finding over all groups: in how many its leader is supported, and the sentence."""
    found = []
    for does, do, won, findings in (
        (
            "leads for the same energy",
            "lead for the same energy",
            counts.at_end,
            [group.verdict.budget for group in groups],
        ),
        (
            f"needs the fewest joules to the target {metric.name}",
            f"need the fewest joules to the target {metric.name}",
            counts.energy_to_target,
            [group.verdict.target for group in groups],
        ),
    ):
        if not won:
            continue
        ranked = _most_first(won)
        first, times = _most_often(won)
        supported = sum(each.supported and each.winner in first for each in findings)
        if len(first) > 1:
            lead = f"{some_of(first)} each {do} in {times} of {len(groups)} groups"
            leads = "their leads"
        else:
            then = f", then {ranked[1][0]} in {ranked[1][1]}" if len(ranked) > 1 else ""
            lead = f"{first[0]} {does} in {times} of {len(groups)} groups{then}"
            leads = "its lead"
        sentence = f"{lead}; the runs support {leads} in {supported or 'none'} of them."
        found.append((supported, sentence))
    return sorted(found, key=lambda item: -item[0])


def _because_of_one(group: GroupFacts) -> Iterable[str]:
    yield group.verdict.reason
    if group.ties.anytime:
        yield f"{some_of(group.ties.anytime)} have the same anytime score."
    elif group.winners.anytime is not None:
        doubt = "" if group.tests.anytime.supported else ", which may be chance"
        yield f"{group.winners.anytime} has the best anytime score{doubt}."


def _most_often(won: Mapping[str, int]) -> tuple[list[str], int]:
    """Who won the most, and how often."""
    times = max(won.values())
    return [name for name, count in won.items() if count == times], times


def _most_first(won: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(won.items(), key=lambda item: -item[1])
