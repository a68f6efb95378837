"""Energy that is spent once and used again: over how many tasks it pays.

A network is pretrained once for ``E_pre`` joules and fine-tuned for each task for ``E_fine``, or
trained from scratch for each for ``E_scratch``. Over k tasks that is ``E_pre + k E_fine`` against
``k E_scratch``, which are equal at ``k = E_pre / (E_scratch - E_fine)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...statistics.inference import percentile_ends
from ...statistics.ratios import resampled_means
from ..comparing import finite
from ..facts import Quantity

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


def break_even(pre_j: ArrayLike, fine_j: ArrayLike, scratch_j: ArrayLike) -> NDArray[np.float64]:
    """Tasks after which pretraining has paid; infinite where fine-tuning saves nothing.

    >>> float(break_even(10.0, 2.0, 4.0)), float(break_even(10.0, 4.0, 4.0))
    (5.0, inf)
    """
    pre, fine, scratch = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (pre_j, fine_j, scratch_j))
    )
    saved = scratch - fine
    tasks = np.full(saved.shape, math.inf)
    return np.divide(pre, saved, out=tasks, where=saved > 0)


@dataclass(frozen=True, eq=False)
class Amortised:
    """Pretraining, fine-tuning and training from scratch, each repeated.

    Means stand for the repetitions, since totals over many tasks go by them. Intervals are 95 %
    percentile intervals of the bootstrap over repetitions (Efron and Tibshirani, 1993, chapter 13).
    """

    repetitions: NDArray[np.float64]  # (n, 3): joules of pretraining, fine-tuning, from scratch

    @classmethod
    def of(cls, per_seed: pd.DataFrame) -> Amortised | None:
        """Take ``pre_j``, ``fine_j`` and ``scratch_j`` of whole repetitions; None without one."""
        whole = per_seed[["pre_j", "fine_j", "scratch_j"]].dropna().to_numpy(dtype=float)
        return cls(whole) if len(whole) else None

    @cached_property
    def _resampled(self) -> NDArray[np.float64]:
        """Means of resampled repetitions, (resamples, 3)."""
        return resampled_means(self.repetitions)

    @property
    def break_even(self) -> Quantity:
        """Tasks after which pretraining has paid; what has no end is None, and the note says so."""
        k = float(break_even(*self.repetitions.mean(axis=0)))
        low, high = (
            (None, None)
            if len(self.repetitions) < 2
            else percentile_ends(break_even(*self._resampled.T))
        )
        if math.isinf(k):
            return Quantity(None, finite(low), note="never on the mean: fine-tuning saves nothing")
        if high is not None and math.isinf(high):
            return Quantity(k, finite(low), note="no upper end")
        return Quantity(k, low, high)

    def totals_j(self, tasks: int) -> tuple[Quantity, Quantity]:
        """Joules of so many tasks: with pretraining, and each from scratch."""
        weights = np.array([[1.0, tasks, 0.0], [0.0, 0.0, tasks]]).T
        means, resampled = self.repetitions.mean(axis=0) @ weights, self._resampled @ weights
        pretrained, scratch = (
            Quantity(float(mean), *percentile_ends(column), unit="J")
            for mean, column in zip(means, resampled.T, strict=True)
        )
        return pretrained, scratch
