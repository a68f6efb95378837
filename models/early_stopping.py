"""When a training has nothing more to gain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .metric import Metric


def stop_early(scores: Sequence[float], patience: int, metric: Metric) -> bool:
    """Whether a training is complete because its last epochs were no better than one before them.

    Args:
        scores: Of validation after each epoch of the trial so far, those of earlier slices
            included; one that is no number is worse than any.
        patience: Epochs in a row without a better score that are enough; 0: none ever are.
        metric: What the scores are of.
    """
    if not patience or not scores:
        return False
    oriented = [-math.inf if math.isnan(each) else metric.oriented(each) for each in scores]
    best = oriented.index(max(oriented))  # the first of equals
    return len(scores) - 1 - best >= patience
