"""Sobol points: candidates spread evenly, and more evenly the more there are.

When to use it: instead of random search, wherever that would do. It learns nothing, costs next to
nothing per ask, and leaves no such gaps and clusters as independent draws do (compared in
simulation by Bergstra and Bengio, JMLR 2012: a little better than random).

What it promises: of the first ``2^k`` points each interval ``[i, i + 1) / 2^k`` of every range
holds exactly one (where none was skipped, see below), and a candidate is proposed once only.

Optuna's ``QMCSampler`` counts its points in an attribute of the study, which does not survive a
rebuild from results, so the points are drawn here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...models.space import Space
from ..parts.encoding import Encoding
from ..strategy import Told, Work

KNOWN_IN_A_ROW = 4_096
"""The search ends when so many points in a row fell on candidates that were proposed before."""

BLOCK = 64  # points drawn at a time; a power of two, as their evenness wants it


class SobolStrategy:
    """Candidates at the points of a scrambled Sobol sequence, each for its own epochs.

    The sequence is that of Sobol (1967) with the direction numbers of Joe and Kuo (SIAM J. Sci.
    Comput. 2008), scrambled by the seed (Matousek 1998), from `scipy.stats.qmc`. Points that fall
    on a candidate already proposed, as happens between choices and whole numbers, are skipped.

    Args:
        space: What may be chosen.
        seed: Seed of the scrambling.
    """

    replays_tells = True

    def __init__(self, space: Space, seed: int) -> None:
        self._candidates = _distinct(Encoding(space), seed)
        self._next: dict[str, Any] | None = None

    def ask(self, spent_j: float) -> Work | None:
        """The candidate at the next point; None if no other can be found."""
        if self._next is None:
            self._next = next(self._candidates, None)
        return None if self._next is None else Work(self._next, int(self._next["epochs"]))

    def tell(self, result: Told) -> None:
        """Go on to the next point."""
        if self._next is None:  # a rebuilt strategy is told without being asked
            next(self._candidates, None)
        self._next = None


def _distinct(encoding: Encoding, seed: int) -> Iterator[dict[str, Any]]:
    """The candidates at the points of one sequence, without repeats."""
    from scipy.stats.qmc import Sobol  # takes a second to import

    points = Sobol(encoding.n_dimensions, rng=np.random.default_rng(seed))
    seen: set[tuple[Any, ...]] = set()
    n_known = 0
    while n_known < KNOWN_IN_A_ROW:
        for point in points.random(BLOCK):
            params = encoding.decode(point)
            key = tuple(params.values())
            if key in seen:
                n_known += 1
                continue
            n_known = 0
            seen.add(key)
            yield params
