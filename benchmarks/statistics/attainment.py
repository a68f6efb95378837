"""What a share of a strategy's runs attained in energy and score; greater scores are better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...models.outcome import RESULTS
from .runs import floats

if TYPE_CHECKING:
    from collections.abc import Sequence


def attainment_surface(
    trials: pd.DataFrame, levels: Sequence[float] = (0.25, 0.5, 0.75)
) -> pd.DataFrame:
    """Return the empirical attainment surfaces of a strategy over the joules of a trial.

    A run attains ``(E, A)`` if one of its trials cost at most ``E`` joules and scored at
    least ``A``. The surface of a level is the front of what that share of the runs attained,
    rounded up to whole runs: 0.5 is the median surface (Grunert da Fonseca, Fonseca and Hall, 2001,
    doi:10.1007/3-540-44719-9_15; computed by `moocore.eaf`).

    Args:
        trials: The trials of one strategy. Those without a result or known joules attain nothing,
            nor does a run of only such trials.
        levels: Shares of the runs, above 0 and up to 1.

    Returns:
        The corners of the surfaces: ``level``; ``energy_j``, joules of a trial, ascending within a
        level; ``score``. No rows for a level that too few runs attained anything for.
    """
    from moocore import eaf

    run, names = pd.factorize(trials["run"])
    points = np.column_stack([floats(trials["energy_j"]), -floats(trials["score"])])
    attained = trials["state"].isin(RESULTS).to_numpy(dtype=bool) & np.isfinite(points).all(axis=1)
    # Every run takes part, if only by a point that dominates nothing.
    run = np.append(run[attained], np.arange(len(names)))
    points = np.vstack([points[attained], np.full((len(names), 2), np.inf)])
    order = np.argsort(run, kind="stable")  # eaf takes the rows of a set to be neighbours
    surfaces = []
    for level in levels if len(names) else ():
        corners = eaf(points[order], run[order], percentiles=[100 * level])[:, :2]
        corners = corners[np.isfinite(corners).all(axis=1)]
        corners = corners[np.argsort(corners[:, 0])]
        surfaces.append(
            np.column_stack([np.full(len(corners), level), corners[:, 0], -corners[:, 1]])
        )
    columns = ["level", "energy_j", "score"]
    return pd.DataFrame(np.vstack([np.empty((0, 3)), *surfaces]), columns=columns)
