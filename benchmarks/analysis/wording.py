"""All words about an analysis: every door says what it found in these sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...energy.quantities import format_energy
from ...energy.source import Kind
from ..tables.contract import LOWER_BOUND
from ..tables.table import counted
from . import naming
from .naming import format_score

if TYPE_CHECKING:
    import pandas as pd

    from ...models.metric import Metric
    from .facts import ByCriterion, GroupFacts, RanksBy, StrategyFacts

EARLY = 0.8
"""A common energy below this share of the median total is told."""
EXPECTED_ENDS = ("spent", "trials", "no work")
"""Ends of a run that need no explanation."""
_NO_KIND_OF_METER = {LOWER_BOUND, Kind.UNAVAILABLE.value}


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


def verdict_sentence(group: GroupFacts) -> str:
    """Say who found the best networks for the same energy; chance is not called a win."""
    winner, entries = group.verdict.winner, group.strategies
    if not group.is_scored:
        return _cheapest(group)
    if len(entries) == 1:
        ((name, entry),) = entries.items()
        spent_j = entry.energy_j and entry.energy_j.median
        return f"{name} reached {_best_so_far(entry, group.metric)} for {_per_run(spent_j)}."
    if winner is None:
        return _without_winner(group)
    energy = f"the same energy ({_per_run(group.common_j)})"
    metric = group.metric
    scores = naming.scored(entries[winner].level, metric)
    if group.verdict.tie:
        return (
            f"{_listed(group.ties.at_end)} found {naming.equal_networks(metric)} for {energy}: "
            f"{scores}."
        )
    others = {n: e.level for n, e in entries.items() if n != winner and e.level is not None}
    second = max(others, key=lambda name: metric.oriented(others[name]), default=None)
    if second is not None:
        scores += f", then {second} with {format_score(others[second], metric)}"
    if group.verdict.supported:
        return f"{winner} found {naming.best_networks(metric)} for {energy}: {scores}."
    return f"{winner} is ahead for {energy}, {scores}, but that may be chance."


def target_sentence(group: GroupFacts) -> str:
    """Say who reaches the target for the fewest joules; empty where there is no such strategy."""
    name = group.winners.energy_to_target
    if name is None:
        return ""
    reached, tied = group.strategies[name].energy_to_target, group.ties.energy_to_target
    target = naming.target_score(group)
    if tied:
        return (
            f"{_listed(tied)} reach {target} for the fewest expected joules, "
            f"{format_energy(reached.ert_j)} each."
        )
    return (
        f"{name} reaches {target} for the fewest expected joules, "
        f"{format_energy(reached.ert_j)}: {reached.hits} of its {counted(reached.runs, 'run')} did."
    )


def line(group: GroupFacts) -> str:
    """Say in a few words what is found in a group."""
    runs = f"{counted(group.trials, 'trial')} in {counted(group.runs, 'run')}"
    winner, cheapest = group.verdict.winner, group.winners.energy_to_target
    if winner is not None:
        score = naming.named(group.strategies[winner].level, group.metric)
        tied = group.ties.at_end
        lead = f"{_listed(tied)} lead" if tied else f"{winner} leads"
        return f"{lead}: {score} by {format_energy(group.common_j)}; {runs}"
    if cheapest is None:
        return runs
    return f"{cheapest} needs the fewest joules to {naming.target_score(group)}; {runs}"


def _without_winner(group: GroupFacts) -> str:
    """Say what can be said where nobody leads at equal energy."""
    if group.common_is == "interrupted":
        best = max(group.strategies, key=lambda name: _reached(group, name))
        return (
            "The comparison was interrupted before its runs could be compared at equal energy; "
            f"so far {best} has reached {_best_so_far(group.strategies[best], group.metric)}."
        )
    cheapest = group.winners.energy_to_target
    if cheapest is None:
        return "No strategy leads for the same energy."
    spent_j = group.strategies[cheapest].energy_to_target.ert_j
    return (
        f"{cheapest} needs the fewest joules to {naming.target_score(group)} "
        f"({format_energy(spent_j)}); for the same energy none leads."
    )


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


# Notes --------------------------------------------------------------------------------------------


def notes(group: GroupFacts, runs: pd.DataFrame | None) -> list[str]:
    """Say what is to be held against the numbers of a group.

    Args:
        group: Its numbers.
        runs: The runs of its table, where it knows them.
    """
    found = [*_run_notes(runs), *_common_notes(group), *_kind_notes(group)]
    for name, own in group.strategies.items():
        known = own.energy_j.n if own.energy_j else 0
        if known < own.runs:
            found.append(
                f"The total joules of {own.runs - known} of {own.runs} runs of {name} are not "
                "known: they are left out where it takes them, and none counts as 0."
            )
    bounds = sum(n for kind, n in group.energy_kinds.items() if LOWER_BOUND in kind.split("+"))
    if bounds:
        found.append(f"The joules of {counted(bounds, 'trial')} are a lower bound.")
    return [labelled(group.by, each) for each in found]


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
        return [*found, group.verdict.reason]
    if group.verdict.winner is None:
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
    most = max(spent, key=spent.__getitem__)
    if group.common_is == "allotment" or (group.common_j or 0.0) >= EARLY * spent[most]:
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
    """Say who wins over all groups, in a sentence."""
    if len(groups) == 1:
        return groups[0].verdict.sentence
    if not any(group.is_scored for group in groups):
        return (
            f"No {metric.name} is recorded, so there is no winner: this shows what the trials cost."
        )
    won, n_groups = _most_first(counts.at_end), len(groups)
    if not won:
        reached = _most_first(counts.energy_to_target)
        if not reached:
            return "No strategy leads in any group."
        name, times = reached[0]
        return (
            f"{name} needs the fewest joules to the target {metric.name} in {times} of {n_groups} "
            "groups; for the same energy none leads."
        )
    first, times = won[0]
    equal = [name for name, count in won if count == times]
    if len(equal) > 1:
        return f"{_listed(equal)} each lead for the same energy in {times} of {n_groups} groups."
    supported = sum(group.verdict.supported and group.verdict.winner == first for group in groups)
    others = f", then {won[1][0]} in {won[1][1]}" if len(won) > 1 else ""
    return (
        f"{first} leads for the same energy in {times} of {n_groups} groups{others}; the runs "
        f"support its lead in {supported or 'none'} of them."
    )


def because(
    groups: Sequence[GroupFacts],
    counts: ByCriterion[Mapping[str, int]],
    ranks: RanksBy,
    metric: Metric,
) -> str:
    """Say what the headline rests on, and who wins by the other criteria."""
    if not any(group.is_scored for group in groups):
        return f"Strategies can be compared once every trial has a {naming.validation(metric)}."
    if len(groups) == 1:
        return " ".join(filter(None, _because_of_one(groups[0])))
    others = {
        "needs the fewest joules to the target": counts.energy_to_target,
        "is the best at any time": counts.anytime,
    }
    if not counts.at_end:
        del others["needs the fewest joules to the target"]  # the headline says it
    parts = [
        (name, f"{what} in {times} of {len(groups)} groups")
        for what, won in others.items()
        for name, times in _most_first(won)[:1]
    ]
    reason = "" if ranks.equal_energy is None else ranks.equal_energy.reason
    return f"{reason} {_deeds(parts)}".strip()


def _because_of_one(group: GroupFacts) -> Iterable[str]:
    yield group.verdict.reason
    yield group.verdict.target_sentence
    if group.ties.anytime:
        yield f"{_listed(group.ties.anytime)} are equally good at any time."
    elif group.winners.anytime is not None:
        yield f"{group.winners.anytime} is the best at any time."


def _deeds(parts: Sequence[tuple[str, str]]) -> str:
    """Say who does what, with one name for all that it does."""
    deeds: dict[str, list[str]] = {}
    for name, what in parts:
        deeds.setdefault(name, []).append(what)
    told = "; ".join(f"{name} {' and '.join(does)}" for name, does in deeds.items())
    return f"{told}." if told else ""


# Words --------------------------------------------------------------------------------------------


def _per_run(energy_j: float | None) -> str:
    return f"{format_energy(energy_j)} per run"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _most_first(won: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(won.items(), key=lambda item: -item[1])
