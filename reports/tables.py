"""The tables of a group: what stands in each cell, and which cells win."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .findings import FULL, leading, level, median
from .format import (
    UNAVAILABLE,
    format_energy,
    format_interval,
    format_kinds,
    format_per_joule,
    format_percent,
)

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: What it says.
        beneath: What stands beneath, smaller.
        mark: ``won``, ``tied`` (equal to the winner, which needed fewer joules), ``none`` (of no
            weight) or nothing.
        badge: ``yes`` or ``wait`` where the text is a badge, else nothing.
    """

    text: str
    beneath: str = ""
    mark: str = ""
    badge: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: What it is of.
        cells: Its cells, without that of the name.
        strategy: The strategy whose look stands before the name.
        link: Where the name leads.
        beneath: What stands beneath the name, smaller.
    """

    name: str
    cells: Sequence[Cell]
    strategy: str | None = None
    link: str | None = None
    beneath: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: the heads of its columns, its rows, which columns hold words, whether it is wide."""

    heads: Sequence[str]
    rows: Sequence[Row]
    words: Collection[str] = ()
    wide: bool = False


def strategies_grid(group: Facts) -> Grid:
    """Return what each strategy of a group reached and spent, the best first.

    A column of which nothing is known is left out.
    """
    scored = group["best_accuracy"] is not None
    columns = [*(_accuracy_columns(group) if scored else []), *_energy_columns(group)]
    names = leading([group])
    cells = {
        head: [cell(name, group["strategies"][name]) for name in names] for head, cell in columns
    }
    seen = {
        head: own
        for head, own in cells.items()
        if any(c.text != UNAVAILABLE or c.beneath for c in own)
    }
    rows = []
    for place, name in enumerate(names):
        entry = group["strategies"][name]
        counts = f"{counted(entry['trials'], 'trial')}, {counted(entry['runs'], 'run')}"
        rows.append(Row(name, [own[place] for own in seen.values()], name, beneath=counts))
    return Grid(["strategy", *seen], rows, wide=len(seen) > 6)


def criteria_grid(group: Facts) -> Grid:
    """Return who wins a group by each criterion, and what the runs say to it."""
    target = format_percent(group["target_accuracy"])
    winners, ties, tests = group["winners"], group["ties"], group["tests"]
    criteria = [
        (
            f"accuracy at {share(fraction)} of the energy",
            winner,
            ties["equal_energy"][fraction],
            test,
        )
        for (fraction, winner), test in zip(
            winners["equal_energy"].items(), tests["equal_energy"].values(), strict=True
        )
    ]
    for what, key in ((f"joules to {target}", "energy_to_target"), ("anytime", "anytime")):
        criteria.append((what, winners[key], ties[key], tests[key]))
    return Grid(
        [
            "criterion",
            "best",
            "do the strategies differ?",
            "size of the effect",
            "what the runs say",
        ],
        [Row(what, _criterion(winner, tied, test)) for what, winner, tied, test in criteria],
        {"best", "what the runs say"},
    )


Column = tuple[str, Callable[[str, Facts], Cell]]


def _accuracy_columns(group: Facts) -> list[Column]:
    winners, ties, entries = group["winners"], group["ties"], group["strategies"].values()
    common, target = group["common_j"], format_percent(group["target_accuracy"])

    def at(fraction: str) -> Column:
        spent = format_energy(None if common is None else float(fraction) * common)
        mark = _marks(winners["equal_energy"][fraction], ties["equal_energy"][fraction])
        head = f"accuracy at {share(fraction)} ({spent})"
        return head, lambda name, entry: _accuracy(
            (entry["equal_energy"] or {}).get(fraction), mark(name)
        )

    def reached(name: str, entry: Facts) -> Cell:
        found = entry["energy_to_target"]
        if not found:
            return Cell(UNAVAILABLE)
        runs = f"{found['hits']} of {counted(found['runs'], 'run')}"
        mark = _marks(winners["energy_to_target"], ties["energy_to_target"])
        return Cell(
            format_energy(found["ert_j"]) if found["hits"] else "not reached", runs, mark(name)
        )

    def per_joule(name: str, entry: Facts) -> Cell:
        found = entry["accuracy_per_joule"] or {}
        of_runs = format_per_joule(median(found.get("run")))
        beneath = "" if of_runs == UNAVAILABLE else f"runs: {of_runs}"
        return Cell(format_per_joule(found.get("trial")), beneath)

    def anytime(name: str, entry: Facts) -> Cell:
        return _accuracy(entry["anytime"], _marks(winners["anytime"], ties["anytime"])(name))

    return [
        # A run without a result counts as 0 %: where none has one, there is nothing to show.
        *(at(f) for f in winners["equal_energy"] if any(level(own, f) for own in entries)),
        ("against the best", _beside(group)),
        (f"joules to {target}", reached),
        *([("anytime", anytime)] if any(median(own["anytime"]) for own in entries) else []),
        (f"accuracy per joule from {target} on", per_joule),
        (
            "hypervolume",
            lambda _, entry: Cell(format_percent((entry["hypervolume"] or {}).get("share"))),
        ),
        ("test accuracy", lambda _, entry: _accuracy(entry["test_accuracy"])),
    ]


def _energy_columns(group: Facts) -> list[Column]:
    def spent(_: str, entry: Facts) -> Cell:
        interval = entry["energy_j"]
        return Cell(
            format_energy(median(interval)),
            format_interval(interval, format_energy) if interval else "",
        )

    columns: list[Column] = [
        ("joules of a run", spent),
        ("vary by", lambda _, entry: Cell(format_percent(entry["energy_cv"]))),
    ]
    if len(group["energy_kinds"]) > 1:
        columns.append(("kind", lambda _, entry: Cell(format_kinds([entry["energy_kind"]]))))
    return columns


def _beside(group: Facts) -> Callable[[str, Facts], Cell]:
    """Return a column on how each strategy's runs compare with the winner's at equal energy."""
    winner = group["winners"]["equal_energy"].get(FULL)
    test = group["tests"]["equal_energy"].get(FULL) or {}
    found: dict[str, Cell] = {}
    for pair in test.get("pairs", ()) if test.get("conclusive") else ():
        if winner in (pair["a"], pair["b"]) and None not in (pair["p"], pair["cliffs_delta"]):
            other = pair["b"] if pair["a"] == winner else pair["a"]
            ahead = pair["cliffs_delta"] if other == pair["a"] else -pair["cliffs_delta"]
            found[other] = Cell(
                f"p {_p(pair['p'])}", f"wins {format_percent((1 + ahead) / 2, 0)} of pairs"
            )
    return lambda name, _: found.get(name, Cell(UNAVAILABLE if name != winner or not found else ""))


def _criterion(winner: str | None, tied: Sequence[str], test: Facts | None) -> list[Cell]:
    conclusive = bool(winner and test and test["conclusive"])
    kruskal = test["kruskal_wallis"] if test and conclusive else {}
    p, effect = kruskal.get("p"), kruskal.get("eta_squared")
    others = ", ".join(name for name in tied if name != winner)
    return [
        Cell(winner or "none", f"equal to {others}" if others else ""),
        Cell(UNAVAILABLE if p is None else f"p {_p(p)}"),
        Cell(UNAVAILABLE if effect is None else f"η² {round(effect, 2) + 0.0:.2f}"),
        Cell((test or {}).get("reason") or UNAVAILABLE),
    ]


def _marks(winner: str | None, tied: Sequence[str]) -> Callable[[str], str]:
    return lambda name: "won" if name == winner else "tied" if name in tied else ""


def _accuracy(interval: Facts | None, mark: str = "") -> Cell:
    if median(interval) is None:
        return Cell(UNAVAILABLE)
    return Cell(format_percent(median(interval)), format_interval(interval, format_percent), mark)


def share(fraction: str) -> str:
    """Return a fraction of the common energy as ``"25 %"``."""
    return format_percent(float(fraction), 0)


def counted(count: int, what: str) -> str:
    """Return how many of what, such as ``"1 run"`` or ``"1,200 trials"``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"
