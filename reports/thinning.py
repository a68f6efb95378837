"""Which trials a page draws or holds where it cannot have them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..benchmarks.statistics.runs import AnytimeCurves, floats, pareto_front
from ..models.metric import ACCURACY, Metric
from ..models.outcome import RESULTS, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_MOST_MESSAGES = 100
"""Messages, the commonest first, of each of which a trial is kept."""


@dataclass(frozen=True, eq=False)
class Thinned:
    """Trials that are kept, and of how many."""

    trials: pd.DataFrame
    total: int
    has_incumbents: bool = True  # whether the best trial of every run is among them

    @property
    def is_whole(self) -> bool:
        """Whether no trial was left out."""
        return len(self.trials) == self.total

    def note(self, what: str) -> str:
        """Say how many trials there are and of how many, such as for ``"Drawn"``; else empty."""
        if self.is_whole:
            return ""
        best = ", the best of each run" if self.has_incumbents else ""
        return (
            f"{what}: {len(self.trials):,} of {self.total:,} trials, all fronts{best}, one of each "
            "kind of failure and a random sample of the others."
        )


def thin_trials(
    trials: pd.DataFrame,
    most: int,
    metric: Metric = ACCURACY,
    *,
    by: Sequence[str] = (),
    keep: Iterable[int] = (),
) -> Thinned:
    """Keep the front of each strategy, a trial of each kind of failure, and a seeded sample.

    The sample begins with the incumbent of each run, as long as these are at most half of it.
    Whether a trial is in the sample depends on its place in the table, not on the others.

    Args:
        trials: The trial table.
        most: Trials to keep; each strategy gets an equal share of what the fronts and failures
            leave.
        metric: What the scores are of.
        by: The columns of the groups within which strategies are compared.
        keep: The index of trials that are kept in any case.

    Returns:
        All trials where they are few enough; else more than ``most`` only where what must be kept
        is more.
    """
    if len(trials) <= most:
        return Thinned(trials, len(trials))
    groups = trials.groupby([*by, "strategy"], sort=False, dropna=False)
    cells = np.asarray(groups.ngroup(), dtype=np.intp)
    kept = _fronts(trials, cells, metric) | _failures(trials, cells)
    kept |= trials.index.isin(list(keep))
    best = _incumbents(trials, metric)
    has_incumbents = int((best & ~kept).sum()) <= max(most - int(kept.sum()), 0) // 2
    if has_incumbents:
        kept |= best
    share = max(most - int(kept.sum()), 0) // (int(cells.max()) + 1)
    places = trials.index.to_numpy() if trials.index.dtype.kind == "i" else np.arange(len(trials))
    chances = np.random.default_rng(0).random(int(places.max()) + 1)[places]
    others = np.flatnonzero(~kept)
    others = others[np.argsort(chances[others], kind="stable")]
    turn = pd.Series(cells[others]).groupby(cells[others]).cumcount().to_numpy()
    kept[others[turn < share]] = True
    return Thinned(trials[kept], len(trials), has_incumbents)


def _fronts(trials: pd.DataFrame, cells: NDArray[np.intp], metric: Metric) -> NDArray[np.bool_]:
    """Which trials are on the front of their strategy, the first of equals."""
    energy_j = floats(trials["energy_j"])
    score = metric.oriented(floats(trials["score"].where(trials["state"].isin(RESULTS))))
    front = np.zeros(len(trials), dtype=bool)
    order = np.argsort(cells, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(cells[order])) + 1):
        front[own[pareto_front(energy_j[own], score[own])]] = True
    points = pd.DataFrame({"cell": cells, "energy_j": energy_j, "score": score})
    equals = points[front].duplicated()
    front[equals.index[equals]] = False
    return front


def _failures(trials: pd.DataFrame, cells: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which trials are the first of their strategy and state, or of a common message."""
    state = trials["state"].astype(object).to_numpy()
    kinds = pd.DataFrame({"cell": cells, "state": state})
    first = ~kinds.duplicated().to_numpy() & (state != State.COMPLETE)
    if "message" in trials:
        message = trials["message"].reset_index(drop=True)
        common = message.value_counts().index[:_MOST_MESSAGES]
        first |= (message.isin(common) & ~message.duplicated()).to_numpy()
    return first


def _incumbents(trials: pd.DataFrame, metric: Metric) -> NDArray[np.bool_]:
    """Which trials are the best of their run, the first of equals."""
    scored = pd.DataFrame(
        {
            **{name: trials[name].to_numpy() for name in ("run", "strategy", "state")},
            "score": metric.oriented(floats(trials["score"])),
            "energy_j": floats(trials["energy_j"]),
            "place": np.arange(len(trials)),
        }
    )
    best = np.zeros(len(trials), dtype=bool)
    best[AnytimeCurves.of(scored).incumbents()["place"].to_numpy(dtype=int)] = True
    return best
