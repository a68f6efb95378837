"""What a comparison shows: pure functions from the trial table to numbers.

The trial table has one row per trial, the rows of a run in order of completion. Of its columns,
these functions read ``run``, ``strategy``, ``state``, ``accuracy`` (validation; NaN if there is
none) and ``energy_j`` (gross joules of the trial, its share of the search included; NaN if
unavailable).

For a run, ``E_i`` are the joules spent until its i-th trial ended, and ``A(E)`` is the best
accuracy among the trials with ``E_i <= E``. Every trial adds its joules; the accuracy of those that
were completed, or truncated by the budget, counts. An energy that is unavailable makes all later
``E_i`` of its run unknown, and what depends on them NaN: never zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...models.outcome import RESULTS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


# Curves -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Curves:
    """The anytime curves of all runs of a table, its rows in their order.

    Attributes:
        names: Names of the runs, in order of appearance.
        run: Of each row, the place of its run in ``names``.
        energy_j: ``E_i`` of each row; NaN from the first unknown one of its run on.
        accuracy: ``A(E_i)`` of each row; minus infinity before the first result of its run.
    """

    names: pd.Index
    run: NDArray[np.intp]
    energy_j: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @classmethod
    def of(cls, trials: pd.DataFrame) -> _Curves:
        run, names = pd.factorize(trials["run"])
        counted = trials["state"].isin(RESULTS).to_numpy(dtype=bool)
        accuracy = np.where(counted, floats(trials["accuracy"]), np.nan)
        return cls(
            pd.Index(names, name="run"),
            run,
            floats(pd.Series(floats(trials["energy_j"])).groupby(run).cumsum(skipna=False)),
            floats(pd.Series(accuracy).fillna(-np.inf).groupby(run).cummax()),
        )

    @property
    def last(self) -> NDArray[np.intp]:
        """The last row of each run."""
        rows = np.zeros(len(self.names), dtype=np.intp)
        rows[self.run] = np.arange(len(self.run))
        return rows

    def first(self, mask: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The first row of each run where a mask is set; -1 for a run without one."""
        rows = np.full(len(self.names), -1, dtype=np.intp)
        masked = np.flatnonzero(mask)[::-1]
        rows[self.run[masked]] = masked
        return rows

    def levels(self, energies_j: ArrayLike) -> NDArray[np.float64]:
        """``A(E)`` of each run at ascending energies, shape ``(runs, energies)``.

        Minus infinity before a result, NaN if unknown.
        """
        wanted_j = floats(energies_j)
        known = ~np.isnan(self.energy_j)
        place = self.run[known], np.searchsorted(wanted_j, self.energy_j[known])
        levels = np.full((len(self.names), len(wanted_j) + 1), -np.inf)
        np.maximum.at(levels, place, self.accuracy[known])
        levels = np.maximum.accumulate(levels, axis=1)[:, :-1]
        # Past the last known energy of a run that went on, more may have been found.
        end_j = np.zeros(len(self.names))
        np.maximum.at(end_j, self.run[known], self.energy_j[known])
        end_j[~np.isnan(self.energy_j[self.last])] = np.inf
        levels[np.isnan(wanted_j) | (wanted_j > end_j[:, None])] = np.nan
        return levels

    @property
    def common_j(self) -> float:
        """``B``, the smallest known total of a run; NaN if none is known."""
        return float(np.fmin.reduce(self.energy_j[self.last], initial=math.nan))


# Runs ---------------------------------------------------------------------------------------------


def best_so_far(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the anytime curves of runs: ``E_i`` and ``A(E_i)`` for each of their trials.

    Args:
        trials: The rows of one run, or of several.

    Returns:
        One row per trial, with the index of ``trials``: ``energy_j``, cumulative joules of its
        run, and ``accuracy``, the running maximum, NaN until there is a result.
    """
    curves = _Curves.of(trials)
    accuracy = np.where(np.isinf(curves.accuracy), np.nan, curves.accuracy)
    return pd.DataFrame({"energy_j": curves.energy_j, "accuracy": accuracy}, index=trials.index)


def totals_j(trials: pd.DataFrame) -> pd.Series:
    """Return the joules that each run spent in all, by run; NaN if any of them are unknown."""
    curves = _Curves.of(trials)
    return pd.Series(curves.energy_j[curves.last], index=curves.names)


def common_energy_j(trials: pd.DataFrame) -> float:
    """Return ``B``, the smallest known total of a run, in joules; NaN if none is known."""
    return _Curves.of(trials).common_j


def incumbents(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trial that gave each run its best network, the first of equals.

    Args:
        trials: The trial table.

    Returns:
        Their rows by run, with ``found_j``, the joules that the run had spent when it ended; NaN
        if unknown. A run without any result has none.
    """
    curves = _Curves.of(trials)
    best = curves.accuracy[curves.last]
    rows = curves.first((curves.accuracy == best[curves.run]) & np.isfinite(curves.accuracy))
    rows = rows[rows >= 0]
    return trials.iloc[rows].assign(found_j=curves.energy_j[rows]).set_index("run")


def accuracies_per_joule(trials: pd.DataFrame) -> pd.Series:
    """Return each run's best accuracy over the joules spent until it was found, in 1/J.

    A network that barely learns maximises it: show it beside the accuracy, never alone.

    Returns:
        By run; NaN if the joules are unknown or none. A run without any result has none.
    """
    best = incumbents(trials)
    return best["accuracy"].astype(float) / best["found_j"].where(best["found_j"] > 0)


def accuracy_matrix(
    trials: pd.DataFrame, energies_j: ArrayLike
) -> tuple[pd.Index, NDArray[np.float64]]:
    """Return ``A(E)`` of all runs at many energies.

    Args:
        trials: The trial table.
        energies_j: Joules spent, ``E``, ascending.

    Returns:
        Names of the runs in order of appearance, and accuracies of shape ``(runs, energies)``:
        minus infinity before the first result of a run; NaN where what it had spent when is not
        known.
    """
    curves = _Curves.of(trials)
    return curves.names, curves.levels(energies_j)


def levels_at(trials: pd.DataFrame, energy_j: float) -> pd.Series:
    """Return ``A(E)`` by run at one energy, as `accuracy_matrix` does."""
    runs, levels = accuracy_matrix(trials, [energy_j])
    return pd.Series(levels[:, 0], index=runs)


def equal_energy(
    trials: pd.DataFrame, fraction: float = 1.0, common_j: float | None = None
) -> pd.Series:
    """Return each run's accuracy at the energy that all runs had: ``A(fraction * B)``.

    So no run is judged on more joules than another: the fixed-budget view of Hansen et al., 2021
    (doi:10.1080/10556788.2020.1808977).

    Args:
        trials: The trial table.
        fraction: Share of ``B``.
        common_j: ``B``, the joules that every run was given. By default the smallest total among
            the runs whose total is known; that is too little where a run was given more and chose
            to end before.

    Returns:
        Accuracy by run; NaN if there is no result by then, or if what the run had spent when is
        not known.
    """
    end_j = common_energy_j(trials) if common_j is None else common_j
    return levels_at(trials, fraction * end_j).replace(-np.inf, np.nan)


def energy_to_target(trials: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return what each run spent until it reached an accuracy, or in all if it never did.

    Args:
        trials: The trial table.
        target: The accuracy to reach.

    Returns:
        One row per run: ``strategy``; ``hit``, whether the target was reached; ``energy_j``, the
        joules until then, or the run's total where it was not (censored).
    """
    curves = _Curves.of(trials)
    reached, last = curves.first(curves.accuracy >= target), curves.last
    hit = reached >= 0
    return pd.DataFrame(
        {
            "strategy": trials["strategy"].to_numpy()[last],
            "hit": hit,
            "energy_j": curves.energy_j[np.where(hit, reached, last)],
        },
        index=curves.names,
    )


def expected_energy_to_target(per_run: pd.DataFrame) -> float:
    """Return the expected joules until a target is reached, if runs are restarted until one does.

    ``ERT = joules of all runs until the hit or the end / number of hits``: COCO's expected running
    time with joules for evaluations (Hansen et al., 2021, doi:10.1080/10556788.2020.1808977).

    Args:
        per_run: Rows of `energy_to_target`, of one strategy.

    Returns:
        Joules; infinite if no run reached the target, NaN if a run's joules are unknown.
    """
    hits = np.count_nonzero(per_run["hit"])
    return float(np.sum(floats(per_run["energy_j"]))) / hits if hits else math.inf


def anytime_score(
    trials: pd.DataFrame, *, points: int = 100, common_j: float | None = None
) -> pd.Series:
    """Return each run's mean ``A(E)`` over log-spaced ``E``: how good, how early.

    All runs share the grid, from the first result of any run to ``B`` (see `equal_energy`). A run
    without a result yet counts as 0 there, so that finding something early is worth something.
    An area under the anytime curve over log-cost (compare IOHanalyzer's: Wang et al., 2022,
    doi:10.1145/3510426) on the scale of an accuracy.

    Args:
        trials: The trial table.
        points: Number of energies, both ends included.
        common_j: ``B``, as in `equal_energy`.

    Returns:
        Mean accuracy by run; NaN where energies are unknown, and for all if none has a result
        within ``B``.
    """
    curves = _Curves.of(trials)
    end_j = curves.common_j if common_j is None else common_j
    within = (curves.energy_j > 0) & (curves.energy_j <= end_j) & np.isfinite(curves.accuracy)
    if not within.any():
        return pd.Series(math.nan, index=curves.names, dtype=float)
    grid = np.geomspace(curves.energy_j[within].min(), end_j, points)
    return pd.Series(np.maximum(curves.levels(grid), 0.0).mean(axis=1), index=curves.names)


# Trials -------------------------------------------------------------------------------------------


def pareto_front(energy_j: ArrayLike, accuracy: ArrayLike) -> NDArray[np.bool_]:
    """Return which trials no other trial beats at the same or lower energy.

    Args:
        energy_j: Joules of each trial, shape ``(n,)``.
        accuracy: Accuracy of each trial, shape ``(n,)``.

    Returns:
        A mask of shape ``(n,)``; points that are not finite are never on the front.
    """
    from moocore import is_nondominated

    points = np.column_stack([floats(energy_j), -floats(accuracy)])
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    mask = np.zeros(len(points), dtype=bool)
    if len(finite):
        mask[finite] = is_nondominated(points[finite], keep_weakly=True)
    return mask


def hypervolume(trials: pd.DataFrame, reference_j: float) -> float:
    """Return the area that a strategy's trials dominate in energy and accuracy, in joules.

    The hypervolume of ``(energy_j, 1 - accuracy)``, both to be small, with the reference point
    ``(reference_j, 1)`` (Zitzler and Thiele, 1998, doi:10.1007/BFb0056872). Divided by
    ``reference_j`` it is the mean accuracy that the best trial below a random energy has.

    Args:
        trials: The trials of one strategy.
        reference_j: The largest energy of a trial that is of interest; the same for all strategies.

    Returns:
        Joules, between 0 and ``reference_j``.
    """
    from moocore import hypervolume as area

    counted = trials[trials["state"].isin(RESULTS)]
    points = np.column_stack([floats(counted["energy_j"]), 1 - floats(counted["accuracy"])])
    points = points[np.isfinite(points).all(axis=1)]
    return float(area(points, ref=[reference_j, 1.0])) if len(points) else 0.0


def floats(values: Any) -> NDArray[np.float64]:
    """Return an array of floats; nulls of any column type become NaN."""
    if isinstance(values, np.ndarray) and values.dtype == np.float64:
        return values
    return np.asarray(pd.Series(values).to_numpy(dtype=np.float64, na_value=np.nan), np.float64)
