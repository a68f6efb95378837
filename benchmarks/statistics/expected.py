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
    from collections.abc import Sequence

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


@dataclass(frozen=True, eq=False)
class Resampled:
    """The expected joules of a strategy, and what they are in 10,000 resamples of its runs.

    Attributes:
        value: Expected joules; infinite if no run reached the target, NaN if joules are unknown.
        runs: Runs of the strategy.
        hits: Those of them that reached the target.
        least: The least that the expected joules of each resample may be: those of a resample
            without a hit are only known to be at least all of its joules.
        most: The most that they may be: infinite for a resample without a hit. Both are NaN for
            fewer than two runs, and if joules are unknown.
    """

    value: float
    runs: int
    hits: int
    least: NDArray[np.float64]
    most: NDArray[np.float64]

    @classmethod
    def of(cls, reached: pd.DataFrame, *, within: str | None = None, seed: int = 0) -> Resampled:
        """Resample the runs of a strategy, see `expected_energy_ratio`; their order is no matter.

        Args:
            reached: Rows of `AnytimeCurves.energy_to_target` of the strategy.
            within: A column whose levels are resampled apart.
            seed: Seed of the resampling.
        """
        value, n, hits = expected_energy_to_target(reached), len(reached), int(reached["hit"].sum())
        if n < 2 or np.isnan(floats(reached["energy_j"])).any():
            unknown = np.full(RESAMPLES, np.nan)
            return cls(value, n, hits, unknown, unknown)
        ordered = reached.sort_values(["energy_j", "hit"])
        strata: Sequence[pd.DataFrame] = [ordered]
        if within is not None:
            strata = [rows for _, rows in ordered.groupby(within, sort=True)]
        generator = np.random.default_rng(seed)
        joules, found = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
        for rows in strata:
            drawn = generator.integers(len(rows), size=(RESAMPLES, len(rows)))
            joules += floats(rows["energy_j"])[drawn].sum(axis=1)
            found += rows["hit"].to_numpy(dtype=bool)[drawn].sum(axis=1)
        least = joules / np.maximum(found, 1)
        return cls(value, n, hits, least, np.where(found > 0, least, np.inf))

    def over(self, below: Resampled, level: float = 0.95) -> ExpectedRatio:
        """Return how many times the expected joules of another strategy these are.

        The resamples of one are set beside those of the other in reverse, so that no draw meets
        itself, and the ratio turned over has the interval turned over.
        """
        runs, hits = (self.runs, below.runs), (self.hits, below.hits)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            value = float(np.float64(self.value) / np.float64(below.value))
            least, most = self.least / below.most[::-1], self.most / below.least[::-1]
        if np.isnan(least).any() or np.isnan(most).any():
            return ExpectedRatio(value, math.nan, math.nan, runs, hits)
        tail = (1 - level) / 2
        low = float(np.quantile(least, tail, method="lower"))
        high = float(np.quantile(most, 1 - tail, method="higher"))
        return ExpectedRatio(value, low, high, runs, hits)


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
    one, other = (Resampled.of(side, within=within, seed=seed) for side in (above, below))
    return one.over(other, level)
