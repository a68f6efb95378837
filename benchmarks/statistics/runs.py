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
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...outcome import RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray


# One run ------------------------------------------------------------------------------------------


def best_so_far(run_trials: pd.DataFrame) -> pd.DataFrame:
    """Return the anytime curve of one run: ``E_i`` and ``A(E_i)`` for each of its trials.

    Args:
        run_trials: The rows of one run.

    Returns:
        One row per trial, with the index of ``run_trials``: ``energy_j``, cumulative joules, and
        ``accuracy``, the running maximum, NaN until there is a result.
    """
    energy_j, accuracy = _curve(run_trials)
    return pd.DataFrame({"energy_j": energy_j, "accuracy": accuracy}, index=run_trials.index)


def accuracy_at(run_trials: pd.DataFrame, energy_j: float) -> float:
    """Return ``A(E)`` of one run.

    Args:
        run_trials: The rows of one run.
        energy_j: The joules spent, ``E``.

    Returns:
        The best accuracy by then; NaN if there is no result yet, or if what the run had spent when
        is not known.
    """
    level = float(_levels(run_trials, [energy_j])[0])
    return math.nan if level == -math.inf else level


def accuracy_per_joule(run_trials: pd.DataFrame) -> float:
    """Return a run's best accuracy over the joules spent until it was found, in 1/J.

    A network that barely learns maximises it: show it beside the accuracy, never alone.
    """
    energy_j, accuracy = _curve(run_trials)
    if np.isnan(accuracy).all():
        return math.nan
    found = int(np.nanargmax(accuracy))
    return float(accuracy[found] / energy_j[found]) if energy_j[found] > 0 else math.nan


# All runs -----------------------------------------------------------------------------------------


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
        Accuracy by run; NaN as in `accuracy_at`.
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
    rows = {}
    for run, own in _runs(trials):
        energy_j, accuracy = _curve(own)
        reached = accuracy >= target
        hit = bool(reached.any())
        rows[run] = (own["strategy"].iloc[0], hit, energy_j[reached.argmax() if hit else -1])
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["strategy", "hit", "energy_j"])
    return table.rename_axis("run").astype({"hit": bool, "energy_j": float})


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
    end_j = common_energy_j(trials) if common_j is None else common_j
    results_j = [
        energy_j[~np.isnan(accuracy) & (energy_j > 0) & (energy_j <= end_j)]
        for energy_j, accuracy in (_curve(own) for _, own in _runs(trials))
    ]
    start_j = min((each[0] for each in results_j if len(each)), default=math.nan)
    if math.isnan(start_j):  # no result within B
        return pd.Series({run: math.nan for run, _ in _runs(trials)}, dtype=float).rename_axis(
            "run"
        )
    grid = np.geomspace(start_j, end_j, points)
    scores = {
        run: float(np.mean(np.maximum(_levels(own, grid), 0.0))) for run, own in _runs(trials)
    }
    return pd.Series(scores, dtype=float).rename_axis("run")


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


def _runs(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for run, own in trials.groupby("run", sort=False, observed=True):
        yield str(run), own


def common_energy_j(trials: pd.DataFrame) -> float:
    """Return ``B``, the smallest known total of a run, in joules; NaN if none is known."""
    totals = [_curve(own)[0][-1] for _, own in _runs(trials)]
    return float(np.nanmin(totals)) if np.isfinite(totals).any() else math.nan


def _curve(run_trials: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``E_i`` and ``A(E_i)``; NaN where unknown, and before the first result."""
    counted = run_trials["state"].isin(RESULTS)
    accuracy = floats(run_trials["accuracy"].where(counted))
    return np.cumsum(floats(run_trials["energy_j"])), np.fmax.accumulate(accuracy)


def levels_at(trials: pd.DataFrame, energy_j: float) -> pd.Series:
    """Return ``A(E)`` by run: minus infinity before a result, NaN if unknown."""
    levels = {run: float(_levels(own, [energy_j])[0]) for run, own in _runs(trials)}
    return pd.Series(levels, dtype=float).rename_axis("run")


def _levels(run_trials: pd.DataFrame, energies_j: ArrayLike) -> NDArray[np.float64]:
    """Return ``A(E)`` at several energies: minus infinity before a result, NaN if unknown."""
    energy_j, accuracy = _curve(run_trials)
    wanted_j = floats(energies_j)
    known = int(np.sum(~np.isnan(energy_j)))
    best = np.append(-np.inf, np.nan_to_num(accuracy[:known], nan=-np.inf))
    levels = best[np.searchsorted(energy_j[:known], wanted_j, side="right")]
    # Past the last known energy of a run that went on, more may have been found.
    end_j = math.inf if known == len(energy_j) else np.append(0.0, energy_j[:known])[-1]
    levels[np.isnan(wanted_j) | (wanted_j > end_j)] = np.nan
    return levels


def floats(values: Any) -> NDArray[np.float64]:
    """Return an array of floats; nulls of any column type become NaN."""
    return pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
