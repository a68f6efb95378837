"""The sentences that all formats share: what was spent on what, and what that rests on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...benchmarks.tables.table import counted
from ...energy.carbon import format_grams
from ...energy.quantities import total
from ...models.outcome import State
from .. import content
from ..format import format_energy, format_percent
from .energies import SEARCH, in_words, within

if TYPE_CHECKING:
    from ...benchmarks.tables.table import Table
    from .facts import Cost


def account(cost: Cost) -> list[str]:
    """Say what was spent on what, in sentences: the same in every format."""
    table = cost.table
    runs = sum(group.runs for group in cost.analysis.groups)
    ended = ", interrupted" if content.status(table) == "interrupted" else ""
    known_parts = [str(each) for each in cost.search if each.energy_j is not None]
    lines = [
        f"The whole {'study' if cost.is_study else 'search'} "
        f"({counted(len(table.trials), 'trial')} in {counted(runs, 'run')}"
        f"{_unfinished(table)}{ended}): {'; '.join(known_parts) or 'no energy is known'}."
    ]
    if cost.unknown_trials:
        unknown = counted(cost.unknown_trials, "trial")
        lines.append(f"The energy of {unknown} is unknown and in no sum.")
    own_j = total(each.incumbent.energy_j for each in cost.bests if each.incumbent)
    if cost.bests and own_j is not None and not cost.is_study:
        share = format_percent(own_j / cost.search_j) if cost.search_j else "an unknown share"
        whose = "the best candidate's own trial"
        if len(cost.analysis.groups) > 1:
            groups = f"{len(cost.bests):,} of {len(cost.analysis.groups):,} groups"
            whose = f"the best candidates' own trials, in {groups}"
        lines.append(f"Of that, {whose}: {format_energy(own_j)} ({share}).")
    if cost.beside:
        told = "; ".join(f"{each.what}, {each}" for each in cost.beside)
        lines.append(f"Beside it, charged to no run: {told}.")
    return lines


def _unfinished(table: Table) -> str:
    """How many trials were charged and did not complete, by how they ended."""
    states = table.trials["state"].value_counts()
    told = [f"{count:,} {state}" for state, count in states.items() if state != State.COMPLETE]
    return f", {' and '.join(told)} included" if told else ""


def grid_line(cost: Cost) -> str:
    """Say what the grams rest on."""
    if cost.grid is None:
        return "No place is stated, so no grams are told."
    return f"Grid: {cost.grid}; its own uncertainty is not known, nor is a data centre's overhead."


def scope_line(cost: Cost) -> str:
    """Say what the meters saw, and so what is not in the joules."""
    found = [
        f"{meter['component']} by {meter['id']}, {content.SCOPES.get(meter['scope'], '')}: "
        f"{meter['detail']}".rstrip(": ")
        for meter in content.meters(cost.table)
    ]
    if not found:
        return "What was metered is not stated."
    return f"Metered: {'; '.join(found)}.{_unmetered(cost.table)}"


def _unmetered(table: Table) -> str:
    """The CPU time of the process that led the workers, where meters see those alone."""
    effort = content.work(table)
    driver_s = None if effort is None else effort.driver_cpu_s
    if not driver_s or any(meter["scope"] != "process" for meter in content.meters(table)):
        return ""
    return f" Not metered: {driver_s:.3g} CPU-seconds of the process that led the workers."


def sum_line(cost: Cost) -> str:
    """Say what a single figure adds up, where it adds up kinds."""
    if cost.spent_j is None:
        return "What all of it took is unknown."
    grams = "" if cost.grid is None else f", {format_grams(cost.grams(cost.spent_j))} CO2e"
    kinds = f" {in_words(cost.kinds)}" if cost.kinds else ""
    sure = within(cost.spent_j, cost.spent_error_j)
    left = [each.what for each in cost.beside if each.energy_j is None]
    without = f"; without {' and '.join(left)}, which is unknown" if left else ""
    least = "at least " if cost.is_least else ""
    return f"In all {least}{format_energy(cost.spent_j)}{kinds}, {sure}{grams}{without}."


def plain_energies(cost: Cost) -> list[dict[str, Any]]:
    """The joules by purpose and kind as plain data."""
    return [
        {
            name: value
            for name, value in asdict(each).items()
            if each.what == SEARCH or name != "trials"
        }
        for each in (*cost.search, *cost.beside)
    ]
