"""What earlier searches of a space say of a candidate, as one more feature of it.

Each earlier table ranks its candidates by their best score, as far as they were trained to the end.
A candidate's expected rank is the mean of its nearest neighbours' in each table, averaged over the
tables. As a feature it has a length scale of its own, so that a model learns how much the earlier
searches tell of the present one, and misleading ones are soon ignored (after the ranking ensembles
of Feurer, Letham and Bakshy 2018, arXiv 1802.02219).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from ..strategy import Earlier
from .encoding import Array, Encoding

NEIGHBOURS = 8
WHOLE = 0.5
"""Of a table's longest training, as much as a candidate must have had to be ranked."""
LEAST_CANDIDATES = 5


class Transfer:
    """The expected ranks of candidates, by earlier searches.

    Args:
        encoding: Of the space.
        earlier: The trials of each search; one of which too few were trained to the end is ignored.
    """

    def __init__(self, encoding: Encoding, earlier: Sequence[Sequence[Earlier]]) -> None:
        tables = (_ranks(encoding, trials) for trials in earlier)
        self._tables = [table for table in tables if len(table[1]) >= LEAST_CANDIDATES]

    @property
    def knows_nothing(self) -> bool:
        """Whether no search is left to learn from."""
        return not self._tables

    def expected(self, features: Array) -> Array:
        """Expected ranks from 0, the worst, to 1, of features of `Encoding`, shape ``[n]``."""
        from scipy.spatial import KDTree

        total = np.zeros(len(features))
        for known, ranks in self._tables:
            count = min(NEIGHBOURS, len(ranks))
            _, nearest = KDTree(known).query(features, k=count)
            total += ranks[nearest].reshape(len(features), count).mean(axis=1)
        return total / len(self._tables)


def _ranks(encoding: Encoding, trials: Sequence[Earlier]) -> tuple[Array, Array]:
    """Features of a table's candidates that were trained to the end, and their ranks."""
    longest = max((max(trial.scores) for trial in trials if trial.scores), default=0)
    whole = [t for t in trials if t.scores and max(t.scores) >= WHOLE * longest]
    if not whole:
        return np.zeros((0, 0)), np.zeros(0)
    features = np.array([encoding.features(trial.params) for trial in whole])
    ranks = rankdata([max(trial.scores.values()) for trial in whole])
    return features, (ranks - 0.5) / len(ranks)
