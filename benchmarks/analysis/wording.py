"""What the numbers of a group say in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...energy.quantities import format_energy
from ...energy.source import Kind
from ..tables.contract import LOWER_BOUND

_EARLY = 0.8
"""A common energy below this share of the median total is told."""
_NO_KIND_OF_METER = {LOWER_BOUND, Kind.UNAVAILABLE.value}


def label(by: Mapping[str, Any]) -> str:
    """The name of a group: ``dataset cifar10, machine a``; empty where nothing is grouped by."""
    return ", ".join(
        f"{name} {'unknown' if value is None else value}" for name, value in by.items()
    )


def sentence(group: Mapping[str, Any]) -> str:
    """What a group shows, in a few sentences.

    Args:
        group: Its numbers.
    """
    parts = [_at_equal_energy(group), _to_target(group)]
    return _labelled(group, " ".join(part for part in parts if part))


def notes(group: Mapping[str, Any]) -> list[str]:
    """What to hold against the numbers of a group, in sentences.

    Args:
        group: Its numbers.
    """
    found = []
    strategies = group["strategies"]
    if all(winner is None for winner in _flat(group["winners"])):
        found.append(group["verdict"]["reason"])
    elif group["verdict"]["winner"] is None:
        found.append(
            f"Most runs have no result within {format_energy(group['common_j'])}, the energy of "
            "the cheapest run: at equal energy nothing is told, energy to the target is."
        )
    else:
        found += _ended_early(group)
    kinds = {
        name: "+".join(sorted(set(own["energy_kind"].split("+")) - _NO_KIND_OF_METER))
        for name, own in strategies.items()
    }
    if len({kind for kind in kinds.values() if kind}) > 1:
        told = ", ".join(f"{name} is {kind}" for name, kind in kinds.items() if kind)
        found.append(f"Joules of different kinds are not comparable: {told}.")
    for name, own in strategies.items():
        known = own["energy_j"]["n"] if own["energy_j"] else 0
        if known < own["runs"]:
            found.append(
                f"The total joules of {own['runs'] - known} of {own['runs']} runs of {name} are "
                "not known: they are left out where it takes them, and none counts as 0."
            )
    bounds = sum(n for kind, n in group["energy_kinds"].items() if LOWER_BOUND in kind.split("+"))
    if bounds:
        found.append(f"The joules of {_counted(bounds, 'trial')} are a lower bound.")
    return [_labelled(group, each) for each in found]


def _ended_early(group: Mapping[str, Any]) -> list[str]:
    """That the common energy is far below what runs spent, because one of them stopped early."""
    spent_j = {
        n: own["energy_j"]["median"] for n, own in group["strategies"].items() if own["energy_j"]
    }
    most = max(spent_j, key=spent_j.__getitem__)
    if group["common_j"] >= _EARLY * spent_j[most]:
        return []
    return [
        f"A run ended at {format_energy(group['common_j'])}, where the median run of {most} spent "
        f"{format_energy(spent_j[most])}: at equal energy, what was found later does not count."
    ]


def percent(share: float) -> str:
    """A share for people: ``98.1 %``."""
    return f"{100 * share:.1f} %"


def _at_equal_energy(group: Mapping[str, Any]) -> str:
    verdict = group["verdict"]
    winner, reason = verdict["winner"], verdict["reason"]
    if winner is None:
        return reason
    medians = {
        name: own["equal_energy"]["1.0"]["median"]
        for name, own in group["strategies"].items()
        if own["equal_energy"]["1.0"]
    }
    energy = f"the same energy ({format_energy(group['common_j'])} per run)"
    best = f"{percent(medians.pop(winner))} validation accuracy"
    if verdict["tie"]:
        return f"For {energy}: {best}. {reason}"
    second = max(medians, key=medians.__getitem__, default=None)
    scores = best if second is None else f"{best}, then {second} with {percent(medians[second])}"
    if verdict["supported"]:
        return f"{winner} found the most accurate networks for {energy}: {scores}. {reason}"
    return f"{winner} is ahead for {energy}, {scores}, but that may be chance. {reason}"


def _to_target(group: Mapping[str, Any]) -> str:
    name, target = group["winners"]["energy_to_target"], group["target_accuracy"]
    if name is None:
        return ""
    reached = group["strategies"][name]["energy_to_target"]
    return (
        f"{name} reaches {percent(target)} for the fewest expected joules, "
        f"{format_energy(reached['ert_j'])}: {reached['hits']} of its "
        f"{_counted(reached['runs'], 'run')} did."
    )


def _flat(winners: Mapping[str, Any]) -> list[str | None]:
    return [*winners["equal_energy"].values(), winners["energy_to_target"], winners["anytime"]]


def _labelled(group: Mapping[str, Any], text: str) -> str:
    name = label(group["by"])
    return f"{name}: {text}" if name else text


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
