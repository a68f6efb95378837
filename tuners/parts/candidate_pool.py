"""The candidates that a search chooses from: drawn once, so that what is learnt of one is kept.

Well-spread points have few near copies among them. Of points that are drawn anew at each choice,
those nearest to the best candidate are taken again and again: on recorded tables that took 2 to 3
times the joules, with and without new points around the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .encoding import Array, Encoding, Params
from .energy_model import EnergyModel
from .transfer import Transfer

Key = tuple[tuple[str, Any], ...]


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


def key_of(params: Params) -> Key:
    """What tells a candidate from others."""
    return tuple(sorted(params.items()))
