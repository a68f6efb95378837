"""The candidates that a search chooses from: drawn once, so that what is learnt of one is kept.

Well-spread points have few near copies among them. Of points that are drawn anew at each choice,
those nearest to the best candidate are taken again and again: on recorded tables that took 2 to 3
times the joules, with and without new points around the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..strategy import ask_seed
from .encoding import Array, Encoding, Params
from .energy_model import EnergyModel
from .priors import Prior
from .surrogate import sobol
from .transfer import Transfer

Key = tuple[tuple[str, Any], ...]

N_CANDIDATES = 512  # to begin with; half as many besides where there is a prior
FEWER_LIKE_OTHERS = 4  # so many times fewer candidates that have some values in common with another


class CandidatePool(NamedTuple):
    """What may be begun, in the order in which it is begun where nothing else tells."""

    params: Sequence[Params]
    keys: Sequence[Key]
    features: Array  # shape [n, d]
    work: Array  # of an epoch of each, for `EnergyModel.epoch_j`
    is_of_prior: NDArray[np.bool_]  # which were drawn from a prior

    @classmethod
    def of(
        cls,
        encoding: Encoding,
        energy: EnergyModel,
        points: Array,
        of_prior: Array,
        transfer: Transfer | None = None,
    ) -> CandidatePool:
        """The candidates at points of the unit cube, ``[n, n_dimensions]``, each once.

        Args:
            encoding: Of the space.
            energy: By which they are priced.
            points: Of candidates that are spread over the space.
            of_prior: Of candidates that are drawn from a prior; may be none.
            transfer: What earlier searches say; every second candidate is the best by them then.
        """
        params: dict[Key, Params] = {}
        for point in (*points, *of_prior):
            drawn = encoding.decode(point)
            params.setdefault(key_of(drawn), drawn)
        spread = {key_of(encoding.decode(point)) for point in points}
        keys, found = list(params), list(params.values())
        features = np.array([encoding.features(each) for each in found])
        if transfer is not None:
            expected = transfer.expected(features)
            best = np.argsort(-expected, kind="stable")
            order = list(dict.fromkeys(np.stack([best, np.arange(len(best))], axis=1).ravel()))
            keys, found = [keys[i] for i in order], [found[i] for i in order]
            features = np.column_stack([features, expected])[order]
        is_of_prior = np.array([key not in spread for key in keys])
        return cls(found, keys, features, energy.work_of(found), is_of_prior)


@dataclass(frozen=True)
class CandidateSource:
    """Where the candidates of a search come from."""

    encoding: Encoding
    energy: EnergyModel
    seed: int
    prior: Prior | None = None  # from which half as many are drawn besides
    transfer: Transfer | None = None

    def pool(self, n_tried: int, shared: Params, kept: dict[Any, Any]) -> CandidatePool:
        """The candidates after so many were tried, each with the shared values.

        It doubles when three quarters are tried; a longer sequence begins with the shorter one.
        It is a function of this and the arguments, and kept for strategies that are rebuilt.
        """
        count = N_CANDIDATES
        while n_tried > 3 * count // 4:
            count *= 2
        if shared:
            count //= FEWER_LIKE_OTHERS
        known, space = (self.prior is None, self.transfer is None), repr(self.encoding.space)
        key = CandidateSource, space, self.seed, count, known, key_of(shared)
        if key not in kept:
            kept[key] = self._draw(count, shared)
        return kept[key]

    def _draw(self, count: int, shared: Params) -> CandidatePool:
        encoding = self.encoding
        points = encoding.like(sobol(encoding, self.seed, count), shared)
        of_prior = np.zeros((0, encoding.n_dimensions))
        if self.prior is not None:
            uniform = sobol(encoding, ask_seed(self.seed, 0), count // 2)
            of_prior = encoding.like(self.prior.points(uniform), shared)
        return CandidatePool.of(encoding, self.energy, points, of_prior, self.transfer)


def key_of(params: Params) -> Key:
    """What tells a candidate from others."""
    return tuple(sorted(params.items()))
