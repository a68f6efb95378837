"""Whether searches could have stopped earlier: what the scores of an epoch say about the last.

Among trials of the same length that were trained to their end, the scores of each epoch are set
beside the final ones: Spearman's and Kendall's rank correlation, what stopping there would have
spent, and the regret of having chosen by it. Trials that were stopped have no final score, so that
the ranks are those of survivors, which are alike and therefore agree less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...models.outcome import RESULTS, State
from ..tables.table import counted
from .runs import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..tables.table import Table

    Array = NDArray[np.float64]

LEAST_TRIALS = 10
MOST_TRIALS = 1_000
"""Trials that are looked at; of more a seeded sample."""
MOST_EPOCHS = 12
AGREEING = 0.8
"""Rank correlation from which on epochs are said to agree with the last one."""
_RESAMPLES = 400


@dataclass(frozen=True)
class EpochFacts:
    """What the scores of one epoch say about the final ones."""

    epoch: int
    rho: float | None  # Spearman's coefficient; None if not defined
    low: float | None  # its 95 % bootstrap interval over trials
    high: float | None
    tau: float | None  # Kendall's tau-b
    spent: float | None  # share of joules, had all but the one chosen stopped here
    regret: float  # how far the final score of the one chosen here is behind the best
    regret_high: float  # 95 % of resamples have at most this


@dataclass(frozen=True)
class Fidelity:
    """How early the scores of a table told the final ones."""

    length: int  # epochs of the trials that are looked at
    trials: int  # of that length, trained to their end
    looked_at: int
    others: int  # trials of other lengths, trained to their end
    stopped: int  # trials that were stopped before their end
    epochs: tuple[EpochFacts, ...]  # ascending; without the last. None: cannot be told
    reason: str = ""  # why it cannot be told

    @property
    def agreeing(self) -> EpochFacts | None:
        """The first epoch from which on all agree, intervals included; None if there is none."""
        found = None
        for each in reversed(self.epochs):
            if each.low is None or each.low < AGREEING:
                break
            found = each
        return found

    @property
    def told(self) -> EpochFacts | None:
        """The epoch that stands for all: the agreeing one, or the last of the first half."""
        early = [each for each in self.epochs if 2 * each.epoch <= self.length]
        return self.agreeing or next(iter([*early[-1:], *self.epochs[:1]]), None)


def fidelity(table: Table) -> Fidelity | None:
    """Set the scores of each epoch beside the final ones; None for a table without curves."""
    if table.curves is None or table.curves.empty:
        return None
    trials, curves = table.trials, table.curves
    key = ["run", "trial"]
    whole = trials.loc[
        (trials["state"] == State.COMPLETE) & trials["score"].notna(), key
    ].drop_duplicates()
    stopped = int((trials["state"].isin(RESULTS) & (trials["state"] != State.COMPLETE)).sum())
    points = curves[[*key, "epoch", "energy_j", "score"]].merge(whole, on=key)
    ends = points.groupby(key, sort=False)["epoch"].max()
    counts = ends[ends > 1].value_counts()
    if counts.empty:
        return None
    enough = counts[counts >= LEAST_TRIALS]
    lengths = counts.index.to_numpy(dtype=int)  # the most frequent first
    length = int(lengths[: len(enough)].max() if len(enough) else lengths[0])
    n = int(counts[length])
    others = int(len(ends) - n)
    if not len(enough):
        told = f"{counted(n, 'trial')} {'was' if n == 1 else 'were'} trained to"
        few = f"{told} their end at epoch {length}, {LEAST_TRIALS} are needed"
        return Fidelity(length, n, n, others, stopped, (), few)
    kept = ends.index[ends == length]
    if len(kept) > MOST_TRIALS:
        chosen = np.random.default_rng(0).choice(len(kept), MOST_TRIALS, replace=False)
        kept = kept[np.sort(chosen)]
    own = points.set_index(key)
    own = own[own.index.isin(kept)].set_index("epoch", append=True)
    own = own[~own.index.duplicated(keep="last")]
    score = own["score"].unstack("epoch").astype(float)
    energy_j = own["energy_j"].unstack("epoch").astype(float)
    full = score.columns[score.notna().all()]
    epochs = _facts(
        full.to_numpy(dtype=int),
        np.asarray(table.metric.oriented(floats(score[full].to_numpy(dtype=float)))),
        energy_j[full].to_numpy(dtype=float),
    )
    reason = "" if epochs else "no epoch before the last was validated in all of these trials"
    return Fidelity(length, n, len(kept), others, stopped, tuple(epochs), reason)


def _facts(epochs: NDArray[np.int_], score: Array, energy_j: Array) -> list[EpochFacts]:
    """What each epoch says; scores and joules of shape [trials, epochs], the last is the end."""
    from scipy.stats import kendalltau

    if len(epochs) < 2:
        return []
    n = len(score)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES)
    weights = np.vstack([np.ones(n), drawn.astype(float)])  # the first is the table itself
    final = score[:, -1]
    ranks = _ranks(final, weights)
    total_j = energy_j[:, -1].sum()
    found = []
    for at in _thinned(len(epochs) - 1):
        here = score[:, at]
        rho = _correlations(_ranks(here, weights), ranks, weights)
        bounds = np.nanpercentile(rho[1:], [2.5, 97.5]) if np.isfinite(rho[1:]).any() else None
        regrets = _regrets(here, final, weights)
        chosen = int(here.argmax())
        tau: Any = kendalltau(here, final)
        spent_j = energy_j[:, at].sum() + energy_j[chosen, -1] - energy_j[chosen, at]
        share = float(spent_j / total_j) if total_j > 0 else float("nan")
        found.append(
            EpochFacts(
                int(epochs[at]),
                _known(rho[0]),
                None if bounds is None else _known(bounds[0]),
                None if bounds is None else _known(bounds[1]),
                _known(tau.statistic),
                _known(share),
                float(regrets[0]),
                float(np.percentile(regrets[1:], 95)),
            )
        )
    return found


def _thinned(count: int) -> list[int]:
    """At most so many of the first places, dense at the beginning."""
    if count <= MOST_EPOCHS:
        return list(range(count))
    return [int(each) - 1 for each in np.unique(np.geomspace(1, count, MOST_EPOCHS).round())]


def _ranks(values: Array, weights: Array) -> Array:
    """Mid-ranks of values in each resample, shape [resamples, values]."""
    order = np.argsort(values, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(values[order]) > 0))
    counts = np.add.reduceat(weights[:, order], first, axis=1)
    middle = np.cumsum(counts, axis=1) - counts / 2
    place = np.empty(len(values), dtype=np.intp)
    place[order] = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(values))))
    return middle[:, place]


def _correlations(x: Array, y: Array, weights: Array) -> Array:
    """Pearson's coefficient of each resample; NaN where one of the two is the same throughout."""
    totals = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / totals
    y = y - (weights * y).sum(axis=1, keepdims=True) / totals
    scale = np.sqrt((weights * x**2).sum(axis=1) * (weights * y**2).sum(axis=1))
    product = (weights * x * y).sum(axis=1)
    found = np.divide(product, scale, out=np.full(len(scale), np.nan), where=scale > 0)
    return np.clip(found, -1.0, 1.0)


def _regrets(here: Array, final: Array, weights: Array) -> Array:
    """How far the final score of the best here is behind the best of each resample."""
    drawn = weights > 0
    chosen = np.where(drawn, here, -np.inf).argmax(axis=1)
    return np.where(drawn, final, -np.inf).max(axis=1) - final[chosen]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
