"""Every two strategies side by side, by a criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..benchmarks.analysis.apart import is_apart
from .format import UNAVAILABLE
from .tables import Cell, Grid, Row, p_value

if TYPE_CHECKING:
    from ..benchmarks.analysis.facts import Evidence, PairTest

MOST_PAIRED = 16
"""Strategies up to which all pairs are shown."""
_SIZES = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))


def pairs_grid(test: Evidence) -> Grid | None:
    """Return what the runs say of every two strategies, the better one in the row.

    None where they say nothing, or there are too many strategies.
    """
    names = list(dict.fromkeys(name for pair in test.pairs for name in (pair.a, pair.b)))
    if not test.conclusive or not 2 <= len(names) <= MOST_PAIRED:
        return None
    found = {(pair.a, pair.b): pair for pair in test.pairs}
    rows = [
        Row(name, [_cell(found.get((name, other))) for other in names[1:]], name)
        for name in names[:-1]
    ]
    return Grid(["better than", *names[1:]], rows)


def _cell(pair: PairTest | None) -> Cell:
    if pair is None:
        return Cell("")
    if pair.p is None:
        return Cell(UNAVAILABLE, mark="none")
    delta = pair.cliffs_delta
    beneath = "" if delta is None else f"δ {delta:+.2f}, {effect(delta)}"
    return Cell(f"p {p_value(pair.p)}", beneath, badge="yes" if is_apart(pair) else "open")


def effect(delta: float) -> str:
    """Call the size of Cliff's delta by name (Romano et al., 2006)."""
    return next((word for least, word in _SIZES if abs(delta) < least), "large")
