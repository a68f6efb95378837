"""What a whole training will take, projected from its first steady epochs.

After the Stable Training Epoch Projection (STEP) of del Rey et al. (arXiv 2307.05520): the joules
measured so far, and those of a window of steady epochs scaled to the epochs to come. STEP finds
where the power becomes steady by a change of regime in a trace of 1 Hz. Here joules per epoch are
all that is needed: epochs are steady once five in a row, the first epoch left out as the warm-up,
have a coefficient of variation of 10 % or less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING

from ...models.outcome import State
from ..tables.facts import Fact

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.table import Table

WARM_UP = 1
"""So many epochs at the beginning are never taken for steady."""
WINDOW = 5
"""So many epochs are projected from."""
STEADY = 0.1
"""Largest coefficient of variation of the joules of steady epochs."""
CLOSE = 0.1
"""A projection is close to what was measured within this share of it."""
_STUDENT_T = 2.7764451051977987  # its 97.5 % quantile for the window's 4 degrees of freedom


@dataclass(frozen=True)
class Projection(Fact):
    """What a training takes in all, with its 95 % prediction interval, in joules.

    The interval takes epochs for independent draws: it is too narrow where the machine drifts.
    """

    total_j: float
    low_j: float
    high_j: float
    epochs: int  # of the whole training
    measured_epochs: int  # the first ones, whose joules are in it as measured
    first: int  # epoch at which the window begins, counted from 1
    spread: float  # coefficient of variation in the window
    steady: bool  # whether it is 10 % or less; else the window is the last five epochs


@dataclass(frozen=True)
class ProjectedTrial(Fact):
    """A trial, as projected and as measured."""

    run: str
    strategy: str
    trial: int
    state: str
    projection: Projection
    measured_j: float | None = None  # None of a training that did not come to its end
    error: float | None = None  # projected over measured, less 1; None where that is unknown


@dataclass(frozen=True)
class Projections(Fact):
    """How the trainings of a table are projected.

    Trainings that came to their end are projected as they could have been once their first five
    steady epochs were behind them; the others from all that is known of them.
    """

    finished: tuple[ProjectedTrial, ...]  # projected beside measured
    unfinished: tuple[ProjectedTrial, ...]  # what they would have taken, or will take
    left_out: int  # trials with too few epochs, or unknown joules or number of epochs
    median_error: float | None  # of the finished ones' errors, without their signs
    close: float | None  # share of the finished ones that are projected within 10 %
    covered: float | None  # share of the finished ones inside their interval


def project(
    cumulative_j: Sequence[float], epochs: int, *, early: bool = False
) -> Projection | None:
    """Project the joules of a whole training from those of its first epochs.

    The epochs to come are taken for draws from the same normal distribution as the window's: with
    mean ``m``, deviation ``s`` and ``k`` epochs to come they take ``k m``, give or take
    ``t s sqrt(k + k^2 / 5)`` (Hahn and Meeker, 1991, section 4.6, for a sum), with Student's t.

    Args:
        cumulative_j: Joules up to the end of each epoch, from the first one on, in order.
        epochs: How many the whole training has, at least as many as those.
        early: Whether to project as soon as that could be done, and to use no later epochs.

    Returns:
        The projection; None with fewer than six epochs.
    """
    if len(cumulative_j) < WARM_UP + WINDOW:
        return None
    energies_j = [after - before for before, after in pairwise(cumulative_j)]
    start = _steady_start(energies_j)
    known = len(cumulative_j)
    if early:
        known = WARM_UP + WINDOW + (start or 0)
    steady = start is not None
    start = known - WARM_UP - WINDOW if start is None else start
    window = energies_j[start : start + WINDOW]
    mean_j, deviation_j = fmean(window), stdev(window)
    to_come = epochs - known
    total_j = cumulative_j[known - 1] + to_come * mean_j
    margin_j = _STUDENT_T * deviation_j * math.sqrt(to_come + to_come**2 / WINDOW)
    return Projection(
        total_j=total_j,
        low_j=max(total_j - margin_j, cumulative_j[known - 1]),
        high_j=total_j + margin_j,
        epochs=epochs,
        measured_epochs=known,
        first=start + WARM_UP + 1,
        spread=deviation_j / mean_j if mean_j > 0 else 0.0,
        steady=steady,
    )


def _steady_start(energies_j: Sequence[float]) -> int | None:
    """Where five steady epochs begin among those after the warm-up; None if nowhere."""
    for start in range(len(energies_j) - WINDOW + 1):
        window = energies_j[start : start + WINDOW]
        if stdev(window) <= STEADY * fmean(window):
            return start
    return None


def project_table(table: Table) -> Projections:
    """Project each trial of a table that has enough epochs in its curves.

    A training that is complete is projected to the epochs that it had, any other one to those that
    its hyperparameter ``epochs`` planned.
    """
    found = list(_projected(table))
    finished = tuple(each for each in found if each.measured_j is not None)
    unfinished = tuple(each for each in found if each.measured_j is None)
    return Projections(finished, unfinished, len(table.trials) - len(found), *_summary(finished))


def _summary(
    finished: Sequence[ProjectedTrial],
) -> tuple[float | None, float | None, float | None]:
    """Median error without its sign, share within 10 %, share inside the interval."""
    errors = [abs(each.error) for each in finished if each.error is not None]
    if not errors:
        return None, None, None
    inside = [
        each.projection.low_j <= each.measured_j <= each.projection.high_j
        for each in finished
        if each.error is not None and each.measured_j is not None
    ]
    return median(errors), fmean(error <= CLOSE for error in errors), fmean(inside)


def _projected(table: Table) -> Iterator[ProjectedTrial]:
    if table.curves is None or not len(table.curves):
        return
    curves = dict(iter(table.curves.sort_values("epoch").groupby(["run", "trial"])))
    for row in table.trials.to_dict("records"):
        curve = curves.get((row["run"], row["trial"]))
        cumulative_j = None if curve is None else _whole(curve)
        if cumulative_j is None:
            continue
        ended = row["state"] == State.COMPLETE.value
        planned = len(cumulative_j) if ended else _number(row.get("p.epochs"))
        if planned is None or planned < len(cumulative_j):
            continue
        projection = project(cumulative_j, planned, early=ended)
        if projection is None or projection.measured_epochs == planned:
            continue  # nothing is left to be projected
        measured_j = cumulative_j[-1] if ended else None
        yield ProjectedTrial(
            run=str(row["run"]),
            strategy=str(row["strategy"]),
            trial=int(row["trial"]),
            state=str(row["state"]),
            projection=projection,
            measured_j=measured_j,
            error=projection.total_j / measured_j - 1 if measured_j else None,
        )


def _whole(curve: pd.DataFrame) -> list[float] | None:
    """Cumulative joules of a curve that has every epoch from the first on; else None."""
    energies_j, epochs = curve["energy_j"].tolist(), curve["epoch"].tolist()
    whole = epochs == list(range(1, len(epochs) + 1))
    return energies_j if whole and all(map(math.isfinite, energies_j)) else None


def _number(value: object) -> int | None:
    try:
        return int(value)  # pyright: ignore[reportArgumentType] - anything else raises
    except (TypeError, ValueError):
        return None
