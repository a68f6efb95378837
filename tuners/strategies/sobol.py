"""Sobol points: candidates spread evenly, and more evenly the more there are.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"rate": {"low": 0.0, "high": 1.0}, "epochs": 2})
    >>> strategy, rates = SobolStrategy(space, seed=0), []
    >>> for _ in range(4):
    ...     params = strategy.ask(spent_j=0.0).params
    ...     strategy.tell(Told(params, State.COMPLETE, score=0.9, energy_j=1.0))
    ...     rates.append(params["rate"])
    >>> sorted(int(4 * rate) for rate in rates)  # one in each quarter
    [0, 1, 2, 3]

When to use it: instead of random search, wherever that would do. It learns nothing, costs next to
nothing per ask, and leaves no such gaps and clusters as independent draws do (compared in
simulation by Bergstra and Bengio, JMLR 2012: a little better than random).

Formula: coordinate j of the point n = (… n_2 n_1)_2 of the sequence, by its direction numbers v,
before it is scrambled by the seed:

    x_nj = n_1 v_1j xor n_2 v_2j xor …

What it promises: of the first ``2^k`` points each interval ``[i, i + 1) / 2^k`` of every range
holds exactly one (where none was skipped, see below), and a candidate is proposed once only.

Optuna's ``QMCSampler`` counts its points in an attribute of the study, which does not survive a
rebuild from results, so the points are drawn here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...models.space import Space
from ..parts.encoding import Encoding
from ..parts.in_order import InOrder
from ..strategy import Task, Work

KNOWN_IN_A_ROW = 4_096  # candidates in a row that were proposed before, at which it ends

BLOCK = 64  # points drawn at a time; they are even in powers of two only


class SobolStrategy(InOrder):
    """Candidates at the points of a scrambled Sobol sequence, each for its own epochs.

    The sequence is that of Sobol (1967) with the direction numbers of Joe and Kuo (SIAM J. Sci.
    Comput. 2008), scrambled by the seed (Matousek 1998), from `scipy.stats.qmc`. Points that fall
    on a candidate already proposed, as happens between choices and whole numbers, are skipped.
    """

    def __init__(self, space: Space, seed: int, task: Task | None = None) -> None:
        self._encoding = Encoding(space)
        super().__init__(_distinct(self._encoding, seed))

    def ask_like(self, spent_j: float, shared: Mapping[str, Any]) -> Work | None:
        """The next point, moved to where its hyperparameters have the shared values."""
        work, encoding = self.ask(spent_j), self._encoding
        if work is None:
            return None
        params = encoding.decode(encoding.like(encoding.unit(work.params), shared))
        return Work(params, int(params["epochs"]))


def _distinct(encoding: Encoding, seed: int) -> Iterator[dict[str, Any]]:
    """The candidates at the points of one sequence, without repeats."""
    from scipy.stats.qmc import Sobol  # takes a second to import

    points = Sobol(encoding.n_dimensions, rng=np.random.default_rng(seed))
    seen: set[tuple[Any, ...]] = set()
    n_known = 0
    while n_known < KNOWN_IN_A_ROW:
        for params in map(encoding.decode, points.random(BLOCK)):
            key = tuple(params.values())
            n_known = n_known + 1 if key in seen else 0
            if key not in seen:
                seen.add(key)
                yield params
