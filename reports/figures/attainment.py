"""What runs had reached by each energy, and no more of it than can be seen in a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...benchmarks.statistics.runs import AnytimeCurves, floats, pareto_front
from ...models.outcome import RESULTS

MOST_ENERGIES = 400
"""Energies of an anytime curve: as many as a figure has columns of pixels to tell apart."""


def attained(trials: pd.DataFrame, most: int = MOST_ENERGIES) -> pd.DataFrame:
    """Return what the runs of one strategy had reached by each energy.

    Args:
        trials: The trials of the strategy, the rows of a run in order of completion.
        most: Number of energies. Where there are more, an energy stands for those in the
            ``1 / most`` of the logarithmic range before it, so nothing is shown too early.

    Returns:
        ``energy_j``, the ``median`` accuracy with its quartiles ``low`` and ``high`` and the number
        of ``runs`` they are of, from the energy on at which there is a median. A quartile that
        falls to a run without a result is NaN. A run counts up to its last known energy.
    """
    curves = AnytimeCurves.of(trials)
    spent_j = curves.energy_j
    grid = _thinned(np.unique(spent_j[spent_j > 0]), most)
    levels = curves.levels(grid)
    counts = np.sum(~np.isnan(levels), axis=0)
    levels.sort(axis=0)  # NaN last
    columns = np.arange(len(grid))

    def at(position: np.ndarray) -> np.ndarray:
        return levels[np.clip(position, 0, counts - 1).astype(int), columns]

    last = counts - 1
    # Without interpolation: minus infinity, a run without a result, must stay so.
    table = pd.DataFrame(
        {
            "energy_j": grid,
            "low": at(np.floor(0.25 * last)),
            "median": (at(np.floor(0.5 * last)) + at(np.ceil(0.5 * last))) / 2,
            "high": at(np.ceil(0.75 * last)),
            "runs": counts,
        }
    ).replace(-np.inf, np.nan)
    return table[(table["runs"] > 0) & table["median"].notna()]


def steps(curve: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows of a step curve in which a column changes, and the last: it looks alike."""
    values = curve[list(columns)].to_numpy(dtype=float)
    before, after = values[:-1], values[1:]
    alike = (before == after) | (np.isnan(before) & np.isnan(after))
    changed = np.append(True, ~alike.all(axis=1))[: len(curve)]
    changed[-1:] = True
    return curve[changed]


def thin(trials: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the trials that a scatter draws: every front, and a seeded sample of the others.

    Args:
        trials: The trial table.
        most: Trials that may be drawn; each strategy gets an equal share of what the fronts leave.

    Returns:
        All trials where they are few enough; else more than ``most`` only where the fronts are.
    """
    if len(trials) <= most:
        return trials
    front = np.zeros(len(trials), dtype=bool)
    energy_j = floats(trials["energy_j"])
    accuracy = floats(trials["accuracy"].where(trials["state"].isin(RESULTS)))
    codes, names = pd.factorize(trials["strategy"])
    for code in range(len(names)):
        own = np.flatnonzero(codes == code)
        front[own[pareto_front(energy_j[own], accuracy[own])]] = True
    share = max(most - int(front.sum()), 0) // len(names)
    shuffled = np.random.default_rng(0).permutation(np.flatnonzero(~front))
    place = pd.Series(codes[shuffled]).groupby(codes[shuffled]).cumcount().to_numpy()
    return trials[front | np.isin(np.arange(len(trials)), shuffled[place < share])]


def _thinned(energies_j: np.ndarray, most: int) -> np.ndarray:
    """Return the last energy of each of so many equal parts of the logarithmic range."""
    if len(energies_j) <= most:
        return energies_j
    logs = np.log(energies_j)
    parts = np.ceil((logs - logs[0]) / (logs[-1] - logs[0]) * most)
    return energies_j[np.append(np.diff(parts) > 0, True)]
