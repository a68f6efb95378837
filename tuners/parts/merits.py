"""What models of scores learn: merits, in which equal steps divide the error by equal factors.

Most candidates are good, and what tells them apart is small beside what tells them from those that
learn nothing. On 287 random trials on digits, the rank correlation of prediction and truth among
the better half, learnt from 150, is 0.46 with merits and 0.28 with the accuracy itself.

The error is the distance to the best score there can be, over a scale:

- A metric with both bounds (accuracy) has its range for scale.
- Where the worst is not known (a loss, RMSE), the scale is the error of the median score seen.
- Where the best is not known, it is taken to lie as far above the best score seen as that lies
  above the median, which is the scale: a target that recedes as better candidates turn up.

So an error is a share of the range, or of what the median candidate lacks, whatever the unit of the
metric is, and so is a price in scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from ...models.metric import Metric

ERROR_FLOOR = 1e-3  # added to the error, so that its logarithm exists
MOST_ERROR = 10.0  # a diverged training is no worse than that, or it would drown all differences


@dataclass(frozen=True)
class Merits:
    """The scale of merits of one metric, as far as scores are known; scores are oriented."""

    best: float = 1.0  # score there can be, or the target
    scale: float = 1.0  # that errors are divided by

    @classmethod
    def of(cls, metric: Metric, scores: Iterable[float]) -> Merits:
        """The scale for the scores seen of a metric."""
        low, high = metric.oriented_bounds
        if low is not None and high is not None:
            return cls(high, high - low)
        seen = list(scores)
        if not seen:
            return cls()
        lead = (max(seen) if high is None else high) - median(seen)
        scale = lead if 0 < lead < math.inf else 1.0
        return cls(max(seen) + scale if high is None else high, scale)

    def __call__(self, score: float) -> float:
        """Minus the logarithm of the error, so that 98 and 99 % are far apart."""
        error = max(self.best - score, 0.0) / self.scale
        return -math.log(min(error, MOST_ERROR) + ERROR_FLOOR)

    def score_of(self, merit: float) -> float:
        """The score of a merit."""
        return self.best - self.scale * min(max(math.exp(-merit) - ERROR_FLOOR, 0.0), MOST_ERROR)

    @property
    def unknown(self) -> float:
        """The merit where nothing is known: of the whole scale as error."""
        return self(self.best - self.scale)
