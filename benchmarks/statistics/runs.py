"""What runs had spent and found when: from the trial table to numbers.

For a run, ``E_i`` are the joules spent until its i-th trial ended, and ``A(E)`` is the best score
among the trials with ``E_i <= E``. Scores are oriented: greater is better, as of an accuracy or of
the negative of a loss. Every trial adds its joules; the score of those that were completed, or
truncated by the budget, counts. An energy that is unavailable makes all later
``E_i`` of its run unknown, and what depends on them NaN: never zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...models.outcome import RESULTS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class AnytimeCurves:
    """The anytime curves of all runs of a table, its rows in their order."""

    # ``run``, ``strategy``, ``state``, ``score`` and ``energy_j``; the rows of a run are in order
    # of completion.
    trials: pd.DataFrame
    names: pd.Index  # names of the runs, in order of appearance
    run: NDArray[np.intp]  # of each row, the place of its run in ``names``
    # ``E_i`` of each row; NaN from the first unknown one of its run on.
    energy_j: NDArray[np.float64]
    # ``A(E_i)`` of each row; minus infinity before the first result of its run.
    score: NDArray[np.float64]
    last: NDArray[np.intp]  # the last row of each run

    @classmethod
    def of(cls, trials: pd.DataFrame) -> AnytimeCurves:
        """Follow the runs of a trial table."""
        run, names = pd.factorize(trials["run"])
        counted = trials["state"].isin(RESULTS).to_numpy(dtype=bool)
        score = np.where(counted, floats(trials["score"]), np.nan)
        last = np.zeros(len(names), dtype=np.intp)
        last[run] = np.arange(len(run))
        return cls(
            trials,
            pd.Index(names, name="run"),
            run,
            floats(pd.Series(floats(trials["energy_j"])).groupby(run).cumsum(skipna=False)),
            floats(pd.Series(score).fillna(-np.inf).groupby(run).cummax()),
            last,
        )

    def per_run(self, values: Any) -> pd.Series:
        """One value for each run, by its name."""
        return pd.Series(values, index=self.names)

    @property
    def strategies(self) -> pd.Series:
        """The strategy of each run."""
        return self.per_run(self.trials["strategy"].to_numpy()[self.last])

    @property
    def totals_j(self) -> pd.Series:
        """The joules that each run spent in all; NaN if any of them are unknown."""
        return self.per_run(self.energy_j[self.last])

    @property
    def known_until_j(self) -> pd.Series:
        """The joules up to which it is known what each run had found; infinite if all are known."""
        known, end_j = ~np.isnan(self.energy_j), np.zeros(len(self.names))
        np.maximum.at(end_j, self.run[known], self.energy_j[known])
        end_j[known[self.last]] = np.inf
        return self.per_run(end_j)

    @property
    def common_j(self) -> float:
        """``B``, the smallest known total of a run, in joules; NaN if none is known."""
        return float(np.fmin.reduce(self.energy_j[self.last], initial=math.nan))

    @property
    def best_so_far(self) -> pd.DataFrame:
        """``E_i`` as ``energy_j`` and ``A(E_i)`` as ``score``, with the index of the trials.

        The score is NaN until there is a result.
        """
        score = np.where(np.isinf(self.score), np.nan, self.score)
        found = {"energy_j": self.energy_j, "score": score}
        return pd.DataFrame(found, index=self.trials.index)

    def improvements(self) -> pd.DataFrame:
        """Return the steps of the anytime curves: where a run found better than all before.

        Returns:
            ``run``, ``strategy``, ``energy_j`` (``E_i``, NaN if unknown) and ``score``, which
            rises strictly within a run; the rows of a run in order of completion.
        """
        before = floats(pd.Series(self.score).groupby(self.run).shift(fill_value=-np.inf))
        better = self.score > before
        run = self.run[better]
        return pd.DataFrame(
            {
                "run": self.names.to_numpy()[run],
                "strategy": self.strategies.to_numpy()[run],
                "energy_j": self.energy_j[better],
                "score": self.score[better],
            }
        )

    def stopped_at(self, limit_j: float) -> AnytimeCurves:
        """Return the curves as they are if each run stops once it has spent so many joules.

        A run that spends less stays as it is, and one whose joules become unknown before that
        stays unknown.
        """
        stopped = self.known_until_j.to_numpy()[self.run] >= limit_j
        beyond = stopped & ~(self.energy_j <= limit_j)
        level = self.levels([limit_j])[self.run, 0]
        return replace(
            self,
            energy_j=np.where(beyond, limit_j, self.energy_j),
            score=np.where(beyond, level, self.score),
        )

    def incumbents(self) -> pd.DataFrame:
        """Return the trial that gave each run its best network, the first of equals.

        Returns:
            Their rows by run, with ``found_j``, the joules that the run had spent when it ended;
            NaN if unknown. A run without any result has none.
        """
        best = self.score[self.last]
        rows = self._first((self.score == best[self.run]) & np.isfinite(self.score))
        rows = rows[rows >= 0]
        return self.trials.iloc[rows].assign(found_j=self.energy_j[rows]).set_index("run")

    def levels(self, energies_j: ArrayLike) -> NDArray[np.float64]:
        """Return ``A(E)`` of all runs at many energies, of shape ``(runs, energies)``.

        Args:
            energies_j: Joules spent, ``E``, ascending.

        Returns:
            Scores: minus infinity before the first result of a run, NaN where its joules are
            not known.
        """
        wanted_j = floats(energies_j)
        known = ~np.isnan(self.energy_j)
        place = self.run[known], np.searchsorted(wanted_j, self.energy_j[known])
        levels = np.full((len(self.names), len(wanted_j) + 1), -np.inf)
        np.maximum.at(levels, place, self.score[known])
        levels = np.maximum.accumulate(levels, axis=1)[:, :-1]
        # Past the last known energy of a run that went on, more may have been found.
        unknown = wanted_j > self.known_until_j.to_numpy()[:, None]
        levels[np.isnan(wanted_j) | unknown] = np.nan
        return levels

    def levels_at(self, energy_j: float) -> pd.Series:
        """Return ``A(E)`` by run at one energy, as `levels` does.

        At the energy that all runs had, no run is judged on more joules than another: the
        fixed-budget view of Hansen et al., 2021 (doi:10.1080/10556788.2020.1808977).
        """
        return self.per_run(self.levels([energy_j])[:, 0])

    def energy_to_target(self, target: float) -> pd.DataFrame:
        """Return what each run spent until it reached a score, or in all if it never did.

        Returns:
            One row per run: ``strategy``; ``hit``, whether the target was reached; ``energy_j``,
            the joules until then, or the run's total where it was not (censored).
        """
        reached = self._first(self.score >= target)
        hit = reached >= 0
        energy_j = self.energy_j[np.where(hit, reached, self.last)]
        return pd.DataFrame({"strategy": self.strategies, "hit": hit, "energy_j": energy_j})

    def anytime_score(
        self, common_j: float | None = None, points: int = 100, worst: float = 0.0
    ) -> pd.Series:
        """Return each run's mean ``A(E)`` over log-spaced ``E``: how good, how early.

        All runs share the grid, from the first result of any run to ``B``. A run without a result
        yet counts as the worst score there, so that finding something early is worth something.
        Where there is no worst score, the grid begins once every run that has a result by ``B`` has
        its first. An area under the anytime curve over log-cost (compare IOHanalyzer's: Wang et
        al., 2022, doi:10.1145/3510426) on the scale of the score.

        Args:
            common_j: ``B``, the joules that every run was given; by default the smallest known
                total of a run.
            points: Number of energies, both ends included.
            worst: The worst score there can be; minus infinity if there is none.

        Returns:
            Mean score by run; NaN where energies are unknown, and for all if none has a result
            within ``B``; minus infinity for a run without a result where there is no worst score.
        """
        end_j = self.common_j if common_j is None else common_j
        within = (self.energy_j > 0) & (self.energy_j <= end_j) & np.isfinite(self.score)
        if not within.any():
            return self.per_run(math.nan)
        firsts_j = pd.Series(self.energy_j[within]).groupby(self.run[within]).min()
        start_j = firsts_j.max() if worst == -math.inf else firsts_j.min()
        grid = np.geomspace(start_j, end_j, points)
        return self.per_run(np.maximum(self.levels(grid), worst).mean(axis=1))

    def _first(self, mask: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The first row of each run where a mask is set; -1 for a run without one."""
        rows = np.full(len(self.names), -1, dtype=np.intp)
        masked = np.flatnonzero(mask)[::-1]
        rows[self.run[masked]] = masked
        return rows


def expected_energy_to_target(per_run: pd.DataFrame) -> float:
    """Return the expected joules until a target is reached, if runs are restarted until one does.

    ``ERT = joules of all runs until the hit or the end / number of hits``: COCO's expected running
    time with joules for evaluations (Hansen et al., 2021, doi:10.1080/10556788.2020.1808977).

    ``per_run`` are the rows of `AnytimeCurves.energy_to_target` of one strategy.

    Returns:
        Joules; infinite if no run reached the target, NaN if a run's joules are unknown.
    """
    hits = int(np.count_nonzero(per_run["hit"]))
    return float(np.sum(floats(per_run["energy_j"]))) / hits if hits else math.inf


def pareto_front(energy_j: ArrayLike, score: ArrayLike) -> NDArray[np.bool_]:
    """Return a mask of the trials that no other trial beats at the same or lower energy.

    Trials of which not both are finite are never on the front.
    """
    from moocore import is_nondominated

    points = np.column_stack([floats(energy_j), -floats(score)])
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    mask = np.zeros(len(points), dtype=bool)
    if len(finite):
        mask[finite] = is_nondominated(points[finite], keep_weakly=True)
    return mask


def hypervolume(
    trials: pd.DataFrame, reference_j: float, worst: float = 0.0, ideal: float = 1.0
) -> float:
    """Return the area that a strategy's trials dominate in energy and score, in joules.

    The hypervolume of ``(energy_j, (ideal - score) / (ideal - worst))``, both to be small, with the
    reference point ``(reference_j, 1)`` (Zitzler and Thiele, 1998, doi:10.1007/BFb0056872), between
    0 and ``reference_j``, the largest energy of a trial that is of interest. Divided by it, it is
    the mean score that the best trial below a random energy has, from 0, the worst score, to 1, the
    ideal one. It is 0 where no score is better than the worst.
    """
    from moocore import hypervolume as area

    counted = trials[trials["state"].isin(RESULTS)]
    span = ideal - worst
    if not span > 0:
        return 0.0
    lacking = (ideal - floats(counted["score"])) / span
    points = np.column_stack([floats(counted["energy_j"]), lacking])
    points = points[np.isfinite(points).all(axis=1)]
    return float(area(points, ref=[reference_j, 1.0])) if len(points) else 0.0


def floats(values: Any) -> NDArray[np.float64]:
    """Return an array of floats; nulls of any column type become NaN."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        return values
    return np.asarray(pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan), np.float64)
