"""How many runs have not reached a target by so many joules, and how many targets are reached.

Scores are oriented: greater is better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TARGETS = 51
"""Targets of the distribution function: as many as COCO's."""
_NEAREST = 1e-3
"""The last target lies at least this share of the first one's distance before the ideal."""


def survival_curve(energy_j: ArrayLike, hit: ArrayLike) -> pd.DataFrame:
    """Return the share of runs that have not reached a target by so many joules.

    The product-limit estimate of Kaplan and Meier (1958, doi:10.1080/01621459.1958.10501452) with
    joules for time, by `scipy.stats.ecdf`. A run that ends without a hit is censored there: it
    counts among those that may still reach the target up to then, and no longer.

    Args:
        energy_j: Joules until the hit, or the end, of each run; all known, at least one.
        hit: Whether the run reached the target.

    Returns:
        ``energy_j``, ascending, where a run hit or ended; the ``share`` that has not hit from there
        on; and how many were ``censored`` there.
    """
    from scipy.stats import CensoredData, ecdf

    joules, hits = floats(energy_j), np.asarray(hit, dtype=bool)
    short = ecdf(CensoredData(uncensored=joules[hits], right=joules[~hits])).sf
    places = np.searchsorted(short.quantiles, joules[~hits])
    censored = np.bincount(places, minlength=len(short.quantiles))
    return pd.DataFrame(
        {"energy_j": short.quantiles, "share": short.probabilities, "censored": censored}
    )


def target_grid(start: float, best: float, ideal: float) -> NDArray[np.float64]:
    """Return targets from a start to the best score, their distances to the ideal evenly by log.

    As COCO spaces its targets (Hansen et al., 2021, doi:10.1080/10556788.2020.1808977). Where the
    best is the ideal, or as good as that, the last target lies a thousandth of the way before it.

    Args:
        start: Where the targets begin.
        best: The best score there is.
        ideal: The best score there can be; the best there is where there is no bound.

    Returns:
        Scores, ascending; the best alone where it is not above the start.
    """
    far = ideal - start
    near = max(ideal - best, _NEAREST * far)
    if not far > near > 0:
        return np.array([best])
    return np.minimum(ideal - np.geomspace(far, near, TARGETS), best)


def target_ecdf(improvements: pd.DataFrame, runs: int, targets: ArrayLike) -> pd.DataFrame:
    """Return the share of all pairs of a run and a target that are reached by so many joules.

    COCO's empirical cumulative distribution function of runtimes with joules for evaluations
    (Hansen et al., 2021, doi:10.1080/10556788.2020.1808977). A pair that is never reached stays in
    the denominator.

    Args:
        improvements: Rows of `AnytimeCurves.improvements`, all joules known.
        runs: How many runs they are of, those without a result included.
        targets: Scores to reach, ascending.

    Returns:
        ``energy_j``, ascending, where a target is reached; the ``share`` of the pairs from there
        on.
    """
    wanted = floats(targets)
    reached = np.searchsorted(wanted, floats(improvements["score"]), side="right")
    before = pd.Series(reached).groupby(improvements["run"].to_numpy()).shift(fill_value=0)
    new = reached - before.to_numpy()
    at_j, place = np.unique(floats(improvements["energy_j"])[new > 0], return_inverse=True)
    pairs = np.bincount(place, weights=new[new > 0], minlength=len(at_j))
    share = np.cumsum(pairs) / (runs * len(wanted)) if runs else np.zeros(0)
    return pd.DataFrame({"energy_j": at_j, "share": share})
