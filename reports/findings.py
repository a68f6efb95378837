"""What the page of a trial table says in words: who wins, by what, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .format import format_energy, format_kinds, format_percent, format_value, known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ..benchmarks.tables.table import Table

    Facts = Mapping[str, Any]

NOT_STATED = "not stated"
FULL = "1.0"
"""The fraction of the common energy at which the verdict is given."""


def median(interval: Facts | None) -> float | None:
    """Return the median of an interval of the analysis; None where nothing is known."""
    return known((interval or {}).get("median"))


def level(entry: Facts, fraction: str = FULL) -> float | None:
    """Return a strategy's median accuracy at a fraction of the common energy."""
    return median((entry["equal_energy"] or {}).get(fraction))


def group_name(group: Facts) -> str:
    """Return what a group is called: the values it is grouped by."""
    values = [NOT_STATED if v is None else format_value(v) for v in group["by"].values()]
    return ", ".join(values) or "all trials"


def leading(groups: Sequence[Facts]) -> list[str]:
    """Return all strategies, those first that are ahead in the groups (by their mean place)."""
    places: dict[str, list[int]] = {}
    for group in groups:
        order = sorted(group["strategies"].items(), key=lambda item: -(level(item[1]) or 0.0))
        for place, (name, _) in enumerate(order):
            places.setdefault(name, []).append(place)
    return sorted(places, key=lambda name: sum(places[name]) / len(places[name]))


def ranks_of(analysis: Facts) -> dict[str, Facts]:
    """Return the mean ranks by criterion, where there are three strategies or more to rank."""
    found = analysis["ranks"] or {}
    return {what: ranks for what, ranks in found.items() if ranks and len(ranks["strategies"]) > 2}


def is_scored(groups: Sequence[Facts]) -> bool:
    """Whether any accuracy is known."""
    return any(group["best_accuracy"] is not None for group in groups)


def badges(analysis: Facts) -> list[tuple[str, str]]:
    """Return the badges of the headline: their kind, and their words."""
    groups = analysis["groups"]
    supported = sum(group["verdict"]["supported"] for group in groups)
    kinds = {kind for group in groups for kind in group["energy_kinds"]}
    energy = ("", f"{'kind of ' if kinds == {NOT_STATED} else ''}energy {format_kinds(kinds)}")
    if not is_scored(groups):
        return [("wait", "energy alone"), energy]
    if len(groups) == 1:
        words = "supported" if supported else "not yet conclusive"
    else:
        words = f"supported in {supported or 'none'} of {len(groups)} groups"
    return [("yes" if supported == len(groups) else "wait", words), energy]


def headline(analysis: Facts) -> str:
    """Return who wins, in a sentence; a lead that may be chance is not called a win."""
    groups, counts = analysis["groups"], analysis["counts"]
    if not is_scored(groups):
        return _cheapest(groups)
    if len(groups) == 1:
        return _winner_of(groups[0])
    won = _most_first(counts["equal_energy"][FULL])
    if not won:
        reached = _most_first(counts["energy_to_target"])
        if not reached:
            return "No strategy leads in any group."
        name, times = reached[0]
        return (
            f"{name} needs the fewest joules to the target accuracy in {times} of {len(groups)} "
            "groups; for the same energy none leads."
        )
    first, times = won[0]
    equal = [name for name, count in won if count == times]
    if len(equal) > 1:
        return f"{_listed(equal)} each lead for the same energy in {times} of {len(groups)} groups."
    supported = sum(
        group["verdict"]["supported"] and group["verdict"]["winner"] == first for group in groups
    )
    others = f", then {won[1][0]} in {won[1][1]}" if len(won) > 1 else ""
    return (
        f"{first} leads for the same energy in {times} of {len(groups)} groups{others}; the runs "
        f"support its lead in {supported or 'none'} of them."
    )


def because(analysis: Facts) -> str:
    """Return what the headline rests on, and who wins by the other criteria."""
    groups, counts = analysis["groups"], analysis["counts"]
    if not is_scored(groups):
        return "Strategies can be compared once every trial has a validation accuracy."
    if len(groups) == 1:
        group = groups[0]
        reason, winners = group["verdict"]["reason"], group["winners"]
        target = format_percent(group["target_accuracy"])
        parts = [
            (winners["energy_to_target"], f"needs the fewest joules to {target}"),
            (winners["anytime"], "is the best at any time"),
        ]
        if group["verdict"]["winner"] is None:
            parts.pop(0)  # the headline says it
        return f"{reason} {_sentence(parts)}".strip()
    ranks = (analysis["ranks"] or {}).get("equal_energy")
    others = [
        ("needs the fewest joules to the target", counts["energy_to_target"]),
        ("is the best at any time", counts["anytime"]),
    ]
    if not counts["equal_energy"][FULL]:
        others.pop(0)
    parts = [
        (name, f"{what} in {times} of {len(groups)} groups")
        for what, won in others
        for name, times in _most_first(won)[:1]
    ]
    return f"{ranks['reason'] if ranks else ''} {_sentence(parts)}".strip()


def notes(table: Table, analysis: Facts) -> list[str]:
    """Return what is to be held against the findings, each sentence once."""
    said = {group["verdict"]["reason"] for group in analysis["groups"]}
    return [note for note in dict.fromkeys([*table.notes, *analysis["notes"]]) if note not in said]


def key_figures(table: Table, analysis: Facts) -> list[tuple[str, str, str]]:
    """Return the figures at the top: what, value, and a word beside it.

    The joules of each kind stand apart: what one kind says cannot be added to another's.
    """
    groups, trials = analysis["groups"], table.trials
    states = trials["state"].value_counts()
    figures = [
        ("strategies", f"{len(table.strategies):,}", ""),
        (
            "runs",
            f"{sum(group['runs'] for group in groups):,}",
            "a run is a strategy with a seed",
        ),
        (
            "trials",
            f"{len(trials):,}",
            ", ".join(f"{count:,} {state}" for state, count in states.items()),
        ),
    ]
    if table.by:
        figures.insert(0, ("groups", f"{len(groups):,}", f"by {', '.join(table.by)}"))
    for kind, count, joules in joules_by_kind(trials):
        word = "of a kind not stated" if kind == NOT_STATED else kind
        figures.append((f"energy, {word}", format_energy(joules), f"of {count:,} trials"))
    unread = int(trials["energy_j"].isna().sum())
    if unread:
        figures.append(("energy, unknown", f"{unread:,} trials", "in no sum"))
    return figures


def joules_by_kind(trials: pd.DataFrame) -> list[tuple[str, int, float]]:
    """Return each kind of energy, how many trials have it, and their joules."""
    readings = trials[trials["energy_j"].notna()]
    kinds = readings["energy_kind"].fillna(NOT_STATED)
    return [
        (" and ".join(str(kind).split("+")), len(joules), float(joules.sum()))
        for kind, joules in readings.groupby(kinds, sort=False)["energy_j"]
    ]


def kinds_of(table: Table) -> list[str]:
    """Return the single kinds of energy of a table; joules may be of several at once."""
    found = [kind.split(" and ") for kind, _, _ in joules_by_kind(table.trials)]
    return list(dict.fromkeys(kind for kinds in found for kind in kinds))


def line_of(group: Facts) -> str:
    """Return what is found in a group, in a few words."""
    winner = group["verdict"]["winner"]
    runs = f"{group['trials']:,} trials in {group['runs']:,} runs"
    if winner is None:
        cheapest = group["winners"]["energy_to_target"]
        target = format_percent(group["target_accuracy"])
        return f"{cheapest} needs the fewest joules to {target}; {runs}" if cheapest else runs
    score = format_percent(level(group["strategies"][winner]))
    return f"{winner} leads: {score} by {format_energy(group['common_j'])}; {runs}"


def _winner_of(group: Facts) -> str:
    """Return the verdict on one group in a sentence."""
    verdict, entries = group["verdict"], group["strategies"]
    winner = verdict["winner"]
    if len(entries) == 1:
        ((name, entry),) = entries.items()
        reached, spent_j = median(entry["accuracy"]), median(entry["energy_j"])
        return f"{name} reached {format_percent(reached)} by {format_energy(spent_j)} a run."
    if winner is None:
        cheapest = group["winners"]["energy_to_target"]
        if cheapest is None:
            return "For the same energy, no strategy leads."
        spent_j = entries[cheapest]["energy_to_target"]["ert_j"]
        return (
            f"{cheapest} needs the fewest joules to {format_percent(group['target_accuracy'])} "
            f"({format_energy(spent_j)}); for the same energy none leads."
        )
    score = f"{format_percent(level(entries[winner]))} by {format_energy(group['common_j'])} a run"
    if verdict["tie"]:
        tied = group["ties"]["equal_energy"][FULL]
        return (
            f"{_listed(tied)} found equally accurate networks for the same energy ({score}); "
            f"{winner} needed the fewest joules for it."
        )
    if verdict["supported"]:
        return f"{winner} found the most accurate networks for the same energy: {score}."
    return f"{winner} is ahead for the same energy ({score}), but that may be chance."


def _cheapest(groups: Sequence[Facts]) -> str:
    """Return what can be said where no accuracy is known."""
    nothing = "No accuracy is recorded, so there is no winner"
    if len(groups) > 1 or len(groups[0]["energy_kinds"]) > 1:
        return f"{nothing}: this page shows what the trials cost."
    spent = {name: median(entry["energy_j"]) for name, entry in groups[0]["strategies"].items()}
    order = sorted((joules, name) for name, joules in spent.items() if joules is not None)
    if len(order) < 2:
        return f"{nothing}: this page shows what the trials cost."
    (least, cheapest), (most, dearest) = order[0], order[-1]
    return (
        f"{nothing}. {cheapest} takes the fewest joules, {format_energy(least)} a run, and "
        f"{dearest} the most, {format_energy(most)}."
    )


def _most_first(won: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(won.items(), key=lambda item: -item[1])


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _sentence(parts: Sequence[tuple[str | None, str]]) -> str:
    """Return who does what, with one name for all that it does."""
    deeds: dict[str, list[str]] = {}
    for name, what in parts:
        if name is not None:
            deeds.setdefault(name, []).append(what)
    told = "; ".join(f"{name} {' and '.join(does)}" for name, does in deeds.items())
    return f"{told}." if told else ""
