"""The tables of a group: what stands in each cell, and which cells win."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..benchmarks.analysis import naming
from ..benchmarks.analysis.facts import Evidence, GroupFacts, Spread, StrategyFacts
from ..benchmarks.studies import wording
from ..benchmarks.studies.facts import Quantity
from ..benchmarks.tables.table import counted
from ..models.metric import Metric
from .format import (
    UNAVAILABLE,
    format_energy,
    format_interval,
    format_kinds,
    format_per_joule,
    format_percent,
    format_score,
)


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    beneath: str = ""  # smaller
    mark: str = ""  # won; tied: equal to the winner, which needed fewer joules; none: of no weight
    badge: str = ""  # yes or wait, where the text is a badge


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    name: str
    cells: Sequence[Cell]  # without that of the name
    strategy: str | None = None  # whose look stands before the name
    link: str | None = None  # where the name leads
    beneath: str = ""  # the name, smaller


@dataclass(frozen=True)
class Grid:
    """A table: the heads of its columns, its rows, which columns hold words."""

    heads: Sequence[str]
    rows: Sequence[Row]
    words: Collection[str] = ()


def quantity_cell(cell: str | Quantity | None) -> Cell:
    """A cell of a sheet, with the interval and a note beneath the value."""
    if not isinstance(cell, Quantity):
        return Cell(wording.in_words(cell), mark="none" if cell is None else "")
    text = wording.value_of(cell)
    beneath = "; ".join(filter(None, [wording.interval_of(cell), cell.note]))
    return Cell(text, beneath, mark="none" if text == UNAVAILABLE else "")


def kinds_differ(group: GroupFacts) -> bool:
    """Whether the joules of some strategies are of other kinds than those of others."""
    return len({format_kinds([own.energy_kind]) for own in group.strategies.values()}) > 1


def leading(groups: Sequence[GroupFacts]) -> list[str]:
    """Return all strategies, those first that are ahead in the groups (by their mean place)."""
    places: dict[str, list[int]] = {}
    for group in groups:
        order = sorted(group.strategies, key=partial(_behind, group))
        for place, name in enumerate(order):
            places.setdefault(name, []).append(place)
    return sorted(places, key=lambda name: sum(places[name]) / len(places[name]))


def _behind(group: GroupFacts, name: str) -> float:
    """How far down a strategy stands in a group, by its level; without one it is the last."""
    level = group.strategies[name].level
    return math.inf if level is None else -group.metric.oriented(level)


def strategies_grid(group: GroupFacts) -> Grid:
    """Return what each strategy of a group reached and spent, the best first.

    A column of which nothing is known is left out.
    """
    energies = _energy_columns(group)
    if group.is_scored:
        shown = ("joules of a run", "kind")
        energies = {head: column for head, column in energies.items() if head in shown}
    return _grid(group, "strategy", leading([group]), _score_columns(group) | energies)


def further_grid(group: GroupFacts) -> Grid | None:
    """Return what else is known of each strategy that has scores; None where nothing is."""
    if not group.is_scored:
        return None
    shown = ("joules of a run", "kind")
    energies = {h: column for h, column in _energy_columns(group).items() if h not in shown}
    grid = _grid(group, "strategy", leading([group]), _further_columns(group) | energies)
    return grid if len(grid.heads) > 1 else None


def _grid(
    group: GroupFacts, what: str, names: Sequence[str], columns: Mapping[str, Column]
) -> Grid:
    """Return the columns of which something is known."""
    cells = {
        head: [cell(name, group.strategies[name]) for name in names]
        for head, cell in columns.items()
    }
    seen = {
        head: own
        for head, own in cells.items()
        if any(c.text != UNAVAILABLE or c.beneath for c in own)
    }
    rows = []
    for place, name in enumerate(names):
        entry = group.strategies[name]
        counts = counted(entry.trials, "trial")
        if what == "strategy":
            counts += f", {counted(entry.runs, 'run')}"
        rows.append(Row(name, [own[place] for own in seen.values()], name, beneath=counts))
    return Grid([what, *seen], rows)


def cells_grid(group: GroupFacts) -> Grid:
    """Return what each cell of a design reached and spent, where nothing is searched."""
    metric = group.metric
    scores: dict[str, Column] = {
        naming.validation(metric): lambda _, own: _score(own.score, metric),
        f"test {metric.name}": lambda _, own: _score(own.test_score, metric),
    }
    energies = _energy_columns(group)
    columns = scores | {
        "joules of a trial": energies["joules of a run"],
        **{head: energies[head] for head in ("vary by", "kind") if head in energies},
    }
    return _grid(group, "cell", list(group.strategies), columns)


def criteria_grid(group: GroupFacts) -> Grid:
    """Return who wins a group by each criterion, and what the runs say to it."""
    name = group.metric.name
    names = [f"{name} at {share(each)} of the energy" for each in group.winners.equal_energy]
    names += [f"joules to {naming.target_score(group)}", "anytime"]
    rows = zip(names, group.winners.all, group.ties.all, group.tests.all, strict=True)
    return Grid(
        [
            "criterion",
            "best",
            "do the strategies differ?",
            "size of the effect",
            "what the runs say",
        ],
        [Row(what, _criterion(winner, tied, test)) for what, winner, tied, test in rows],
        {"best", "what the runs say"},
    )


Column = Callable[[str, StrategyFacts], Cell]


def _score_columns(group: GroupFacts) -> dict[str, Column]:
    """The columns of the two findings and of what stands beside them."""
    metric, target, entries = group.metric, naming.target_score(group), group.strategies.values()
    if not group.is_scored:
        return {}
    at_target = _marks(group.winners.energy_to_target, group.ties.energy_to_target)
    anytime = _marks(group.winners.anytime, group.ties.anytime)
    *_, whole = group.winners.equal_energy

    def reached(name: str, own: StrategyFacts) -> Cell:
        found = own.energy_to_target
        runs = f"{found.hits} of {counted(found.runs, 'run')}"
        spent = format_energy(found.ert_j) if found.hits else "not reached"
        return Cell(spent, runs, at_target(name))

    columns: dict[str, Column] = {
        **_at(group, whole),
        "against the best": _beside(group),
        f"joules to {target}": reached,
    }
    if any(own.anytime for own in entries):
        columns["anytime"] = lambda name, own: _score(own.anytime, metric, anytime(name))
    return columns | {f"test {metric.name}": lambda _, own: _score(own.test_score, metric)}


def _further_columns(group: GroupFacts) -> dict[str, Column]:
    metric = group.metric
    *parts, _ = group.winners.equal_energy

    def per_joule(_: str, own: StrategyFacts) -> Cell:
        found = own.score_per_joule
        if found is None:
            return Cell(UNAVAILABLE)
        beneath = f"runs: {format_per_joule(found.run.median)}" if found.run else ""
        return Cell(format_per_joule(found.trial), beneath)

    return {
        **{head: column for each in parts for head, column in _at(group, each).items()},
        f"{naming.per_joule(metric)} from {naming.target_score(group)} on": per_joule,
        "hypervolume": lambda _, own: Cell(format_percent(own.hypervolume.share)),
    }


def _at(group: GroupFacts, fraction: str) -> dict[str, Column]:
    """The score at a fraction of the common energy; empty where nobody has one."""
    if not any(own.equal_energy[fraction] for own in group.strategies.values()):
        return {}
    mark = _marks(group.winners.equal_energy[fraction], group.ties.equal_energy[fraction])
    head = f"{group.metric.name} at {share(fraction)} ({_spent(group, fraction)})"
    return {
        head: lambda name, own: _score(own.equal_energy[fraction], group.metric, mark(name)),
    }


def _energy_columns(group: GroupFacts) -> dict[str, Column]:
    columns: dict[str, Column] = {
        "joules of a run": lambda _, own: Cell(
            format_energy(_median(own.energy_j)),
            format_interval(own.energy_j, format_energy) if own.energy_j else "",
        ),
        "vary by": lambda _, own: Cell(format_percent(own.energy_cv)),
        "search share": lambda _, own: Cell(format_percent(own.search_share)),
        "joules predicted within": lambda _, own: Cell(format_percent(own.prediction_error, 0)),
    }
    if kinds_differ(group):
        columns["kind"] = lambda _, own: Cell(format_kinds([own.energy_kind]))
    return columns


def _spent(group: GroupFacts, fraction: str) -> str:
    """The joules at a fraction of the common energy."""
    return format_energy(None if group.common_j is None else float(fraction) * group.common_j)


def _beside(group: GroupFacts) -> Column:
    """Return a column on how each strategy's runs compare with the winner's at equal energy."""
    winner, test = group.winners.at_end, group.tests.at_end
    each = group.verdict.budget.over == "each"
    found: dict[str, Cell] = {}
    for pair in test.pairs if test.conclusive else ():
        p = pair.alone if each else pair.p  # all must hold, or each for itself
        if winner in (pair.a, pair.b) and p is not None and pair.cliffs_delta is not None:
            other = pair.b if pair.a == winner else pair.a
            ahead = pair.cliffs_delta if other == pair.a else -pair.cliffs_delta
            found[other] = Cell(
                f"p {p_value(p)}", f"wins {format_percent((1 + ahead) / 2, 0)} of pairs"
            )
    return lambda name, _: found.get(name, Cell(UNAVAILABLE if name != winner or not found else ""))


def _criterion(winner: str | None, tied: Sequence[str], test: Evidence) -> list[Cell]:
    ranks = test.kruskal_wallis
    p, effect = (ranks.p, ranks.eta_squared) if winner and test.conclusive else (None, None)
    others = ", ".join(name for name in tied if name != winner)
    return [
        Cell(winner or "none", f"equal to {others}" if others else ""),
        Cell(UNAVAILABLE if p is None else f"p {p_value(p)}"),
        Cell(UNAVAILABLE if effect is None else f"η² {round(effect, 2) + 0.0:.2f}"),
        Cell(test.reason or UNAVAILABLE),
    ]


def _marks(winner: str | None, tied: Sequence[str]) -> Callable[[str], str]:
    return lambda name: "won" if name == winner else "tied" if name in tied else ""


def _median(spread: Spread | None) -> float | None:
    return spread and spread.median


def _score(spread: Spread | None, metric: Metric, mark: str = "") -> Cell:
    if spread is None:
        return Cell(UNAVAILABLE)
    show = partial(format_score, metric=metric)
    return Cell(show(spread.median), format_interval(spread, show), mark)


def share(fraction: str) -> str:
    """Return a fraction of the common energy as ``"25 %"``."""
    return format_percent(float(fraction), 0)


def p_value(p: float) -> str:
    """Write a p-value with its sign: ``"= 0.03"``, ``"< 0.001"``."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"
