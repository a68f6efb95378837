"""Which strategies the runs cannot tell apart, by a criterion, and how that is said."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ..statistics.inference import SIGNIFICANCE
from .naming import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from .facts import Evidence, Finding, PairTest

MOST = 24
"""Strategies up to which sets of them are looked for."""
MOST_TOLD = 4


def told_apart(finding: Finding, test: Evidence) -> set[frozenset[str]]:
    """Return the pairs that the runs tell apart: by the verdict, or corrected for all pairs."""
    if not test.conclusive:
        return set()
    pairs = {frozenset((finding.winner or "", other)) for other in finding.beaten}
    return pairs | {
        frozenset((pair.a, pair.b))
        for pair in test.pairs
        if pair.shown and pair.p is not None and pair.p < SIGNIFICANCE
    }


def alike(pairs: Iterable[PairTest], apart: Collection[frozenset[str]]) -> list[tuple[str, ...]]:
    """Return the largest sets of strategies of which no two are told apart, in order.

    They are the maximal cliques of the graph that joins strategies which are not (Bron and
    Kerbosch, 1973, doi:10.1145/362342.362367). A strategy that is told apart from all is in none.
    """
    joined: dict[str, set[str]] = {}
    for pair in pairs:
        one, other = joined.setdefault(pair.a, set()), joined.setdefault(pair.b, set())
        if frozenset((pair.a, pair.b)) not in apart:
            one.add(pair.b)
            other.add(pair.a)
    order = {name: place for place, name in enumerate(joined)}
    found = [sorted(each, key=order.__getitem__) for each in _cliques(set(), set(joined), joined)]
    found.sort(key=lambda names: [order[name] for name in names])
    return [tuple(names) for names in found if len(names) > 1]


def _cliques(
    chosen: Set[str], open_: set[str], joined: Mapping[str, set[str]], shut: Set[str] = frozenset()
) -> Iterable[Set[str]]:
    """Yield the maximal cliques that hold the chosen, some of the open and none of the shut."""
    if not open_ and not shut:
        yield chosen
        return
    pivot = max(open_ | shut, key=lambda name: len(open_ & joined[name]))
    for name in sorted(open_ - joined[pivot]):
        near = joined[name]
        yield from _cliques(chosen | {name}, open_ & near, joined, shut & near)
        open_, shut = open_ - {name}, shut | {name}


def apart_sentence(
    finding: Finding, test: Evidence, apart: Collection[frozenset[str]], names: Collection[str]
) -> str:
    """Say which strategies cannot be told apart; empty where nothing can be concluded.

    Likewise where there is one strategy, or so many that nobody reads their sets.
    """
    if not 2 <= len(names) <= MOST or not test.conclusive or not test.pairs:
        return ""
    lead = ""
    if finding.over == "together":
        lead = f"{finding.winner} is ahead of all others together, not of each. "
    sets = alike(test.pairs, apart)
    if not sets:
        return f"{lead}Every strategy is told apart from every other."
    if len(sets) == 1 and len(sets[0]) == len(names):
        return f"{lead}No two strategies can be told apart."
    if len(sets) == 1:
        return f"{lead}{listed(sets[0])} cannot be told apart."
    told = "; ".join(map(listed, sets[:MOST_TOLD]))
    more = f"; and {len(sets) - MOST_TOLD} more sets" if len(sets) > MOST_TOLD else ""
    return f"{lead}Within each of these sets nobody can be told apart: {told}{more}."
