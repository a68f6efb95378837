"""Every two strategies side by side, by a criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..benchmarks.statistics.inference import SIGNIFICANCE
from .format import UNAVAILABLE
from .tables import Cell, Grid, Row, p_value

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..benchmarks.analysis.facts import Evidence, PairTest

MOST_PAIRED = 16
"""Strategies up to which all pairs are shown."""
_SIZES = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))


def pairs_grid(test: Evidence, apart: Collection[frozenset[str]]) -> Grid | None:
    """Return what the runs say of every two strategies, the better one in the row.

    None where they say nothing, or there are too many strategies.

    Args:
        test: Of one criterion.
        apart: The pairs that are told apart.
    """
    names = list(dict.fromkeys(name for pair in test.pairs for name in (pair.a, pair.b)))
    if not test.conclusive or not 2 <= len(names) <= MOST_PAIRED:
        return None
    found = {(pair.a, pair.b): pair for pair in test.pairs}
    rows = [
        Row(name, [_cell(found.get((name, other)), apart) for other in names[1:]], name)
        for name in names[:-1]
    ]
    return Grid(["better than", *names[1:]], rows)


def _cell(pair: PairTest | None, apart: Collection[frozenset[str]]) -> Cell:
    """Return the p-value by which a pair is judged, and the size of the difference beneath."""
    if pair is None:
        return Cell("")
    if pair.p is None:
        return Cell(UNAVAILABLE, mark="none")
    is_apart = frozenset((pair.a, pair.b)) in apart
    told = f"p {p_value(pair.p)}"
    if is_apart and pair.p >= SIGNIFICANCE and pair.alone is not None:
        told = f"p {p_value(pair.alone)} alone"
    return Cell(told, _size(pair), badge="yes" if is_apart else "open")


def _size(pair: PairTest) -> str:
    """Write how large a difference is: in joules as a ratio, else as Cliff's delta."""
    if pair.low is not None or pair.ratio is not None:
        ratio = UNAVAILABLE if pair.ratio is None else _digits(pair.ratio)
        if pair.low is None:
            return ratio
        high = "no bound" if pair.high is None else _digits(pair.high)
        return f"{ratio} [{_digits(pair.low)}, {high}]"
    delta = pair.cliffs_delta
    return "" if delta is None else f"δ {delta:+.2f}, {effect(delta)}"


def _digits(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 100 else f"{ratio:,.0f}"


def effect(delta: float) -> str:
    """Call the size of Cliff's delta by name (Romano et al., 2006)."""
    return next((word for least, word in _SIZES if abs(delta) < least), "large")
