"""Score per joule above a floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def floor_curve(energy_j: ArrayLike, score: ArrayLike) -> pd.DataFrame:
    """Return the most score per joule of any trial at or above a floor, for every floor.

    Args:
        energy_j: Joules of each trial; those without any above 0 are passed over.
        score: Its score, of a metric with a zero; NaN where there is none.

    Returns:
        ``score``, ascending, and ``per_joule`` (1/J), descending: at a floor the value is that of
        the first row whose score is at or above it. No row is at or above a floor that no trial
        reaches.
    """
    joules, scores = floats(energy_j), floats(score)
    counted = (joules > 0) & np.isfinite(scores)
    scores, ratio = scores[counted], scores[counted] / joules[counted]
    order = np.lexsort((-ratio, -scores))  # the best score first, of equal ones the most per joule
    scores, ratio = scores[order], ratio[order]
    best_before = np.append(-np.inf, np.maximum.accumulate(ratio))[: len(ratio)]
    record = ratio > best_before
    return pd.DataFrame({"score": scores[record][::-1], "per_joule": ratio[record][::-1]})


def above_floor(curve: pd.DataFrame, floor: float) -> float:
    """Return the most score per joule at or above a floor, off a `floor_curve`; NaN if none is."""
    place = int(np.searchsorted(floats(curve["score"]), floor))
    return float(curve["per_joule"].iloc[place]) if place < len(curve) else float("nan")
