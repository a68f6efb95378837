"""How many times the expected joules to a target one strategy takes of another, with its interval.

    of_gp, of_random = (reached[reached["strategy"] == name] for name in ("gp", "random"))
    found = expected_energy_ratio(of_gp, of_random)

Runs that never reach the target are censored: their joules count, and add no hit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .inference import RESAMPLES
from .runs import expected_energy_to_target, floats

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ExpectedRatio:
    """A ratio of expected joules with its confidence interval.

    Attributes:
        value: The ratio; 0 if only the strategy below never reached the target, infinite if only
            the one above never did, NaN if neither did or joules are unknown.
        low: The lower end, at least 0; NaN for fewer than two runs of either.
        high: The upper end, which may be infinite; NaN for fewer than two runs of either.
        runs: Runs of the strategy above, and of the one below.
        hits: Those of them that reached the target.
    """

    value: float
    low: float
    high: float
    runs: tuple[int, int]
    hits: tuple[int, int]


def expected_energy_ratio(
    above: pd.DataFrame,
    below: pd.DataFrame,
    *,
    within: str | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> ExpectedRatio:
    """Return the ratio of two strategies' expected joules to a target (`ERT_J`).

    Its interval is the bootstrap percentile interval (Efron and Tibshirani, 1993, chapter 13) over
    the runs of both, which are resampled independently. Of a resample without a hit the expected
    joules are only known to be at least all of its joules: the lower end of the interval takes them
    for the strategy above and infinitely many for the one below, the upper end the other way round.

    Args:
        above: Rows of `AnytimeCurves.energy_to_target` of one strategy; joules are above 0.
        below: Those of the other, to which it is compared.
        within: A column whose levels are resampled apart, such as a data set; joules of several
            levels are then added up, and should be in units that mean the same in each.
        seed: Seed of the resampling.
        level: Confidence level.
    """
    sides = (above, below)
    runs = len(above), len(below)
    hits = int(above["hit"].sum()), int(below["hit"].sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (np.float64(expected_energy_to_target(side)) for side in sides)
        value = float(one / other)
    if min(runs) < 2 or any(np.isnan(floats(side["energy_j"])).any() for side in sides):
        return ExpectedRatio(value, math.nan, math.nan, runs, hits)
    generator = np.random.default_rng(seed)
    (least, most), (least_below, most_below) = (
        _resampled(side, within, generator) for side in sides
    )
    tail = (1 - level) / 2
    low = np.quantile(least / most_below, tail, method="inverted_cdf")
    high = np.quantile(most / least_below, 1 - tail, method="inverted_cdf")
    return ExpectedRatio(value, float(low), float(high), runs, hits)


def _resampled(
    side: pd.DataFrame, within: str | None, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the most that the expected joules of each resample of runs may be."""
    joules, hits = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    strata = [side] if within is None else [rows for _, rows in side.groupby(within, sort=True)]
    for rows in strata:
        drawn = generator.integers(len(rows), size=(RESAMPLES, len(rows)))
        joules += floats(rows["energy_j"])[drawn].sum(axis=1)
        hits += rows["hit"].to_numpy(dtype=bool)[drawn].sum(axis=1)
    least = joules / np.maximum(hits, 1)
    return least, np.where(hits > 0, least, np.inf)
