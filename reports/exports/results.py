"""The table of the strategies as a paper has it: what LaTeX and Markdown both write."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ...benchmarks.analysis import naming
from ...benchmarks.analysis.wording import label
from ...benchmarks.statistics.inference import MIN_RUNS
from ..content import NOT_STATED
from ..format import (
    UNAVAILABLE,
    format_energy,
    format_interval,
    format_kinds,
    format_score,
)
from ..tables import kinds_differ, leading
from .facts import Cost
from .given import Given
from .wording import account, grid_line, sum_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.analysis.facts import GroupFacts, Spread, StrategyFacts
    from ...benchmarks.tables.table import Table


@dataclass(frozen=True)
class Entry:
    """A cell."""

    text: str
    won: bool = False  # nobody is better in this column
    beside: str = ""  # what stands behind it: its interval, of how many runs it is


@dataclass(frozen=True)
class Results:
    """The table of one group; the first column holds names."""

    title: str  # what the group is called; empty where there is one
    heads: Sequence[str]
    rows: Sequence[Sequence[Entry]]


def results(analysis: Analysis) -> list[Results]:
    """Return the table of each group, the best strategies first."""
    return [_of_group(group, len(analysis.groups) > 1) for group in analysis.groups]


def sentences(table: Table, analysis: Analysis) -> list[str]:
    """Return the finding and what it rests on, then what all of it cost."""
    cost = Cost(table, analysis, Given())
    costs = [] if cost.is_replayed else [sum_line(cost), *account(cost)]
    grid = [grid_line(cost)] if cost.grid is not None and costs else []
    return [analysis.headline, *filter(None, [analysis.because]), *costs, *grid]


def caption(analysis: Analysis) -> str:
    """Say what the cells are."""
    kinds = {kind for group in analysis.groups for kind in group.energy_kinds}
    told = f"of a kind {NOT_STATED}" if kinds == {NOT_STATED} else format_kinds(kinds)
    runs = [own.runs for group in analysis.groups for own in group.strategies.values()]
    few = ""
    if 1 < min(runs, default=0) < MIN_RUNS:
        few = f" (of fewer than {MIN_RUNS} runs their range, which holds less)"
    return (
        f"Medians over runs with 95 % bootstrap intervals{few}; bold is the best. "
        f"Joules are {told}. Analysed by perjoule {analysis.perjoule}."
    )


def _of_group(group: GroupFacts, several: bool) -> Results:
    columns = {**(_scores(group) if group.is_scored else {}), **_joules(group)}
    names = leading([group])
    cells = {
        head: [cell(name, group.strategies[name]) for name in names]
        for head, cell in columns.items()
    }
    seen = {
        head: own for head, own in cells.items() if any(each.text != UNAVAILABLE for each in own)
    }
    rows = [[Entry(name), *(own[at] for own in seen.values())] for at, name in enumerate(names)]
    title = f"{label(group.by)}" if several else ""
    return Results(title, ["strategy", *seen], rows)


def _scores(group: GroupFacts) -> dict[str, Callable[[str, StrategyFacts], Entry]]:
    metric, at_end = group.metric, list(group.winners.equal_energy)[-1]
    best = {group.winners.at_end, *group.ties.at_end}
    cheapest = {group.winners.energy_to_target, *group.ties.energy_to_target}
    show = partial(format_score, metric=metric)

    def score(name: str, own: StrategyFacts) -> Entry:
        return _median(own.equal_energy[at_end], show, name in best)

    def reached(name: str, own: StrategyFacts) -> Entry:
        found = own.energy_to_target
        spent = format_energy(found.ert_j) if found.hits else "not reached"
        return Entry(spent, name in cheapest, f"{found.hits} of {found.runs}")

    common = f" at {format_energy(group.common_j)}" if group.common_j is not None else ""
    return {
        f"{naming.validation(metric)}{common}": score,
        f"expected energy to {naming.target_score(group)} (runs that did)": reached,
        f"test {metric.name}": lambda _, own: _median(own.test_score, show),
    }


def _joules(group: GroupFacts) -> dict[str, Callable[[str, StrategyFacts], Entry]]:
    columns: dict[str, Callable[[str, StrategyFacts], Entry]] = {
        "energy of a run": lambda _, own: _median(own.energy_j, format_energy),
        "trials": lambda _, own: Entry(f"{own.trials:,}"),
        "runs": lambda _, own: Entry(f"{own.runs:,}"),
    }
    if kinds_differ(group):
        columns["kind of energy"] = lambda _, own: Entry(format_kinds([own.energy_kind]))
    return columns


def _median(spread: Spread | None, show: Callable[[object], str], won: bool = False) -> Entry:
    if spread is None:
        return Entry(UNAVAILABLE, won)
    has_interval = spread.low is not None and spread.high is not None
    return Entry(show(spread.median), won, format_interval(spread, show) if has_interval else "")
