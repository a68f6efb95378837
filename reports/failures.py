"""Trials that gave nothing: how many, why, and of which strategies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..benchmarks.analysis.facts import number
from ..benchmarks.tables.table import counted
from ..models.outcome import State
from .format import format_energy
from .tables import Cell, Grid, Row

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 160
"""Characters of a reason that are shown."""
MOST_REASONS = 12
NO_REASON = "no reason given"
_STATES = {State.FAILED: "failed", State.INTERRUPTED: "interrupted or lost"}


@dataclass(frozen=True)
class Reason:
    """Why trials gave nothing.

    Attributes:
        state: How they ended: failed, or interrupted.
        message: The first line of what they say.
        trials: How many say it.
        energy_j: Their joules; None if those of any are unknown.
        strategies: Trials by strategy, most first.
    """

    state: State
    message: str
    trials: int
    energy_j: float | None
    strategies: dict[str, int]


def reasons(trials: pd.DataFrame) -> list[Reason]:
    """Return why trials gave nothing, the commonest reason first, those that failed before all."""
    found = []
    for state in _STATES:
        own = trials[trials["state"] == state]
        first = own["message"].fillna("").astype(str).str.strip().str.split("\n").str[0]
        said = first.replace("", NO_REASON)
        joules = own["energy_j"].astype(float).groupby(said, sort=False)
        known = joules.sum().where(joules.count() == joules.size())
        counts: dict[str, dict[str, int]] = {}
        for (message, name), each in own.groupby([said, "strategy"], sort=False):
            counts.setdefault(str(message), {})[str(name)] = len(each)
        for message, strategies in counts.items():
            most_first = dict(sorted(strategies.items(), key=lambda each: -each[1]))
            count, energy_j = sum(strategies.values()), number(known[message])
            found.append(Reason(state, message, count, energy_j, most_first))
    order = list(_STATES)
    return sorted(found, key=lambda each: (order.index(each.state), -each.trials))


def key_figure(trials: pd.DataFrame) -> tuple[str, str, str] | None:
    """Return how many trials failed, with the commonest reason; None if none did."""
    failed = [each for each in reasons(trials) if each.state is State.FAILED]
    if not failed:
        return None
    count = sum(each.trials for each in failed)
    most = "all: " if len(failed) == 1 else f"{failed[0].trials:,} of them: "
    beside = f"of {len(trials):,}; {most}{shortened(failed[0].message)}"
    return "failed trials", f"{count:,}", beside


def sentence(trials: pd.DataFrame) -> str:
    """Say how many trials gave nothing; empty where all gave a result."""
    found = reasons(trials)
    counts = {state: sum(each.trials for each in found if each.state is state) for state in _STATES}
    told = [f"{count:,} {_STATES[state]}" for state, count in counts.items() if count]
    return f"Of {counted(len(trials), 'trial')}, {' and '.join(told)}." if told else ""


def reasons_grid(trials: pd.DataFrame) -> Grid | None:
    """Return why trials gave nothing; None where all did."""
    found = reasons(trials)
    if not found:
        return None
    rows = [
        Row(
            shortened(each.message),
            [
                Cell(_STATES[each.state]),
                Cell(f"{each.trials:,}"),
                Cell(format_energy(each.energy_j)),
                Cell(", ".join(f"{name} {n:,}" for name, n in each.strategies.items())),
            ],
        )
        for each in found[:MOST_REASONS]
    ]
    if len(found) > MOST_REASONS:
        rest = found[MOST_REASONS:]
        count = f"{sum(each.trials for each in rest):,}"
        rows.append(
            Row(counted(len(rest), "other reason"), [Cell(""), Cell(count), Cell(""), Cell("")])
        )
    heads = ["reason", "ended", "trials", "joules", "strategies"]
    return Grid(heads, rows, {"ended", "strategies"})


def shortened(message: str) -> str:
    """Cut a reason that is too long to show."""
    return message if len(message) <= LONGEST else f"{message[:LONGEST]} …"
